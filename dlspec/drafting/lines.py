"""Lines of a drafted spec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlspec.core.terminal import printable
from dlspec.syntax.dumping import flow

# Characters of a line.
WIDTH = 120


def comment(text: str, indent: str = "") -> Iterator[str]:
    """Lines of a comment; what stands in a file cannot end it."""
    text, width = " ".join(printable(text).split()), WIDTH - len(indent) - 2
    while text:
        line = text if len(text) <= width else text[: text.rfind(" ", 0, width) if " " in text[:width] else width]
        yield f"{indent}# {line}"
        text = text[len(line) :].strip()


def filled(head: str, value: Any) -> Iterator[str]:
    """A value, a list over several lines where it is long."""
    if not isinstance(value, list) or len(head) + len(flow(value)) <= WIDTH:
        yield f"{head}{flow(value)}"
        return
    line, indent = f"{head}[", " " * (len(head) + 1)
    for number, item in enumerate(value):
        piece = flow(item) + ("]" if number == len(value) - 1 else ",")
        if len(line) + len(piece) > WIDTH and line.strip():
            yield line.rstrip()
            line = indent
        line += f"{piece} "
    yield line.rstrip()
