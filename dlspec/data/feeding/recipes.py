"""How the examples of a part are put together, for each way to make some: what stands where, and what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlspec.standalone import made as making

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Examples as places in arrays.

    Attributes:
        rows: For each example the position of the row that begins it, ascending; shape [examples].
        lines: What places are places in, by the name of what is given; others are given as they are.
        arrays: By the name of what is given, its place, or itself, for each example; shape [examples, …].
        offsets: By name, distances from its place at which what is given stands as well.
        drawn: Gives further such arrays for some seeds.
    """

    rows: Array
    lines: Mapping[str, Array]
    arrays: Mapping[str, Array]
    offsets: Mapping[str, Array] = field(default_factory=dict)
    drawn: Callable[..., Mapping[str, Array]] = lambda *_: {}


def pairs(maker: Any, values: Array, classes: Array) -> Recipe:
    """Each row with a partner that is drawn."""
    import numpy as np

    rows = np.arange(len(values))
    first, second = f"{maker.input}_a", f"{maker.input}_b"

    def drawn(*seeds: int) -> Mapping[str, Array]:
        partners, same = making.drawn_pairs(classes, *seeds)
        return {second: partners, "same": same}

    return Recipe(rows, {first: values, second: values}, {first: rows}, drawn=drawn)


def triplets(maker: Any, values: Array, classes: Array) -> Recipe:
    """Each row with two others that are drawn."""
    import numpy as np

    rows = np.arange(len(values))
    anchor, positive, negative = (f"{maker.input}_{suffix}" for suffix in maker.suffixes)

    def drawn(*seeds: int) -> Mapping[str, Array]:
        alike, other = making.drawn_triplets(classes, *seeds)
        return {positive: alike, negative: other}

    return Recipe(rows, dict.fromkeys((anchor, positive, negative), values), {anchor: rows}, drawn=drawn)


def stream(maker: Any, values: Array, classes: Array) -> Recipe:
    """Pieces of all rows in one line."""
    import numpy as np

    line, places, numbers = making.in_line(values, 0)
    starts = np.arange(0, len(places) - maker.length + 1, maker.stride)
    length = np.arange(maker.length)
    return Recipe(numbers[starts], {maker.input: line}, {maker.input: starts}, {maker.input: length})


def skip_grams(maker: Any, values: Array, classes: Array) -> Recipe:
    """Each word with each that stands near it, and others that are drawn."""
    import numpy as np

    line, places, numbers = making.in_line(values, maker.window)
    there = making.stands_near(places, len(line), maker.window)
    centre, side = np.nonzero(there)
    beside = line[places[centre] + making.distances(maker.window)[side]]
    label = np.zeros((1, 1 + maker.negatives), np.int32)
    label[0, 0] = 1
    frequencies = np.bincount(line[places])

    def drawn(*seeds: int) -> Mapping[str, Array]:
        others = making.drawn_negatives(frequencies, beside, maker.negatives, *seeds)
        return {"context": np.concatenate([beside[:, None], others.astype(line.dtype)], axis=1)}

    lines = {"word": line, "label": label}
    arrays = {"word": places[centre], "label": np.zeros(len(centre), np.int64)}
    return Recipe(numbers[centre], lines, arrays, drawn=drawn)


def cbow(maker: Any, values: Array, classes: Array) -> Recipe:
    """Each word that others stand near."""
    line, places, numbers = making.in_line(values, maker.window)
    some = making.stands_near(places, len(line), maker.window).any(axis=1)
    places = places[some]
    offsets = {"context": making.distances(maker.window)}
    return Recipe(numbers[some], {"context": line, "word": line}, {"context": places, "word": places}, offsets)
