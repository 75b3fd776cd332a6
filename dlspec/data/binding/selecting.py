"""Columns that a spec chooses by pattern or type become those that the source has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlspec.components.sections.data import Data
from dlspec.components.sections.selection import Selection
from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.binding.binding import Opened, open_table
from dlspec.data.binding.findings import Findings
from dlspec.data.sources.base import Table


def with_columns(
    data: Data, folder: Path, findings: Findings, *, allow_outside: bool = False, opened: Opened | None = None
) -> Data:
    """The section with the names of the columns that it chooses; inputs choose no target, nor what stands aside.

    The section stays as it is where the source cannot be opened, which is told wherever it is bound.
    """
    if data.sources:
        return _with_columns_of_each(data, folder, findings, allow_outside=allow_outside)
    table = open_table(data, folder, Findings(), allow_outside=allow_outside, opened=opened)
    if table is None:
        return data
    targets = {name: _named(section, table, (), findings, ("targets", name)) for name, section in data.targets.items()}
    taken = [column for target in targets.values() for column in target.sources]
    taken += data.aside
    inputs = {
        name: _named(section, table, taken, findings, ("inputs", name)) for name, section in data.features.items()
    }
    return type(data)(**{**data.given, "targets": targets, **({"inputs": inputs} if inputs else {})})


def _with_columns_of_each(data: Data, folder: Path, findings: Findings, *, allow_outside: bool) -> Data:
    """The same where there are several sources: each has columns of its own."""
    resolved = [
        with_columns(own, folder, findings, allow_outside=allow_outside) for own in (data.main, *data.others.values())
    ]
    named = {name: feature for own in resolved for name, feature in own.features.items()}
    inputs = {
        name: type(feature)(**{**feature.given, "columns": named[name].columns}) if named[name].chosen else feature
        for name, feature in data.features.items()
    }
    for name, feature in inputs.items():
        feature.chosen = named[name].chosen
    return type(data)(**{**data.given, "targets": resolved[0].targets, "inputs": inputs})


def _named(section: Any, table: Table, taken: Sequence[str], findings: Findings, path: tuple[str, str]) -> Any:
    """An input or a target with the names of its columns."""
    if not isinstance(section.columns, Selection):
        return section
    single = [(name, column.text) for name, column in table.columns.items() if not column.tensor.shape]
    names = section.columns.of(pair for pair in single if pair[0] not in taken)
    with findings.at("data", *path, "columns"):
        if odd := section.columns.without_effect(table.columns):
            help = did_you_mean(odd, table.columns, guess=True) or table.known_columns
            raise Problem("E602", f"no column of the source is `{odd}`", help)
        if not names:
            raise Problem("E602", "no column of the source is meant", table.known_columns)
    named = type(section)(**{**section.given, "columns": names})
    named.chosen = True
    return named
