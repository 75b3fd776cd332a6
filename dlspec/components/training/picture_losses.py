"""Losses of pictures."""

from __future__ import annotations

from dlspec.components.registry import example, integer, number
from dlspec.components.training.losses import Loss
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, show_shape


class SSIM(Loss):
    """One minus the structural similarity of two pictures; values within one range, which `max_val` names."""

    kind = "loss"  # declared again: these options come last
    keras = "dlspec.keras_layers.ssim.SSIM"
    whole = True
    constant_sides = False
    example_shapes = ((12, 12, 3), (12, 12, 3))
    max_val = number(above=0, default=1.0, doc="The range of the values: 1 from 0 to 1, 255 for bytes.")
    filter_size = integer(min=1, default=11, doc="Side of the window in pixels, which lies within the picture.")
    filter_sigma = number(above=0, default=1.5, doc="Standard deviation of the Gaussian window in pixels.")
    k1 = number(above=0, default=0.01, doc="Steadies means near 0.")
    k2 = number(above=0, default=0.03, doc="Steadies variances near 0.")
    examples = (example(""), example("{filter_size: 7, max_val: 2}"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Two pictures of one shape, and at least of the size of the window."""
        name = self.registered_name
        if output.rank != 3 or target.shape != output.shape or None in output.shape:
            shapes = f"{show_shape(target.shape)} and {show_shape(output.shape)}"
            raise Problem("E503", f"{name} compares pictures [height, width, channels] of one size, got {shapes}")
        side = min(size or 0 for size in output.shape[:2])
        if side < self.filter_size:
            message = f"{name} has a window of {self.filter_size} pixels, and pictures of {show_shape(output.shape)}"
            raise Problem("E503", message, f"write `filter_size: {side - 1 + side % 2}`", "filter_size")

    def values(self, target: Tensor, output: Tensor) -> Shape:
        """One for each example."""
        return ()
