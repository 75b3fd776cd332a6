"""An overview of a table, before any spec is written: roles of columns, and possible targets."""

from __future__ import annotations

from dlspec.core.documents.printed import Candidate, ColumnRole, Data, TableData
from dlspec.drafting.candidates import candidates
from dlspec.drafting.roles import Role, judge, judge_arrays, texts_of
from dlspec.drafting.sample import Sample


def overview(facts: Data, sample: Sample) -> TableData:
    """The facts of a table, with the role of each column and the columns that could be predicted."""
    predictable = [Candidate(column=name, meaning=meaning) for name, meaning in candidates(sample)]
    judged = {name: judge(column, sample) for name, column in sample.columns.items()}
    arrays = {name: judge_arrays(examples) for name, examples in sample.arrays.items()}
    if not arrays and sum(judgement.role is not Role.LEFT_OUT for judgement in judged.values()) < 2:
        judged |= texts_of(judged, sample)  # once the target is taken, nothing else would be left to enter
    roles = {
        name: ColumnRole(role=judgement.role.value, reason=judgement.reason)
        for name, judgement in (judged | arrays).items()
    }
    order = {name: roles[name] for name in facts["columns"]}
    return TableData(**facts, looked_at=sample.rows, roles=order, candidates=predictable)
