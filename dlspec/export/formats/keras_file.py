"""Keras's own format, ``.keras``: architecture, weights, and what lookup layers know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlspec.export.formats.base import Format, Reader
from dlspec.export.formats.naming import by_name
from dlspec.export.formats.quiet import quiet


class KerasFile(Format):
    """One file that Keras loads with ``keras.saving.load_model``."""

    name = "keras"
    holds_everything = True
    title = "a Keras file"
    suffix = ".keras"

    def write(self, model: Any, named: Any, path: Path) -> None:
        """Saves the model as it is."""
        with quiet("__array__ implementation"):
            model.save(path)

    def open(self, path: Path, named: Any) -> Reader:
        """A function that runs the saved model, loaded without its optimizer."""
        import keras

        return by_name(keras.saving.load_model(path, compile=False), list(named.output))
