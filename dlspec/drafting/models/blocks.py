"""Items → blocks: the part of a list that stands there several times, but for numbers and words, is written once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dlspec.drafting.models.groups import Item, repeated
from dlspec.syntax.expressions import is_expression

# Items of a block at most, and parameters that a person still reads.
_LONGEST, _MOST_PARAMETERS = 40, 6
# A size follows from another one where it is so many times as large at most: beyond that it is chance.
_LARGEST_FACTOR = 8
# Lines of a block besides its items.
_HEAD = 3
_LEAST_SAVED = 1
_SHORT = {
    "conv1d": "Conv",
    "conv2d": "Conv",
    "conv3d": "Conv",
    "depthwise_conv2d": "Depthwise",
    "separable_conv2d": "Separable",
    "batch_normalization": "BN",
    "layer_normalization": "LN",
    "activation": "",
    "re_lu": "",
    "zero_padding2d": "",
    "max_pooling2d": "Pool",
    "average_pooling2d": "Pool",
}


@dataclass
class Block:
    """A block of a spec.

    Attributes:
        name: Its name.
        params: Its parameters with their defaults; None for those that every call gives.
        items: Its layers; values that are parameters are expressions.
    """

    name: str
    params: dict[str, Any]
    items: list[Item]


class Blocks:
    """Finds the blocks of lists of items, the one that saves most lines first.

    Attributes:
        main: The list of a body.
        blocks: Those that were made, the inner ones first.
    """

    def __init__(self, items: list[Item]) -> None:
        self.main = items
        self.blocks: list[Block] = []

    def run(self) -> list[Item]:
        """The main list, with calls in place of what became blocks."""
        while (best := self.best()) is not None:
            self.make(best)
        return self.main

    def in_order(self) -> list[Block]:
        """The blocks, those that others call before them."""
        known = {block.name: block for block in self.blocks}
        order: dict[str, Block] = {}

        def visit(block: Block) -> None:
            for items in _lists(block.items):
                for item in items:
                    if item.key in known and item.key not in order:
                        visit(known[item.key])
            order.setdefault(block.name, block)

        for block in self.blocks:
            visit(block)
        return list(order.values())

    def lists(self) -> list[list[Item]]:
        """All lists of items."""
        return [each for top in (self.main, *(block.items for block in self.blocks)) for each in _lists(top)]

    def best(self) -> list[tuple[list[Item], int, int]] | None:
        """Where the window stands that saves most: list, start and length of each."""
        places: dict[tuple[str, ...], list[tuple[list[Item], int]]] = {}
        for items in self.lists():
            shapes = [item.shape if item.loose else "" for item in items]
            for start in range(len(items)):
                for end in range(start + 1, min(len(items), start + _LONGEST) + 1):
                    if not shapes[end - 1]:
                        break
                    places.setdefault(tuple(shapes[start:end]), []).append((items, start))
        candidates = []
        known: dict[int, tuple[Any, ...]] = {}
        for window, starts in places.items():
            if len(starts) > 1:
                apart = _apart(starts, len(window))
                if len(apart) > 1 and (saved := _saved(apart, len(window), known)) >= _LEAST_SAVED:
                    candidates.append((saved, -len(window), apart))
        candidates.sort(key=lambda each: each[:2], reverse=True)
        for _, length, apart in candidates:
            if len(_parameters(apart, -length)[0]) <= _MOST_PARAMETERS:
                return [(items, start, -length) for items, start in apart]
        return None

    def make(self, windows: list[tuple[list[Item], int, int]]) -> None:
        """Makes a block of windows of equal shape, and puts calls into their places."""
        length = windows[0][2]
        apart = [(items, start) for items, start, _ in windows]
        params, replaced_values = _parameters(apart, length)
        items, start = apart[0]
        calls = [{name: values[number] for name, values in params.items()} for number in range(len(apart))]
        defaults = {name: _default(values) for name, values in params.items()}
        template = _template(items[start : start + length], iter(replaced_values))
        block = Block(self.name(template), defaults, template)
        for (items, start), options in reversed(list(zip(apart, calls, strict=True))):
            given = {
                name: value for name, value in options.items() if value != defaults[name] or defaults[name] is None
            }
            items[start : start + length] = [Item(block.name, given, defaults, step=items[start + length - 1].step)]
        self.blocks.append(block)
        for each in self.lists():
            each[:] = repeated(each)
            for item in each:
                item.forget_shape()

    def name(self, items: list[Item]) -> str:
        """A name that says what the block holds."""
        parts: list[str] = []
        for item in items:
            part = _SHORT.get(item.key, "".join(piece.capitalize() for piece in re.split(r"[_.]", item.key)))
            if part and part not in parts:
                parts.append(part)
        calls = any(item.key[:1].isupper() for item in items)
        base = "Stage" if calls and len(items) > 1 else "".join(parts[:3])[:40] or "Block"
        base = base if base[:1].isupper() else f"B{base}"
        taken = {block.name for block in self.blocks}
        name, number = base, 2
        while name in taken:
            name, number = f"{base}{number}", number + 1
        return name


def _lists(items: list[Item]) -> Iterator[list[Item]]:
    yield items
    for item in items:
        for branch in item.branches:
            yield from _lists(branch)


def _apart(places: list[tuple[list[Item], int]], length: int) -> list[tuple[list[Item], int]]:
    """Those that do not overlap, from the left."""
    apart: list[tuple[list[Item], int]] = []
    ends: dict[int, int] = {}
    for items, start in places:
        if start >= ends.get(id(items), 0):
            apart.append((items, start))
            ends[id(items)] = start + length
    return apart


def lines_of(item: Item) -> int:
    """About how many lines an item takes."""
    if not item.branches:
        return 1
    shown = [sum(lines_of(inner) for inner in branch) for branch in item.branches]
    return 1 + sum(shown) + sum(1 for lines in shown if lines) - (1 if sum(1 for lines in shown if lines) == 1 else 0)


def _saved(apart: list[tuple[list[Item], int]], length: int, known: dict[int, tuple[Any, ...]]) -> int:
    """How many lines a block saves; `known` keeps the values of the items that were looked at before."""
    items, start = apart[0]
    lines = sum(lines_of(item) for item in items[start : start + length])
    calls, last = 0, None
    for items, start in apart:
        window = items[start : start + length]
        values = [known.get(id(item)) or known.setdefault(id(item), tuple(item.values())) for item in window]
        follows = last is not None and last[0] is items and last[1] + length == start and last[2] == values
        calls += not follows
        last = (items, start, values)
    return len(apart) * lines - calls - _HEAD - lines


def _columns(apart: list[tuple[list[Item], int]], length: int) -> list[list[Any]]:
    """The values that may be parameters, one list for each over all windows."""
    rows = [[value for item in items[start : start + length] for value in item.values()] for items, start in apart]
    return [list(column) for column in zip(*rows, strict=True)]


def _parameters(apart: list[tuple[list[Item], int]], length: int) -> tuple[dict[str, list[Any]], list[Any]]:
    """The parameters with their value in each window, and what stands in place of each value in the block."""
    items, start = apart[0]
    names = [name for item in items[start : start + length] for name in _names(item)]
    params: dict[str, list[Any]] = {}
    columns = _columns(apart, length)
    written: list[Any] = [None] * len(columns)
    # Lists come last: their entries may follow from numbers.
    for index in sorted(range(len(columns)), key=lambda index: isinstance(columns[index][0], list)):
        column = columns[index]
        if all(_equal(value, column[0]) and not is_expression(value) for value in column):
            written[index] = column[0]
            continue
        known = next((text for name, values in params.items() if (text := _by(name, values, column))), "")
        if not known:
            free, number = names[index], 2
            while free in params:
                free, number = f"{names[index]}_{number}", number + 1
            params[free] = column
            known = f"${free}"
        written[index] = known
    return params, written


def _equal(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _by(name: str, values: list[Any], column: list[Any]) -> str:
    """A column as an expression of a parameter: the same, or a whole multiple of it, or part."""
    if all(_equal(value, other) for value, other in zip(values, column, strict=True)):
        return f"${name}"
    if all(isinstance(value, list) for value in column):
        return _list_by(name, values, column)
    if not all(type(value) is int and value > 1 for value in (*values, *column)):
        return ""
    factor, share = column[0] // values[0], values[0] // column[0]
    if 1 < factor <= _LARGEST_FACTOR and all(
        value * factor == other for value, other in zip(values, column, strict=True)
    ):
        return f"${name} * {factor}"
    if 1 < share <= _LARGEST_FACTOR and all(
        other * share == value for value, other in zip(values, column, strict=True)
    ):
        return f"${name} // {share}"
    return ""


def _list_by(name: str, values: list[Any], column: list[Any]) -> str:
    """Lists of whole numbers of which one entry is a parameter, and the others are always the same."""
    if len({len(row) for row in column}) != 1 or not all(type(value) is int for row in column for value in row):
        return ""
    entries = []
    for entry in zip(*column, strict=True):
        fixed = len(set(entry)) == 1
        if not fixed and list(entry) != values:
            return ""
        entries.append(str(entry[0]) if fixed else f"${name}")
    return f"[{', '.join(entries)}]"


def _names(item: Item) -> Iterator[str]:
    yield "times"
    yield from item.opens
    for branch in item.branches:
        for inner in branch:
            yield from _names(inner)


def _template(items: list[Item], values: Iterator[Any]) -> list[Item]:
    """Copies of items with other values that may be parameters."""
    copies = []
    for item in items:
        copy = Item(item.key, dict(item.options), item.opens, merge=item.merge, count=next(values))
        for key, default in item.opens.items():
            value = next(values)
            if value == default and default is not None and type(value) is type(default):
                copy.options.pop(key, None)
            else:
                copy.options[key] = value
        copy.branches = [_template(branch, values) for branch in item.branches]
        copies.append(copy)
    return copies


def _default(values: list[Any]) -> Any:
    """The value of most windows, where that is more than half; None otherwise."""
    counts: dict[str, int] = {"": 0}
    for value in values:
        if is_expression(value):  # it stands for a parameter that the block does not know
            continue
        counts[repr(value)] = counts.get(repr(value), 0) + 1
    most, count = max(counts.items(), key=lambda pair: pair[1])
    return next((value for value in values if repr(value) == most), None) if 2 * count > len(values) else None
