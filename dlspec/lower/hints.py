"""Better help for shape errors, found by trying what would have fitted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from dlspec.errors import Problem
from dlspec.ir import Edge, Node, Tensor
from dlspec.layers.base import Layer
from dlspec.lower.infer import apply
from dlspec.lower.sources import Arguments, Sources, arguments_of


def with_hint(problem: Problem, layer: Any, sources: Sources, nodes: Sequence[Node]) -> Problem:
    """The problem, with another help where the layer would take every step of what a recurrent layer gives."""
    if problem.code not in ("E402", "E403", "E404"):
        return problem
    arguments = arguments_of(layer, sources)
    for edge in _edges(arguments):
        maker = nodes[edge.node]
        option = maker.layer.keeps_steps_with if isinstance(maker.layer, Layer) and edge.output == 0 else ""
        if option and _fits(layer, arguments, nodes, edge):
            help = f"write `{option}` in `{maker.name}`, which gives the last step alone"
            return Problem(problem.code, problem.message, help, problem.option)
    return problem


def _edges(arguments: Arguments) -> list[Edge]:
    everything = [*arguments.positional, *(argument for _, argument in arguments.keywords)]
    return [edge for one in everything for edge in ([one] if isinstance(one, Edge) else one)]


def _fits(layer: Any, arguments: Arguments, nodes: Sequence[Node], changed: Edge) -> bool:
    """Whether the layer takes the tensor of this edge with an axis of steps before the others."""

    def tensor(edge: Edge) -> Tensor:
        found = nodes[edge.node].outputs[edge.output]
        return replace(found, shape=(None, *found.shape)) if edge == changed else found

    with suppress(Problem):
        apply(layer, arguments.positional, arguments.keywords, tensor)
        return True
    return False
