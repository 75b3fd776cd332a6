"""Pieces of Python that declarations give to exported projects; text of a spec stands in them as constants only."""

from __future__ import annotations

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


def call(function: str, *positional: Any, lines: bool = False, **keywords: Any) -> Piece:
    """A call: ``call("np.load", Piece("file"), allow_pickle=False)``.

    Args:
        function: As it is written.
        positional: Arguments.
        lines: Whether each argument has a line of its own.
        keywords: Arguments by name.
    """
    given = ["{}" for _ in positional] + [f"{name}={{}}" for name in keywords]
    return Piece(f"{function}({', '.join(given)}{',' if lines else ''})", *positional, *keywords.values())
