"""Models in other formats: written by Keras's exporters, loaded again, and compared before they are put in place.

A file per format, each a class on the base in ``base``; TensorFlow is imported inside the calls.
"""
