"""The adapters of a training: enabled before its first step, merged whenever its model is saved."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.core.documents.report import Fact
from dlspec.training.loop.distribution import ONE_DEVICE, Distribution


class Adapting:
    """What :mod:`dlspec.standalone.adapters` does, where the method has adapters; else nothing.

    Args:
        method: The way of training.
        whole: All that is trained, built.
        distribution: The devices on which its variables stand.
    """

    def __init__(self, method: Method, whole: Any, distribution: Distribution = ONE_DEVICE) -> None:
        self._method, self._whole, self._distribution = method, whole, distribution
        self._adapters: Any = None

    def begin(self) -> None:
        """Gives the layers their adapters; nothing else learns from now on."""
        adapted = self._method.adapted
        if adapted is not None:
            from dlspec.standalone.adapters import Adapters
            from dlspec.training.loop.grouping import layers_by_key

            layers = layers_by_key(self._whole)
            weights = [
                layers[site.weight.layer].weights[site.weight.node.weights.index(site.weight.declared)]
                for site in adapted.sites
            ]
            learning = [layers[name] for name in layers if name in adapted.learning]
            given = {"rank": adapted.adapter.rank, "alpha": adapted.adapter.lora_alpha, "seed": self._method.seed}
            made = partial(Adapters, self._whole, weights, learning, **given)
            self._adapters = self._distribution.build(made)

    def hold(self, unfrozen: Iterable[Any]) -> None:
        """Freezes again all that does not learn, after a phase has let layers learn."""
        if self._adapters is not None:
            self._adapters.hold(unfrozen)

    def merged(self) -> AbstractContextManager[None]:
        """A context in which the model is one without adapters, as it is to be saved."""
        merged: AbstractContextManager[None] = nullcontext() if self._adapters is None else self._adapters.merged()
        return merged

    def merge(self) -> None:
        """Adds what the adapters have learnt to the weights, when training is over."""
        if self._adapters is not None:
            self._adapters.merge()

    def facts(self) -> dict[str, Fact]:
        """For the report: what learnt."""
        adapted = self._method.adapted
        if adapted is None:
            return {}
        title = f"parameters that learn, with `{adapted.adapter.name}` of rank {adapted.adapter.rank}"
        return {"adapters": {"title": title, "value": adapted.trainable, "unit": ""}}
