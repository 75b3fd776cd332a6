"""The layers that keep the names of the spec: all but those that Keras gives to other layers by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import cache

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.graph.lower.program import LayerStep, ParallelStep, Program, RepeatStep, Step, walk

_NUMBER = re.compile(r"_\d+\Z")


class Labels:
    """The names of a program's layers.

    Attributes:
        automatic: Classes, as Keras spells them in automatic names, of which some layer has no name of its own.
        kept: Names that a layer of theirs can carry.
    """

    def __init__(self, program: Program, automatic: Iterable[str] = ()) -> None:
        self.automatic: set[str] = set(automatic)
        written: dict[str, set[str]] = {}
        for definition in (program.main, *program.models.values()):
            for step, repeated in _steps(definition.body, False):
                label = "" if repeated else label_of(step)
                written.setdefault(label, set()).update(_classes(step))
        for block in program.blocks.values():
            self.automatic.update(name for step in walk(block.body) for name in _classes(step))
        self.automatic |= written.pop("", set())
        while refused := [label for label in written if self.collides(label)]:
            for label in refused:
                self.automatic |= written.pop(label)
        self.kept = frozenset(written)

    def collides(self, name: str) -> bool:
        """Whether Keras may give `name` to a layer: ``dense``, ``dense_1``."""
        return collides(name, self.automatic)


def collides(name: str, automatic: Iterable[str]) -> bool:
    """Whether `name` is one of the automatic names of the classes `automatic`."""
    return name in automatic or _NUMBER.sub("", name) in automatic


def label_of(step: Step) -> str:
    """The name that the spec gives to a step's layer; "" where it gives none, or one that changes."""
    operation = isinstance(step, LayerStep) and issubclass(step.layer, Op)
    return step.names[0] if len(step.names) == 1 and "$" not in step.names[0] and not operation else ""


def _steps(body: tuple[Step, ...], repeated: bool) -> Iterator[tuple[Step, bool]]:
    """All steps, each with whether it runs in a repeat."""
    for step in body:
        inside = repeated or step.repeat is not None or isinstance(step, RepeatStep)
        yield step, inside
        if isinstance(step, RepeatStep):
            yield from _steps(step.body, True)
        elif isinstance(step, ParallelStep):
            for _, branch in step.branches:
                yield from _steps(branch, inside)


@cache
def _merging() -> frozenset[str]:
    """Classes of the layers that an expression may choose to merge branches."""
    layers = {name: registry.find("layer", name) for name in registry.names("layer")}
    return frozenset(
        name.rpartition(".")[2]
        for name, owner in layers.items()
        if owner is not None and issubclass(owner, Layer) and owner.takes_list
    )


def _classes(step: Step) -> AbstractSet[str]:
    if isinstance(step, LayerStep):
        return {step.layer.registered_name.rpartition(".")[2]}
    if isinstance(step, ParallelStep):
        key, _ = registry.name_and_value(step.merge)
        return _merging() if "$" in key else {key}
    return set()
