"""Inputs of a spec that are drawn: what from, and the type that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.core.tree import Invalid, span_of, span_of_key
from dlspec.graph.lower.graph_builder import GraphBuilder
from dlspec.semantics.environment import LOST, Environment, Lost
from dlspec.semantics.schema.context import Context

if TYPE_CHECKING:
    from dlspec.components.training.draws import Draw


def drawn_from(
    body: GraphBuilder, raw: Any, environment: Environment, name: str, tensor: Tensor | Lost, *, inner: bool
) -> tuple[Draw | None, Tensor | Lost]:
    """The draw of an input, None where data give it; and its type, LOST after an error.

    Args:
        raw: The input as the spec writes it.
        tensor: Its type without the draw.
        inner: Whether it is an input of a model of `models`, which what calls it gives.
    """
    written = raw.get("draw") if isinstance(raw, dict) else None
    if written is None:
        return None, tensor
    span = span_of_key(raw, "draw")
    if inner:
        message = f"`{name}` of model {body.definition.name} cannot be drawn there"
        help = "write `draw` at an input of the spec, and hand it on with `from:`"
        body.report(Problem("E102", message, help), span)
        return None, LOST
    if isinstance(written, Invalid):
        return None, LOST
    context, at = Context(("inputs", name, "draw")), span_of(raw, "draw") or span
    draw: Draw | Lost = body.evaluator.component("draw", written, environment, context, at)
    if isinstance(draw, Lost) or isinstance(tensor, Lost):
        return None, LOST
    try:
        return draw, draw.tensor(tensor.shape, raw.get("dtype"))
    except Problem as problem:
        body.report(problem, span_of(raw, problem.option) or span)
        return None, LOST
