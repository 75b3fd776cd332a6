"""Comments of a YAML text, with their places: the loader drops them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from dlspec.syntax.source import LOADER

_START = re.compile(r"(?:(?<=[ \t])|(?<!.))#")


class Comment(NamedTuple):
    """A comment.

    Attributes:
        line: Its line, from 1.
        column: That of its `#`, from 1.
        text: From the `#` to the end of the line, without blanks there.
        alone: Whether nothing else stands on the line.
    """

    line: int
    column: int
    text: str
    alone: bool


def comments_of(text: str) -> list[Comment]:
    """The comments of a text with ``\\n`` as its line end, in order; none where it is not YAML."""
    if "#" not in text:
        return []
    try:
        taken = _scalars(text)
    except yaml.YAMLError:
        return []
    return list(_comments(text.split("\n"), taken))


def _comments(lines: list[str], taken: dict[int, list[tuple[int, int]]]) -> Iterator[Comment]:
    for number, line in enumerate(lines):
        for match in _START.finditer(line):
            start = match.start()
            if not any(first <= start < last for first, last in taken.get(number, ())):
                yield Comment(number + 1, start + 1, line[start:].rstrip(), not line[:start].strip())
                break


def _scalars(text: str) -> dict[int, list[tuple[int, int]]]:
    """For each line, from 0, the columns that values take; a block scalar takes the lines below its first."""
    taken: dict[int, list[tuple[int, int]]] = {}
    for event in yaml.parse(text, Loader=LOADER):
        if not isinstance(event, yaml.ScalarEvent):
            continue
        start: Any = event.start_mark
        end: Any = event.end_mark
        for line in range(start.line + (event.style in ("|", ">")), end.line + 1):
            first = start.column if line == start.line else 0
            taken.setdefault(line, []).append((first, end.column if line == end.line else len(text)))
    return taken
