"""TensorFlow's SavedModel: a folder that TensorFlow Serving and other runtimes of TensorFlow load without Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlspec.export.formats.base import Arrays, Format, Reader


class SavedModel(Format):
    """A folder with the signature ``serving_default``."""

    name = "savedmodel"
    holds_everything = True
    title = "a SavedModel"
    suffix = ""

    def write(self, model: Any, named: Any, path: Path) -> None:
        """Exports the computation at inference."""
        named.export(str(path), format="tf_saved_model", verbose=False)

    def open(self, path: Path, named: Any) -> Reader:
        """Loads the signature that servers use."""
        import tensorflow as tf

        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]

        def read(inputs: Arrays, kept: Any = loaded) -> Arrays:  # the signature's variables live as long as this
            outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
            return {name: value.numpy() for name, value in outputs.items()}

        return read
