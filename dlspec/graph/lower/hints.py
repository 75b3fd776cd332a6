"""Better help for shape errors, found by trying what would have fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.core.errors import Problem
from dlspec.core.ir import Edge, Node, Shape, Tensor, show_shape
from dlspec.graph.lower.infer import apply
from dlspec.graph.lower.sources import Arguments, Sources, arguments_of


class Hint(NamedTuple):
    """A problem with another help, and the node that is at fault in place of the layer; None where it is the layer."""

    problem: Problem
    node: Node | None = None


def with_hint(problem: Problem, layer: Any, sources: Sources, nodes: Sequence[Node]) -> Hint:
    """The problem, with another help where something else would have fitted.

    That is the last step of what a recurrent layer gives, an input without the batch in its shape, or the layer of the
    same family for as many axes as there are.
    """
    if problem.code not in ("E402", "E403", "E404", "E410"):
        return Hint(problem)
    arguments = arguments_of(layer, sources)
    other = _relative(layer, arguments, nodes) if problem.code == "E402" else ""
    for edge in _edges(arguments):
        before = nodes[edge.node]
        option = before.layer.keeps_steps_with if isinstance(before.layer, Layer) and edge.output == 0 else ""
        if option and _fits(layer, arguments, nodes, edge, lambda shape: (None, *shape)):
            return Hint(_other_help(problem, f"write `{option}` in `{before.name}`, which gives the last step alone"))
    maker, rank = _only_input(arguments, nodes), layer.rank if isinstance(layer, Layer) else 0
    entering = maker.outputs[0].shape if maker is not None else ()
    if problem.code == "E410" and _channels_first(layer, arguments, nodes, entering):
        shape = show_shape((*entering[1:], entering[0]))
        return Hint(_other_help(problem, f"channels come last: write `{shape}`; or {problem.help}"), maker)
    alone = maker is not None and problem.code == "E402" and not problem.option and not (other and rank == 1)
    if maker is not None and alone and _fits(layer, arguments, nodes, _edges(arguments)[0], lambda shape: shape[1:]):
        if rank:  # one axis too many of a sequence is an image's more often than the batch
            return Hint(_other_help(problem, _without_batch(layer, maker.outputs[0])), maker)
        return Hint(_other_help(problem, f"{problem.help}; shapes leave the batch out"))
    if other:
        few = problem.help.startswith("add ")
        parts = (problem.help, f"write `{other}`") if few else (f"write `{other}`", problem.help)
        return Hint(_other_help(problem, ", or ".join(part for part in parts if part)))
    return Hint(problem)


def _only_input(arguments: Arguments, nodes: Sequence[Node]) -> Node | None:
    """The input of the model that enters alone and as it is; None where something else does."""
    edges = _edges(arguments)
    maker = nodes[edges[0].node] if len(edges) == 1 else None
    return maker if maker is not None and maker.layer is None else None


def _channels_first(layer: Any, arguments: Arguments, nodes: Sequence[Node], shape: Shape) -> bool:
    """Whether the first size of an input is that of channels, and the layer would take it as the last."""
    few = len(shape) > 2 and shape[0] in (1, 3, 4) and None not in shape
    return few and _fits(layer, arguments, nodes, _edges(arguments)[0], lambda sizes: (*sizes[1:], sizes[0]))


def _other_help(problem: Problem, help: str) -> Problem:
    return Problem(problem.code, problem.message, help, problem.option)


def _without_batch(layer: Any, tensor: Tensor) -> str:
    help = f"shapes leave the batch out: write `{show_shape(tensor.shape[1:])}`"
    return f"{help}; for sequences of them use `time_distributed: {{layer: {{{layer.name}: …}}}}`"


def _relative(layer: Any, arguments: Arguments, nodes: Sequence[Node]) -> str:
    """The layer for another number of axes (`conv1d` for `conv2d`) that takes what enters; "" where there is none."""
    rank = layer.rank if isinstance(layer, Layer) else 0
    edges = _edges(arguments)
    axes = nodes[edges[0].node].outputs[edges[0].output].rank - 1 if len(edges) == 1 else 0
    if not rank or axes == rank or f"{rank}d" not in layer.name:
        return ""
    name = str(layer.name).replace(f"{rank}d", f"{axes}d")
    owner: Any = registry.find("layer", name)
    if owner is None:
        return ""
    with suppress(Problem, TypeError):
        apply(
            owner(**_of_rank(layer, axes)), arguments.positional, arguments.keywords, lambda edge: _tensor(nodes, edge)
        )
        return name
    return ""


def _of_rank(layer: Any, axes: int) -> dict[str, Any]:
    """The given options of a layer for another number of axes; a size for each axis is taken where all are equal."""
    given = {}
    for name, value in layer.given.items():
        sizes = isinstance(value, tuple) and len(value) == layer.rank and len(set(value)) == 1
        given[name] = value[:1] * axes if sizes else value
    return given


def _tensor(nodes: Sequence[Node], edge: Edge) -> Tensor:
    return nodes[edge.node].outputs[edge.output]


def _edges(arguments: Arguments) -> list[Edge]:
    everything = [*arguments.positional, *(argument for _, argument in arguments.keywords)]
    return [edge for argument in everything for edge in ([argument] if isinstance(argument, Edge) else argument)]


def _fits(
    layer: Any, arguments: Arguments, nodes: Sequence[Node], changed: Edge, reshape: Callable[[Shape], Shape]
) -> bool:
    """Whether the layer takes the tensor of this edge in another shape."""

    def tensor(edge: Edge) -> Tensor:
        original = _tensor(nodes, edge)
        return replace(original, shape=reshape(original.shape)) if edge == changed else original

    with suppress(Problem):
        apply(layer, arguments.positional, arguments.keywords, tensor)
        return True
    return False
