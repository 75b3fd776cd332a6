"""Starts Keras and TensorFlow for the commands that need them; see :mod:`dlspec.backends.keras.starting`."""

from dlspec.backends.keras.starting import captured_stderr, start

__all__ = ["captured_stderr", "start"]
