"""Holds a study against the data that its members divide among them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dlspec.components.methods.base import Method
from dlspec.components.methods.studies import BOOTSTRAP, Member, Study, divided_as
from dlspec.components.registry import Component
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.missing import IGNORE
from dlspec.data.checks.calibrating import calibrated
from dlspec.data.order.splits import check_split, choose, named_parts

_REFIT = "write `keep: refit`"
# So many draws without a class are expected at most.
_LACKING = 0.5


def check_study(data: Data, method: Method, binding: Binding, findings: Findings) -> None:
    """Every member finds examples, and each class and group has enough for all folds (E536, E606).

    What members answer can be combined where that is asked for, and something chooses the best one (E546).
    """
    study = method.study
    with findings.at("train", "method", study.name):
        study.check(data)
        if study.combines:
            check_combined(data, method, binding, study)
        if study.votes:
            _check_voting(method, binding, study)
        if study.continues:
            _check_cycles(method, study)
        if study.keep == "best":
            _check_best(data, method, binding, study)
        members = list(study.trainings(method.seed, data))
        for member in {members[0].number: members[0], members[-1].number: members[-1]}.values():
            try:
                check_split(divided_as(data, member), binding.table, binding.count)
            except Problem as problem:
                # Its option is one of the split, which the spec does not write.
                raise Problem(problem.code, problem.message, problem.help) from problem
        if study.continues:
            _warn_of_a_steady_rate(data, method, binding, study)
        if not findings.errors:
            _warn_of_lacking_classes(data, binding, members)


def _warn_of_lacking_classes(data: Data, binding: Binding, members: Sequence[Member]) -> None:
    """W619: some draw of the training examples is likely to hold none of a class, of which its member learns nothing.

    Of n examples that are drawn n times with repetition, those of a class of c are all left out with e^-c.
    """
    draws = sum(BOOTSTRAP in member.settings for member in members)
    if not draws or data.parts.asks or binding.table.streamed:
        return
    share = 1 - data.parts.share("validation") - data.parts.share("test")
    for output in binding.outputs:
        if not output.labelled or not output.column or output.tensor.shape not in ((), (1,)):
            continue
        labels = binding.table.labels(output.column)
        for value, count in zip(labels.values, labels.counts, strict=True):
            lacking = draws * math.exp(-share * count)
            if value != "" and lacking > _LACKING:
                message = f"class `{value}` has about {share * count:.3g} training examples: {lacking:.2g} of {draws}"
                help = "the ensemble knows rare classes less; `k_fold` or `seeds` leave out no example for good"
                raise Problem("W619", f"{message} draws lack it, on average", help)


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
        lacking = "this model tells steps of sequences, or draws inputs"
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


def _check_voting(method: Method, binding: Binding, study: Study) -> None:
    """Members vote for the class of an example, which is known of each, and count their mistakes."""
    outputs = binding.outputs
    if len(outputs) != 1 or not calibrated(outputs[0], method.head_of(outputs[0].name)):
        message = f"members of `{study.name}` vote for one class of an example, and this model answers otherwise"
        help = "end the model in one output with `softmax` or `sigmoid` under a crossentropy, or write `bagging: 10`"
        raise Problem("E547", message, help)
    if outputs[0].missing == IGNORE or method.decision_of(outputs[0].name) is not None:
        message = f"`{study.name}` counts mistakes of all examples, by the class that is likeliest"
        raise Problem("E547", message, "leave out `missing: ignore` of the target and `threshold` of `train`")


def _check_cycles(method: Method, study: Study) -> None:
    """The weights at the end of each cycle are kept, and the next one begins with all of them (E573)."""
    if "keep" in method.given and method.keep == "best":
        message = (
            f"members of `{study.name}` are the ends of cycles of the learning rate, and `keep: best` wants others"
        )
        raise Problem("E573", message, "leave `keep` out of `train`")
    if method.adapters is not None:
        message = f"members of `{study.name}` begin with the weights of the one before, and `adapters` begin anew"
        raise Problem("E573", message, "leave `adapters` out of `train`")


def _warn_of_a_steady_rate(data: Data, method: Method, binding: Binding, study: Study) -> None:
    """W626: no learning rate falls within a member, so that they differ little."""
    falls = any(isinstance(optimizer.learning_rate, Component) for optimizer in getattr(method, "optimizers", ()))
    if falls or any(callback.changes_rate for callback in getattr(method, "callbacks", ())):
        return
    train = choose(data, binding.table, binding.count, binding.dropped()).train
    steps = method.total_epochs * -(-len(train) // data.batch_size)
    message = f"no learning rate falls within the members of `{study.name}`, which differ little then"
    help = f"let it fall: `learning_rate: {{cosine_decay: {{initial_learning_rate: 0.05, decay_steps: {steps}}}}}`"
    raise Problem("W626", message, help)


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
