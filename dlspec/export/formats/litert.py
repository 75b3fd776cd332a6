"""LiteRT (TensorFlow Lite), for phones and small devices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dlspec.core.errors import Diagnostic
from dlspec.export.formats.base import Arrays, Format, Reader, installed
from dlspec.export.formats.quiet import quiet
from dlspec.export.formats.traits import Trait

_LACKING = re.compile(r"(?:TF Select|Custom) ops: (.+)")


class LiteRT(Format):
    """One ``.tflite`` file of LiteRT's own operations, which every interpreter runs."""

    name = "litert"
    title = "LiteRT"
    suffix = ".tflite"
    readers = ("ai-edge-litert", "tensorflow")

    def refused(self, trait: Trait) -> Diagnostic | None:
        """A loop over steps needs operations of TensorFlow, which LiteRT's interpreters lack unless built with them."""
        if trait.kind != "loop":
            return None
        help = "`unroll: true` writes the steps out; their number must stand in `inputs`"
        return Diagnostic("E702", f"LiteRT cannot hold the loop of `{trait.name}`", trait.span, help)

    def write(self, model: Any, named: Any, path: Path) -> None:
        """Converts with LiteRT's own operations only: the converter says which others the model would need."""
        import tensorflow as tf

        self._convert(named, path, target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]})

    def _convert(self, named: Any, path: Path, **options: Any) -> None:
        try:
            named.export(str(path), format="litert", verbose=False, **options)
        except Exception as error:  # the converter's own class is not public
            lacking = ", ".join(_LACKING.findall(str(error)))
            if not lacking:
                raise
            raise RuntimeError(f"it has no operation for {lacking}") from error

    def open(self, path: Path, named: Any) -> Reader:
        """Loads it with the interpreter, which finds inputs and outputs by name."""
        interpreter = _interpreter(path)
        runner = interpreter.get_signature_runner()
        wanted = list(runner.get_input_details())

        def read(inputs: Arrays, kept: Any = interpreter) -> Arrays:  # which the runner does not keep alive
            outputs: Arrays = runner(**{name: inputs[name] for name in wanted})
            return outputs

        return read


class WholeNumbers(LiteRT):
    """The same with weights and activations in 8 bits; inputs and outputs stay as they are.

    Args:
        examples: Inputs by name, one example at a time, by which the ranges of activations are measured.
    """

    exact = False

    def __init__(self, examples: Callable[[], Iterator[Arrays]]) -> None:
        self.examples = examples

    def write(self, model: Any, named: Any, path: Path) -> None:
        """Converts to operations on whole numbers alone: where one is missing, the converter says so."""
        import tensorflow as tf

        names = [tensor.name for tensor in named.inputs]
        self._convert(
            named,
            path,
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=lambda: ([inputs[name] for name in names] for inputs in self.examples()),
            target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        )


def _interpreter(path: Path) -> Any:
    if installed("ai-edge-litert"):
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(str(path))
    import tensorflow as tf

    with quiet(r"\s*Warning: tf.lite.Interpreter is deprecated"):
        return tf.lite.Interpreter(str(path))
