"""Holds the data against the JSON schema and repairs what can be repaired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from dlspec.components.methods.base import wants_targets
from dlspec.components.registry import Catalogue
from dlspec.core.errors import Diagnostic, Note, Span
from dlspec.core.tree import Map
from dlspec.passes.state import Extended, step
from dlspec.semantics.schema.conforming import check
from dlspec.semantics.schema.keywords import definition, opened_to, schema


@step(requires=Extended)
def conform(state: Extended) -> None:
    """Reports every violation; wrong values are replaced so that later passes pass over them."""
    raw = state.data.get("data")
    needless = state.reading.alone or not wants_targets(state.data.get("train"), state.catalogue)
    if needless and isinstance(raw, Map) and ("source" in raw or "sources" in raw):
        raw.setdefault("targets", Map())  # nothing is predicted
    with _wanting_targets(state.catalogue, wanted=not needless):
        diagnostics = check(state.data, schema())
    # Items of a list without their dashes: that a name stands twice among them is no further mistake.
    mappings = [item.span for item in diagnostics if item.span is not None and item.message.endswith("got a mapping")]
    state.diagnostics.items = [
        item
        for item in state.diagnostics.items
        if item.code != "Y007"
        or not any(within(note.span, around) for note in item.notes if note.span for around in mappings)
    ]
    state.diagnostics.extend(_once(diagnostics))


def _wanting_targets(catalogue: Catalogue, *, wanted: bool) -> AbstractContextManager[None]:
    """Inside, data need targets, where they are wanted: whether they are follows from another section."""
    if not wanted:
        return nullcontext()
    section = definition("section.data")
    either = {**section["else"], "required": ["source", "targets"]}
    return opened_to({**catalogue.definitions, "section.data": {**section, "required": ["targets"], "else": either}})


def _once(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """A name that nothing may have is one mistake, at its first place; notes name the others."""
    named: dict[str, list[Diagnostic]] = {}
    for item in diagnostics:
        if item.code == "E103" and item.span is not None:
            named.setdefault(item.message.split("`")[1], []).append(item)
        else:
            yield item
    for name, items in named.items():
        first, *others = sorted(items, key=lambda item: item.span or Span("", 0, 0, 0, 0))
        notes = tuple(Note(f"`{name}` stands here as well", item.span) for item in others)
        yield first._replace(notes=(*first.notes, *notes))


def within(inner: Span, outer: Span) -> bool:
    """Whether a stretch lies inside another one of the same file."""
    return inner.file == outer.file and outer[1:3] <= inner[1:3] and inner[3:5] <= outer[3:5]
