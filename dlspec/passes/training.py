"""Evaluates the sections ``train`` and ``tune``."""

from __future__ import annotations

from typing import cast

from dlspec.components.methods.base import DEFAULT, Method, method_of
from dlspec.components.registry import name_and_value
from dlspec.components.sections.tune import Tune
from dlspec.core.tree import Invalid, Map, span_of, span_of_key
from dlspec.passes.state import Bound, step
from dlspec.semantics.environment import Lost
from dlspec.semantics.schema.context import Context


@step(requires=Bound, sets=("method", "tune"))
def training(state: Bound) -> None:
    """Fills in the method of training and the search."""
    raw = state.data.get("train")
    if isinstance(raw, Map):
        state.method = _method(state, raw)
    if not state.params.spaces and any(setting.startswith("params.") for setting in state.overrides):
        state.data.pop("tune", None)  # the command line decided what was to be searched
    tune = state.data.get("tune")
    if isinstance(tune, Map):
        owner = cast("type[Tune]", state.catalogue.find("section", "tune"))
        section = state.evaluator.options(
            owner, tune, state.environment, Context(("tune",)), span_of_key(state.data, "tune")
        )
        state.tune = None if isinstance(section, Lost) else section
        if not state.params.spaces:
            help = "write for example `units: {int: [32, 256], step: 32}` under `params:`"
            state.add(
                "E510",
                "`tune` has nothing to search: no parameter is a search space",
                span_of_key(state.data, "tune"),
                help,
            )


def _method(state: Bound, raw: Map) -> Method | None:
    owner = method_of(raw, state.catalogue)
    if owner is None:
        return None
    written = Map(raw.span)
    written.tainted = raw.tainted
    for key, value in raw.items():
        if key in owner.fields:
            written.put(key, value, raw.key_spans.get(key), raw.value_spans.get(key))
        elif key != "method":
            state.add("E501", f"training by `{owner.registered_name}` has no option `{key}`", span_of_key(raw, key))
    for key in owner.missing(raw):
        written[key] = Invalid()
        if not raw.tainted:  # a key that was not understood may be the one that is missing
            state.add("E505", f"train needs `{key}`", span_of_key(state.data, "train"), f"write `{key}: …`")
    span = span_of_key(state.data, "train")
    method = state.evaluator.options(owner, written, state.environment, Context(("train",)), span, keep_going=True)
    if isinstance(method, Lost):
        return None
    return _with_kind(state, raw, method)


def _with_kind(state: Bound, raw: Map, method: Method) -> Method | None:
    """The method with the solver or study that `method` of `train` names; None where a solver is wrong."""
    chosen = raw.get("method", DEFAULT)
    context, where = Context(("train", "method")), span_of(raw, "method")
    if name_and_value(chosen)[0] in state.catalogue.names("solver"):
        solver = state.evaluator.component("solver", chosen, state.environment, context, where)
        method.solver = solver
        return None if isinstance(solver, Lost) else method
    if chosen not in state.catalogue.names("method"):
        study = state.evaluator.component("study", chosen, state.environment, context, where)
        method.study = None if isinstance(study, Lost) else study
        if method.study is not None and state.stacked:
            method.study.sections = {name: member.data_section for name, member in state.stacked.items()}
    return method
