"""The step `losses.triplet`, which compares three tensors; the losses of two are derived in `components.ops.losses`."""

from __future__ import annotations

from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import example, number
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class Triplet(Layer):
    """The code of an example lies nearer to that of a positive one than to that of a negative one, by a margin.

    max(0, m + |a - p| - |a - n|), one number for each example. Source: Schroff, Kalenichenko & Philbin, "FaceNet",
    2015, equation 3, of distances rather than their squares as in `batch_triplet`.
    """

    keras = "dlspec.keras_layers.Triplet"
    arguments = ("anchor", "positive", "negative")
    trainable: Any = True  # there is nothing to train
    dtype: Any = None
    margin = number(above=0, default=1.0, doc="By how much the distances differ.")
    examples = (example("", (4,), (4,), (4,)), example("{margin: 0.5}", (4,), (4,), (4,)))

    @classmethod
    def value_names_inputs(cls) -> bool:
        """`losses.triplet: [anchor, positive, negative]` names what it compares."""
        return True

    def infer(self, *codes: Tensor) -> Tensor:
        """[].

        Raises:
            Problem: E402.
        """
        if any(code.rank != 1 or not code.floating or code.shape != codes[0].shape for code in codes):
            given = ", ".join(f"{code.dtype} {show_shape(code.shape)}" for code in codes)
            message = f"{self.name} takes three codes of one length, such as [32], but got {given}"
            raise Problem("E402", message, "give it what one model makes of the three examples")
        return Tensor(())

    def flops(self, output: Tensor, *codes: Tensor) -> int:
        """Three operations for each number of the two distances: a difference, its square, and the sum."""
        return 6 * codes[0].size


Triplet.registered_name = "losses.triplet"
