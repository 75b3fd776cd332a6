"""Metrics that compare values.

A metric is one number: what would make it a list (several thresholds, a value per class) is left out.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from dlspec.components import targets as rules
from dlspec.components.targets import NOT_NEGATIVE, POSITIVE, Range, Targets
from dlspec.errors import Problem
from dlspec.ir import Tensor
from dlspec.registry import Component, Example, Field, boolean, choice, example, integer, number, optional, text


class Metric(Component, abstract=True):
    """Base of all metrics.

    An instance's ``name`` is the word under which training reports the metric: the ``name`` option, or the metric's own
    name. It is always handed to Keras, which would otherwise number it differently in every model (``auc_3``).

    Class attributes:
        targets: What the target must hold; see :class:`dlspec.components.losses.Loss`.
        takes: What numbers a target may hold; None for any.
        strict: Whether a target may not even lack a last axis of size 1: Keras would broadcast it against the batch.
        direction: Whether ``up`` or ``down`` is better; "" where neither is (Keras refuses ``mode: auto`` then).
    """

    kind = "metric"
    targets: ClassVar[Targets] = "values"
    takes: ClassVar[Range | None] = None
    strict: ClassVar[bool] = False
    direction: ClassVar[Literal["up", "down", ""]] = "down"
    examples: ClassVar[tuple[Example, ...]] = (example(""),)
    name: ClassVar[Any] = optional(
        text(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$|\$"), doc="Name under which it is reported; its own unless given."
    )
    dtype: ClassVar[Any] = optional(
        choice("float16", "bfloat16", "float32", "float64"), doc="Data type of the computation."
    )

    def __init__(self, **given: Any) -> None:
        """As for every component; the name is settled."""
        super().__init__(**given)
        self.__dict__["name"] = given.get("name") or self.registered_name

    def called(self, word: str) -> None:
        """A metric called `mae` reports as `mae`, unless its `name` says otherwise."""
        if not self.given.get("name"):
            self.__dict__["name"] = word

    def keras_arguments(self) -> dict[str, Any]:
        """What the spec gave, and always the name."""
        return {**super().keras_arguments(), "name": self.name}

    def validate(self) -> None:
        """Axis 0 is the batch."""
        if self.given.get("axis") == 0:
            message = f"`axis` of {self.registered_name} counts the batch as 0: it must be another one"
            raise Problem("E207", message, "-1 is the last axis", option="axis")

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks that a target of this type (without batch) can be compared with this output.

        Raises:
            Problem: E503, the shapes do not suit.
        """
        rules.check(self.targets, self.registered_name, target, output, getattr(self, "axis", -1), self.strict)


def _axis() -> Field[int]:
    return integer(default=-1, doc="Axis of the classes, counting the batch as 0.")


def _from_logits() -> Field[bool]:
    return boolean(default=False, doc="Whether the output is taken before sigmoid or softmax.")


def _label_smoothing() -> Field[float]:
    return number(min=0, below=1, default=0, doc="How far the labels are moved towards evenly distributed ones.")


# --- numbers --------------------------------------------------------------------------------------------------------


class MeanSquaredError(Metric):
    """Mean of squared differences."""

    keras = "keras.metrics.MeanSquaredError"
    aliases = ("mse",)


class RootMeanSquaredError(Metric):
    """Root of the mean of squared differences."""

    keras = "keras.metrics.RootMeanSquaredError"


class MeanAbsoluteError(Metric):
    """Mean of absolute differences."""

    keras = "keras.metrics.MeanAbsoluteError"
    aliases = ("mae",)


class MeanAbsolutePercentageError(Metric):
    """Mean of absolute differences in percent of the target."""

    keras = "keras.metrics.MeanAbsolutePercentageError"
    aliases = ("mape",)
    takes = POSITIVE


class MeanSquaredLogarithmicError(Metric):
    """Mean of squared differences of log(1 + x)."""

    keras = "keras.metrics.MeanSquaredLogarithmicError"
    aliases = ("msle",)
    takes = NOT_NEGATIVE


class LogCoshError(Metric):
    """Mean of log(cosh(difference))."""

    keras = "keras.metrics.LogCoshError"


class Poisson(Metric):
    """Negative log-likelihood of counts whose expected value is the output."""

    keras = "keras.metrics.Poisson"
    takes = NOT_NEGATIVE
    strict = True


class R2Score(Metric):
    """Share of the target's variance that the output explains."""

    keras = "keras.metrics.R2Score"
    direction = "up"
    class_aggregation = choice(
        "uniform_average", "variance_weighted_average", default="uniform_average", doc="Mean over several values."
    )
    num_regressors = integer(min=0, default=0, doc="Number of inputs, for the adjusted score; 0 for the plain one.")
    examples = (example(""), example("{class_aggregation: variance_weighted_average, num_regressors: 3}"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Keras takes vectors only."""
        rules.rows(self.registered_name, target, output)


class _Direction(Metric, abstract=True):
    """Compares vectors."""

    direction = "up"
    axis = integer(default=-1, doc="Axis along which the vectors lie, counting the batch as 0.")
    examples = (example(""), example("{axis: 1}"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """One value has no direction and no variance."""
        rules.directions(self.registered_name, target, output, self.axis)


class CosineSimilarity(_Direction):
    """Cosine of the angle between target and output."""

    keras = "keras.metrics.CosineSimilarity"


class PearsonCorrelation(_Direction):
    """Correlation of target and output along an axis; 0, the batch, for a single value per example."""

    keras = "keras.metrics.PearsonCorrelation"
    examples = (example(""), example("{axis: 0}"))

    def validate(self) -> None:
        """Any axis, that of the batch included."""


class ConcordanceCorrelation(_Direction):
    """Agreement of target and output along an axis; 0, the batch, for a single value per example."""

    keras = "keras.metrics.ConcordanceCorrelation"
    examples = (example(""), example("{axis: 0}"))

    def validate(self) -> None:
        """Any axis, that of the batch included."""


# --- accuracy -------------------------------------------------------------------------------------------------------


class Accuracy(Metric):
    """Share of right answers: binary, sparse or categorical, as Keras chooses by the shapes."""

    aliases = ("acc",)
    direction = "up"
    targets = "classes"
    dtype = None
    name: ClassVar[Any] = optional(choice("accuracy", "acc"), doc="Name under which it is reported.")

    def make(self, **extra: Any) -> str:
        """The word that Keras takes in ``compile``."""
        return str(self.name)

    def problem(self, target: Tensor, output: Tensor) -> None:
        """As for the metric that Keras chooses."""
        rules.by_task(self.registered_name, target, output)


class BinaryAccuracy(Metric):
    """Share of right yes-or-no answers."""

    keras = "keras.metrics.BinaryAccuracy"
    direction = "up"
    targets = "binary"
    shorthand = "threshold"
    threshold = number(above=0, below=1, default=0.5, doc="Output above which the answer is yes.")
    examples = (example(""), example("0.7"))


class CategoricalAccuracy(Metric):
    """Share of examples whose largest output is that of the right class, given as one-hot row."""

    keras = "keras.metrics.CategoricalAccuracy"
    direction = "up"
    targets = "one_hot"


class SparseCategoricalAccuracy(Metric):
    """Share of examples whose largest output is that of the right class, given as number."""

    keras = "keras.metrics.SparseCategoricalAccuracy"
    direction = "up"
    targets = "classes"


class TopKCategoricalAccuracy(Metric):
    """Share of examples whose right class, given as one-hot row, is among the k largest outputs."""

    keras = "keras.metrics.TopKCategoricalAccuracy"
    direction = "up"
    targets = "one_hot"
    shorthand = "k"
    k = integer(min=1, default=5, doc="How many outputs count.")
    examples = (example(""), example("2"))


class SparseTopKCategoricalAccuracy(Metric):
    """Share of examples whose right class, given as number, is among the k largest outputs."""

    keras = "keras.metrics.SparseTopKCategoricalAccuracy"
    direction = "up"
    targets = "classes"
    shorthand = "k"
    k = integer(min=1, default=5, doc="How many outputs count.")
    from_sorted_ids = boolean(default=False, doc="Whether the output holds class numbers, best first.")
    examples = (example(""), example("2"), example("{k: 2, from_sorted_ids: true}"))


# --- losses as metrics ----------------------------------------------------------------------------------------------


class BinaryCrossentropy(Metric):
    """Crossentropy of independent yes-or-no outputs."""

    keras = "keras.metrics.BinaryCrossentropy"
    strict = True
    aliases = ("bce",)
    targets = "binary"
    from_logits = _from_logits()
    label_smoothing = _label_smoothing()
    examples = (example(""), example("{from_logits: true, label_smoothing: 0.1}"))


class CategoricalCrossentropy(Metric):
    """Crossentropy of exclusive classes, given as one-hot rows."""

    keras = "keras.metrics.CategoricalCrossentropy"
    targets = "one_hot"
    from_logits = _from_logits()
    label_smoothing = _label_smoothing()
    axis = _axis()
    examples = (example(""), example("{from_logits: true, label_smoothing: 0.1}"))


class SparseCategoricalCrossentropy(Metric):
    """Crossentropy of exclusive classes, given as numbers."""

    keras = "keras.metrics.SparseCategoricalCrossentropy"
    targets = "classes"
    from_logits = _from_logits()
    ignore_class = optional(integer(), doc="Class number whose examples do not count.")
    axis = _axis()
    examples = (example(""), example("{from_logits: true, ignore_class: 2}"))


class KLDivergence(Metric):
    """Kullback–Leibler divergence between two distributions over classes."""

    keras = "keras.metrics.KLDivergence"
    targets = "one_hot"


class Hinge(Metric):
    """Mean of max(1 − target · output, 0); targets 0 and 1 stand for −1 and 1."""

    keras = "keras.metrics.Hinge"
    strict = True
    targets = "binary"


class SquaredHinge(Metric):
    """Mean of the square of max(1 − target · output, 0); targets 0 and 1 stand for −1 and 1."""

    keras = "keras.metrics.SquaredHinge"
    strict = True
    targets = "binary"


class CategoricalHinge(Metric):
    """Mean of max(1 + best wrong output − right output, 0)."""

    keras = "keras.metrics.CategoricalHinge"
    targets = "one_hot"
