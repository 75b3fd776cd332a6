"""Holds a study against the data that its members divide among them."""

from __future__ import annotations

from dlspec.components.methods.base import Method
from dlspec.components.methods.studies import Study, divided_as
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.order.splits import check_split, named_parts

_REFIT = "write `keep: refit`"


def check_study(data: Data, method: Method, binding: Binding, findings: Findings) -> None:
    """Every member finds examples, and each class and group has enough for all folds (E536, E606).

    What members answer can be combined where that is asked for, and something chooses the best one (E546).
    """
    study = method.study
    with findings.at("train", "method", study.name):
        study.check(data)
        if study.combines:
            check_combined(data, method, binding, study)
        if study.keep == "best":
            _check_best(data, method, binding, study)
        members = list(study.members(method.seed, data))
        for member in {members[0].number: members[0], members[-1].number: members[-1]}.values():
            try:
                check_split(divided_as(data, member), binding.table, binding.count)
            except Problem as problem:
                # Its option is one of the split, which the spec does not write.
                raise Problem(problem.code, problem.message, problem.help) from problem


def check_combined(data: Data, method: Method, binding: Binding, study: Study) -> None:
    """The answers of several models can be combined, and what is combined can be measured as it stands.

    Raises:
        Problem: E546.
    """
    what = f"`{study.name}` combines the answers of its members"
    help = _REFIT if "keep" in type(study).fields else "train with another method"
    option = "keep" if "keep" in study.given else ""
    lacking = ""
    if method.turns or method.averages or not binding.outputs:
        lacking = "this training minimises tensors, or averages models, in place of comparing outputs with targets"
    elif data.maker is not None or data.sources:
        lacking = "these examples are made of several rows, or come from several sources"
    elif binding.shifted_outputs or binding.drawn:
        lacking = "this model writes sequences, or draws inputs"
    elif any((loss := method.loss_of(output.name)) is not None and loss.aligns for output in binding.outputs):
        lacking = "labels that are aligned with steps have no mean"
    elif method.calibration is not None:
        lacking = "`calibration` changes the last layer of a single model"
    elif method.augmented:
        lacking = "phases with an `augment` of their own have no counterpart in it"
    elif not study.shares_validation and any(method.decision_of(output.name) for output in binding.outputs):
        lacking = "a threshold is chosen on the validation split, which other members were trained on"
    if lacking:
        raise Problem("E546", f"{what}, and {lacking}", help, option)


def _check_best(data: Data, method: Method, binding: Binding, study: Study) -> None:
    """Something else than the test split says which member is best, and which values are good."""
    part = study.choosing_part
    known = data.parts.has(part)
    if part == "validation" and not (known or (known is None and part in named_parts(data.parts, binding.table))):
        message = "nothing but the test split would say which member is best: the split has no `validation`"
        raise Problem("E546", message, f"{_REFIT}, or `validation: 0.1` in `split` of `data`", "keep")
    if len(method.turns) > 1 and method.monitor is None:
        message = "no loss of several learners says which member is best"
        raise Problem("E546", message, f"{_REFIT}, or name a measure: `monitor`", "keep")
