"""Losses that compare areas: for masks."""

from __future__ import annotations

from dlspec.components.registry import example, integers, number, optional
from dlspec.components.training import targets as rules
from dlspec.components.training.losses import Loss
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor


class _Overlap(Loss, abstract=True):
    """One minus an overlap of target and output."""

    kind = "loss"  # declared again: these options come last
    targets = "binary"
    whole = True
    axis = optional(
        integers(single=True),
        doc="Axes over which the overlap is taken, counting the batch as 0; unless given all, so that the loss is one "
        "of the whole batch and depends on its size.",
    )

    def problem(self, target: Tensor, output: Tensor) -> None:
        """The axes exist, in the target too: Keras drops a last axis of size 1 that only one of the two has."""
        rules.check(self.targets, self.registered_name, target, output)
        rules.has_axes(self.registered_name, min(output, target, key=lambda side: side.rank), self.axis or ())
        help = "`binary_crossentropy` leaves them out"
        rules.apart(self.registered_name, output, self.axis or (1,), help)

    @property
    def over_batch(self) -> bool:
        """Unless axes of an example are given, the areas of all examples are compared as one."""
        return not self.axis or 0 in self.axis

    def values(self, target: Tensor, output: Tensor) -> Shape:
        """The axes that are left."""
        side = min(target, output, key=lambda side: side.rank)
        if not self.axis:
            return ()
        if {0, -side.rank - 1} & set(self.axis):
            message = f"{self.registered_name} has `axis: {list(self.axis)}`: the batch among others leaves no example"
            raise Problem("E402", message, "name axes of an example, or leave `axis` out", "axis")
        gone = {axis % (side.rank + 1) - 1 for axis in self.axis}
        return tuple(size for index, size in enumerate(side.shape) if index not in gone)


class Dice(_Overlap):
    """One minus the Dice overlap of target and output: for masks."""

    keras = "keras.losses.Dice"
    examples = (example(""), example("{axis: [1, 2]}"))


class Tversky(_Overlap):
    """One minus the Tversky overlap of target and output, in which misses and false alarms weigh differently."""

    keras = "keras.losses.Tversky"
    alpha = number(min=0, default=0.5, doc="Weight of misses (Keras's documentation has it the other way round).")
    beta = number(min=0, default=0.5, doc="Weight of false alarms (likewise).")
    examples = (example(""), example("{alpha: 0.3, beta: 0.7, axis: [1, 2]}"))
