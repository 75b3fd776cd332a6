"""BLEU, chrF and ROUGE of written texts: by hand, and against sacrebleu and rouge-score where they are installed."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from dlspec.training.written_scores import bleu, chrf, scores_of
from tests.test_written_errors import cases

MARKS = ("", "", ",", ".", "!", "(x)", "3.5", "1,000", "10-12", "&amp;", "it's", "a_b")


def marked(count: int) -> list[tuple[list[str], list[str]]]:
    """The lists of the error rates, with punctuation and numbers between the words of both sides."""
    chance = random.Random(3)

    def added(text: str) -> str:
        return " ".join(word + chance.choice(MARKS) for word in text.split())

    return [([added(t) for t in expected], [added(t) for t in made]) for expected, made in cases(count)]


def test_what_is_written_right_has_full_marks_and_what_is_not_none() -> None:
    """No words in common, and nothing written at all."""
    texts = ["the cat sat on the mat", "a dog ran off in the rain"]
    assert scores_of(texts, texts) == pytest.approx(
        {"bleu": 100, "chrf": 100, "rouge_1": 1, "rouge_2": 1, "rouge_l": 1}
    )
    assert set(scores_of(texts, ["", ""]).values()) == {0}
    assert scores_of(texts, ["xyz", "xyz"])["bleu"] == 0


def test_figures_by_hand() -> None:
    """Runs that both have by those of each side, and the longest row in order."""
    expected, made = ["the cat sat on the mat"], ["the the cat mat on"]
    scores = scores_of(expected, made)
    assert scores["rouge_1"] == pytest.approx(2 * 5 / 11)
    assert scores["rouge_2"] == pytest.approx(2 * 1 / 9)
    assert scores["rouge_l"] == pytest.approx(2 * 3 / 11)  # the cat mat, or the cat on
    precisions = 5 / 5 * 1 / 4 * 1 / (2 * 3) * 1 / (4 * 2)
    assert scores["bleu"] == pytest.approx(100 * precisions**0.25 * 2.718281828459045 ** (1 - 6 / 5))
    assert scores_of(["müde Füße"], ["müde Hände"])["rouge_1"] == pytest.approx(0.5)


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    """A hundred lists of five texts."""
    sacrebleu = pytest.importorskip("sacrebleu")
    for expected, made in marked(100):
        assert bleu(expected, made) == pytest.approx(sacrebleu.corpus_bleu(made, [expected]).score, abs=1e-9)
        assert chrf(expected, made) == pytest.approx(sacrebleu.corpus_chrf(made, [expected]).score, abs=1e-9)


def test_rouge_is_that_of_rouge_score() -> None:
    """The same lists in letters that rouge-score knows: it leaves out all but a to z."""
    rouge = pytest.importorskip("rouge_score.rouge_scorer")
    scorer = rouge.RougeScorer(["rouge1", "rouge2", "rougeL"])
    for expected, made in marked(100):
        plain, other = ([text.replace("ñ", "n") for text in some] for some in (expected, made))
        scores: Mapping[str, object] = {**scores_of(plain, other)}
        each = [scorer.score(right, written) for right, written in zip(plain, other, strict=True)]
        for name, key in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
            assert scores[name] == pytest.approx(sum(row[key].fmeasure for row in each) / len(each))
