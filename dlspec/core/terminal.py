"""Text from strangers' files, as a terminal may show it."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def printable(text: str) -> str:
    """One line without control characters, which could repaint the terminal: they are shown as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else f"\\x{ord(c):02x}" for c in text)


def printable_lines(text: str) -> str:
    """Text of several lines with unprintable characters escaped; line ends stay."""
    return "\n".join(map(printable, text.split("\n")))


def cells(text: str) -> int:
    """Columns that a terminal needs for `text` as :func:`printable` shows it."""
    import unicodedata

    shown = printable(text)
    if shown.isascii():
        return len(shown)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in shown)
    return len(shown) + wide - sum(unicodedata.combining(c) > 0 for c in shown)


def table(rows: Sequence[Sequence[str]], numbers: Collection[int] = (), rule: bool = False) -> list[str]:
    """Lines with the cells of `rows` under each other.

    Args:
        rows: Texts, the titles of the columns first; all rows have the same length.
        numbers: Positions of the columns that end at the same place.
        rule: Whether a line stands below the titles.
    """
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths, numbers) for row in rows]
    return [lines[0], "  ".join("─" * width for width in widths), *lines[1:]] if rule else lines


def _line(row: Sequence[str], widths: Sequence[int], numbers: Collection[int]) -> str:
    padded = []
    for column, (text, width) in enumerate(zip(row, widths, strict=True)):
        blanks = " " * (width - cells(text))
        padded.append(blanks + printable(text) if column in numbers else printable(text) + blanks)
    return "  ".join(padded).rstrip()
