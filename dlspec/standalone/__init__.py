"""Code that exported projects carry as it stands, and dlspec uses where it does the same; it imports nothing of dlspec.

Modules are imported one by one where they are needed: some import Keras. Those of functions have no import of
`annotations` from the future, since a project that carries a function has none.
"""
