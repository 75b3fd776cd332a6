"""One sentence on what came of a run: the measure that counts against the answer that needs no model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlspec.components.training.decisions import ALWAYS_NO, ALWAYS_YES
from dlspec.core.documents.report import Fact
from dlspec.core.documents.results import Grade
from dlspec.core.documents.results import Verdict as VerdictFacts
from dlspec.data.binding.tasks import ARRAYS, NUMBERS, PIXELS, SERIES, STEPS, TAGS, TRANSCRIPT
from dlspec.data.order.splits import PARTS

# An error that is not below this share of the trivial answer's is hardly better than it.
_HARDLY = 0.95
_ERROR = "RMSE"
GOOD: Grade = "good"
DOUBTFUL: Grade = "doubtful"
POOR: Grade = "poor"


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
    grade: Grade

    def facts(self) -> VerdictFacts:
        """The verdict as plain data."""
        return {"output": self.output, "headline": self.headline, "sentence": self.sentence, "grade": self.grade}


def verdict(name: str, facts: Mapping[str, Any], part: str) -> Verdict:
    """Judges the facts of one output, measured on `part`: a split of the run's data, or the name of other data."""
    part = f"the {part} split" if part in PARTS else part
    if facts["kind"] in (NUMBERS, SERIES, ARRAYS):
        return _of_numbers(name, facts, part)
    if facts["kind"] == TRANSCRIPT:
        return _of_transcripts(name, facts, part)
    return _of_classes(name, facts, part)


def less_is_better(measure: str) -> bool:
    """Whether small values of what :func:`leading` gives are good: of an error, unlike of a share."""
    return measure == _ERROR


def leading(facts: Mapping[str, Any]) -> tuple[str, float | None]:
    """The measure that the headline of an output leads with, and its value; see :func:`less_is_better`."""
    if facts["kind"] in (NUMBERS, SERIES, ARRAYS):
        known = facts["r2"] is not None and not facts.get("array")
        return ("R²", facts["r2"]) if known else (_ERROR, facts["rmse"])
    if facts["kind"] == TRANSCRIPT:
        return "exact", facts["exact"]
    pixels = facts["kind"] == PIXELS and facts["mean_iou"] is not None
    return ("mean IoU", facts["mean_iou"]) if pixels else ("accuracy", facts["accuracy"])


def _of_classes(name: str, facts: Mapping[str, Any], part: str) -> Verdict:
    share, baseline, limits = facts["accuracy"], facts["baseline"], facts["interval"]
    trivial = baseline["accuracy"] if baseline else None
    grade = GOOD if trivial is None or share > trivial else POOR
    if (
        trivial is not None
        and grade == GOOD
        and (limits[0] <= trivial if limits else 1 - share > _HARDLY * (1 - trivial))
    ):
        grade = DOUBTFUL
    sentence = f"Right in {percent(share)} {_what(facts)} of {part}"
    if baseline:
        usual = baseline["answer"] if facts["kind"] == TAGS else f"always answering “{baseline['answer']}”"
        sentence += f"; {usual} would be right in {percent(trivial)}"
    sentence += f".{_of_sequences(facts)}{_cut(facts)}{_limits(limits)}{_remark(grade, clear=True)}{_linear(facts)}"
    headline = f"{percent(share)} accuracy"
    if facts["kind"] == PIXELS and facts["mean_iou"] is not None:
        headline = f"{percent(facts['mean_iou'])} mean IoU"
    return Verdict(name, headline, sentence, grade)


def _what(facts: Mapping[str, Any]) -> str:
    """The phrase for the total that a share belongs to, such as "of 150 examples"."""
    if facts["kind"] in (PIXELS, STEPS):
        return f"of {_several(facts['positions'], 'pixel' if facts['kind'] == PIXELS else 'step')}"
    return "of all answers" if facts["kind"] == TAGS else f"of {_several(facts['examples'], 'example')}"


def _of_sequences(facts: Mapping[str, Any]) -> str:
    """For a class in each step: a sentence on sequences that are right as a whole, and the perplexity; else ""."""
    if facts["kind"] != STEPS or facts["exact"] is None:
        return ""
    perplexity = facts.get("perplexity")
    more = ""
    if perplexity is not None:
        more = f", perplexity {figure(perplexity)} or {figure(math.log2(perplexity))} bits a step"
    return f" {percent(facts['exact'])} of {facts['examples']:,} sequences are right in every step{more}."


def _cut(facts: Mapping[str, Any]) -> str:
    if "threshold" not in facts:
        return ""
    no, yes = (row["name"] for row in facts["classes"])
    if facts["threshold"] in (ALWAYS_YES, ALWAYS_NO):
        always = yes if facts["threshold"] == ALWAYS_YES else no
        return f" The answer is always “{always}”, as chosen on the validation split."
    return f" The answer is “{yes}” above {figure(facts['threshold'])}, as chosen on the validation split."


def _limits(limits: Sequence[float] | None) -> str:
    if not limits:
        return ""
    return f" With so many examples, the true share lies between {percent(limits[0])} and {percent(limits[1])}."


def _remark(grade: Grade, *, clear: bool = False) -> str:
    if grade == DOUBTFUL:
        return f" That is {'not clearly' if clear else 'hardly'} better."
    return " The model is no better than that." if grade == POOR else ""


def _of_transcripts(name: str, facts: Mapping[str, Any], part: str) -> Verdict:
    """Sequences of any length: how many are exact, and how many labels are wrong."""
    rate, baseline = facts["error_rate"], facts["baseline"]
    # To answer nothing at all is wrong in each label once.
    trivial = min(1.0, baseline["error_rate"]) if baseline and baseline["error_rate"] is not None else 1.0
    grade = GOOD if rate is None else _grade(rate, trivial)
    sentence = (
        f"Exact in {percent(facts['exact'])} of {_several(facts['examples'], 'example')} of {part}, "
        f"with {percent(rate)} of labels wrong, missing or too many"
    )
    if baseline:
        sentence += f"; always answering “{baseline['answer']}” would be exact in {percent(baseline['exact'])}"
    sentence += f".{_limits(facts['interval'])}{_remark(grade)}"
    return Verdict(name, f"{percent(facts['exact'])} exact, {percent(rate)} error rate", sentence, grade)


def _of_numbers(name: str, facts: Mapping[str, Any], part: str) -> Verdict:
    error, baseline = facts["rmse"], facts["baseline"]
    trivial = baseline["rmse"] if baseline else None
    grade = GOOD if trivial is None else _grade(error, trivial)
    sentence = f"Off by {figure(error)} (root mean square) {_where(facts)} of {part}"
    if baseline:
        answer = baseline["answer"]
        usual = f"{figure(answer)}, the mean of" if isinstance(answer, float) else f"{answer} number in"
        comma = "," if isinstance(answer, float) else ""
        sentence += f"; always answering {usual} the training split{comma} would be off by {figure(trivial)}"
    more = f"{_remark(grade)}{_linear(facts)}{_spread(facts)}"
    return Verdict(name, _headline(facts, error, trivial), f"{sentence}.{more}", grade)


def _linear(facts: Mapping[str, Any]) -> str:
    """A sentence on the linear model of the same inputs; "" without one."""
    linear = facts.get("linear")
    if not linear:
        return ""
    if "rmse" in linear:
        better = linear["rmse"] < facts["rmse"]
        does = f"would be off by {figure(linear['rmse'])}"
    else:
        better = linear["accuracy"] > facts["accuracy"]
        does = f"would be right in {percent(linear['accuracy'])}"
    return f" A linear model of the same inputs {does}{': it is better' if better else ''}."


def _spread(facts: Mapping[str, Any]) -> str:
    """A sentence on the targets between the outermost quantiles, and on quantiles that are out of order."""
    if "spread" not in facts or len(facts["spread"]["quantiles"]) < 2:
        return ""
    spread = facts["spread"]
    sentence = (
        f" {percent(spread['covered'])} of the targets lie between the outermost quantiles, which shall hold "
        f"{percent(spread['share'])} and are {figure(spread['width'])} apart on average."
    )
    if spread["crossing"]:
        sentence += f" In {percent(spread['crossing'])} of the examples a larger quantile is below a smaller one."
    return sentence


def _where(facts: Mapping[str, Any]) -> str:
    if facts["kind"] == SERIES:
        return f"in {_several(facts['positions'], 'step')} of {_several(facts['examples'], 'example')}"
    return f"on {_several(facts['examples'], 'example')}"


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _headline(facts: Mapping[str, Any], error: float, trivial: float | None) -> str:
    """R², but of an array, whose numbers share a unit, the error against that of the mean: R² of pixels that hardly
    ever change says little."""
    explained = facts["r2"]
    if facts.get("array") and trivial:
        side = "below" if error <= trivial else "above"
        return f"RMSE {figure(error)}, {percent(abs(1 - error / trivial))} {side} that of the mean"
    return f"R² {explained:.3f}" if explained is not None else f"RMSE {figure(error)}"


def _grade(error: float, trivial: float) -> Grade:
    return POOR if error >= trivial else DOUBTFUL if error > _HARDLY * trivial else GOOD


def percent(share: float | None) -> str:
    """A share as ``98.3 %``; 100 % only for all."""
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


def fact_text(fact: Fact) -> str:
    """The value of what a way of training tells, with its unit."""
    value = fact["value"] if isinstance(fact["value"], str) else figure(fact["value"])
    return f"{value} {fact['unit']}".rstrip()
