"""Metrics that count right and wrong answers: confusion, F scores and overlaps."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from dlspec.components.registry import Example, Field, boolean, choice, example, integer, number, optional
from dlspec.components.training import targets as rules
from dlspec.components.training.heads import Head
from dlspec.components.training.metrics import THRESHOLD, Metric, answered, at_threshold
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


def _between_0_and_1(cut: float) -> bool:
    return 0 <= cut <= 1


class ExactCurve(Metric, abstract=True):
    """A measure over all thresholds, for which every answer is kept."""

    keras = "dlspec.standalone.exact_curve.ExactCurve"


# How many answers are kept: 5 bytes each, 9 where examples weigh.
MOST_ANSWERS = 1_000_000


def as_shares(head: Head) -> dict[str, bool]:
    """Keras options by which a metric over all thresholds compares scores of classes across examples."""
    return {"softmax": True} if head.class_scores else {}


def exact(metric: Metric, head: Head, measure: str, **options: Any) -> Metric | None:
    """A metric that computes the measure from all answers; None unless their number is known to be small enough."""
    if head.answers is None or head.answers > MOST_ANSWERS:
        return None
    made = ExactCurve(measure=measure, capacity=head.examples, **options, **({"weighed": True} if head.weighed else {}))
    made.__dict__["name"] = metric.name
    return answered(made, head, **as_shares(head))


# --- counts ---------------------------------------------------------------------------------------------------------


class _Count(Metric, abstract=True):
    """One cell of the confusion matrix."""

    direction: ClassVar[Literal["up", "down", ""]] = ""
    reads = "class"
    masking = False
    targets = "binary"
    shorthand = "thresholds"
    thresholds = optional(number(), doc=THRESHOLD)
    examples = (example(""), example("0.7"))

    def settled(self, head: Head) -> Metric:
        """Cut where the loss cuts."""
        return at_threshold(self, head, "thresholds", taken=_between_0_and_1)


class TruePositives(_Count):
    """Number of yes answers that are right."""

    keras = "keras.metrics.TruePositives"


class TrueNegatives(_Count):
    """Number of no answers that are right."""

    keras = "keras.metrics.TrueNegatives"


class FalsePositives(_Count):
    """Number of yes answers that are wrong."""

    keras = "keras.metrics.FalsePositives"


class FalseNegatives(_Count):
    """Number of no answers that are wrong."""

    keras = "keras.metrics.FalseNegatives"


# --- rates ----------------------------------------------------------------------------------------------------------


class _Rate(Metric, abstract=True):
    """A ratio of cells of the confusion matrix, over all outputs or one class."""

    kind = "metric"  # declared again: these options come last
    direction = "up"
    masking = False
    targets = "binary"
    class_id = optional(integer(min=0), doc="The one class to look at; all unless given.")

    def problem(self, target: Tensor, output: Tensor) -> None:
        """The class is one of the output's."""
        super().problem(target, output)
        if self.class_id is None:
            return
        size = output.shape[-1] if output.rank else 0
        if size is not None and self.class_id >= size:
            message = (
                f"`class_id` {self.class_id} of {self.registered_name} is beyond the output {show_shape(output.shape)}"
            )
            raise Problem("E503", message, "classes count from 0", option="class_id")


class _Share(_Rate, abstract=True):
    """A rate of answers that are cut at a threshold, or the largest of each example."""

    reads = "class"
    kind = "metric"
    shorthand = "thresholds"
    thresholds = optional(number(), doc=THRESHOLD)
    top_k = optional(integer(min=1), doc="Take the k largest outputs of each example as yes answers.")

    def settled(self, head: Head) -> Metric:
        """Cut where the loss cuts."""
        if self.top_k:
            return answered(self, head)
        return at_threshold(self, head, "thresholds", taken=_between_0_and_1)


class Precision(_Share):
    """Share of right ones among the yes answers."""

    keras = "keras.metrics.Precision"
    examples = (example(""), example("0.7"), example("{top_k: 2, class_id: 1, name: precision_1}"))


class Recall(_Share):
    """Share of yes answers among those that should be."""

    keras = "keras.metrics.Recall"
    examples = (example(""), example("0.7"), example("{top_k: 2, class_id: 1, name: recall_1}"))


def _given(what: str) -> Field[float]:
    return number(min=0, max=1, doc=f"The {what} that is asked for.")


def _num_thresholds(min: int) -> Field[int]:
    return integer(min=min, default=200, doc="Number of thresholds that are tried; every answer unless given.")


class _Best(_Rate, abstract=True):
    """The best of one rate where another reaches a value."""

    reads = "order"
    kind = "metric"
    num_thresholds = _num_thresholds(1)

    @property
    def coarse(self) -> bool:
        """Whether the number of thresholds is Keras's default."""
        return "num_thresholds" not in self.given

    def settled(self, head: Head) -> Metric:
        """Over all answers; over thresholds between 0 and 1, where scores are moved, if their number is given."""
        value = getattr(self, self.shorthand)
        options = {"class_id": self.class_id} if self.class_id is not None else {}
        exact_metric = exact(self, head, self.registered_name, value=value, **options)
        if exact_metric is not None and "num_thresholds" not in self.given:
            return exact_metric
        return answered(self, head, **as_shares(head), **({"sigmoid": True} if head.raw else {}))


class PrecisionAtRecall(_Best):
    """Best precision where the recall reaches a value."""

    keras = "keras.metrics.PrecisionAtRecall"
    shorthand = "recall"
    recall = _given("recall")
    examples = (example("0.9"), example("{recall: 0.9, num_thresholds: 50, class_id: 0}"))


class RecallAtPrecision(_Best):
    """Best recall where the precision reaches a value."""

    keras = "keras.metrics.RecallAtPrecision"
    shorthand = "precision"
    precision = _given("precision")
    examples = (example("0.9"), example("{precision: 0.9, num_thresholds: 50, class_id: 0}"))


class SensitivityAtSpecificity(_Best):
    """Best sensitivity where the specificity reaches a value."""

    keras = "keras.metrics.SensitivityAtSpecificity"
    shorthand = "specificity"
    specificity = _given("specificity")
    examples = (example("0.9"), example("{specificity: 0.9, num_thresholds: 50, class_id: 0}"))


class SpecificityAtSensitivity(_Best):
    """Best specificity where the sensitivity reaches a value."""

    keras = "keras.metrics.SpecificityAtSensitivity"
    shorthand = "sensitivity"
    sensitivity = _given("sensitivity")
    examples = (example("0.9"), example("{sensitivity: 0.9, num_thresholds: 50, class_id: 0}"))


class AUC(Metric):
    """Area under the curve of right against false alarms (ROC), or of precision against recall (PR)."""

    keras = "keras.metrics.AUC"
    reads = "order"
    direction = "up"
    masking = False
    targets = "binary"
    num_thresholds = _num_thresholds(2)
    curve = choice("ROC", "PR", "PRGAIN", default="ROC", doc="Which curve.")
    summation_method = choice(
        "interpolation", "majoring", "minoring", default="interpolation", doc="How the area is found from the points."
    )
    thresholds = optional(
        Field[list[float]](
            {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 1},
            convert=lambda values, _: [float(value) for value in values],
        ),
        doc="The thresholds themselves, in place of their number.",
    )
    multi_label = boolean(default=False, doc="Whether to take the mean of an area for each label.")
    num_labels = optional(integer(min=1), doc="Number of labels; by the output unless given.")
    from_logits = boolean(
        default=False, doc="Whether the output is taken before the sigmoid; as the loss takes it unless given."
    )
    examples = (
        example(""),
        example("{curve: PR, num_thresholds: 50, summation_method: minoring, from_logits: true}"),
        example("{multi_label: true, num_labels: 2, thresholds: [0.3, 0.5], name: area}"),
    )

    @property
    def coarse(self) -> bool:
        """Whether Keras's default thresholds are used: neither they nor their number is given."""
        return not {"num_thresholds", "thresholds"} & self.given.keys()

    def validate(self) -> None:
        """Thresholds are given once; labels need `multi_label`."""
        if self.thresholds is not None and "num_thresholds" in self.given:
            message = "`num_thresholds` has no effect beside `thresholds`"
            raise Problem("E207", message, "keep one of them", option="num_thresholds")
        if self.num_labels is not None and not self.multi_label:
            message = "`num_labels` has no effect without `multi_label`"
            raise Problem("E207", message, "add `multi_label: true`", option="num_labels")

    def settled(self, head: Head) -> Metric:
        """Over all answers, unless thresholds or another summation are asked for: they lie between 0 and 1."""
        coarse = {"num_thresholds", "thresholds", "summation_method"} & self.given.keys()
        if not coarse and self.curve != "PRGAIN":
            labels = {"multi_label": True} if self.multi_label else {}
            exact_metric = exact(self, head, self.curve.lower(), **labels)
            if exact_metric is not None:
                return exact_metric
        scores = head.raw and "from_logits" not in self.given
        return answered(self.with_options(from_logits=True) if scores else self, head, **as_shares(head))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Labels lie in a vector of their number."""
        super().problem(target, output)
        if not self.multi_label:
            return
        rules.rows(self.registered_name, target, output)
        if self.num_labels is not None and output.shape != (self.num_labels,):
            message = f"auc of {self.num_labels} labels needs as many units, but the output has {output.shape[0]}"
            raise Problem("E503", message, option="num_labels")


# --- F scores -------------------------------------------------------------------------------------------------------


class F1Score(Metric):
    """Harmonic mean of precision and recall, from one-hot rows or several yes-or-no answers."""

    keras = "keras.metrics.F1Score"
    reads = "class"
    direction = "up"
    targets = "binary"
    shorthand = "average"
    average = choice(
        "micro", "macro", "weighted",
        doc="Over all answers, or the mean over classes, plain or weighted by their number.",
    )  # fmt: skip
    threshold = optional(
        number(),
        doc="Output above which the answer is yes; unless given, that of yes or no (0.5 or 0), the largest of classes.",
    )
    examples: ClassVar[tuple[Example, ...]] = (example("macro"), example("{average: micro, threshold: 0.5}"))

    def settled(self, head: Head) -> Metric:
        """Cut where the loss cuts; of exclusive classes the largest one is the answer."""
        single = head.output is not None and head.output.shape == (1,)
        if self.threshold is None and not single and not head.binary:
            return self
        return at_threshold(self, head, default=None, taken=lambda cut: 0 < cut <= 1)

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks that the output is a vector, as Keras needs."""
        rules.rows(self.registered_name, target, output)


class FBetaScore(F1Score):
    """Weighted harmonic mean of precision and recall, from one-hot rows or several yes-or-no answers."""

    keras = "keras.metrics.FBetaScore"
    beta = number(above=0, default=1.0, doc="How much more recall counts than precision.")
    examples = (example("macro"), example("{average: weighted, beta: 2, threshold: 0.5}"))
