"""Columns: the heaviest path of a level stands straight in the middle, every other path straight beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dlspec.views.drawing.boxes import Frame
from dlspec.views.drawing.levels import Level, Vertex, Wire

GAP = 22.0


@dataclass(eq=False, slots=True)
class Track:
    """A path through consecutive rows that shares one x."""

    vertices: list[Vertex]
    side: int = 0
    distance: float = 0.0

    @property
    def order(self) -> tuple[int, float, int]:
        """Short and close ones stand nearest to the middle."""
        return (len(self.vertices), self.distance, self.vertices[0].number)


@dataclass(slots=True)
class _Neighbours:
    after: dict[Vertex, list[tuple[Vertex, float]]] = field(default_factory=dict)
    before: dict[Vertex, list[tuple[Vertex, float]]] = field(default_factory=dict)


def set_columns(level: Level) -> None:
    """Gives every vertex its x; no two of one row overlap."""
    around = _Neighbours()
    for wire, start, stop in level.hops:
        order = _order(wire, stop)
        around.after.setdefault(start, []).append((stop, order))
        around.before.setdefault(stop, []).append((start, order))
    tracks = _tracks(level.vertices, around)
    track_of = {vertex: track for track in tracks for vertex in track.vertices}
    straight = _straight(track_of, around)
    for track in tracks[1:]:
        _choose_side(track, track_of, around, straight)
    spine = tracks[0]
    for side in (-1, 1):
        reach = {vertex.row: vertex.left if side < 0 else vertex.right for vertex in spine.vertices}
        for track in sorted((track for track in tracks[1:] if track.side == side), key=lambda track: track.order):
            _set_track(track, side, reach)


def _order(wire: Wire, stop: Vertex) -> float:
    """Order of a tensor among those that enter a vertex: by the arguments of a box, or the entries of a frame."""
    if stop is not wire.path[-1]:
        return 0.0
    return stop.ins.get(wire.tensor, 0.0) if isinstance(stop.thing, Frame) else float(wire.order)


def _tracks(vertices: Sequence[Vertex], around: _Neighbours) -> list[Track]:
    """The heaviest path, then those of every part that remains connected without it."""
    tracks: list[Track] = []
    waiting = [sorted(vertices, key=lambda vertex: (vertex.row, vertex.number))]
    while waiting:
        part = waiting.pop()
        tracks.append(Track(_heaviest_path(part, around)))
        used = set(tracks[-1].vertices)
        waiting += _connected([vertex for vertex in part if vertex not in used], around)
    return tracks


def _connected(vertices: Sequence[Vertex], around: _Neighbours) -> list[list[Vertex]]:
    """The connected parts, each in the order of the vertices."""
    number: dict[Vertex, int] = {}
    free = set(vertices)
    parts: list[list[Vertex]] = []
    for first in vertices:
        reached = [first] if first not in number else []
        while reached:
            vertex = reached.pop()
            if vertex in free and vertex not in number:
                number[vertex] = len(parts)
                reached += [other for way in (around.after, around.before) for other, _ in way.get(vertex, [])]
        if number[first] == len(parts):
            parts.append([])
    for vertex in vertices:
        parts[number[vertex]].append(vertex)
    return parts


def _heaviest_path(vertices: Sequence[Vertex], around: _Neighbours) -> list[Vertex]:
    free = set(vertices)
    weight: dict[Vertex, float] = {}
    following: dict[Vertex, Vertex | None] = {}
    for vertex in reversed(vertices):
        best: tuple[float, Vertex | None] = (0.0, None)
        for next_one, _ in around.after.get(vertex, []):
            if next_one in free and weight[next_one] > best[0]:
                best = (weight[next_one], next_one)
        weight[vertex] = best[0] + vertex.weight + 0.001
        following[vertex] = best[1]
    path = [max(vertices, key=lambda vertex: weight[vertex])]
    while (after := following[path[-1]]) is not None:
        path.append(after)
    return path


def _straight(track_of: dict[Vertex, Track], around: _Neighbours) -> dict[Vertex, float]:
    """Order of entry of the tensor that comes straight down a vertex's own track, for vertices that have one."""
    straight: dict[Vertex, float] = {}
    for vertex, coming in around.before.items():
        for before, order in coming:
            if track_of[before] is track_of[vertex]:
                straight.setdefault(vertex, order)
    return straight


def _choose_side(
    track: Track, track_of: dict[Vertex, Track], around: _Neighbours, straight: dict[Vertex, float]
) -> None:
    """Left of the middle if it enters what follows before the middle's own tensor does, else right."""
    last = track.vertices[-1]
    for after, order in around.after.get(last, []):
        beside = straight.get(after, order)
        track.distance = abs(order - beside)
        track.side = track_of[after].side or (-1 if order < beside else 1)
        return
    for before, _ in around.before.get(track.vertices[0], []):
        track.side = track_of[before].side
    track.side = track.side or 1


def _set_track(track: Track, side: int, reach: dict[int, float]) -> None:
    def inner(vertex: Vertex) -> float:
        return vertex.right if side < 0 else vertex.left

    def outer(vertex: Vertex) -> float:
        return vertex.left if side < 0 else vertex.right

    x = max(reach.get(vertex.row, 0.0) + GAP + inner(vertex) for vertex in track.vertices)
    for vertex in track.vertices:
        vertex.x = side * x
        reach[vertex.row] = x + outer(vertex)
