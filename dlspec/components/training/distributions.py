"""Distributions: which devices compute a training together."""

from __future__ import annotations

from dlspec.components.registry import Component, example, integer, optional


class Distribution(Component, abstract=True):
    """Base of all distributions."""

    kind = "distribution"


class Mirrored(Distribution):
    """Each device of this machine holds a copy of the model and computes its share of every batch."""

    shorthand = "devices"
    devices = optional(
        integer(
            min=2, max=256, doc="Number of devices; all GPUs unless given. Without a GPU, the CPU serves as that many."
        )
    )
    examples = (example(""), example("2"))
