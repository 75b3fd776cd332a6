"""ONNX, for onnxruntime and other runtimes: written by Keras through tf2onnx."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlspec.backends.keras.internals import flatten_layers
from dlspec.core.errors import Diagnostic
from dlspec.export.formats.base import Arrays, Format, Reader
from dlspec.export.formats.onnx_operations import register
from dlspec.export.formats.quiet import quiet
from dlspec.export.formats.traits import Trait


class OnnxFile(Format):
    """One file; batch and unknown axes stay open."""

    name = "onnx"
    title = "ONNX"
    suffix = ".onnx"
    writers = ("tf2onnx", "onnx")
    readers = ("onnxruntime",)

    def refused(self, trait: Trait) -> Diagnostic | None:
        """ONNX has no operations for the vocabularies behind text."""
        if trait.kind != "text":
            return None
        help = "turn text into numbers before the model, or export with `--to savedmodel` or `--to litert`"
        return Diagnostic("E702", f"ONNX cannot hold the text input `{trait.name}`", trait.span, help)

    def write(self, model: Any, named: Any, path: Path) -> None:
        """Exports, and raises where tf2onnx logs an error but writes a file nevertheless."""
        register()
        # Keras 3.15 asks whether numpy still has `object`.
        with quiet("In the future `np.object`"), _errors_raised(), _plain_constants(named):
            named.export(str(path), format="onnx", verbose=False)

    def open(self, path: Path, named: Any) -> Reader:
        """Loads it with onnxruntime on the CPU."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]

        def read(inputs: Arrays) -> Arrays:
            return dict(zip(names, session.run(names, dict(inputs)), strict=True))

        return read


@contextmanager
def _plain_constants(model: Any) -> Iterator[None]:
    """Turns tensors that layers keep, such as the mean of `normalization`, into NumPy arrays for a while.

    tf2onnx takes a tensor from outside of what it converts for an input, and writes a model that asks for it.
    """
    import tensorflow as tf

    kept: list[tuple[dict[str, Any], str, Any]] = []
    for layer in flatten_layers(model):
        for name, value in list(vars(layer).items()):
            if isinstance(value, tf.Tensor):
                kept.append((vars(layer), name, value))
                vars(layer)[name] = value.numpy()
    try:
        yield
    finally:
        for attributes, name, value in kept:
            attributes[name] = value


class ConversionError(Exception):
    """Raised where tf2onnx cannot convert an operation."""


class _Errors(logging.Handler):
    """Keeps the errors that are logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def _errors_raised() -> Iterator[None]:
    logger = logging.getLogger("tf2onnx")
    handler, level, propagate = _Errors(), logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
    if handler.messages:
        raise ConversionError("\n".join(handler.messages))
