"""Words for a missing value that an input of words takes for words like others."""

from __future__ import annotations

from collections import Counter

from dlspec.components.sections.data import Data, Feature
from dlspec.core.errors import Problem
from dlspec.data.binding import missing
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings


def warn_of_gap_words(binding: Binding, data: Data, findings: Findings) -> None:
    """`NA` and its like in an input of words are meant as what they are taken for (W606).

    Either `missing` says what becomes of them, or a `vocabulary` which words there are. Files whose format knows
    missing values hold words where they hold words. A source that is streamed is not read for that.
    """
    # The empty text is no word: it is a text of no letters wherever the spec is silent.
    gaps = frozenset(data.source.usual_gaps) - {""}
    for input_ in binding.inputs if gaps and not binding.table.streamed else ():
        feature = data.features.get(input_.name)
        if input_.stacked or input_.length or _decided(feature or Feature(column=input_.columns[0])):
            continue
        column = input_.columns[0]
        if not binding.table.columns[column].text or binding.table.columns[column].tensor.shape:
            continue
        counts = Counter(value for value in binding.table.whole(column) if value in gaps)
        if counts:
            path = ("source",) if feature is None else ("inputs", input_.name, "column")
            with findings.at("data", *path):
                raise _problem(column, counts)


def _decided(feature: Feature) -> bool:
    """Whether the spec says what such words are."""
    named = any(layer.vocabulary is not None for layer in feature.prepare[:1])
    return named or missing.how(feature, text=True) != missing.KEEP


def _problem(column: str, counts: Counter[str]) -> Problem:
    gap, count = counts.most_common(1)[0]
    rows = f"{count:,} row{'s' if count > 1 else ''}"
    message = f"column `{column}` holds `{gap}` in {rows}, which is a word like others here"
    help = (
        "write `missing: {constant: missing}` if nothing is known there, or name it in a `vocabulary` if it is a word"
    )
    return Problem("W606", message, help)
