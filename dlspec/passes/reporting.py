"""Evaluates the section ``report`` and holds it against the model and the columns of the data."""

from __future__ import annotations

from typing import cast

from dlspec.components.sections.report import Figure, Report, tensors_of
from dlspec.core.errors import Problem
from dlspec.core.tree import Map, span_of, span_of_key
from dlspec.passes.state import Lowered, step
from dlspec.semantics.environment import Lost
from dlspec.semantics.schema.context import Context


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
    for name, problem in section.mistakes(tensors):
        written = raw.get(name)
        inside = problem.option and isinstance(written, Map) and problem.option in written
        state.diagnostics.add(problem.at(span_of(written, problem.option) if inside else span_of(raw, name)))
    _check_columns(state, section, raw)


def _check_columns(state: Lowered, section: Report, raw: Map) -> None:
    """Columns that figures ask for hold one value of each example; what is wrong with the source is told later."""
    figures = {name: figure for name, figure in section.figures.items() if figure.column is not None}
    if state.data_section is None or not figures:
        return
    from dlspec.data.binding.binding import Opened, open_table
    from dlspec.data.binding.findings import Findings

    state.opened = state.opened or Opened()
    table = open_table(
        state.data_section, state.folder, Findings(), allow_outside=state.allow_outside, opened=state.opened
    )
    for name, figure in figures.items() if table is not None else ():
        try:
            _check_column(figure, table)
        except Problem as problem:
            state.diagnostics.add(problem.at(span_of(cast("Map", raw[name]), "by")))


def _check_column(figure: Figure, table: object) -> None:
    from dlspec.data.sources.base import Table

    column = cast("Table", table).find(str(figure.column), "by")
    if column.tensor.shape:
        raise Problem("E605", f"a class is one value of each example, and `{figure.column}` gives {column.tensor}")
