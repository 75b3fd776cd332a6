"""The sections inside `train`."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import component, example, integer, number, optional, texts
from dlspec.components.sections.base import Section


class Checkpoint(Section):
    """How often a training is saved so that it can go on after an interruption; it costs no more than a twentieth."""

    shorthand = "every"
    every = number(min=0, default=30.0, doc="Seconds of training that may be lost at most; 0 saves after every step.")
    examples = (example("60"), example("{every: 0}"))


class Phase(Section):
    """A stretch of training in which other weights learn, with an optimizer of its own."""

    epochs = integer(min=1, doc="Passes over the training split.")
    freeze = optional(
        texts(),
        doc="Layers that stop learning: names, blocks (`encoder` means all inside) or patterns (`*.batch_norm*`).",
    )
    unfreeze = optional(texts(), doc="Layers that learn from now on; comes after `freeze`.")
    optimizer: Any = component(
        "optimizer", default=None, doc="How the weights are changed; that of `train` unless given."
    )
    examples = (
        example("{epochs: 5, freeze: backbone}"),
        example('{epochs: 20, unfreeze: "backbone.stage_4*", optimizer: {adam: 1e-5}}'),
    )
