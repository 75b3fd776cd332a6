"""Metrics of overlaps: intersection over union of classes."""

from __future__ import annotations

from typing import Any, ClassVar

from dlspec.components.registry import Field, boolean, example, integer, number, optional
from dlspec.components.training import targets as rules
from dlspec.components.training.heads import Head
from dlspec.components.training.metrics import THRESHOLD, Metric, at_threshold
from dlspec.components.training.targets import Targets
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor


def _class_ids(**default: Any) -> Field[Any]:
    schema = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
    return Field(schema, doc="Classes whose mean is taken.", convert=lambda value, _: tuple(value), **default)


class _Overlap(Metric, abstract=True):
    """Intersection over union. Keras's ``axis`` is left out: any but the last one fails when the result is computed."""

    direction = "up"
    reads = "class"
    masking = False
    ignoring = True
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

    def settled(self, head: Head) -> Metric:
        """Reads the output as it is."""
        weighing = self._weighing(head)
        if weighing is not self:
            return weighing.settled(head)
        reading = self if head.output is None else self._reading(head.output)
        return super().settled(head) if reading is self else reading.settled(head)

    def _weighing(self, head: Head) -> Metric:
        """Keras counts in whole numbers, and cuts off what weights have behind the point."""
        return self.with_options(dtype="float32") if head.weighed and "dtype" not in self.given else self

    def _reading(self, output: Tensor) -> Metric:
        """An output of probabilities holds no class numbers, though Keras takes it for some unless told otherwise."""
        free = "sparse_y_pred" in self.fields and "sparse_y_pred" not in self.given
        shares = free and self.sparse_y_pred and _real(output) and output.shape[-1:] == (self.num_classes,)
        return self.with_options(sparse_y_pred=False) if shares else self

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Each side has class numbers, or a last axis of all classes."""
        reading = self._reading(output)
        if reading is not self:
            reading.problem(target, output)
            return
        if self.sparse_y_pred and "sparse_y_pred" in self.fields and _real(output):
            message = f"{self.registered_name} takes class numbers, and cuts off what the output {output} has behind"
            help = "`sparse_y_pred: false` takes the largest of several units, `binary_io_u` cuts one at a threshold"
            raise Problem("E503", f"{message} the point", help)
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


def _real(tensor: Tensor) -> bool:
    return "float" in tensor.dtype


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
    """Intersection over union of yes and no answers; one at the threshold counts as yes here, elsewhere as no."""

    keras = "keras.metrics.BinaryIoU"
    targets = "binary"
    num_classes = 2
    sparse_y_true = True
    sparse_y_pred = True
    target_class_ids = _class_ids(default=(0, 1))
    threshold = number(default=0.5, doc=THRESHOLD)
    examples = (example(""), example("{target_class_ids: [1], threshold: 0.3}"))

    def settled(self, head: Head) -> Metric:
        """The metric with the threshold at which the loss divides yes from no."""
        return at_threshold(self._weighing(head), head)
