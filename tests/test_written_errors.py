"""Errors of written texts, against a distance computed step by step, and against jiwer where it is installed."""

from __future__ import annotations

import random

import pytest

from dlspec.training.written_errors import errors_of


def cases(count: int) -> list[tuple[list[str], list[str]]]:
    """Texts of one to eight words with no meaning, and the same with some words and characters changed."""
    chance = random.Random(7)
    syllables = ("ka", "to", "mi", "ñu", "re", "s")

    def word() -> str:
        return "".join(chance.choice(syllables) for _ in range(chance.randint(1, 3)))

    def changed(text: str) -> str:
        words = [part if chance.random() < 0.7 else word() for part in text.split() if chance.random() < 0.9]
        return " ".join([*words, *(word() for _ in range(chance.randrange(2)))])

    several = [[" ".join(word() for _ in range(chance.randint(1, 8))) for _ in range(5)] for _ in range(count)]
    return [(texts, [changed(text) for text in texts]) for texts in several]


def distance(one: object, other: object) -> int:
    """Levenshtein's, by the table that textbooks draw."""
    first, second = list(one), list(other)  # type: ignore[call-overload]
    row = list(range(len(second) + 1))
    for number, left in enumerate(first, 1):
        before, row[0] = row[0], number
        for position, right in enumerate(second, 1):
            before, row[position] = (
                row[position],
                min(row[position] + 1, row[position - 1] + 1, before + (left != right)),
            )
    return row[-1]


def test_rates_are_those_of_levenshtein_over_all_texts() -> None:
    """A hundred lists of five texts; a written text may be empty."""
    for expected, generated in cases(100):
        errors = errors_of(expected, generated)
        pairs = list(zip(expected, generated, strict=True))
        words = sum(distance(right.split(), written.split()) for right, written in pairs)
        signs = sum(distance(right, written) for right, written in pairs)
        assert errors["word_error_rate"] == pytest.approx(words / sum(len(text.split()) for text in expected))
        assert errors["character_error_rate"] == pytest.approx(signs / sum(map(len, expected)))
        assert errors["edit_distance"] == pytest.approx(signs / 5)


def test_what_divides_by_nothing_is_not_known() -> None:
    """Texts without words, and no texts."""
    assert errors_of(["", ""], ["a", ""]) == {
        "word_error_rate": None,
        "character_error_rate": None,
        "edit_distance": 0.5,
    }
    assert errors_of([], []) == {"word_error_rate": None, "character_error_rate": None, "edit_distance": None}


def test_rates_are_those_of_jiwer() -> None:
    """The same hundred lists; jiwer leaves out texts that are empty of its own accord, so that there are none."""
    jiwer = pytest.importorskip("jiwer")
    for expected, generated in cases(100):
        errors = errors_of(expected, generated)
        assert errors["word_error_rate"] == pytest.approx(jiwer.wer(expected, generated))
        assert errors["character_error_rate"] == pytest.approx(jiwer.cer(expected, generated))


def test_rows_of_numbers_have_no_words() -> None:
    """Their distance counts numbers, however many digits they have."""
    errors = errors_of(["10 11 12", "7"], ["10 12", "8"], numbers=True)
    assert errors == {"word_error_rate": None, "character_error_rate": None, "edit_distance": 1.0}
