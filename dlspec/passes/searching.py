"""Holds the search against the training that it repeats, before TensorFlow loads."""

from __future__ import annotations

import math

from dlspec.components.methods.base import Method
from dlspec.components.sections.tune import Tune
from dlspec.core.errors import Problem, leave_out
from dlspec.core.tree import Map, span_of, span_of_key
from dlspec.graph.lower.space import Space, stepped
from dlspec.passes.state import Bound, step
from dlspec.syntax.expressions import names_in, reach

# Hyperband goes on with every third trial.
_FACTOR = 3
# Keys of `train` that no parameter of the search may decide: code, message and help.
_ALIKE = {
    "epochs": (
        "E207",
        "`${}` has no effect on `epochs`: all trials of a search have the same",
        "write a number here, or `epochs` in `tune`; `early_stopping` ends a trial that gets no better",
    ),
    "distribute": (
        "E518",
        "`${}` cannot choose the devices of a trial: TensorFlow divides a processor once, and trials share a process",
        "write the number of devices here; it changes how fast a training is, not what it learns",
    ),
}


@step(requires=Bound)
def searching(state: Bound) -> None:
    """The objective is measured, and every option of `tune` has an effect."""
    tune, method = state.tune, state.method
    if tune is None:
        return
    for check in (_alone, _objective, _epochs, _halving, _unseeded):
        try:
            if method is not None:
                check(state, tune, method)
        except Problem as problem:
            raw = state.data["tune"]
            span = span_of(raw, problem.option) if problem.option in raw else span_of_key(state.data, "tune")
            state.diagnostics.add(problem.at(span))
    if method is not None:
        _searched_where_all_are_alike(state)
    for name, space in state.params.spaces.items():
        if space.step is not None:
            _short(state, name, space, space.step)
    if tune.algorithm.listing:
        for name, space in state.params.spaces.items():
            if space.step is None and (space.head == "float" or space.log):
                _continuous(state, name, space)


def _alone(state: Bound, tune: Tune, method: Method) -> None:
    """E536: a search compares single trainings."""
    if method.study is not None:
        message = f"a search compares single trainings, and `{method.study.name}` repeats each"
        help = "search without `method`, then train the best values with it: `--set train.method=k_fold`"
        raise Problem("E536", message, help)


def _objective(state: Bound, tune: Tune, method: Method) -> None:
    """E509: training does not measure it, or does not say which values are good; E505: several learners need one."""
    outputs = state.outputs
    if outputs is None or _wrong(state):
        return
    if len(method.turns) > 1 and "objective" not in tune.given:
        message = "tune needs `objective`: no loss of several learners says which trial is best"
        raise Problem("E505", message, "write `objective: NAME` of a measure, such as `val_NAME` of a tensor")
    from dlspec.data.checks.measures import check_validation, direction_of  # only specs with `tune` need it

    if state.data_section is not None:
        check_validation(tune.objective, state.data_section, state.parts, "objective")
    direction = direction_of(method, list(outputs), tune.objective, "objective")
    if not direction and tune.direction == "auto":
        message = f"neither small nor large `{tune.objective}` is better by itself"
        raise Problem("E509", message, "write `direction: min` or `direction: max`", "objective")


def _wrong(state: Bound) -> bool:
    """Whether there are mistakes in `train`, which may hide the measure."""
    span = span_of(state.data, "train")
    spans = [error.span for error in state.diagnostics.errors if error.span is not None]
    return span is not None and any(
        wrong.file == span.file
        and (span.line, span.column) <= (wrong.line, wrong.column) < (span.end_line, span.end_column)
        for wrong in spans
    )


def _epochs(state: Bound, tune: Tune, method: Method) -> None:
    """Raises the problem of epochs that the search cannot set for this method."""
    halving = tune.algorithm.halving
    problem = method.epochs_problem(halving=halving) if halving or tune.epochs is not None else None
    if problem is not None:
        raise problem


def _halving(state: Bound, tune: Tune, method: Method) -> None:
    """Hyperband needs epochs that it can divide."""
    epochs = tune.epochs or method.total_epochs
    if tune.algorithm.halving and epochs < _FACTOR and not method.epochs_problem(halving=True):
        message = f"with {epochs} epochs a trial, Hyperband halves nothing: it searches by chance"
        state.add("W532", message, span_of(state.data["tune"], "algorithm"), "write `epochs: 9` or more")


def _unseeded(state: Bound, tune: Tune, method: Method) -> None:
    """A grid is the same whatever the seed."""
    if not tune.algorithm.seeded and "seed" in tune.given:
        raise Problem("E207", "`seed` has no effect: a grid leaves nothing to chance", leave_out("seed"), "seed")


def _searched_where_all_are_alike(state: Bound) -> None:
    """All trials have the same epochs, or they could not be compared; and the same devices, which are made once."""
    train = state.data["train"]
    if not isinstance(train, Map):
        return
    for key, (code, message, help) in _ALIKE.items():
        names = {name for textual in (False, True) for name in names_in(train.get(key), textual)}
        if searched := sorted(reach(names, state.params.params) & state.params.spaces.keys()):
            state.add(code, message.format(searched[0]), span_of(train, key), help)


def _short(state: Bound, name: str, space: Space, step: float) -> None:
    """W533: the last step of a range ends below its upper end."""
    last, high = stepped(space, step)[-1], space.values[-1]
    if last < high and not math.isclose(last, high, rel_tol=1e-9):
        text = f"the steps of `{name}` end at {last:g}: {high:g} is never tried"
        help = f"write `{last:g}` as the upper end, or another step"
        state.add("W533", text, span_of(state.data["params"], name), help)


def _continuous(state: Bound, name: str, space: Space) -> None:
    low, high = space.values
    message = f"a grid cannot hold all values of `{name}`: it takes 10 from {low:g} to {high:g}"
    state.add("W531", message, span_of(state.data["params"], name), "say which with `step`")
