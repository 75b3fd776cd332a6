"""An overview of a table, before any spec is written: roles of columns, and possible targets."""

from __future__ import annotations

from dlspec.core.documents.printed import Candidate, ColumnRole, Data, TableData
from dlspec.drafting.candidates import candidates
from dlspec.drafting.roles import judge
from dlspec.drafting.sample import Sample


def overview(facts: Data, sample: Sample) -> TableData:
    """The facts of a table, with the role of each column and the columns that could be predicted."""
    predictable = [Candidate(column=name, meaning=meaning) for name, meaning in candidates(sample)]
    roles = {name: _role(name, column["of"], sample) for name, column in facts["columns"].items()}
    return TableData(**facts, looked_at=sample.rows, roles=roles, candidates=predictable)


def _role(name: str, kind: str, sample: Sample) -> ColumnRole:
    if name not in sample.columns:
        return ColumnRole(role="left out", reason=f"each value is an array: {kind}")
    judgement = judge(sample.columns[name], sample)
    return ColumnRole(role=judgement.role.value, reason=judgement.reason)
