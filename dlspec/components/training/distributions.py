"""Distributions: which devices compute a training together."""

from __future__ import annotations

from typing import ClassVar

from dlspec.components.registry import Component, example, integer, optional


class Distribution(Component, abstract=True):
    """Base of all distributions.

    Class attributes:
        opener: Dotted path of the function that finds the devices: it takes the declared distribution and returns a
            :class:`dlspec.training.loop.distribution.Distribution`, or None where nothing is shared.
        divides: Whether each device computes a share of every batch. Devices meet in such steps, which XLA cannot
            compile, and between which no device can decide anything by itself.
    """

    kind = "distribution"
    opener: ClassVar[str] = ""
    divides: ClassVar[bool] = False

    @property
    def shares(self) -> int:
        """Number of devices that share each batch, if the spec gives it; else 1."""
        return 1


class Mirrored(Distribution):
    """Each device of this machine holds a copy of the model and computes its share of every batch."""

    opener = "dlspec.training.loop.mirrored.open_devices"
    divides = True
    shorthand = "devices"
    devices = optional(
        integer(
            min=2, max=256, doc="Number of devices; all GPUs unless given. Without a GPU, the CPU serves as that many."
        )
    )
    examples = (example(""), example("2"))

    @property
    def shares(self) -> int:
        """Number of devices."""
        return self.devices or 1
