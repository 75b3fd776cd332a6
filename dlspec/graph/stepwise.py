"""Whether the next step of a graph follows from its steps so far by what each layer keeps of them.

A model that writes a row computes the whole row again for each step. Where every layer that sees the row gives each
step from the same step and from what it kept of those before (states, keys and values, the last steps of a window), one
step is enough; what does not see the row is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dlspec.components.layers.base import Layer, Stepwise
from dlspec.core.errors import Span
from dlspec.core.ir import Argument, Edge, Graph, Node, Shape, SharedModel, Tensor, show_shape

# What a tensor is to the row: nothing of it, the row itself, a step for each step, or made of it in any other way.
_APART, _ROW, _STEPS, _WHOLE = range(4)
_STEPPED = (_ROW, _STEPS)


@dataclass(frozen=True)
class StepPlan:
    """How a graph is computed step by step.

    Attributes:
        rules: By the name of each layer that sees the row, how its steps follow.
        inner: The plans of shared models that see it, by name, and for each input whether it has steps.
        reason: Why the graph cannot be computed so; "" where it can.
        span: The line of the layer that is the reason.
    """

    rules: Mapping[str, Stepwise] = field(default_factory=dict)
    inner: Mapping[tuple[str, tuple[bool, ...]], StepPlan] = field(default_factory=dict)
    reason: str = ""
    span: Span | None = None


def step_plan(graph: Graph, fed: str) -> StepPlan:
    """How the only output of a graph is computed step by step.

    Args:
        graph: The model.
        fed: The input whose first axis has the steps.
    """
    entering = {index: _ROW if graph.nodes[index].name == fed else _APART for index in graph.inputs}
    steps = next((graph.nodes[index].outputs[0].shape[0] for index in entering if entering[index] == _ROW), None)
    if steps is None:
        return StepPlan(reason=f"the number of steps of input `{fed}` is not known")
    try:
        finder = _Finder(graph, entering, steps)
        kinds = finder.outputs()
    except _NotStepwise as problem:
        return StepPlan(reason=str(problem), span=problem.span)
    if not set(kinds) <= set(_STEPPED):
        return StepPlan(reason="the output has no axis of steps that follows the input's")
    return finder.plan


class _NotStepwise(Exception):
    """A graph cannot be computed step by step, with the reason and the line of a layer."""

    def __init__(self, reason: str, span: Span | None) -> None:
        super().__init__(reason)
        self.span = span


class _Finder:
    """Follows the steps through one graph.

    Args:
        graph: The graph, or that of a shared model.
        entering: What each input is to the row, by the index of its node.
        steps: How many there are.
        masked: Whether masks may enter what its types do not tell.
    """

    def __init__(self, graph: Graph, entering: Mapping[int, int], steps: int, masked: bool = False) -> None:
        self._graph = graph
        self._steps = steps
        self._masked = masked
        self._rules: dict[str, Stepwise] = {}
        self._inner: dict[tuple[str, tuple[bool, ...]], StepPlan] = {}
        self._kinds: list[list[int]] = []
        for node in graph.nodes:
            self._kinds.append([entering[node.index]] if node.layer is None else self._node(node))

    @property
    def plan(self) -> StepPlan:
        """What came out."""
        return StepPlan(self._rules, self._inner)

    def outputs(self) -> list[int]:
        """What each output is to the row."""
        return [self._kind(edge) for _, edge in self._graph.outputs]

    def _kind(self, edge: Edge) -> int:
        return self._kinds[edge.node][edge.output]

    def _node(self, node: Node) -> list[int]:
        kinds = {self._kind(edge) for edge in node.edges}
        if _WHOLE in kinds:
            raise self._refusal(node, "reads what is known at the end of the row only")
        if kinds <= {_APART}:
            return [_APART] * len(node.outputs)
        if isinstance(node.layer, SharedModel):
            return self._model(node, node.layer)
        assert isinstance(node.layer, Layer)
        rule = node.layer.stepwise_for(*self._types(node), **{name: self._type(x) for name, x in node.keywords})
        if not rule:
            raise self._refusal(node, "does not give each step from the steps so far alone")
        self._check_masks(node)
        _CHECKS[rule](self, node)
        self._rules[node.name] = rule
        return [_STEPS, *[_WHOLE] * (len(node.outputs) - 1)]

    def _model(self, node: Node, model: SharedModel) -> list[int]:
        edges = [edge for edge in node.arguments if isinstance(edge, Edge)]
        kinds = dict(zip(model.graph.inputs, map(self._kind, edges), strict=True))
        types = dict(zip(model.graph.inputs, map(self._graph.tensor, edges), strict=True))
        if any(types[index].shape != model.graph.nodes[index].outputs[0].shape for index in kinds):
            raise self._refusal(node, "has inputs of unknown size")
        masked = self._masked or any(types[index].masked for index in kinds if kinds[index] == _APART)
        finder = _Finder(model.graph, kinds, self._steps, masked)
        self._inner[model.name, tuple(kind in _STEPPED for kind in kinds.values())] = finder.plan
        return finder.outputs()

    def _types(self, node: Node) -> list[Tensor | list[Tensor]]:
        return [self._type(argument) for argument in node.arguments]

    def _type(self, argument: Argument) -> Tensor | list[Tensor]:
        if isinstance(argument, Edge):
            return self._graph.tensor(argument)
        return [self._graph.tensor(edge) for edge in argument]

    def _check_masks(self, node: Node) -> None:
        """A mask hides no step that is written: it is the padding's of the row itself."""
        entering = [edge for edge in node.edges if self._kind(edge) in _STEPPED]
        made = node.outputs[0].masked and not any(self._graph.tensor(edge).masked for edge in entering)
        if made and not all(self._kind(edge) == _ROW for edge in entering):
            raise self._refusal(node, "makes a mask of more than the row's padding")

    def each(self, node: Node, least: int) -> None:
        """Steps meet steps of the same place, or what is the same for all."""
        tensors = [(self._kind(edge), self._graph.tensor(edge)) for edge in node.edges]
        rank = max(tensor.rank for _, tensor in tensors)
        for kind, tensor in tensors:
            if kind in _STEPPED and (tensor.rank < rank or rank < least or tensor.shape[0] != self._steps):
                raise self._refusal(node, f"takes {show_shape(tensor.shape)}, whose first axis has no steps")
            if kind == _APART and tensor.rank == rank and tensor.shape[0] not in (1, self._steps):
                raise self._refusal(node, f"takes {show_shape(tensor.shape)} beside the steps")
            if kind == _APART and (tensor.masked or self._masked):
                raise self._refusal(node, "takes a tensor with a mask beside the steps")

    def alone(self, node: Node) -> None:
        """One tensor [steps, features], and beside it nothing that has steps."""
        first, *others = node.edges
        if self._kind(first) == _APART or any(self._kind(edge) != _APART for edge in others):
            raise self._refusal(node, "takes steps where it keeps none")
        self._require_vectors(node, first)

    def attention(self, node: Node) -> None:
        """The query has steps; keys and values have them all, under a causal mask, or none does."""
        assert isinstance(node.layer, Layer)
        listed = node.arguments[0] if node.layer.takes_list else node.arguments
        query, *values = (edge for edge in listed if isinstance(edge, Edge))
        masks = [edge for edge in node.edges if edge not in (query, *values)]
        kinds = {self._kind(edge) in _STEPPED for edge in values}
        causal = bool(node.layer.given.get("use_causal_mask"))
        if self._kind(query) == _APART or len(kinds) > 1 or any(self._kind(edge) != _APART for edge in masks):
            raise self._refusal(node, "mixes steps with what has none")
        if True in kinds and not causal:
            raise self._refusal(node, "looks at later steps")
        if masks and True in kinds:
            raise self._refusal(node, "takes a mask of its own for the steps")
        for edge in (query, *values):
            self._require_vectors(node, edge)

    def _require_vectors(self, node: Node, edge: Edge) -> None:
        shape: Shape = self._graph.tensor(edge).shape
        if len(shape) != 2 or (self._kind(edge) in _STEPPED and shape[0] != self._steps):
            raise self._refusal(node, f"takes {show_shape(shape)}, not [{self._steps}, features]")

    def _refusal(self, node: Node, what: str) -> _NotStepwise:
        return _NotStepwise(f"`{node.name}` ({node.kind}) {what}", node.span)


_CHECKS: dict[Stepwise, Callable[[_Finder, Node], None]] = {
    "elements": lambda finder, node: finder.each(node, 1),
    "features": lambda finder, node: finder.each(node, 2),
    "positions": _Finder.alone,
    "states": _Finder.alone,
    "window": _Finder.alone,
    "attention": _Finder.attention,
}
