"""One sentence on what came of a run: the measure that counts against the answer that needs no model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlspec.reporting.tasks import ARRAYS, NUMBERS, PIXELS, TAGS

# An error that is not below this share of the trivial answer's is hardly better than it.
_HARDLY = 0.95
GOOD, DOUBTFUL, POOR = "good", "doubtful", "poor"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one output.

    Attributes:
        output: Its name.
        headline: The measure with its value: ``99.2 % accuracy``.
        sentence: The comparison.
        grade: ``good``, ``doubtful`` (not clearly better than the trivial answer) or ``poor`` (no better).
    """

    output: str
    headline: str
    sentence: str
    grade: str

    def facts(self) -> dict[str, str]:
        """As plain data."""
        return {"output": self.output, "headline": self.headline, "sentence": self.sentence, "grade": self.grade}


def verdict(name: str, found: Mapping[str, Any], part: str) -> Verdict:
    """Judges the facts of one output, measured on `part` of the data."""
    if found["kind"] in (NUMBERS, ARRAYS):
        return _of_numbers(name, found, part)
    return _of_classes(name, found, part)


def _of_classes(name: str, found: Mapping[str, Any], part: str) -> Verdict:
    share, trivial, examples = found["accuracy"], found["baseline"]["accuracy"], found["examples"]
    limits = found["interval"]
    grade = POOR if share <= trivial else GOOD
    if grade == GOOD and (limits[0] <= trivial if limits else 1 - share > _HARDLY * (1 - trivial)):
        grade = DOUBTFUL
    what = {PIXELS: "of all positions", TAGS: "of all answers"}.get(found["kind"], f"of {examples:,} examples")
    usual = (
        found["baseline"]["answer"] if found["kind"] == TAGS else f"always answering “{found['baseline']['answer']}”"
    )
    sentence = f"Right in {percent(share)} {what} of the {part} split; {usual} would be right in {percent(trivial)}."
    if limits:
        sentence += (
            f" With so many examples, the true share lies between {percent(limits[0])} and {percent(limits[1])}."
        )
    if grade == DOUBTFUL:
        sentence += " That is not clearly better."
    elif grade == POOR:
        sentence += " The model is no better than that."
    headline = f"{percent(share)} accuracy"
    if found["kind"] == PIXELS and found["mean_iou"] is not None:
        headline = f"{percent(found['mean_iou'])} mean IoU"
    return Verdict(name, headline, sentence, grade)


def _of_numbers(name: str, found: Mapping[str, Any], part: str) -> Verdict:
    error, trivial, explained = found["rmse"], found["baseline"]["rmse"], found["r2"]
    grade = POOR if error >= trivial else DOUBTFUL if error > _HARDLY * trivial else GOOD
    answer = found["baseline"]["answer"]
    usual = (
        f"always answering {figure(answer)}, the mean of the training split," if isinstance(answer, float) else answer
    )
    sentence = (
        f"Off by {figure(error)} (root mean square) on {found['examples']:,} examples of the {part} split; "
        f"{usual} would be off by {figure(trivial)}."
    )
    if grade == DOUBTFUL:
        sentence += " That is hardly better."
    elif grade == POOR:
        sentence += " The model is no better than that."
    headline = f"R² {explained:.3f}" if explained is not None else f"RMSE {figure(error)}"
    return Verdict(name, headline, sentence, grade)


def percent(share: float | None) -> str:
    """``98.3 %``; 100 % only for all."""
    if share is None:
        return "–"
    shown = f"{100 * share:.1f}"
    if shown == "100.0":
        shown = "100" if share == 1 else "> 99.9"
    return f"{shown} %"


def figure(value: float | None) -> str:
    """A number of any size with four digits that count, and no more than it has."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:,.4g}" if 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"
