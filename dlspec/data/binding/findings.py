"""Problems of data together with their place in a spec's sections, before the file's spans are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from dlspec.core.errors import Diagnostic, Note, Problem
from dlspec.core.tree import span_at
from dlspec.data.sources.base import DataProblem

Path = tuple[str | int, ...]
_SOURCE, _SOURCES = ("data", "source"), ("data", "sources")


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem and its place.

    Attributes:
        path: Keys from the root of the sections: ``("data", "inputs", "city", "column")``.
        on_key: Whether the last key itself is at fault rather than its value.
        notes: Further places, such as the layer that a shape comes from.
    """

    problem: Problem
    path: Path
    on_key: bool = False
    notes: tuple[Note, ...] = ()

    def diagnostic(self, raw: dict[str, Any]) -> Diagnostic:
        """The finding as a diagnostic; `raw` maps section names to what the spec wrote."""
        notes = self.notes
        if isinstance(self.problem, DataProblem) and self.problem.where and self.problem.code != "E601":
            notes = (Note(f"found in {self.problem.where}"), *notes)
        path = (*self.path, self.problem.option) if self.problem.option else self.path
        if path[:2] == _SOURCE and (sources := (raw.get("data") or {}).get("sources")):
            path = (*_SOURCES, next(iter(sources)), *path[2:])
        span = span_at(raw, path, self.on_key and not self.problem.option)
        return self.problem.at(span, notes)


@dataclass(slots=True)
class Findings:
    """Collects findings, so that one check reports all mistakes."""

    items: list[Finding] = field(default_factory=list)

    @contextmanager
    def at(self, *path: str | int, on_key: bool = False, notes: tuple[Note, ...] = ()) -> Iterator[None]:
        """Turns a :class:`Problem` raised inside into a finding at `path`, and goes on."""
        try:
            yield
        except Problem as problem:
            self.items.append(Finding(problem, path, on_key, notes))

    @contextmanager
    def of_source(self, name: str) -> Iterator[None]:
        """What is found inside of `data.source` is meant of one of its `sources`."""
        before = len(self.items)
        yield
        for position, finding in enumerate(self.items[before:], before):
            if finding.path[:2] == _SOURCE:
                self.items[position] = replace(finding, path=(*_SOURCES, name, *finding.path[2:]))

    @property
    def errors(self) -> list[Finding]:
        """The findings that are no warnings."""
        return [finding for finding in self.items if not finding.problem.code.startswith("W")]

    def diagnostics(self, raw: dict[str, Any]) -> list[Diagnostic]:
        """All findings with their spans."""
        return [finding.diagnostic(raw) for finding in self.items]
