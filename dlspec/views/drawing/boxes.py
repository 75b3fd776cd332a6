"""The things that are drawn: boxes with lines of text, and frames around them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dlspec.core.ir import Edge, Graph, Node
from dlspec.graph.facts import show_count
from dlspec.views.drawing.outline import Group, Item, Leaf, Outline, outline
from dlspec.views.drawing.texts import clipped, function_text, headline, is_plain_function, parameters_text

TALLEST = 8  # layers in one box
FONT = 12.0


@dataclass(eq=False, slots=True)
class Box:
    """One rounded box.

    Attributes:
        kind: ``input``, ``output``, ``objective`` (what is minimised or measured) or ``layers``.
        lines: Pairs of text and number of parameters.
        nodes: What it stands for, in order; empty for an output or objective.
        takes: The tensors that enter, in the order of the arguments.
    """

    kind: str
    lines: list[tuple[str, str]]
    nodes: tuple[Node, ...]
    takes: tuple[Edge, ...]
    title: str = ""
    count: int = 1
    identifier: int = 0


@dataclass(eq=False, slots=True)
class Frame:
    """An outline around boxes and further frames.

    Attributes:
        made: Numbers of the nodes inside, once :func:`made` has looked for them; `size` and `taken` likewise.
    """

    title: str
    children: list[Box | Frame]
    count: int = 1
    note: str = ""
    identifier: int = 0
    made: range | None = None
    size: int = 0
    taken: list[Edge] | None = None


Thing = Box | Frame
T = TypeVar("T")


def made(thing: Thing) -> range:
    """Numbers of the nodes inside a thing, which follow each other, and of equal ones that are not drawn."""
    if isinstance(thing, Box):
        return range(thing.nodes[0].index, thing.nodes[-1].index + 1) if thing.nodes else range(0)
    if thing.made is None:
        inside = [span for span in map(made, thing.children) if span]
        thing.made = range(inside[0].start, inside[-1].stop) if inside else range(0)
    return thing.made


def size(thing: Thing) -> int:
    """Number of nodes inside a thing that are drawn."""
    if isinstance(thing, Box):
        return len(thing.nodes)
    thing.size = thing.size or sum(map(size, thing.children))
    return thing.size


class Makers(Generic[T]):
    """Finds which of several things side by side contains a node.

    Args:
        things: What stands for each thing, with the thing; in the order of their nodes.
    """

    def __init__(self, things: Iterable[tuple[T, Thing]]) -> None:
        self._starts = [(made(thing).start, owner) for owner, thing in things if made(thing)]

    def __getitem__(self, node: int) -> T:
        """The thing with node number `node`."""
        return self._starts[bisect_right(self._starts, node, key=lambda pair: pair[0]) - 1][1]


def taken(thing: Thing) -> list[Edge]:
    """Tensors that enter a thing from outside, in order."""
    if isinstance(thing, Box):
        return list(thing.takes)
    if thing.taken is None:
        inside = made(thing)
        edges = (edge for child in thing.children for edge in taken(child))
        thing.taken = list(dict.fromkeys(edge for edge in edges if edge.node not in inside))
    return thing.taken


@dataclass(slots=True)
class Drawing:
    """All that is drawn of a graph, before anything has a place."""

    graph: Graph
    root: Frame
    outline: Outline
    boxes: list[Box] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def box_of(self, index: int) -> Box:
        """The box that shows a node."""
        shown = self.outline.shown(index)
        return next(box for box in self.boxes if any(node.index == shown for node in box.nodes))


def drawing(graph: Graph) -> Drawing:
    """Folds, stacks and names what is drawn."""
    tree = outline(graph)
    stacker = _Stacker(tree, graph)
    root = Frame("", stacker.children(tree.items))
    leaving: dict[Thing, list[Thing]] = {}
    maker = Makers((child, child) for child in root.children)
    for number, (name, edge) in enumerate(graph.roots):
        shown = stacker.shown(edge)
        kind = "output" if number < len(graph.outputs) else "objective"
        leaving.setdefault(maker[shown.node], []).append(Box(kind, [(clipped(name), "")], (), (shown,)))
    root.children = [thing for child in root.children for thing in (child, *leaving.get(child, ()))]
    result = Drawing(graph, root, tree)
    _number(root, result)
    return result


def _number(frame: Frame, result: Drawing) -> None:
    for child in frame.children:
        if isinstance(child, Frame):
            child.identifier = len(result.frames)
            result.frames.append(child)
            _number(child, result)
        else:
            child.identifier = len(result.boxes)
            result.boxes.append(child)


class _Stacker:
    """Makes boxes of leaves, and frames of groups that hold more than one box."""

    def __init__(self, tree: Outline, graph: Graph) -> None:
        self.tree = tree
        self.users: dict[int, set[int]] = {}
        for number, (_, edge) in enumerate(graph.roots):
            self.users.setdefault(tree.shown(edge.node), set()).add(-1 - number)
        for node in graph.nodes:
            for edge in node.edges:
                users = self.users.setdefault(tree.shown(edge.node), set())
                users.add(tree.shown(node.index))

    def shown(self, edge: Edge) -> Edge:
        return Edge(self.tree.shown(edge.node), edge.output)

    def children(self, items: Sequence[Item]) -> list[Thing]:
        result: list[Thing] = []
        chain: list[Leaf] = []
        for item in items:
            if isinstance(item, Leaf) and chain and self.continues(chain, item):
                chain.append(item)
                continue
            if chain:
                result.append(self.box(chain))
            chain = [item] if isinstance(item, Leaf) else []
            if isinstance(item, Group):
                result.append(self.frame(item))
        return [*result, self.box(chain)] if chain else result

    def continues(self, chain: list[Leaf], leaf: Leaf) -> bool:
        """Whether a layer only goes on with what the one before it made, in the same shape."""
        before, node = chain[-1].node, leaf.node
        alone = self.users.get(before.index, set()) - {before.index} == {node.index}
        fed = {self.shown(edge) for edge in node.edges} <= {Edge(before.index), Edge(node.index)}
        same = [tensor.shape for tensor in node.outputs] == [tensor.shape for tensor in before.outputs]
        return before.layer is not None and alone and fed and same and len(chain) < TALLEST

    def box(self, chain: list[Leaf]) -> Box:
        nodes = tuple(leaf.node for leaf in chain)
        takes = tuple(dict.fromkeys(edge for edge in map(self.shown, nodes[0].edges) if edge.node != nodes[0].index))
        return Box("input" if nodes[0].layer is None else "layers", _lines(chain), nodes, takes)

    def frame(self, group: Group) -> Thing:
        children = self.children(group.items)
        only = children[0] if len(children) == 1 else None
        if only is not None and (only.count == 1 or group.count == 1):
            only.title = " › ".join(title for title in (clipped(group.title), only.title) if title)
            only.count *= group.count
            return only
        return Frame(clipped(group.title), children, group.count, _note(group))


def _note(group: Group) -> str:
    return show_count(group.parameters) if group.parameters else ""


def _lines(chain: list[Leaf]) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for leaf in chain:
        if lines and leaf.count == 1 and is_plain_function(leaf.node):
            function = function_text(leaf.node)
            lines[-1] = (clipped(f"{lines[-1][0]} · {function}"), lines[-1][1]) if function else lines[-1]
            continue
        times = f" × {leaf.count}" if leaf.count > 1 else ""
        lines.append((headline(leaf.node) + times, parameters_text(leaf.node)))
    return lines
