"""Types of the measures of each output of a model: in ``report.json``, and by ``dlspec evaluate``.

Figures that are not finite, which JSON cannot write, are null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

from dlspec.core.documents.written import WrittenFigures

ClassKind = Literal["choice", "yes_no", "tags", "steps", "pixels"]
Grade = Literal["good", "doubtful", "poor"]
NumberKind = Literal["numbers", "series", "arrays"]


class Verdict(TypedDict):
    """The judgement of one output.

    Attributes:
        output: Its name.
        headline: The measure with its value, such as "99.2 % accuracy".
        sentence: The comparison with the answer that needs no model.
        grade: "doubtful": not clearly better than that answer; "poor": no better.
    """

    output: str
    headline: str
    sentence: str
    grade: Grade


class ClassBaseline(TypedDict):
    """The answer that needs no model.

    Attributes:
        answer: The most frequent class of the training split, or what is answered instead.
        accuracy: Its share of right answers.
    """

    answer: str
    accuracy: float


class ClassFigures(TypedDict):
    """One class, or one of several questions with yes or no.

    Attributes:
        name: Of the class.
        examples: How many are of the class.
        predicted: How many were taken for it.
        precision: Share of those that were taken for it which are of it; null where there are none.
        recall: Share of those that are of it which were taken for it; null where there are none.
        f1: Harmonic mean of both.
        iou: Intersection over union.
    """

    name: str
    examples: float
    predicted: float
    precision: float | None
    recall: float | None
    f1: float | None
    iou: float | None


class ClassResults(TypedDict):
    """Answers that are classes.

    Attributes:
        kind: "choice": one class; "yes_no"; "tags": several independent yes or no; "steps": a class for each step of a
            sequence; "pixels": a class for each pixel.
        examples: How many were looked at.
        accuracy: Share of right answers.
        interval: Where the true share lies with 95 % confidence, from and to; null where there are many answers of one
            example.
        baseline: The answer that needs no model; null where it is not known.
        classes: Each class by itself.
    """

    kind: ClassKind
    examples: int
    accuracy: float
    interval: list[float] | None
    baseline: ClassBaseline | None
    classes: list[ClassFigures]


class LinearFigures(TypedDict, total=False):
    """A linear model of the same inputs, fitted to the training split in one step (ridge regression).

    Attributes:
        accuracy: Of classes: its share of right answers.
        rmse: Of numbers: its root mean square error.
        mae: Its mean absolute error.
        r2: Mean share of the variance that it explains; null where there is none.
    """

    accuracy: float
    rmse: float | None
    mae: float | None
    r2: float | None


class ReliabilityBin(TypedDict):
    """Examples of nearly the same probability.

    Attributes:
        examples: How many, or the sum of their weights.
        probability: Its mean.
        share: How many of them it came true for.
        interval: Where the true share lies with 95 % confidence, from and to.
    """

    examples: float
    probability: float
    share: float
    interval: list[float]


class _Reliability(TypedDict):
    """What is known of all probabilities."""

    of: Literal["yes", "likeliest"]
    error: float
    chance: float
    bins: list[ReliabilityBin]


class ReliabilityFigures(_Reliability, total=False):
    """Probabilities against how often they come true.

    Attributes:
        of: Whose probability: that of "yes", the second of two classes, or of the "likeliest" class.
        error: Expected calibration error: the mean over bins, by their examples, of |share - probability|.
        chance: What that error stays below in 95 of 100 cases where probabilities are right.
        bins: Those of 15 bins of equal width that hold examples.
        before: The same before calibration, where there was one.
    """

    before: _Reliability


class ClassDetails(ClassResults, total=False):
    """Answers that are one class each.

    Attributes:
        positions: Answers that count: examples, steps or pixels.
        mean_f1: Mean F1 of the classes that occur.
        mean_iou: Mean intersection over union of the classes that occur.
        exact: Share of sequences that are right in every step.
        perplexity: Of the steps: e to the power of the mean crossentropy.
        confusion: Rows are true classes, columns those that were answered; left out where there are many classes.
        auc: Area under the ROC curve of yes or no; null where there is one class only.
        linear: A linear model of the same inputs; left out where there is none.
        threshold: Above which the output means yes, where it was chosen on the validation split.
        reliability: Of one class or yes or no: its probabilities, under a crossentropy.
        generated: Of steps that the section `generate` writes by itself.
    """

    positions: int
    mean_f1: float | None
    mean_iou: float | None
    exact: float | None
    perplexity: float | None
    confusion: list[list[float]]
    auc: float | None
    linear: LinearFigures
    threshold: float
    reliability: ReliabilityFigures
    generated: WrittenFigures


class NumberBaseline(TypedDict):
    """The answer that needs no model.

    Attributes:
        answer: The mean of the training split, or what is answered instead.
        rmse: Its root mean square error.
    """

    answer: float | str | None
    rmse: float | None


class _NumberFigures(TypedDict):
    """Figures that every number has."""

    name: str
    rmse: float | None
    mae: float | None
    bias: float | None
    r2: float | None
    baseline: NumberBaseline | None


class NumberFigures(_NumberFigures, total=False):
    """One number of an answer, in the unit of the target.

    Attributes:
        name: Of the target's column or element.
        rmse: Root mean square error.
        mae: Mean absolute error.
        bias: Mean error; above 0 where predictions are too high.
        r2: Share of the variance that is explained; null where there is none.
        baseline: The answer that needs no model; null where it is not known.
        residuals: Quantiles of the errors, by their share.
    """

    residuals: dict[str, float | None]


class QuantileFigure(TypedDict):
    """One quantile.

    Attributes:
        share: Of the targets that shall lie below it.
        below: Share of those that do.
        pinball: Its mean loss, in the unit of the target.
    """

    share: float
    below: float
    pinball: float


class QuantileFigures(TypedDict):
    """Quantiles of a number.

    Attributes:
        quantiles: Each by itself.
        share: Of the targets that shall lie between the first and the last.
        covered: Share of those that do.
        interval: Where the true share lies with 95 % confidence, from and to.
        width: Mean distance between the first and the last.
        crossing: Share of examples in which a larger quantile is below a smaller one.
    """

    quantiles: list[QuantileFigure]
    share: float
    covered: float
    interval: list[float] | None
    width: float
    crossing: float


class _NumberResults(TypedDict):
    """Results that all numeric answers have."""

    kind: NumberKind
    examples: int
    rmse: float | None
    mae: float | None
    r2: float | None
    array: bool
    baseline: NumberBaseline | None


class NumberResults(_NumberResults, total=False):
    """Answers that are numbers, in the unit of the target.

    Attributes:
        kind: "numbers"; "series": numbers for each step; "arrays".
        examples: How many were looked at.
        rmse: Root mean square error.
        mae: Mean absolute error.
        r2: Mean share of the variance that is explained; null where there is none.
        array: Whether the numbers are those of one array, and share a unit.
        baseline: The answer that needs no model; null where it is not known.
        positions: Steps or elements that count.
        numbers: Each number by itself, where they are few.
        linear: A linear model of the same inputs; left out where there is none.
        spread: Of an output of quantiles, whose median all else is about.
    """

    positions: int
    numbers: list[NumberFigures]
    linear: LinearFigures
    spread: QuantileFigures


class TranscriptBaseline(TypedDict):
    """The answer that needs no model.

    Attributes:
        answer: The most frequent sequence of the training split.
        exact: Share of examples in which it is right.
        error_rate: Labels that are wrong, missing or too many, per true label.
    """

    answer: str
    exact: float
    error_rate: float | None


class TranscriptResults(TypedDict):
    """Answers that are sequences of labels of any length.

    Attributes:
        examples: How many were looked at.
        labels: True labels in all.
        exact: Share of sequences that are right as a whole.
        interval: Where the true share lies with 95 % confidence, from and to; null where nothing was looked at.
        error_rate: Labels that are wrong, missing or too many, per true label.
        baseline: The answer that needs no model; null where it is not known.
    """

    kind: Literal["transcript"]
    examples: int
    labels: float
    exact: float
    interval: list[float] | None
    error_rate: float | None
    baseline: TranscriptBaseline | None


OutputResults = ClassDetails | NumberResults | TranscriptResults
Measures = Mapping[str, Mapping[str, float | None]]


class Baseline(TypedDict):
    """An answer that needs no training, measured as the model is.

    Attributes:
        title: What it is, in a few words.
        metrics: Loss and metrics by part, as far as its answers tell them: classes without probabilities have no loss.
    """

    title: str
    metrics: Measures


class Baselines(TypedDict):
    """What is compared with a model.

    Attributes:
        measured: By name: linear, nearest_mean, always.
        reasons: A sentence for each of what is not possible.
    """

    measured: dict[str, Baseline]
    reasons: list[str]


class Evaluation(TypedDict, total=False):
    """The document of ``dlspec evaluate``.

    Attributes:
        metrics: Loss and metrics by part: a split, or the name of other data.
        outputs: What is known of each output, by part and target.
        baselines: What answers that need no training reach, where the run has some.
        dropped: By part: examples that were left out since they lack a value.
    """

    metrics: Measures
    baselines: Baselines
    outputs: dict[str, dict[str, OutputResults]]
    dropped: dict[str, int]


class Results(TypedDict, total=False):
    """Results of the trained model on one part of the data.

    Attributes:
        part: The split that was looked at.
        verdicts: The judgement of each output.
        outputs: What was measured of each output.
        error: Why nothing could be measured; it stands alone.
    """

    part: str
    verdicts: list[Verdict]
    outputs: dict[str, OutputResults]
    error: str
