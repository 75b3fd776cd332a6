"""What learns in each phase of a training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dlspec.components.sections.matching import layers_meant
from dlspec.components.sections.training import Phase
from dlspec.core.errors import Problem, did_you_mean
from dlspec.training.loop.adapting import Adapting


def choose(model: Any, phase: Phase, called: Mapping[str, str] | None = None, adapting: Adapting | None = None) -> None:
    """Freezes and unfreezes the layers that the phase names.

    Args:
        called: Further names of layers.
        adapting: The adapters, beside which weights stay frozen.

    Raises:
        Problem: E515, a pattern matches no layer, or nothing is left to learn.
    """
    layers = {layer.name: layer for layer in model.layers}
    known = {name: name for name in layers} | {name: own for name, own in (called or {}).items() if own in layers}
    thawed: list[Any] = []
    for patterns, trainable in ((phase.freeze, False), (phase.unfreeze, True)):
        for pattern, names in layers_meant(patterns or (), known).items():
            if not names:
                raise Problem("E515", f"`{pattern}` is no layer of the model", did_you_mean(pattern, layers), "phases")
            for name in names:
                layers[name].trainable = trainable
                thawed += [layers[name]] if trainable else []
    if adapting is not None:
        adapting.hold(thawed)
    if not model.trainable_variables:
        raise Problem("E515", "nothing is left to learn in a phase", "freeze fewer layers", "phases")


def begin_averages(model: Any, averages: Mapping[str, tuple[str, float]], given: Iterable[Any]) -> None:
    """Makes averages equal to what they follow; one that weights were loaded for goes on with them.

    Args:
        averages: As :attr:`dlspec.components.methods.base.Method.averages` has them.
        given: The weights that were loaded.
    """
    from dlspec.standalone.averages import averages_of

    loaded = set(map(id, given))
    for average in averages_of(model, averages).all:
        if loaded.isdisjoint(map(id, average.model.weights)):
            average.begin()
