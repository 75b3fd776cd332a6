"""A text that is being typed, read as far as it can be: unfinished lines are mended, or left out."""

from __future__ import annotations

from dlspec.core.tree import Map
from dlspec.syntax.source import load
from dlspec.views.editing.text import Text

_CLOSING = {"{": "}", "[": "]"}


def tolerant(text: Text, line: int) -> Map | None:
    """The data of a text, of which the line with the cursor need not be finished; None where more is wrong.

    Args:
        line: That line: its open brackets are closed, or it is left out.
    """
    lines = text.lines
    row = min(max(line, 1), len(lines)) - 1
    indent = len(lines[row]) - len(lines[row].lstrip())
    tried = [lines[row], lines[row] + _closers(lines[row]), " " * indent + "#", _item(lines[row])]
    for written in dict.fromkeys(tried):
        data = load("\n".join([*lines[:row], written, *lines[row + 1 :]])).data
        if data is not None:
            return data
    return load("\n".join(lines[:row])).data


def _closers(line: str) -> str:
    """The brackets that a line leaves open, closed."""
    missing = ""
    for character in line:
        if character in _CLOSING:
            missing = _CLOSING[character] + missing
        elif missing[:1] == character:
            missing = missing[1:]
    return missing


def _item(line: str) -> str:
    """An item of a list without what follows its dash."""
    head, dash, _ = line.partition("- ")
    return f"{head}- ''" if dash and not head.strip() else ""
