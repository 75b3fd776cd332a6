"""Pieces of Python that declarations give to exported projects; text of a spec stands in them as constants only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Piece:
    """An expression or a line: ``Piece("table[{}]", "age")`` becomes ``table["age"]``.

    Args:
        pattern: Python, with ``{}`` for each value. A brace that is meant as such is doubled, as in ``str.format``.
        values: Other pieces, which stay Python, and plain values, which become literals.
    """

    def __init__(self, pattern: str, *values: Any) -> None:
        self.pattern = pattern
        self.values = values

    def with_more(self, arguments: Sequence[Piece]) -> Piece:
        """A call with further arguments behind its own."""
        given = ", ".join("{}" for _ in arguments)
        between = ", " if self.values and arguments else ""
        return Piece(f"{self.pattern[:-1]}{between}{given})", *self.values, *arguments)

    def by_lines(self) -> Piece:
        """A call with a line for each of its arguments."""
        return Piece(f"{self.pattern[:-1]},)", *self.values) if self.values else self


def call(function: str, /, *positional: Any, **keywords: Any) -> Piece:
    """A call: ``call("np.load", Piece("file"), allow_pickle=False)``.

    Args:
        function: As it is written.
        positional: Arguments.
        keywords: Arguments by name.

    Raises:
        ValueError: A name is none of Python's.
    """
    for name in (*function.split("."), *keywords):
        if not name.isidentifier() or not name.isascii():
            raise ValueError(f"{name!r} is no identifier")
    given = ["{}" for _ in positional] + [f"{name}={{}}" for name in keywords]
    return Piece(f"{function}({', '.join(given)})", *positional, *keywords.values())
