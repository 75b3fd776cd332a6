"""One level of a drawing: the things inside one frame as a layered graph, with bends where an edge passes a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dlspec.core.ir import Edge
from dlspec.views.drawing.boxes import Frame, Makers, Thing, size, taken

# Bends of a level: as many as any picture that people look at has.
_BENDS = 1000
_BENDS_A_THING = 6


@dataclass(eq=False, slots=True)
class Vertex:
    """A thing, a place where a tensor enters or leaves the frame, or a bend of an edge.

    Attributes:
        kind: ``thing``, ``entry``, ``exit`` or ``bend``.
        left, right, height: Extent around the anchor, which lies in the top edge.
        ins, outs: Where a tensor enters or leaves, relative to the anchor.
        weight: How much it matters that this stands in the middle.
    """

    kind: str
    number: int
    thing: Thing | None = None
    weight: float = 0.0
    left: float = 0.0
    right: float = 0.0
    height: float = 0.0
    row: int = 0
    x: float = 0.0
    y: float = 0.0
    ins: dict[Edge, float] = field(default_factory=dict)
    outs: dict[Edge, float] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Wire:
    """One tensor on its way from a vertex to another one, through bends.

    Attributes:
        order: Position of the tensor among the arguments of the target.
    """

    tensor: Edge
    path: list[Vertex]
    order: int


@dataclass(slots=True)
class Level:
    """The layered graph."""

    vertices: list[Vertex]
    wires: list[Wire]

    @property
    def hops(self) -> Iterator[tuple[Wire, Vertex, Vertex]]:
        """Every step of every wire from one row to the next."""
        for wire in self.wires:
            for start, stop in zip(wire.path, wire.path[1:], strict=False):
                yield wire, start, stop


def level(frame: Frame, leaving: Sequence[Edge]) -> Level:
    """The layered graph of a frame's children.

    Args:
        frame: The frame.
        leaving: Tensors made inside that something outside takes.
    """
    things = [Vertex("thing", number, child, 1.0 + size(child)) for number, child in enumerate(frame.children)]
    entries = [Vertex("entry", len(things) + number) for number, _ in enumerate(taken(frame))]
    exits = [Vertex("exit", len(things) + len(entries) + number) for number, _ in enumerate(leaving)]
    maker = Makers((vertex, vertex.thing) for vertex in things if vertex.thing)
    entering = dict(zip(taken(frame), entries, strict=True))
    pairs: list[Wire] = []
    for vertex, child in zip(things, frame.children, strict=True):
        for order, tensor in enumerate(taken(child)):
            source = entering.get(tensor) or maker[tensor.node]
            pairs.append(Wire(tensor, [source, vertex], order))
    pairs += [Wire(tensor, [maker[tensor.node], stop], 0) for tensor, stop in zip(leaving, exits, strict=True)]
    vertices = [*entries, *things, *exits]
    _set_rows(vertices, pairs)
    return Level([*vertices, *_bend(pairs, len(vertices))], pairs)


def _set_rows(vertices: list[Vertex], wires: list[Wire]) -> None:
    """Longest paths from the top; what nothing precedes stands above the first that takes it; exits at the end."""
    top = 1 if any(vertex.kind == "entry" for vertex in vertices) else 0
    into: dict[Vertex, list[Vertex]] = {}
    out_of: dict[Vertex, list[Vertex]] = {}
    for wire in wires:
        into.setdefault(wire.path[1], []).append(wire.path[0])
        out_of.setdefault(wire.path[0], []).append(wire.path[1])
    for vertex in vertices:  # entries first, then things in an order in which they can run
        if vertex.kind == "thing":
            vertex.row = max((before.row + 1 for before in into.get(vertex, [])), default=top)
    for vertex in reversed(vertices):
        following = [after.row for after in out_of.get(vertex, []) if after.kind == "thing"]
        if vertex.kind == "thing" and following and vertex not in into:
            vertex.row = min(following) - 1
    bottom = max(vertex.row for vertex in vertices) + 1
    for vertex in vertices:
        if vertex.kind == "exit":
            vertex.row = bottom


def _bend(wires: list[Wire], number: int) -> list[Vertex]:
    """Bends in every row that a wire passes; wires of one tensor share them.

    Where all of them would be too many, the longest wires go straight on: with a wire from each layer to the last one,
    there were as many bends as the square of the layers.
    """
    bends: dict[tuple[Vertex, Edge, int], Vertex] = {}
    most = _BENDS + _BENDS_A_THING * number
    for wire in sorted(wires, key=lambda wire: wire.path[1].row - wire.path[0].row):
        start, stop = wire.path
        if len(bends) + stop.row - start.row > most:
            break
        between = []
        for row in range(start.row + 1, stop.row):
            key = (start, wire.tensor, row)
            if key not in bends:
                bends[key] = Vertex("bend", number + len(bends), row=row)
            between.append(bends[key])
        wire.path = [start, *between, stop]
    return list(bends.values())
