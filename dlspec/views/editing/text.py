"""A text by lines, and its positions as editors count them."""

from __future__ import annotations

from functools import cached_property

from dlspec.core.errors import Span


class Text:
    """A text whose lines and columns count from 1, as those of spans.

    Args:
        source: The text with any line ends.
        encoding: Unit in which an editor counts: ``utf-8``, ``utf-16`` or ``utf-32``.
    """

    def __init__(self, source: str, encoding: str = "utf-16") -> None:
        self.source = source.replace("\r\n", "\n").replace("\r", "\n")
        self.encoding = encoding

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends; there is at least one."""
        return self.source.split("\n")

    def line(self, number: int) -> str:
        """The line of that number, counted from 1; "" beyond the last one."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def units(self, line: int, column: int) -> int:
        """The units of an editor before a column of a line; of one beyond the line's end, those of the whole line."""
        before = self.line(line)[: max(0, column - 1)]
        if self.encoding == "utf-32" or before.isascii():
            return len(before)
        if self.encoding == "utf-8":
            return len(before.encode("utf-8", "surrogatepass"))
        return len(before) + sum(ord(character) > 0xFFFF for character in before)

    def column(self, line: int, units: int) -> int:
        """The column behind so many units of a line; one inside a character is that character's."""
        text = self.line(line)
        if self.encoding == "utf-32" or text.isascii():
            return min(units, len(text)) + 1
        for column in range(1, len(text) + 1):
            if self.units(line, column + 1) > units:
                return column
        return len(text) + 1

    def part(self, span: Span) -> str:
        """What stands at a span."""
        if span.line == span.end_line:
            return self.line(span.line)[span.column - 1 : span.end_column - 1]
        between = self.lines[span.line : span.end_line - 1]
        first, last = self.line(span.line)[span.column - 1 :], self.line(span.end_line)[: span.end_column - 1]
        return "\n".join([first, *between, last])
