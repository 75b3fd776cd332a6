"""Types of columns that are stated before a file is read: those of the training, not of each file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Words that usually stand for a missing value in files of text, which know no other way to say so.
MISSING = ("", "NA", "N/A", "#N/A", "nan", "NaN", "null", "NULL")


@dataclass(frozen=True, slots=True)
class Stated:
    """Facts about columns that hold for every file they are read from.

    Attributes:
        texts: Columns of text, also where a file happens to hold digits only: `07` stays `07`.
        numbers: Columns of numbers, also where a file has no value at all.
        gaps: For columns of text, the words that stand for a missing value; no others do but the empty one.
        kept: Columns that are handed on: files of text keep them as they are written, unless they are of numbers.
    """

    texts: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    gaps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        """Whether the type of a column is known."""
        return name in self.texts or name in self.numbers

    def also(self, texts: frozenset[str], numbers: frozenset[str] = frozenset()) -> Stated:
        """A copy with further columns; what was stated before has precedence."""
        return Stated(self.texts | texts - self.numbers, self.numbers | numbers - self.texts, self.gaps, self.kept)


NOTHING = Stated()
