"""Code that dlspec uses itself and exported projects carry as it stands; it imports nothing of dlspec.

Modules are imported one by one where they are needed: some import Keras. Those of functions have no import of
`annotations` from the future, since a project that carries a function has none.
"""
