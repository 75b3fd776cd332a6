"""What helps a training that can do without it, as the components of a spec declare it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from dlspec.components.layers.base import Layer
from dlspec.components.registry import Component, Field, name_and_value, options_by_name
from dlspec.components.training.schedules import base_rate
from dlspec.core.tree import span_at
from dlspec.graph.lower.program import COMMON
from dlspec.passes.state import Checked
from dlspec.semantics.schema.context import Context
from dlspec.tuning.ablation.edits import GONE, Candidate, Path

# Averages of the weights and what puts them into place go together, whatever the option is called.
_TOGETHER = ("averaging",)


def aid_of(owner: type[Component]) -> str:
    """How a component helps training; of a layer that changes examples at random, as augmentation."""
    return owner.aid or ("augmentation" if issubclass(owner, Layer) and owner.augments else "")


@dataclass(frozen=True)
class Aids:
    """Finds what helps training in a checked spec; all that has one name is one candidate."""

    state: Checked

    def sections(self) -> Iterator[Candidate]:
        """The aids in `data` and `train`."""
        for key, section in (("data", self.state.data_section), ("train", self.state.method)):
            written = self.state.data.get(key)
            if section is not None and isinstance(written, Mapping):
                yield from self.options(type(section), written, (key,))

    def options(self, owner: type[Component], value: Any, path: Path) -> Iterator[Candidate]:
        """The aids among the options of one component, and in the components that they hold.

        Args:
            owner: Its class.
            value: What follows its name in the spec.
            path: Where that stands.
        """
        if isinstance(value, list) or "" in (options := options_by_name(owner, value)):
            return
        options = {key: item for key, item in options.items() if key not in COMMON}
        for name, field in owner.fields.items():
            written = options.get(name)
            if field.aid and (written is not None or field.off is not None) and written != self._off(field):
                yield self._without(name, field, owner, value, path)
            if field.kind and written is not None:
                inner = (*path, name) if isinstance(value, Mapping) else path
                yield from self._nested(field, written, inner)

    @staticmethod
    def _off(field: Field[Any]) -> Any:
        return field.default if field.off is None else field.off

    def _without(self, name: str, field: Field[Any], owner: type[Component], value: Any, path: Path) -> Candidate:
        """The candidate that lacks one option."""
        title = field.aid if field.aid in _TOGETHER else name
        if not isinstance(value, Mapping):  # the name of the component, or its one obvious option
            given = {} if value is None else {owner.shorthand: value}
            whole = {**given, name: field.off} if field.off is not None else GONE
            edits = {path: whole} if value is not None else {path[:-1]: {path[-1]: whole}}
            return Candidate(title, field.aid, cast("dict[Path, Any]", edits))
        edits = {(*path, name): GONE if field.off is None else field.off}
        edits |= {(*path, other): GONE for other in field.beside if other in value}
        return Candidate(title, field.aid, edits)

    def _nested(self, field: Field[Any], written: Any, path: Path) -> Iterator[Candidate]:
        """The aids in the components that an option holds."""
        find = self.state.catalogue.find
        if field.container in ("options", "map"):
            target = cast("type[Component]", find(field.kind, field.target)) if field.target else None
            items = {(): written} if field.container == "options" else {(key,): item for key, item in written.items()}
            for inner, value in items.items():
                if target is None:
                    yield from self._component(field, value, (*path, *inner))
                else:
                    yield from self.options(target, value, (*path, *inner))
        elif field.container == "per_output" and self._by_output(field, written):
            for key, value in written.items():
                yield from self._several(field, value, (*path, key))
        else:
            yield from self._several(field, written, path)

    def _by_output(self, field: Field[Any], written: Any) -> bool:
        """Whether a value maps names of outputs to components, as the evaluation of options reads it."""
        names = self.state.catalogue.names(field.kind)
        return isinstance(written, Mapping) and not any(key in names for key in written)

    def _several(self, field: Field[Any], written: Any, path: Path) -> Iterator[Candidate]:
        items = enumerate(written) if isinstance(written, list) else None
        if items is None:
            yield from self._component(field, written, path)
        else:
            for index, item in items:
                yield from self._component(field, item, (*path, index))

    def _component(self, field: Field[Any], written: Any, path: Path) -> Iterator[Candidate]:
        """A component that is an aid itself, or the aids in its options."""
        name, value = name_and_value(written)
        owner = self.state.catalogue.find(field.kind, name) if isinstance(name, str) else None
        if owner is None:
            if isinstance(written, str) and "$" in written and field.nullable:
                yield from self._named(field, path)
            return
        listed = isinstance(path[-1], int)
        aid = aid_of(owner)
        if aid and field.container == "number":
            yield self._scheduled(owner, written, path)
        elif aid and (listed or field.nullable):
            title = aid if aid in _TOGETHER else name if listed else str(path[-1])
            yield Candidate(title, aid, {path: GONE})
        elif isinstance(written, Mapping):
            yield from self.options(owner, value, (*path, name))
        else:
            yield from self.options(owner, None, (*path, name))

    def _named(self, field: Field[Any], path: Path) -> Iterator[Candidate]:
        """A parameter in place of a component: all of a kind are the same aid, or none is."""
        names = self.state.catalogue.names(field.kind)
        owner = self.state.catalogue.find(field.kind, names[0]) if names else None
        if owner is not None and owner.aid:
            yield Candidate(str(path[-1]), owner.aid, {path: GONE})

    def _scheduled(self, owner: type[Component], written: Any, path: Path) -> Candidate:
        """The rate of a schedule, from which it starts or to which it leads first, in its place."""
        span = span_at(self.state.data, path)
        evaluate = self.state.evaluator.component
        schedule = evaluate("schedule", written, self.state.environment, Context(path), span)
        rate = base_rate(schedule)
        name = owner.registered_name
        if rate is None:
            return Candidate(name, owner.aid, refused="its own rate is not known without running it")
        return Candidate(name, owner.aid, {path: rate})
