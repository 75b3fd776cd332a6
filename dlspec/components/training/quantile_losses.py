"""Losses of outputs that say how far a number may lie away."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import example, plain
from dlspec.components.training.losses import Loss
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class Quantile(Loss):
    """The pinball loss: each unit of the output learns below which number a share of the targets lies."""

    kind = "loss"  # declared again: these options come last
    keras = "dlspec.keras_layers.quantile.Quantile"
    shorthand = "quantiles"
    averages = False
    example_shapes = ((1,), (3,))
    quantiles: Any = plain(
        {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "minItems": 1},
        doc="The share of each unit, rising; 0.5 is among them, which metrics and the report take for the answer.",
    )
    examples = (example("[0.1, 0.5, 0.9]"), example("{quantiles: [0.25, 0.5, 0.75]}"))

    def validate(self) -> None:
        """The shares rise, and the median is among them."""
        super().validate()
        shares = [float(share) for share in self.quantiles]
        if shares != sorted(set(shares)):
            raise Problem("E207", f"`quantiles` must rise, got {self.quantiles}", "", "quantiles")
        if 0.5 not in shares:
            message = "`quantiles` lacks 0.5, which metrics and the report take for the answer"
            raise Problem("E207", message, f"write `quantile: {sorted([*shares, 0.5])}`", "quantiles")

    @property
    def answer(self) -> int:
        """Index of the unit of the median."""
        return [float(share) for share in self.quantiles].index(0.5)

    def compared(self, output: Tensor) -> Tensor:
        """The type of a target: one number for all units."""
        return Tensor((*output.shape[:-1], 1), output.dtype, output.masked)

    def problem(self, target: Tensor, output: Tensor) -> None:
        """One number for each example, and a unit for each share."""
        count = len(self.quantiles)
        if output.shape != (count,):
            message = f"quantile has {count} shares, but the output has shape {show_shape(output.shape)}"
            raise Problem("E503", message, f"give the last layer {count} units")
        if target.shape not in ((), (1,)):
            message = f"quantile takes one number for each example, but the target has shape {show_shape(target.shape)}"
            raise Problem("E503", message, "give each column an output of its own")
