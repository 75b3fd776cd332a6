"""Types of the figures of written sequences: in ``report.json``, and by ``dlspec evaluate``."""

from __future__ import annotations

from typing import TypedDict


class Written(TypedDict):
    """A row that the model wrote, against the one that was to be told.

    Attributes:
        where: The place of the example in the data.
        given: What entered the model beside it, by column.
        expected: The row of the data, as text.
        generated: The row that was written, as text.
    """

    where: str
    given: dict[str, str]
    expected: str
    generated: str


class _Written(TypedDict):
    by: str
    examples: int
    shown: list[Written]
    recomputed: str


class WrittenFigures(_Written, total=False):
    """Rows that the model wrote by itself: whole ones, or the second halves of rows that follow from nothing else.

    Attributes:
        by: The way of writing: "greedy", "beam" or "sample".
        examples: How many were written.
        exact: Share of them that are right as a whole; left out of second halves, which may go on in many ways.
        interval: Where the true share lies with 95 % confidence, from and to; null without examples.
        word_error_rate: Words to be changed, left out or put in, by the words of all texts that were to be written.
        character_error_rate: The same of characters.
        edit_distance: Characters to be changed, left out or put in, of a text on the average; numbers in rows of such.
        bleu: BLEU of all texts together, from 0 to 100, of targets of words, as of all that follows.
        chrf: chrF of all texts together, from 0 to 100.
        rouge_1: F1 of the words of a text on the average, from 0 to 1.
        rouge_2: The same of pairs of words that follow each other.
        rouge_l: The same of the longest row of words that stands in both texts in this order.
        shown: Some of them.
        recomputed: Why the whole row was computed again for each step; "" where one step was enough.
    """

    exact: float
    interval: list[float] | None
    word_error_rate: float | None
    character_error_rate: float | None
    edit_distance: float | None
    bleu: float
    chrf: float
    rouge_1: float
    rouge_2: float
    rouge_l: float
