"""The whole picture: one column, or several side by side where one would be a long ribbon."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dlspec.core.ir import Edge, Graph
from dlspec.views.drawing.boxes import Box, Frame, drawing, made, taken
from dlspec.views.drawing.layout import Layout, Line, Picture

MARGIN = 20.0
TALL = 1500.0  # a column of less height is never cut
WORTHWHILE = 0.75  # of the height must remain at most, or one column is the better picture
GUTTER = 36.0
TURN = 14.0


def picture(graph: Graph) -> Picture:
    """The graph, laid out from top to bottom with its left upper corner at (0, 0)."""
    drawn = drawing(graph)
    layout = Layout(graph)
    columns = [layout.frame(drawn.root, ())]
    if columns[0].height > TALL:
        segments = _segments(drawn.root, columns[0])
        several = [layout.frame(segment, leaving) for segment, leaving in segments]
        if max(column.height for column in several) < WORTHWHILE * columns[0].height:
            columns = several
    whole = Picture(drawing=drawn)
    x = MARGIN
    for number, column in enumerate(columns):
        whole.add(column, x + column.left, MARGIN)
        if number + 1 < len(columns):
            whole.lines.append(_connection(column, x, columns[number + 1]))
        x += column.width + GUTTER
    whole.right = x - GUTTER + MARGIN
    whole.height = max(column.height for column in columns) + 2 * MARGIN
    return whole.settle()


def _segments(root: Frame, single: Picture) -> list[tuple[Frame, list[Edge]]]:
    """The root's children in runs of about the same height, with the one tensor that goes from each to the next."""
    count = math.ceil(math.sqrt(single.height / single.width / 1.6))
    cuts = _cuts(root)
    tops = {id(area.thing): area.y for area in single.settle().areas}
    ends: list[int] = []
    for number in range(1, count):
        target = single.height * number / count
        possible = [cut for cut in cuts if cut > (ends[-1] if ends else 0)]
        if possible:
            ends.append(min(possible, key=lambda cut: abs(tops[id(root.children[cut])] - target)))
    starts = [0, *ends]
    stops = [*ends, len(root.children)]
    return [
        (Frame("", root.children[start:stop]), [cuts[stop]] if stop in cuts else [])
        for start, stop in zip(starts, stops, strict=True)
    ]


def _cuts(root: Frame) -> dict[int, Edge]:
    """Positions among the children that exactly one tensor passes, and that tensor."""
    last = {edge: position for position, child in enumerate(root.children) for edge in taken(child)}
    coming: dict[int, list[Edge]] = {}
    for edge in last:
        coming.setdefault(edge.node, []).append(edge)
    ending: dict[int, list[Edge]] = {}
    for edge, position in last.items():
        ending.setdefault(position, []).append(edge)
    passing: set[Edge] = set()
    cuts: dict[int, Edge] = {}
    for position, child in enumerate(root.children):
        passing.difference_update(ending.get(position - 1, ()))
        if len(passing) == 1 and not _is_end(child):
            cuts[position] = next(iter(passing))
        passing.update(edge for node in made(child) for edge in coming.get(node, ()))
    return cuts


def _is_end(child: object) -> bool:
    return isinstance(child, Box) and child.kind in ("output", "objective")


def _connection(column: Picture, x: float, following: Picture) -> Line:
    """A line from the foot of a column through the gutter to the head of the next."""
    (leaving,), (entering,) = column.outs.values(), following.ins.values()
    start, middle = x + column.left + leaving, x + column.width + GUTTER / 2
    stop = x + column.width + GUTTER + following.left + entering
    bottom, top = MARGIN + column.height, MARGIN
    points: Sequence[tuple[float, float]] = (
        (start, bottom),
        (start, bottom + TURN),
        (middle, bottom + TURN),
        (middle, top - TURN),
        (stop, top - TURN),
        (stop, top),
    )
    return Line(tuple(points), None, None, False, square=True)
