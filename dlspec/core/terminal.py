"""Text from strangers' files, as a terminal may show it."""

from __future__ import annotations


def printable(text: str) -> str:
    """One line without control characters, which could repaint the terminal: they are shown as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else f"\\x{ord(c):02x}" for c in text)


def printable_lines(text: str) -> str:
    """The same for text of several lines; their ends stay."""
    return "\n".join(map(printable, text.split("\n")))
