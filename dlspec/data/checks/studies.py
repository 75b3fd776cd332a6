"""Holds a study against the data that its members divide among them."""

from __future__ import annotations

from dlspec.components.methods.base import Method
from dlspec.components.methods.studies import divided_as
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.order.splits import check_split


def check_study(data: Data, method: Method, binding: Binding, findings: Findings) -> None:
    """Every member finds examples, and each class and group has enough for all folds (E536, E606)."""
    study = method.study
    with findings.at("train", "method", study.name):
        study.check(data)
        members = list(study.members(method.seed, data))
        for member in {members[0].number: members[0], members[-1].number: members[-1]}.values():
            try:
                check_split(divided_as(data, member), binding.table, binding.count)
            except Problem as problem:
                # Its option is one of the split, which the spec does not write.
                raise Problem(problem.code, problem.message, problem.help) from problem
