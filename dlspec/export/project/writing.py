"""Layers of the section `data`, as ``data.py`` makes them: with variables where something in them is searched."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.sections.data import Data
from dlspec.components.sections.sequences import marks_of
from dlspec.export.project.searched import Searched
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code


class LayerWriter:
    """Writes layers, and notes which parameters they need.

    Attributes:
        data: The section.
        constructors: Writes components, and knows which classes of our own they need.
        changed_with: Parameters that random changes need.
        prepared_with: Parameters that layers of preparation need.
    """

    def __init__(self, constructors: Constructors, searched: Searched, data: Data) -> None:
        self.data = data
        self.constructors = constructors
        self.searched = searched
        self._written = dict(_written(data, searched.data))
        for name, feature in (searched.data.get("inputs") or {}).items():
            if isinstance(feature, dict) and searched.used(feature.get("prepare")) and marks_of(data.features, name):
                raise Unsupported("a search of options of `prepare` beside `marks`")
        self.changed_with: tuple[str, ...] = ()
        self.prepared_with: tuple[str, ...] = ()

    def change(self, layer: Layer) -> ast.expr:
        """Expression of a layer of augmentation."""
        made, used = self._layer(layer)
        self.changed_with = tuple(dict.fromkeys([*self.changed_with, *used]))
        return made

    def preparation(self, layer: Layer) -> ast.expr:
        """Expression of a layer of preparation."""
        made, used = self._layer(layer)
        for param in used:
            if param in self.searched.computed:
                raise Unsupported(f"`{param}`, which is computed from searched parameters, in `prepare`")
        self.prepared_with = tuple(dict.fromkeys([*self.prepared_with, *used]))
        return made

    def target(self, layer: Layer) -> ast.expr:
        """A layer of a target's preparation."""
        made, used = self._layer(layer)
        if used:
            raise Unsupported(f"the searched `{used[0]}` in `prepare` of a target")
        return made

    def _layer(self, layer: Layer) -> tuple[ast.expr, tuple[str, ...]]:
        raw = self._written.get(id(layer))  # None for one that fills in missing values
        return self.searched.component("layer", raw, layer, self.constructors), self.searched.used(raw)

    def facts(self) -> dict[str, Code]:
        """The parameters as templates need them: in signatures, and where they are handed on."""
        return {
            "change_parameters": self._signature(self.changed_with, first=False),
            "change_arguments": self._arguments(self.changed_with, first=False),
            "prepare_parameters": self._signature(self.prepared_with, first=True),
            "prepare_arguments": self._arguments(self.prepared_with, first=True),
        }

    def _signature(self, params: Iterable[str], first: bool) -> Code:
        return _joined([self.searched.parameter(param).source() for param in params], first)

    def _arguments(self, params: Iterable[str], first: bool) -> Code:
        return _joined(map(self.searched.identifier, params), first)


def _joined(parts: Iterable[str], first: bool) -> Code:
    """Behind other arguments, or alone."""
    listed = list(parts)
    return Code(("" if first or not listed else ", ") + ", ".join(listed))


def _written(data: Data, raw: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    """Each layer of the section, by its identity, and how it is written."""
    yield from _pairs(data.augment, raw.get("augment"))
    for name, feature in data.features.items():
        written = (raw.get("inputs") or {}).get(name)
        if isinstance(written, dict):
            yield from _pairs(feature.prepare, written.get("prepare"))
            yield from _pairs(feature.augment, written.get("augment"))

    for name, target in data.targets.items():
        written = (raw.get("targets") or {}).get(name)
        if isinstance(written, dict):
            yield from _pairs(target.prepare, written.get("prepare"))


def _pairs(made: Iterable[Layer], written: Any) -> Iterator[tuple[int, Any]]:
    if isinstance(written, list):
        yield from ((id(layer), item) for layer, item in zip(made, written, strict=True))
