"""Transforms of numbers that are spread over several sizes; a target may be prepared with them, too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import boolean, choice, example
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known, show_shape

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Log1p(Layer):
    """Takes the natural logarithm of 1 + x, of numbers above -1."""

    keras = "dlspec.keras_layers.Log1p"
    prepares = True
    undoable = True
    masking = "pass"
    invert = boolean(default=False, doc="Whether to undo it instead: exp(x) - 1.")
    examples = (example("", (5,)), example("{invert: true}", (7, None)))

    @property
    def above(self) -> float | None:
        """-1, whose logarithm is infinite; None for the inverse."""
        return None if self.invert else -1.0

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        _check_floating(x, self.name)
        return Tensor(x.shape, self.compute_dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per element."""
        return output.size

    def measured(self, values: Array) -> Array | None:
        """The logarithms of the values plus 1."""
        import numpy as np

        return np.expm1(values) if self.invert else np.log1p(values)


class Power(Layer):
    """Raises each feature to the power that brings its spread closest to a normal one, found on the training data."""

    keras = "dlspec.keras_layers.Power"
    prepares = True
    undoable = True
    weighs_measures = True
    masking = "pass"
    shorthand = "method"
    method = choice(
        "yeo_johnson", "box_cox", default="yeo_johnson", doc="`box_cox` takes numbers above 0 only, the other one all."
    )
    invert = boolean(
        default=False, doc="Whether to undo it instead; the powers are fitted to the values that are to come out."
    )
    examples = (example("", (5,)), example("box_cox", (3,)), example("yeo_johnson", (7, 2)))

    @property
    def adapts(self) -> bool:
        """The exponents are found on the training data."""
        return True

    @property
    def above(self) -> float | None:
        """0 for Box-Cox, which takes logarithms; else None."""
        return 0.0 if self.method == "box_cox" else None

    def validate(self) -> None:
        """16 bits cannot hold the exponents."""
        if "16" in (self.dtype or ""):
            message = f"power in {self.compute_dtype}: its exponents do not fit into 16 bits"
            raise Problem("E207", message, "leave `dtype` out: it computes in float32 under any `precision`", "dtype")

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        _check_floating(x, self.name)
        if not x.rank:
            message = f"power takes features, but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "put `reshape: [1]` before it")
        known(x, -1, self.name)
        return Tensor(x.shape, self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """The exponent of each feature, and between which powers it is undone."""
        for name in ("exponents", "lowest", "highest"):
            yield Weight(name, (known(x, -1, self.name),), trainable=False)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """A power, a difference and a quotient for each element."""
        return 3 * output.size


def _check_floating(x: Tensor, who: str) -> None:
    """Raises E409 for what is no floating-point number."""
    if not x.floating:
        message = f"{who} takes floating-point numbers, but the input has dtype {x.dtype}"
        raise Problem("E409", message, "words and class numbers take `category_encoding` or `embedding`")
