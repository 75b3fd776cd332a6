"""Evaluates the section ``data`` and asks the data for inputs that the spec leaves out."""

from __future__ import annotations

from typing import cast

from dlspec.components.methods.base import wants_targets
from dlspec.components.sections.data import Data
from dlspec.components.sections.selection import Selection
from dlspec.core.errors import Span, SpecError
from dlspec.core.tree import Invalid, Map, span_of_key
from dlspec.passes.state import Bound, step
from dlspec.semantics.environment import Lost
from dlspec.semantics.schema.context import Context


@step(requires=Bound, sets=("data_section", "given_inputs", "opened"))
def data_section(state: Bound) -> None:
    """Fills in the section, and the types of inputs where ``inputs:`` is absent."""
    raw = state.data.get("data")
    if not isinstance(raw, Map):
        if "inputs" not in state.data:
            state.given_inputs = None
            if not isinstance(raw, Invalid) and not state.data.tainted:
                what = "no `inputs`" if "layers" in state.data else "neither `inputs` nor `layers`"
                state.add("E105", f"the spec has {what}", _start(state), "write `inputs: {image: [28, 28, 1]}`")
        return
    owner = cast("type[Data]", state.catalogue.find("section", "data"))
    span = span_of_key(state.data, "data")
    section = state.evaluator.options(owner, raw, state.environment, Context(("data",)), span, keep_going=True)
    if isinstance(section, Lost) or section.source is None:  # an error of `source` leaves a section without one
        state.given_inputs = None if "inputs" not in state.data else {}
        return
    if state.hides_code:  # what the data are only code could tell that may not run
        state.given_inputs = None if "inputs" not in state.data else {}
        return
    if not section.targets and not state.reading.alone and wants_targets(state.data.get("train"), state.catalogue):
        help = "name a column for each output: `targets: {price: {column: price}}`"
        state.add("E613", "data needs at least one of `targets`", span_of_key(raw, "targets"), help)
        state.given_inputs = None if "inputs" not in state.data else {}
        return
    resolved = _with_columns(state, section, raw)
    if resolved is None:
        state.given_inputs = None if "inputs" not in state.data else {}
        return
    state.data_section = section = resolved
    if state.stacked is not None:
        _ask_members(state)
    elif "inputs" not in state.data and ("layers" in state.data or not state.reading.alone):
        _ask_data(state, section, raw)


def _with_columns(state: Bound, section: Data, raw: Map) -> Data | None:
    """The section with the names of columns that it chooses by pattern or type; None after an error."""
    named = (*section.features.values(), *section.targets.values())
    if not any(isinstance(entry.columns, Selection) for entry in named):
        return section
    from dlspec.data.binding.binding import Opened
    from dlspec.data.binding.findings import Findings
    from dlspec.data.binding.selecting import with_columns

    state.opened, findings = Opened(), Findings()
    resolved = with_columns(section, state.folder, findings, allow_outside=state.allow_outside, opened=state.opened)
    state.diagnostics.extend(findings.diagnostics({"data": raw}))
    return None if findings.errors else resolved


def _ask_members(state: Bound) -> None:
    """Inputs are what members of a stacking answer."""
    answers = {name: member.graph.tensor(member.graph.outputs[0][1]) for name, member in (state.stacked or {}).items()}
    if "inputs" not in state.data or not answers:
        state.given_inputs = answers or None


def _ask_data(state: Bound, section: Data, raw: Map) -> None:
    from dlspec.data.binding.binding import Opened
    from dlspec.data.checks.contract import feature_tensors

    state.opened = state.opened or Opened()
    try:
        state.given_inputs = feature_tensors(
            section, state.folder, raw=raw, allow_outside=state.allow_outside, opened=state.opened
        )
    except SpecError as error:
        state.diagnostics.extend(error.diagnostics)
        state.given_inputs = None
        return
    if not state.given_inputs:
        state.add("E105", "the spec has no `inputs`, and the data do not tell them", _start(state), "write `inputs:`")


def _start(state: Bound) -> Span | None:
    for key in ("layers", "name"):
        if key in state.data and not isinstance(state.data[key], Invalid):
            return span_of_key(state.data, key)
    return state.data.span
