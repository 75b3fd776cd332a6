"""A flat graph as a tree of block calls, in which what follows itself unchanged stands once, with a count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any

from dlspec.core.ir import Argument, Edge, Graph, Node

LONGEST_PERIOD = 12


@dataclass(frozen=True, slots=True)
class Leaf:
    """One node, or `count` equal ones in a row."""

    node: Node
    count: int = 1

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The single node."""
        return (self.node,)

    @property
    def parameters(self) -> int:
        """Scalars in the variables of all of them."""
        return self.count * self.node.parameters


@dataclass(frozen=True)
class Group:
    """A block call, or `count` equal runs of items; an empty title for a run without a block."""

    title: str
    items: tuple[Leaf | Group, ...]
    count: int = 1

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes inside that are drawn."""
        return tuple(_nodes(self.items))

    @cached_property
    def parameters(self) -> int:
        """Scalars in the variables of all turns."""
        return self.count * sum(item.parameters for item in self.items)


Item = Leaf | Group


def _nodes(items: Sequence[Item]) -> list[Node]:
    return list(chain.from_iterable(item.nodes for item in items))


@dataclass(slots=True)
class Outline:
    """The tree, and for every node that is not drawn the equal one that stands for it."""

    items: tuple[Item, ...]
    stands_for: dict[int, int] = field(default_factory=dict)

    def shown(self, index: int) -> int:
        """The node that is drawn for this one."""
        while index in self.stands_for:
            index = self.stands_for[index]
        return index


def outline(graph: Graph) -> Outline:
    """Groups the nodes by block call and folds repetitions, the outermost first."""
    result = Outline(())
    result.items = _folded(_grouped(graph.nodes, 0), _Equality(graph), result.stands_for)
    return result


def _grouped(nodes: Sequence[Node], depth: int) -> list[Item]:
    items: list[Item] = []
    start = 0
    while start < len(nodes):
        node = nodes[start]
        stop = start + 1
        if len(node.groups) <= depth:
            items.append(Leaf(node))
        else:
            while stop < len(nodes) and nodes[stop].groups[: depth + 1] == node.groups[: depth + 1]:
                stop += 1
            items.append(Group(node.groups[depth].rpartition(".")[2], tuple(_grouped(nodes[start:stop], depth + 1))))
        start = stop
    return items


def _folded(items: Sequence[Item], equality: _Equality, stands_for: dict[int, int]) -> tuple[Item, ...]:
    result: list[Item] = []
    start = 0
    while start < len(items):
        period, count = _repetition(items, start, equality)
        window = items[start : start + period]
        if count > 1:
            first = [node.index for item in window for node in item.nodes]
            copies = [node.index for item in items[start + period : start + period * count] for node in item.nodes]
            stands_for.update({index: first[number % len(first)] for number, index in enumerate(copies)})
        inner = [_inside(item, equality, stands_for) for item in window]
        result += _counted(inner, items[start + period * (count - 1)], count) if count > 1 else inner
        start += period * count
    return tuple(result)


def _inside(item: Item, equality: _Equality, stands_for: dict[int, int]) -> Item:
    return replace(item, items=_folded(item.items, equality, stands_for)) if isinstance(item, Group) else item


def _counted(window: list[Item], last: Item, count: int) -> list[Item]:
    only = window[0]
    if len(window) > 1:
        return [Group("", tuple(window), count)]
    if isinstance(only, Leaf):
        return [Leaf(only.node, count)]
    assert isinstance(last, Group)
    return [Group(f"{only.title} … {last.title}", only.items, count)]


def _repetition(items: Sequence[Item], start: int, equality: _Equality) -> tuple[int, int]:
    """The period that covers most of what follows, the shortest of those, and how often it is there."""
    best = (1, 1)
    for period in range(1, min(LONGEST_PERIOD, (len(items) - start) // 2) + 1):
        windows: list[list[Node]] = []
        while (begin := start + period * max(len(windows), 1)) + period <= len(items):
            # A block of one layer is no such layer.
            if any(type(items[start + at]) is not type(items[begin + at]) for at in range(period)):
                break
            windows = windows or [_nodes(items[start : start + period])]
            window = _nodes(items[begin : begin + period])
            if not equality.follows(windows, window):
                break
            windows.append(window)
        if len(windows) > 1 and period * len(windows) > best[0] * best[1]:
            best = (period, len(windows))
    return best


class _Equality:
    """Whether a run of nodes does again what the run before it did, fed by nothing but that run."""

    def __init__(self, graph: Graph) -> None:
        self.looks: dict[int, tuple[Any, ...]] = {}
        self.last_use: dict[int, int] = {edge.node: len(graph.nodes) for _, edge in graph.roots}
        for node in graph.nodes:
            for edge in node.edges:
                self.last_use[edge.node] = max(self.last_use.get(edge.node, 0), node.index)

    def look(self, node: Node) -> tuple[Any, ...]:
        """The attributes that equal nodes share, apart from the source of their inputs."""
        cached = self.looks.get(node.index)
        if cached is None:
            options = node.layer.describe() if node.layer is not None else f"input {node.index}"
            weights = tuple((weight.name, weight.shape, weight.trainable) for weight in node.weights)
            cached = (node.kind, options, _called(node), weights, node.outputs, _form(node), node.shared)
            self.looks[node.index] = cached
        return cached

    def follows(self, windows: list[list[Node]], window: list[Node]) -> bool:
        """Whether `window` is one more turn after `windows`."""
        before = windows[-1]
        length = len(before)
        if len(window) != length or window[0].index - before[0].index != length:
            return False
        if any(self.look(a) != self.look(b) for a, b in zip(before, window, strict=True)):
            return False
        if any(self.last_use.get(node.index, 0) > window[-1].index for node in before):
            return False
        entering: dict[Edge, Edge] = {}
        return all(
            _fed_alike(old, new, before[0].index, length, len(windows) == 1, entering)
            for a, b in zip(before, window, strict=True)
            for old, new in zip(a.edges, b.edges, strict=True)
        )


def _fed_alike(old: Edge, new: Edge, start: int, length: int, first: bool, entering: dict[Edge, Edge]) -> bool:
    """Whether an input of a turn corresponds to that of the turn before, which begins at node `start`."""
    if old.output == new.output and new.node - old.node == length:
        return True
    if old == new and old.node < start:
        return True  # the same tensor enters every turn
    return first and old.node < start <= new.node and entering.setdefault(new, old) == old


def _called(node: Node) -> str:
    """The name that a spec wrote counts as a difference only if the layer is no automatic one."""
    return "" if automatic(node) else "named"


def automatic(node: Node) -> bool:
    """Whether the last part of the node's name is the one that the layer's kind gives."""
    name, kind = node.name.rpartition(".")[2], node.kind.rpartition(".")[2]
    return name == kind or (name.startswith(f"{kind}_") and name[len(kind) + 1 :].isdigit())


def _form(node: Node) -> tuple[Any, ...]:
    return (tuple(map(_width, node.arguments)), tuple((key, _width(value)) for key, value in node.keywords))


def _width(argument: Argument) -> int:
    return -1 if isinstance(argument, Edge) else len(argument)
