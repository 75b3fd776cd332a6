"""Least memory that building a model and training it take.

Each figure is a lower bound, which was measured to be more than 60 % of what is really taken: what is refused by it
cannot run, and what takes 60 % of a machine by it does. They hold for the memory that TensorFlow computes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import TYPE_CHECKING, NamedTuple

from dlspec.components.layers.base import Layer
from dlspec.components.registry import find
from dlspec.core.ir import Graph, Node, SharedModel, Tensor, UnknownSize, Weight

if TYPE_CHECKING:
    from dlspec.components.training.update_rules import Optimizer

# A process in which TensorFlow is loaded and has computed something, in bytes.
TENSORFLOW = 1 << 29
# Every machine that runs TensorFlow has as much, in bytes.
NO_MATTER = 1 << 30
# No initializer takes more arrays of a weight's size beside it: most weights need not be asked for theirs.
MOST_TEMPORARIES = 4
# The step of an optimizer makes so many arrays of the size of a gradient beside it: 2.0 for `sgd`, 3.3 for `adam`.
_STEP = 2


class Needs(NamedTuple):
    """Bytes that something takes at least.

    Attributes:
        what: ``building`` or ``training``.
        parts: What they are for, in words, the largest first.
        values: Those of them that grow with the batch.
        batch: How many examples it has.
    """

    what: str
    parts: tuple[tuple[str, int], ...]
    values: int = 0
    batch: int = 1

    @property
    def total(self) -> int:
        """Bytes of all parts, TensorFlow included."""
        return TENSORFLOW + sum(size for _, size in self.parts)


class Setup(NamedTuple):
    """The settings of a training that decide its need of memory, beside model and optimizer.

    Attributes:
        batch: Examples of a batch at most.
        parts: 2 where layers compute in 16 bits, else 1.
        jit: Whether XLA compiles the steps.
        devices: How many hold a copy of the model in the same memory.
        keeps_best: Whether the weights of the best epoch are held until training is over.
    """

    batch: int
    parts: int = 1
    jit: bool = False
    devices: int = 1
    keeps_best: bool = False


def building(graph: Graph) -> Needs:
    """The weights, and the largest one while its initial value is drawn."""
    total = _bytes(weight for node in graph.nodes for weight in node.weights)
    # A value that takes less changes nothing: the weights take as much together, or all of it does not matter.
    least = max(total, NO_MATTER - TENSORFLOW) / (1 + MOST_TEMPORARIES)
    large = ((node, weight) for node in graph.nodes for weight in node.weights if weight.bytes > least)
    largest = max((_drawn(node, weight) for node, weight in large), default=0)
    return Needs("building", _sorted({"weights": total, "their initial values": max(0, largest - total)}))


def training(graph: Graph, movers: Sequence[tuple[Optimizer, Set[str]]], setup: Setup) -> Needs:
    """The weights, what optimizers keep of those that learn, and the largest of what is there one after another.

    That is what a step changes weights by, or the values of its batch, or a checkpoint: a copy of all that stays.

    Args:
        graph: The model.
        movers: Each optimizer of one phase with the names of the layers and models that it changes.
        setup: What else decides.
    """
    learning = [_owned(graph, layers) for _, layers in movers]
    changes = _largest(
        _changes(optimizer, nodes, setup) for (optimizer, _), nodes in zip(movers, learning, strict=True)
    )
    weights = {"weights": _bytes(weight for node in graph.nodes for weight in node.weights)}
    kept: dict[str, int] = {}
    for (optimizer, _), nodes in zip(movers, learning, strict=True):
        part = f"what `{optimizer.name}` keeps of them"
        kept[part] = kept.get(part, 0) + optimizer.copies * _bytes(_learnt(nodes))
    always = _times(setup.devices, weights | kept)
    values = setup.batch * max((activation_bytes(graph, nodes) for nodes in learning), default=0) // setup.parts
    copied = {"its checkpoint": sum((weights | kept).values())}
    if setup.keeps_best:
        copied["the best epoch"] = weights["weights"]
    moments = [_times(setup.devices, changes), copied, {f"values of a batch of {setup.batch}": values}]
    most = _largest(moments)
    return Needs("training", _sorted(always | most), values if most is moments[-1] else 0, setup.batch)


def _owned(graph: Graph, layers: Set[str]) -> list[Node]:
    """The calls of some layers and models, by the names that these have in Keras."""
    return [node for node in graph.nodes if node.owner in layers]


def _changes(optimizer: Optimizer, learning: Sequence[Node], setup: Setup) -> dict[str, int]:
    """Bytes by which one optimizer's step changes weights: their gradients, and what it computes of the largest."""
    rows = [node for node in learning if _by_rows(node)]
    whole = [node for node in learning if not _by_rows(node)]
    stepping = whole if optimizer.adds_rows else learning
    largest = max((weight.bytes for weight in _learnt(stepping)), default=0)
    gradients = _bytes(_learnt(whole)) + setup.batch * sum(_size(tensor) for node in rows for tensor in node.outputs)
    # XLA gives each gradient back as soon as it is applied.
    return (
        {"gradients": min(gradients, largest)} if setup.jit else {"gradients": gradients, "its step": _STEP * largest}
    )


def _largest(moments: Iterable[dict[str, int]]) -> dict[str, int]:
    """The sizes whose sum is largest; the first of equal ones."""
    return max(moments, key=lambda sizes: sum(sizes.values()), default={})


def _by_rows(node: Node) -> bool:
    return isinstance(node.layer, Layer) and node.layer.gradient_by_rows


def _times(number: int, sizes: dict[str, int]) -> dict[str, int]:
    return {name: number * size for name, size in sizes.items()}


def _learnt(nodes: Iterable[Node]) -> Iterator[Weight]:
    return (weight for node in nodes for weight in node.weights if weight.trainable)


def activation_bytes(graph: Graph, learning: Iterable[Node]) -> int:
    """Bytes for an example that are there at once, those of unknown size left out.

    What enters layers that learn stays until their gradients are computed. If it is less, the largest tensor alone.
    """
    entering = {
        edge
        for node in learning
        if not isinstance(node.layer, SharedModel) and any(weight.trainable for weight in node.weights)
        for edge in node.edges
    }
    largest = max(_size(tensor) for node in graph.nodes for tensor in node.outputs)
    return max(largest, sum(_size(graph.tensor(edge)) for edge in entering))


def _size(tensor: Tensor) -> int:
    try:
        return tensor.bytes
    except UnknownSize:
        return 0


def _drawn(node: Node, weight: Weight) -> int:
    """Bytes of a weight together with what its initial value takes on the way."""
    stem = weight.name.removesuffix("_kernel") if weight.name != "kernel" else weight.name
    value = getattr(node.layer, f"{stem}_initializer", None)
    initializer = find("initializer", value) if isinstance(value, str) else value
    return weight.bytes * (1 + getattr(initializer, "temporaries", 0))


def _bytes(weights: Iterable[Weight]) -> int:
    return sum(weight.bytes for weight in weights)


def _sorted(sizes: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((part for part in sizes.items() if part[1]), key=lambda part: -part[1]))
