"""Metrics that count right and wrong answers: confusion, F scores and overlaps."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from dlspec.components import targets as rules
from dlspec.components.metrics import Metric
from dlspec.components.targets import Targets
from dlspec.errors import Problem
from dlspec.ir import Tensor, show_shape
from dlspec.registry import Example, Field, boolean, choice, example, integer, number, optional


def _threshold() -> Field[float | None]:
    return optional(number(min=0, max=1), doc="Output above which the answer is yes; 0.5 unless given.")


# --- counts ---------------------------------------------------------------------------------------------------------


class _Count(Metric, abstract=True):
    """One cell of the confusion matrix."""

    direction: ClassVar[Literal["up", "down", ""]] = ""
    targets = "binary"
    shorthand = "thresholds"
    thresholds = _threshold()
    examples = (example(""), example("0.7"))


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


class Precision(_Rate):
    """Share of right ones among the yes answers."""

    keras = "keras.metrics.Precision"
    shorthand = "thresholds"
    thresholds = _threshold()
    top_k = optional(integer(min=1), doc="Take the k largest outputs of each example as yes answers.")
    examples = (example(""), example("0.7"), example("{top_k: 2, class_id: 1, name: precision_1}"))


class Recall(_Rate):
    """Share of yes answers among those that should be."""

    keras = "keras.metrics.Recall"
    shorthand = "thresholds"
    thresholds = _threshold()
    top_k = optional(integer(min=1), doc="Take the k largest outputs of each example as yes answers.")
    examples = (example(""), example("0.7"), example("{top_k: 2, class_id: 1, name: recall_1}"))


def _given(what: str) -> Field[float]:
    return number(min=0, max=1, doc=f"The {what} that is asked for.")


def _num_thresholds(min: int) -> Field[int]:
    return integer(min=min, default=200, doc="Number of thresholds that are tried.")


class PrecisionAtRecall(_Rate):
    """Best precision where the recall reaches a value."""

    keras = "keras.metrics.PrecisionAtRecall"
    shorthand = "recall"
    recall = _given("recall")
    num_thresholds = _num_thresholds(1)
    examples = (example("0.9"), example("{recall: 0.9, num_thresholds: 50, class_id: 0}"))


class RecallAtPrecision(_Rate):
    """Best recall where the precision reaches a value."""

    keras = "keras.metrics.RecallAtPrecision"
    shorthand = "precision"
    precision = _given("precision")
    num_thresholds = _num_thresholds(1)
    examples = (example("0.9"), example("{precision: 0.9, num_thresholds: 50, class_id: 0}"))


class SensitivityAtSpecificity(_Rate):
    """Best sensitivity where the specificity reaches a value."""

    keras = "keras.metrics.SensitivityAtSpecificity"
    shorthand = "specificity"
    specificity = _given("specificity")
    num_thresholds = _num_thresholds(1)
    examples = (example("0.9"), example("{specificity: 0.9, num_thresholds: 50, class_id: 0}"))


class SpecificityAtSensitivity(_Rate):
    """Best specificity where the sensitivity reaches a value."""

    keras = "keras.metrics.SpecificityAtSensitivity"
    shorthand = "sensitivity"
    sensitivity = _given("sensitivity")
    num_thresholds = _num_thresholds(1)
    examples = (example("0.9"), example("{sensitivity: 0.9, num_thresholds: 50, class_id: 0}"))


class AUC(Metric):
    """Area under the curve of right against false alarms (ROC), or of precision against recall (PR)."""

    keras = "keras.metrics.AUC"
    direction = "up"
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
    num_labels = optional(integer(min=1), doc="Number of labels; told by the output unless given.")
    from_logits = boolean(default=False, doc="Whether the output is taken before the sigmoid.")
    examples = (
        example(""),
        example("{curve: PR, num_thresholds: 50, summation_method: minoring, from_logits: true}"),
        example("{multi_label: true, num_labels: 2, thresholds: [0.3, 0.5], name: area}"),
    )

    def validate(self) -> None:
        """Thresholds are given once; labels need `multi_label`."""
        if self.thresholds is not None and "num_thresholds" in self.given:
            message = "`num_thresholds` has no effect beside `thresholds`"
            raise Problem("E207", message, "keep one of them", option="num_thresholds")
        if self.num_labels is not None and not self.multi_label:
            message = "`num_labels` has no effect without `multi_label`"
            raise Problem("E207", message, "add `multi_label: true`", option="num_labels")

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
    direction = "up"
    targets = "binary"
    shorthand = "average"
    average = choice(
        "micro", "macro", "weighted",
        doc="Over all answers, or the mean over classes, plain or weighted by their number.",
    )  # fmt: skip
    threshold = optional(
        number(above=0, max=1), doc="Output above which the answer is yes; the largest one unless given."
    )
    examples: ClassVar[tuple[Example, ...]] = (example("macro"), example("{average: micro, threshold: 0.5}"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Keras takes vectors only, and without a threshold the largest of one output is always that one."""
        rules.rows(self.registered_name, target, output)
        if self.threshold is None and output.shape == (1,):
            message = f"{self.registered_name} of one unit needs a `threshold`: the largest output is always the answer"
            raise Problem("E503", message, "add `threshold: 0.5`", option="threshold")


class FBetaScore(F1Score):
    """Weighted harmonic mean of precision and recall, from one-hot rows or several yes-or-no answers."""

    keras = "keras.metrics.FBetaScore"
    beta = number(above=0, default=1.0, doc="How much more recall counts than precision.")
    examples = (example("macro"), example("{average: weighted, beta: 2, threshold: 0.5}"))


# --- overlaps -------------------------------------------------------------------------------------------------------


def _class_ids(**default: Any) -> Field[Any]:
    schema = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
    return Field(schema, doc="Classes whose mean is taken.", convert=lambda value, _: tuple(value), **default)


class _Overlap(Metric, abstract=True):
    """Intersection over union. Keras's ``axis`` is left out: any but the last one fails when the result is computed."""

    direction = "up"
    targets: ClassVar[Targets] = "classes"
    num_classes: ClassVar[Any] = integer(min=2, doc="Number of classes.")
    target_class_ids: ClassVar[Any] = ()
    sparse_y_true: ClassVar[Any] = False
    sparse_y_pred: ClassVar[Any] = False

    def validate(self) -> None:
        """The wanted classes exist."""
        beyond = [number for number in self.target_class_ids if number >= self.num_classes]
        if beyond:
            message = f"class {beyond[0]} of `target_class_ids` is beyond the {self.num_classes} classes"
            raise Problem(
                "E207", f"{message} of {self.registered_name}", "classes count from 0", option="target_class_ids"
            )

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Each side has class numbers, or a last axis of all classes."""
        if self.sparse_y_true and self.sparse_y_pred:
            rules.elementwise(self.registered_name, target, output)
            return
        if self.sparse_y_true:
            rules.classes(self.registered_name, target, output)
        elif self.sparse_y_pred:
            rules.one_hot(self.registered_name, target, Tensor((*output.shape, self.num_classes)))
        else:
            rules.one_hot(self.registered_name, target, output)
        size = self.num_classes if self.sparse_y_pred else output.shape[-1]
        if size not in (None, self.num_classes):
            message = f"{self.registered_name} has {self.num_classes} `num_classes`, but the output has {size}"
            raise Problem("E503", message, option="num_classes")


def _ignore() -> Field[int | None]:
    return optional(integer(), doc="Class number whose elements do not count.")


def _numbers(side: str, default: bool) -> Field[bool]:
    return boolean(default=default, doc=f"Whether the {side} holds class numbers rather than a last axis of classes.")


class IoU(_Overlap):
    """Intersection over union of some classes, given as numbers."""

    keras = "keras.metrics.IoU"
    target_class_ids = _class_ids()
    ignore_class = _ignore()
    sparse_y_true = _numbers("target", True)
    sparse_y_pred = _numbers("output", True)
    examples = (
        example("{num_classes: 3, target_class_ids: [0, 2], sparse_y_pred: false}"),
        example("{num_classes: 3, target_class_ids: [0], ignore_class: 1, sparse_y_true: false}"),
    )


class MeanIoU(_Overlap):
    """Mean intersection over union of all classes, given as numbers."""

    keras = "keras.metrics.MeanIoU"
    shorthand = "num_classes"
    ignore_class = _ignore()
    sparse_y_true = _numbers("target", True)
    sparse_y_pred = _numbers("output", True)
    examples = (
        example("3"),
        example("{num_classes: 3, sparse_y_pred: false}"),
        example("{num_classes: 3, ignore_class: 1, sparse_y_true: false}"),
    )


class OneHotIoU(_Overlap):
    """Intersection over union of some classes, given as one-hot rows."""

    keras = "keras.metrics.OneHotIoU"
    targets = "one_hot"
    target_class_ids = _class_ids()
    ignore_class = _ignore()
    sparse_y_pred = _numbers("output", False)
    examples = (
        example("{num_classes: 3, target_class_ids: [0, 2]}"),
        example("{num_classes: 3, target_class_ids: [0], ignore_class: 1, sparse_y_pred: true}"),
    )


class OneHotMeanIoU(_Overlap):
    """Mean intersection over union of all classes, given as one-hot rows."""

    keras = "keras.metrics.OneHotMeanIoU"
    targets = "one_hot"
    shorthand = "num_classes"
    ignore_class = _ignore()
    sparse_y_pred = _numbers("output", False)
    examples = (example("3"), example("{num_classes: 3, ignore_class: 1, sparse_y_pred: true}"))


class BinaryIoU(_Overlap):
    """Intersection over union of yes and no answers."""

    keras = "keras.metrics.BinaryIoU"
    targets = "binary"
    num_classes = 2
    sparse_y_true = True
    sparse_y_pred = True
    target_class_ids = _class_ids(default=(0, 1))
    threshold = number(default=0.5, doc="Output from which the answer is yes.")
    examples = (example(""), example("{target_class_ids: [1], threshold: 0.3}"))
