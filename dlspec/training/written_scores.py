"""How much of texts that were to be written stands in those that a model wrote: BLEU, chrF and ROUGE."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any, TypedDict

# Papineni et al. 2002, "BLEU"; Popović 2015, "chrF".
_WORDS, _SIGNS = 4, 6
_RECALL = 2.0  # how much more the recall of chrF counts than its precision
# Signs that are words of their own, but for those that may belong to a number or a word.
_APART = re.compile(f"([{re.escape(''.join(sorted(set(string.punctuation) - set(chr(39) + ',-.'))))}])")
_POINT_BEHIND, _POINT_BEFORE = re.compile(r"([^0-9])([.,])"), re.compile(r"([.,])([^0-9])")
_DASH = re.compile(r"([0-9])(-)")
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


class WrittenScores(TypedDict):
    """See :class:`dlspec.core.documents.written.WrittenFigures`."""

    bleu: float
    chrf: float
    rouge_1: float
    rouge_2: float
    rouge_l: float


def scores_of(expected: Sequence[str], generated: Sequence[str]) -> WrittenScores:
    """BLEU and chrF of all texts together, from 0 to 100, and the mean F1 of ROUGE, from 0 to 1.

    Args:
        expected: Texts of words that were to be written; at least one.
        generated: Those that were, in the same order.
    """
    pairs = [(_plain_words(right), _plain_words(written)) for right, written in zip(expected, generated, strict=True)]
    return {
        "bleu": bleu(expected, generated),
        "chrf": chrf(expected, generated),
        "rouge_1": fmean(_shared(*pair, 1) for pair in pairs),
        "rouge_2": fmean(_shared(*pair, 2) for pair in pairs),
        "rouge_l": fmean(_in_order(*pair) for pair in pairs),
    }


def bleu(expected: Sequence[str], generated: Sequence[str]) -> float:
    """BLEU of a corpus with one reference each, as sacreBLEU computes it unless told otherwise (13a, ``exp``)."""
    pairs = [(_words(right), _words(written)) for right, written in zip(expected, generated, strict=True)]
    lengths = [sum(map(len, side)) for side in zip(*pairs, strict=True)]
    logs, halved = 0.0, 1
    for order in range(1, _WORDS + 1):
        same, count = _counted(pairs, order)[:2]
        if not count or (order == 1 and not same):
            return 0.0
        if not same:
            halved *= 2
        logs += math.log(same / count if same else 1 / (halved * count)) / _WORDS
    return 100 * math.exp(logs + min(0.0, 1 - lengths[0] / lengths[1]))


def chrf(expected: Sequence[str], generated: Sequence[str]) -> float:
    """chrF of a corpus, of up to six signs without blanks, as sacreBLEU computes it unless told otherwise."""
    pairs = [
        ("".join(right.split()), "".join(written.split())) for right, written in zip(expected, generated, strict=True)
    ]
    counts = [_counted(pairs, order, comparable=True) for order in range(1, _SIGNS + 1)]
    shares = [(same / written, same / right) for same, written, right in counts if written and right]
    if not shares:
        return 0.0
    precision, recall = (fmean(side) for side in zip(*shares, strict=True))
    weighed = _RECALL**2 * precision + recall
    return 100 * (1 + _RECALL**2) * precision * recall / weighed if weighed else 0.0


def _counted(
    pairs: Sequence[tuple[Sequence[Any], Sequence[Any]]], order: int, *, comparable: bool = False
) -> tuple[int, int, int]:
    """Runs of items that both sides have, those of what was written, and those of what was to be written.

    Args:
        pairs: What was to be written, and what was.
        order: The length of the runs.
        comparable: Whether runs that were written count only where there is one that they could be compared with.
    """
    same = written = expected = 0
    for right, made in pairs:
        known, seen = Counter(_runs(right, order)), Counter(_runs(made, order))
        same += (known & seen).total()
        written += seen.total() if known or not comparable else 0
        expected += known.total()
    return same, written, expected


def _runs(items: Sequence[Any], order: int) -> Iterator[Any]:
    return (tuple(items[start : start + order]) for start in range(len(items) - order + 1))


def _words(text: str) -> list[str]:
    """The words of a text as the mteval script of 2002 (13a) sees them, which published figures are of."""
    line = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for name, sign in _ENTITIES:
        line = line.replace(name, sign)
    line = _APART.sub(r" \1 ", f" {line} ")
    line = _POINT_BEHIND.sub(r"\1 \2 ", line)
    line = _POINT_BEFORE.sub(r" \1 \2", line)
    return _DASH.sub(r"\1 \2 ", line).split()


def _plain_words(text: str) -> list[str]:
    """Runs of letters and digits in small letters, of any alphabet."""
    return re.findall(r"[^\W_]+", text.lower())


def _f1(same: int, written: int, expected: int) -> float:
    return 2 * same / (written + expected) if same else 0.0


def _shared(right: list[str], made: list[str], order: int) -> float:
    """ROUGE-N: the F1 of runs of words that both have."""
    return _f1(*_counted([(right, made)], order))


def _in_order(right: list[str], made: list[str]) -> float:
    """ROUGE-L: the F1 of the longest row of words that stands in both in this order."""
    places: dict[str, int] = {}
    for number, word in enumerate(right):
        places[word] = places.get(word, 0) | 1 << number
    # Each bit that is 0 stands for a word of that row: Hyyrö 2004, "Bit-parallel LCS-length computation revisited".
    free = full = (1 << len(right)) - 1
    for word in made:
        taken = free & places.get(word, 0)
        free = ((free + taken) | (free - taken)) & full
    return _f1(len(right) - free.bit_count(), len(made), len(right))
