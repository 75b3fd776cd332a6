"""The layout of a drawing: every frame by itself, then inside its parent like a box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dlspec.core.ir import Edge, Graph
from dlspec.views.drawing.boxes import FONT, Box, Drawing, Frame, Thing
from dlspec.views.drawing.levels import Level, Vertex, Wire, level
from dlspec.views.drawing.texts import shape_text, text_width
from dlspec.views.drawing.tracks import set_columns

LINE = 17.0
TITLE = 15.0
PADDING = 11.0
ROW_GAP = 30.0
HEADER = 16.0
SMALL = 10.0
PORT = 14.0


@dataclass(frozen=True, slots=True)
class Area:
    """The rectangle of a box or a frame."""

    thing: Thing
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of an edge inside one frame, with what it connects (None for the frame's own border).

    A `square` one has straight stretches with rounded corners.
    """

    points: tuple[tuple[float, float], ...]
    source: Thing | None
    target: Thing | None
    arrow: bool
    square: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """The shape of a tensor beside its edge; `side` is 1 for a text that begins at x, -1 for one that ends there."""

    x: float
    y: float
    text: str
    side: int


@dataclass(slots=True)
class Picture:
    """Areas, lines and labels with positions; the origin is the anchor of a frame until the whole is done."""

    areas: list[Area] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    height: float = 0.0
    ins: dict[Edge, float] = field(default_factory=dict)
    outs: dict[Edge, float] = field(default_factory=dict)
    drawing: Drawing | None = None
    parts: list[tuple[Picture, float, float]] = field(default_factory=list)

    @property
    def width(self) -> float:
        """Width from the left edge to the right one."""
        return self.left + self.right

    def add(self, other: Picture, x: float, y: float) -> None:
        """Puts another picture into this one; only :meth:`settle` moves what is in it, once for all depths."""
        self.parts.append((other, x, y))

    def settle(self) -> Picture:
        """Takes over what is in the pictures inside of this one."""
        lines, labels, parts = self.lines, self.labels, self.parts
        self.lines, self.labels, self.parts = [], [], []
        for part, x, y in parts:
            self._take(part, x, y)
        self.lines += lines
        self.labels += labels
        return self

    def _take(self, other: Picture, x: float, y: float) -> None:
        self.areas += [replace(area, x=area.x + x, y=area.y + y) for area in other.areas]
        for part, across, down in other.parts:
            self._take(part, x + across, y + down)
        self.lines += [replace(line, points=tuple((a + x, b + y) for a, b in line.points)) for line in other.lines]
        self.labels += [replace(label, x=label.x + x, y=label.y + y) for label in other.labels]


class Layout:
    """Lays out frame after frame of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def frame(self, frame: Frame, leaving: Sequence[Edge]) -> Picture:
        """A frame's inside, around the anchor of its middle column."""
        inside = level(frame, leaving)
        made_by: dict[Vertex, dict[Edge, None]] = {}
        for wire in inside.wires:
            made_by.setdefault(wire.path[0], {})[wire.tensor] = None
        parts = {
            vertex: self.part(vertex, vertex.thing, list(made_by.get(vertex, ())))
            for vertex in inside.vertices
            if vertex.thing
        }
        _widen_for_labels(inside, self)
        set_columns(inside)
        _spread_ports(inside)
        result = Picture()
        bands = _set_rows(inside, frame)
        for vertex, part in parts.items():
            result.add(part, vertex.x, vertex.y)
        self.draw_wires(inside, bands, result)
        _measure(result, inside, frame, bands)
        for wire in inside.wires:
            if wire.path[0].kind == "entry":
                result.ins[wire.tensor] = wire.path[0].x
            if wire.path[-1].kind == "exit":
                result.outs[wire.tensor] = wire.path[-1].x
        return result

    def part(self, vertex: Vertex, thing: Thing, leaving: Sequence[Edge]) -> Picture:
        """The picture of the thing at a vertex; tells the vertex its size."""
        part = self.frame(thing, leaving) if isinstance(thing, Frame) else _box(thing, leaving)
        if isinstance(thing, Frame):
            part.areas.insert(0, Area(thing, -part.left, 0.0, part.width, part.height))
        vertex.left, vertex.right, vertex.height = part.left, part.right, part.height
        vertex.ins, vertex.outs = dict(part.ins), dict(part.outs)
        return part

    def draw_wires(self, inside: Level, bands: list[tuple[float, float]], result: Picture) -> None:
        following: dict[tuple[Vertex, Edge], list[Vertex]] = {}
        for wire in inside.wires:
            following.setdefault((wire.path[0], wire.tensor), []).append(wire.path[1])
        labelled: set[tuple[Vertex, Edge]] = set()
        for wire in inside.wires:
            start, stop = wire.path[0], wire.path[-1]
            points = _points(wire, bands)
            arrow = isinstance(stop.thing, Box)
            result.lines.append(Line(points, start.thing, stop.thing, arrow))
            text = self.label(start, wire.tensor)
            if text and (start, wire.tensor) not in labelled:
                labelled.add((start, wire.tensor))
                hops = following[start, wire.tensor]
                side = -1 if any(hop.x > start.x + 1 for hop in hops) and not _goes_left(hops, start) else 1
                result.labels.append(Label(points[0][0] + 6 * side, points[0][1] + 13, text, side))

    def label(self, start: Vertex, tensor: Edge) -> str:
        """The tensor's shape where it is made, unless it is that of what entered."""
        box = start.thing
        if not isinstance(box, Box):
            return ""
        text = shape_text(self.graph.tensor(tensor))
        before = {shape_text(self.graph.tensor(edge)) for edge in box.takes}
        return "" if before == {text} and len(box.nodes[-1].outputs) == 1 else text


def _goes_left(hops: list[Vertex], start: Vertex) -> bool:
    return any(hop.x < start.x - 1 for hop in hops)


def _box(box: Box, leaving: Sequence[Edge]) -> Picture:
    widths = [text_width(text, FONT) + (14 + text_width(note, SMALL) if note else 0) for text, note in box.lines]
    title = text_width(box.title + (f" × {box.count}" if box.count > 1 else ""), SMALL) if _titled(box) else 0.0
    half = max(*widths, title, 44.0, 84.0 * len(leaving) if len(leaving) > 1 else 0.0) / 2 + PADDING
    height = LINE * len(box.lines) + 10 + (TITLE if _titled(box) else 0.0)
    spread = {edge: 2 * half * (number + 1) / (len(leaving) + 1) - half for number, edge in enumerate(leaving)}
    return Picture([Area(box, -half, 0.0, 2 * half, height)], [], [], half, half, height, {}, spread)


def _titled(box: Box) -> bool:
    return bool(box.title) or box.count > 1


def _widen_for_labels(inside: Level, layout: Layout) -> None:
    """Room for the label beside an edge that goes on straight down."""
    for wire in inside.wires:
        start = wire.path[0]
        text = layout.label(start, wire.tensor)
        if text:
            start.right = max(start.right, start.outs.get(wire.tensor, 0.0) + 8 + text_width(text, SMALL))


def _spread_ports(inside: Level) -> None:
    """Spreads the points where tensors leave and enter a box, in the order of the boxes that they connect."""
    leaving: dict[Vertex, dict[Edge, float]] = {}
    for wire in inside.wires:
        leaving.setdefault(wire.path[0], {}).setdefault(wire.tensor, wire.path[1].x)
    for vertex in inside.vertices:
        if isinstance(vertex.thing, Box) and len(vertex.outs) > 1:
            first = leaving[vertex]
            tensors = sorted(vertex.outs, key=lambda tensor: (first[tensor], tensor.output))
            vertex.outs = dict(zip(tensors, sorted(vertex.outs.values()), strict=True))
    entering: dict[Vertex, dict[Edge, float]] = {}
    for wire in inside.wires:
        before, stop = wire.path[-2:]
        if isinstance(stop.thing, Box):
            entering.setdefault(stop, {})[wire.tensor] = before.x + before.outs.get(wire.tensor, 0.0) - stop.x
    for vertex, coming in entering.items():
        if len(coming) == 1:
            continue
        room = min(vertex.left, vertex.right) - 8
        for side in (-1, 1):
            beside = sorted((side * x, tensor) for tensor, x in coming.items() if side * x > 1)
            for number, (_, tensor) in enumerate(beside):
                vertex.ins[tensor] = side * min(PORT * (number + 1), room)


def _set_rows(inside: Level, frame: Frame) -> list[tuple[float, float]]:
    """Gives every vertex its y; returns top and bottom of each row."""
    rows = 1 + max(vertex.row for vertex in inside.vertices)
    heights, sideways = [0.0] * rows, [0.0] * rows
    for vertex in inside.vertices:
        heights[vertex.row] = max(heights[vertex.row], vertex.height)
    for _, before, after in inside.hops:
        sideways[before.row] = max(sideways[before.row], abs(before.x - after.x))
    has_exit = any(vertex.kind == "exit" for vertex in inside.vertices)
    bands: list[tuple[float, float]] = []
    y = 0.0
    framed = bool(frame.title) or frame.count > 1
    if framed:
        has_entry = any(vertex.kind == "entry" for vertex in inside.vertices)
        heights[0] += HEADER if has_entry else 0.0
        y = 0.0 if has_entry else HEADER + 8
    for row, height in enumerate(heights):
        bands.append((y, y + height))
        gap = ROW_GAP + min(24.0, sideways[row] / 12)
        if row + 2 == rows and has_exit:
            gap = max(20.0, gap - 10)
        if row == 0 and framed and heights[0] == HEADER:
            gap -= 12.0
        y += height + gap
    for vertex in inside.vertices:
        top, bottom = bands[vertex.row]
        vertex.y = top + (bottom - top - vertex.height) / 2 if vertex.kind == "thing" else top
    return bands


def _points(wire: Wire, bands: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Points of a wire from the lower edge of its source to the upper edge of its target: bent between rows only."""
    start, stop = wire.path[0], wire.path[-1]
    x = start.x + start.outs.get(wire.tensor, 0.0)
    points = [(x, start.y + start.height)]
    for before, after in zip(wire.path, wire.path[1:], strict=False):
        x_after = after.x + (after.ins.get(wire.tensor, 0.0) if after is stop else 0.0)
        points += [(x, bands[before.row][1]), (x_after, bands[after.row][0])]
        x = x_after
    points.append((x, stop.y))
    return tuple(point for number, point in enumerate(points) if not number or point != points[number - 1])


def _measure(result: Picture, inside: Level, frame: Frame, bands: list[tuple[float, float]]) -> None:
    """The size of a frame: its things, its edges, its title."""
    framed = bool(frame.title) or frame.count > 1
    padding = 12.0 if framed else 0.0
    result.left = max(vertex.left - vertex.x for vertex in inside.vertices) + padding
    result.right = max(vertex.right + vertex.x for vertex in inside.vertices) + padding
    for label in result.labels:
        width = text_width(label.text, SMALL)
        result.right = max(result.right, label.x + (width if label.side > 0 else 0) + padding)
        result.left = max(result.left, (width if label.side < 0 else 0) - label.x + padding)
    has_exit = any(vertex.kind == "exit" for vertex in inside.vertices)
    result.height = bands[-1][1] + (0.0 if has_exit else padding)
    if framed:
        title = text_width(frame.title + (f" × {frame.count}" if frame.count > 1 else ""), SMALL)
        result.left = max(result.left, title + 20)
        result.right = max(result.right, text_width(frame.note, SMALL) + 20)
