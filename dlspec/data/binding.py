"""The data section bound to its source and to a model: the one step that checking and training share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlspec.data.findings import Findings
from dlspec.data.inputs import Input, bind_inputs
from dlspec.data.signature import Signature
from dlspec.data.sources.base import Table
from dlspec.data.splits import check_split
from dlspec.data.targets import Output, bind_outputs
from dlspec.errors import Problem
from dlspec.sections.data import Data
from dlspec.sections.train import Supervised


@dataclass(frozen=True, slots=True)
class Binding:
    """What enters and what is compared with each output."""

    table: Table
    count: int
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column in use, once."""
        names = [column for one in self.inputs for column in one.columns] + [one.column for one in self.outputs]
        return tuple(dict.fromkeys(names))


def open_table(data: Data, folder: Path, findings: Findings, *, allow_outside: bool = False) -> Table | None:
    """The opened source with its columns known, or None after a finding (E108, E601, E608)."""
    with findings.at("data", "source", data.source.name):
        table: Table = data.source.open(folder, allow_outside=allow_outside)
        _ = table.columns
        return table
    return None


def bind(
    data: Data,
    folder: Path,
    signature: Signature | None,
    method: Supervised | None,
    findings: Findings,
    *,
    allow_outside: bool = False,
) -> Binding | None:
    """Binds `data` to the files in `folder` and, where given, to a model and a way of training.

    Returns:
        The binding, incomplete where `findings` grew, or None when the source cannot be opened.
    """
    table = open_table(data, folder, findings, allow_outside=allow_outside)
    if table is None:
        return None
    before = len(findings.items)
    outputs = bind_outputs(data, table, signature, method, findings)
    inputs = bind_inputs(data, table, signature, findings)
    count = max(column.count for column in table.columns.values())
    binding = Binding(table, count, tuple(inputs), tuple(outputs))
    if len(findings.items) == before:
        with findings.at("data", "source", data.source.name):
            count = _count(table, binding.columns)
            table.check(binding.columns)
        binding = Binding(table, count, tuple(inputs), tuple(outputs))
    with findings.at("data", "split"):
        check_split(data, table, count)
    return binding


def _count(table: Table, names: Iterable[str]) -> int:
    """The number of examples, the same in all columns.

    Raises:
        Problem: E605, it is not.
    """
    counts = {name: table.columns[name].count for name in names}
    (first, count), *others = counts.items()
    for name, other in others:
        if other != count:
            raise Problem("E605", f"column `{first}` has {count} examples, `{name}` has {other}")
    return count
