"""Evaluates the section ``report`` and holds it against the model and the columns of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from dlspec.components.sections.report import Figure, Report, tensors_of
from dlspec.components.sections.saliency import made_out_of_rows, text_inputs
from dlspec.core.errors import Problem, Span
from dlspec.core.tree import Map, span_of, span_of_key
from dlspec.passes.state import Lowered, step
from dlspec.semantics.environment import Lost
from dlspec.semantics.schema.context import Context

# A column of texts, one of each example.
_TEXT = "[] string"


@step(requires=Lowered, sets=("report", "opened"))
def reporting(state: Lowered) -> None:
    """Outputs have the form that each figure takes (E530), columns are there (E602), files as well (E601)."""
    raw = state.data.get("report")
    if not isinstance(raw, Map):
        return
    owner = cast("type[Report]", state.catalogue.find("section", "report"))
    span = span_of_key(state.data, "report")
    section = state.evaluator.options(owner, raw, state.environment, Context(("report",)), span, keep_going=True)
    if isinstance(section, Lost):
        return
    state.report = section
    tensors = tensors_of(state.training_graph)
    wrong = set()
    for name, problem in section.mistakes(tensors):
        wrong.add(name)
        state.diagnostics.add(problem.at(_span(raw, name, problem)))
    for name, figure in section.figures.items() if state.method is not None else ():
        for problem in figure.unfit(state.method):
            state.diagnostics.add(problem.at(span_of_key(raw, name)))
    if state.data_section is not None and state.data_section.inputs is not None:
        prepared = {name: feature.prepare for name, feature in state.data_section.features.items()}
        for name, figure in section.figures.items():
            for problem in figure.unprepared(tensors, prepared) if name not in wrong else ():
                state.diagnostics.add(problem.at(_span(raw, name, problem)))
    _check_data(state, section.figures, wrong, raw)


def _span(raw: Map, name: str, problem: Problem) -> Span | None:
    """Where a figure, or its option that is at fault, stands."""
    written = raw.get(name)
    if problem.option and isinstance(written, Map) and problem.option in written:
        return span_of(written, problem.option)
    return span_of(raw, name)


def _check_data(state: Lowered, figures: Mapping[str, Figure], wrong: set[str], raw: Map) -> None:
    """The data give what figures ask for; what is wrong with the source is told later."""
    asking = {name: figure for name, figure in figures.items() if figure.column is not None or figure.looks_at_inputs}
    if state.data_section is None or not asking:
        return
    from dlspec.data.binding.binding import Opened, open_table
    from dlspec.data.binding.findings import Findings

    state.opened = state.opened or Opened()
    table = open_table(
        state.data_section, state.folder, Findings(), allow_outside=state.allow_outside, opened=state.opened
    )
    if table is None:
        return
    texts = text_inputs(
        state.data_section, {name for name, column in table.columns.items() if str(column.tensor) == _TEXT}
    )
    made = state.data_section.maker
    for name, figure in asking.items():
        if made is not None and figure.looks_at_inputs:
            state.diagnostics.add(made_out_of_rows(made.name).at(span_of(raw, name)))
            continue
        try:
            if figure.column is not None:
                _check_column(figure, table)
        except Problem as problem:
            state.diagnostics.add(problem.at(span_of(cast("Map", raw[name]), "by")))
        for lacking in figure.lacking(tensors_of(state.training_graph), texts) if name not in wrong else ():
            state.diagnostics.add(lacking.at(_span(raw, name, lacking)))


def _check_column(figure: Figure, table: object) -> None:
    from dlspec.data.sources.base import Table

    column = cast("Table", table).find(str(figure.column), "by")
    if column.tensor.shape:
        raise Problem("E605", f"a class is one value of each example, and `{figure.column}` gives {column.tensor}")
