"""The intermediate representation: tensors, nodes and the frozen graph, with a text printer.

Shapes never include the batch; None is an axis whose size is unknown until run time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from dlspec.core.errors import Problem, Span
from dlspec.core.weights import Origin

Shape = tuple[int | None, ...]

_BYTES = {"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "string": 8,
          "int32": 4, "uint32": 4, "float32": 4, "int64": 8, "uint64": 8, "float64": 8}  # fmt: skip
DTYPES = tuple(sorted(_BYTES))


class Operation(Protocol):
    """The part of a layer, or of a shared model, that the graph needs to know of what a node calls."""

    @property
    def name(self) -> str:
        """Its name in a spec."""

    def describe(self) -> str:
        """Its options as one line of text."""


class UnknownSize(Exception):
    """A count needs the size of an axis that is unknown."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """The static type of a value: shape without batch, Keras dtype name, and whether a mask travels with it."""

    shape: Shape
    dtype: str = "float32"
    masked: bool = False

    @property
    def rank(self) -> int:
        """Number of axes without the batch."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Elements per example.

        Raises:
            UnknownSize: An axis is unknown.
        """
        return volume(self.shape)

    @property
    def floating(self) -> bool:
        """Whether the dtype is a floating-point one."""
        return "float" in self.dtype

    @property
    def bytes(self) -> int:
        """Bytes per example. Raises UnknownSize like :attr:`size`."""
        return self.size * _BYTES[self.dtype]

    def reshaped(self, shape: Shape) -> Tensor:
        """The same dtype and mask with another shape."""
        return replace(self, shape=tuple(shape))

    def __str__(self) -> str:
        suffix = "" if self.dtype == "float32" else f" {self.dtype}"
        return show_shape(self.shape) + suffix + (" masked" if self.masked else "")


def volume(shape: Shape) -> int:
    """Product of the axes; raises :class:`UnknownSize` where one is None."""
    if None in shape:
        raise UnknownSize
    return math.prod(size for size in shape if size is not None)


def show_bytes(count: int) -> str:
    """``97.80 MiB``."""
    for unit, size in (("PiB", 2**50), ("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"


def show_shape(shape: Shape) -> str:
    """A shape as a spec writes it: ``[28, null, 3]``."""
    return "[" + ", ".join("null" if size is None else str(size) for size in shape) + "]"


def known(tensor: Tensor, axis: int, who: str) -> int:
    """The size of an axis that `who` cannot do without.

    Raises:
        Problem: E408, the axis is unknown; E402, there is no such axis.
    """
    if not -tensor.rank <= axis < tensor.rank:
        if not tensor.rank:
            message = f"{who} needs an input with at least one axis, but it is a single number (shape [])"
            raise Problem("E402", message, "write the input as `[1]`, or use `reshape: [1]`")
        raise Problem("E402", f"{who} needs axis {axis} of an input of shape {show_shape(tensor.shape)}")
    size = tensor.shape[axis]
    if size is None:
        where = "last axis" if axis in (-1, tensor.rank - 1) else f"axis {axis}"
        raise Problem(
            "E408",
            f"{who} needs the size of the {where}, but the input has shape {show_shape(tensor.shape)}",
            "give the size in `inputs`, or reduce the unknown axis first (for example with `global_average_pooling1d`)",
        )
    return size


@dataclass(frozen=True, slots=True)
class Weight:
    """One variable of a layer: its name inside the layer, its full shape, and whether training changes it."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    trainable: bool = True

    @property
    def size(self) -> int:
        """Number of scalars."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of all scalars."""
        return self.size * _BYTES[self.dtype]


class Edge(NamedTuple):
    """One tensor: the output number `output` of the node number `node` of the same graph."""

    node: int
    output: int = 0


Argument = Edge | tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One call of one layer, or one input.

    Attributes:
        index: Position in ``Graph.nodes``; inputs of a node always have smaller indices.
        name: Unique in its graph: the call path joined by dots.
        layer: What is called; None for an input of the graph.
        arguments: Positional call arguments, each one tensor or a tuple of tensors.
        keywords: Named call arguments.
        outputs: Type of each tensor that the call returns.
        weights: Variables made by this call; a shared model makes none that an earlier call in the graph has made.
        flops: Floating-point operations per example (one multiply-add is 2), None where a size is unknown.
        span: The line that made it.
        trace: Lines of the block calls and groups around it, innermost first.
        groups: Names of the block calls around it, outermost first.
        shared: Index of the first call of the same layer instance, where this is a further one.
        names: Those that the spec gives its outputs, where it gives several.
        draw: What an input is drawn from where no column gives it.
    """

    index: int
    name: str
    layer: Operation | None
    arguments: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Weight, ...] = ()
    flops: int | None = 0
    span: Span | None = None
    trace: tuple[Span, ...] = ()
    groups: tuple[str, ...] = ()
    shared: int | None = None
    names: tuple[str, ...] = ()
    draw: Operation | None = None

    @property
    def kind(self) -> str:
        """Kind of a node as tables show it: ``conv2d``, ``input``, or the name of a shared model."""
        return "input" if self.layer is None else self.layer.name

    @property
    def owner(self) -> str:
        """Name of the layer or shared model that is called, as it is in Keras."""
        return self.layer.name if isinstance(self.layer, SharedModel) else self.name

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All incoming edges, positional ones first."""
        given = (*self.arguments, *(value for _, value in self.keywords)) if self.keywords else self.arguments
        return tuple(_edges(given))

    @property
    def parameters(self) -> int:
        """Scalars in the variables this call makes."""
        return sum(weight.size for weight in self.weights)

    @property
    def trainable_parameters(self) -> int:
        """Of these, the ones that training changes."""
        return sum(weight.size for weight in self.weights if weight.trainable)

    @property
    def activation_bytes(self) -> int | None:
        """Bytes of the outputs per example, None where a size is unknown."""
        try:
            return sum(tensor.bytes for tensor in self.outputs)
        except UnknownSize:
            return None


def _edges(arguments: tuple[Argument, ...]) -> Iterator[Edge]:
    for argument in arguments:
        if isinstance(argument, Edge):
            yield argument
        else:
            yield from argument


@dataclass(frozen=True, slots=True)
class Graph:
    """A flat, frozen graph: nodes in an order in which they can run, the first ones its inputs.

    Attributes:
        outputs: Name and tensor of each output.
        objectives: Name and tensor of what training needs besides the outputs: what is minimised or measured.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[tuple[str, Edge], ...]
    objectives: tuple[tuple[str, Edge], ...] = ()

    @property
    def roots(self) -> tuple[tuple[str, Edge], ...]:
        """Outputs and objectives: whatever none of them depends on is left out."""
        return (*self.outputs, *self.objectives)

    def tensor(self, edge: Edge) -> Tensor:
        """The type of the tensor an edge stands for."""
        return self.nodes[edge.node].outputs[edge.output]

    @property
    def parameters(self) -> int:
        """All scalars in all variables."""
        return sum(node.parameters for node in self.nodes)

    @property
    def trainable_parameters(self) -> int:
        """The scalars that training changes."""
        return sum(node.trainable_parameters for node in self.nodes)

    @property
    def flops(self) -> int | None:
        """Sum over the nodes, None where one is unknown."""
        return _total([node.flops for node in self.nodes])

    @property
    def activation_bytes(self) -> int | None:
        """Bytes of all activations per example, None where one is unknown."""
        return _total([node.activation_bytes for node in self.nodes])


def _total(counts: list[int | None]) -> int | None:
    known_counts = [count for count in counts if count is not None]
    return sum(known_counts) if len(known_counts) == len(counts) else None


@dataclass(frozen=True)
class SharedModel:
    """A model of the `models` section: one instance, whose weights every call shares.

    Attributes:
        calls: What it returns and costs for the types of inputs that it was called with so far; models call models,
            and to follow each call down to the layers would take time exponential in their depth.
        average_of: The model whose moving average it is; "" where it learns by itself.
        momentum: The share that such an average keeps of itself at each step.
        origin: The file that it was read from, with its weights; None where they begin anew or come otherwise.
        frozen: Whether nothing in it learns.
        application: The name in `keras.applications`, where it is one of these.
    """

    name: str
    graph: Graph = field(repr=False)
    calls: dict[tuple[Tensor, ...], Any] = field(default_factory=dict, repr=False, compare=False)
    average_of: str = ""
    momentum: float = 0.0
    origin: Origin | None = field(default=None, repr=False, compare=False)
    frozen: bool = False
    application: str = ""

    def describe(self) -> str:
        """A shared model has no options; of an average, what of; of a model from a file, the file."""
        if self.average_of:
            return f"average of {self.average_of}, momentum {self.momentum}"
        parts = [f"keras.applications.{self.application}"] if self.application else []
        parts += [f"from {self.origin.shown}"] if self.origin is not None else []
        return " ".join(parts) + (", which does not learn" if parts and self.frozen else "")

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Variables of all its nodes, in the order in which Keras lists a nested model's layers."""
        return self._alone[0]

    @cached_property
    def _alone(self) -> tuple[tuple[Weight, ...], frozenset[str]]:
        """What a call makes where no shared model exists: the variables, and the names of the models."""
        made: set[str] = set()
        return tuple(self._walk(made)), frozenset(made)

    def new_weights(self, made: set[str]) -> Iterable[Weight]:
        """Variables that a call makes: all but those of shared models, itself included, whose names are in `made`.

        Args:
            made: Names of shared models that exist already; those that the call makes are added.
        """
        if self.name in made:
            return ()
        weights, names = self._alone
        if not made.isdisjoint(names):
            return self._walk(made)
        made |= names
        return weights

    def _walk(self, made: set[str]) -> Iterator[Weight]:
        made.add(self.name)
        for node in self.graph.nodes:
            yield from node.layer.new_weights(made) if isinstance(node.layer, SharedModel) else node.weights


def shared_models(graph: Graph) -> list[SharedModel]:
    """All shared models that a graph calls, each once, those that others call before them."""
    models: dict[str, SharedModel] = {}

    def look(graph: Graph) -> None:
        for node in graph.nodes:
            if isinstance(node.layer, SharedModel) and node.layer.name not in models:
                look(node.layer.graph)
                models[node.layer.name] = node.layer

    look(graph)
    return list(models.values())


def print_graph(graph: Graph, indent: str = "", printed: set[str] | None = None) -> str:
    """The graph as text, one node a line: ``%3 conv2d = conv2d(%0) -> [28, 28, 6] {kernel [5, 5, 1, 6], …}``.

    Args:
        graph: The graph.
        indent: What stands before each line.
        printed: Names of the shared models that stand further up: the graph of each is printed at its first call.
    """
    printed = set() if printed is None else printed
    lines = [f"{indent}graph {graph.name}"]
    for node in graph.nodes:
        arguments = [_show(value) for value in node.arguments]
        arguments += [f"{key}={_show(value)}" for key, value in node.keywords]
        outputs = ", ".join(str(tensor) for tensor in node.outputs)
        weights = ", ".join(f"{w.name} {show_shape(w.shape)}{'' if w.trainable else ' frozen'}" for w in node.weights)
        options = f" {node.layer.describe()}" if node.layer is not None else ""
        options += f" drawn from {node.draw.name} {node.draw.describe()}".rstrip() if node.draw is not None else ""
        line = f"{indent}  %{node.index} {node.name} = {node.kind}({', '.join(arguments)}){options} -> {outputs}"
        lines.append(
            line
            + (f" {{{weights}}}" if weights else "")
            + (f" shares %{node.shared}" if node.shared is not None else "")
        )
        if isinstance(node.layer, SharedModel) and node.layer.name not in printed:
            printed.add(node.layer.name)
            lines.append(print_graph(node.layer.graph, indent + "    ", printed))
    lines.append(f"{indent}  return {_named(graph.outputs)}")
    if graph.objectives:
        lines.append(f"{indent}  train {_named(graph.objectives)}")
    return "\n".join(lines)


def _named(tensors: tuple[tuple[str, Edge], ...]) -> str:
    return ", ".join(f"{name}: {_show(edge)}" for name, edge in tensors)


def _show(argument: Argument) -> str:
    if isinstance(argument, Edge):
        return f"%{argument.node}" + (f".{argument.output}" if argument.output else "")
    return "[" + ", ".join(_show(edge) for edge in argument) + "]"
