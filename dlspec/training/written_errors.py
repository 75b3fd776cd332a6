"""How far texts that a model wrote are from those that were to be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from dlspec.views.pages.shares import ratio
from dlspec.views.pages.transcripts import distances


class WrittenErrors(TypedDict):
    """See :class:`dlspec.core.documents.written.WrittenFigures`."""

    word_error_rate: float | None
    character_error_rate: float | None
    edit_distance: float | None


def errors_of(expected: Sequence[str], generated: Sequence[str], *, numbers: bool = False) -> WrittenErrors:
    """Words and characters to be changed, left out or put in, by those of all expected texts; and characters by text.

    Args:
        expected: Texts that were to be written.
        generated: Those that were, in the same order.
        numbers: Whether they are rows of numbers, which have neither words nor characters: their distance counts
            numbers.
    """
    of_words = _edits([text.split() for text in expected], [text.split() for text in generated])
    if numbers:
        return {
            "word_error_rate": None,
            "character_error_rate": None,
            "edit_distance": ratio(of_words, len(expected)),
        }
    signs = _edits(expected, generated)
    return {
        "word_error_rate": ratio(of_words, sum(len(text.split()) for text in expected)),
        "character_error_rate": ratio(signs, sum(map(len, expected))),
        "edit_distance": ratio(signs, len(expected)),
    }


def _edits(expected: Sequence[Sequence[str]], generated: Sequence[Sequence[str]]) -> float:
    """Items to be changed, left out or put in to make all expected rows of the generated ones."""
    numbers: dict[str, int] = {}

    def numbered(some: Sequence[Sequence[str]]) -> list[list[int]]:
        return [[numbers.setdefault(item, len(numbers) + 1) for item in row] for row in some]

    return float(distances(numbered(generated), numbered(expected)).sum()) if expected else 0.0
