"""Metrics that compare values.

A metric is one number: what would make it a list (several thresholds, a value per class) is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from dlspec.components.registry import Component, Example, choice, example, integer, optional, text
from dlspec.components.training import targets as rules
from dlspec.components.training.heads import Head
from dlspec.components.training.targets import NOT_NEGATIVE, POSITIVE, Range, Targets
from dlspec.core.ir import Tensor

# Options by which a metric cuts answers elsewhere than the class that they stand for.
_CUTS = {"threshold", "thresholds", "num_thresholds", "top_k"}


class Metric(Component, abstract=True):
    """Base of all metrics.

    An instance's ``name`` is the word under which training reports the metric: the ``name`` option, or the metric's own
    name. It is always handed to Keras, which would otherwise number it differently in every model (``auc_3``).

    Class attributes:
        targets: What the target must hold; see :class:`dlspec.components.training.losses.Loss`.
        takes: What numbers a target may hold; None for any.
        strict: Whether a target may not even lack a last axis of size 1: Keras would broadcast it against the batch.
        direction: Whether ``up`` or ``down`` is better; "" where neither is (Keras refuses ``mode: auto`` then).
        share_right: Whether it is the share of right answers among all, from 0 to 1.
        reads: How much of an output it looks at: the ``class`` that is answered, of yes or no the ``order`` of examples
            as well, or each ``number``.
        axis: That of the values that belong together, counting the batch as 0; an option of some.
        masking: Whether Keras leaves out what a mask leaves out, as it does in means over single values.
        alone: Whether it measures a tensor by itself, which is compared with nothing.
        ignoring: Whether Keras leaves out the class that `ignore_class` names; in means it counts as 0.
    """

    kind = "metric"
    targets: ClassVar[Targets] = "values"
    takes: ClassVar[Range | None] = None
    strict: ClassVar[bool] = False
    direction: ClassVar[Literal["up", "down", ""]] = "down"
    share_right: ClassVar[bool] = False
    reads: ClassVar[Literal["class", "order", "number"]] = "number"
    axis: Any = -1
    masking: ClassVar[bool] = True
    ignoring: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (example(""),)
    name: ClassVar[Any] = optional(
        text(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$|\$"), doc="Name under which it is reported; its own unless given."
    )
    dtype: ClassVar[Any] = optional(
        choice("float16", "bfloat16", "float32", "float64"), doc="Data type of the computation."
    )

    def __init__(self, **given: Any) -> None:
        """Sets the options and settles the name."""
        super().__init__(**given)
        self.__dict__["name"] = given.get("name") or self.registered_name

    @property
    def ordered(self) -> bool:
        """Whether it takes the classes to be in an order."""
        return False

    @property
    def coarse(self) -> bool:
        """Whether a measure over all thresholds tries some of them only, without being told so."""
        return False

    @property
    def looks_at(self) -> str:
        """As `reads`; thresholds of its own cut through numbers."""
        return "number" if _CUTS & self.given.keys() else self.reads

    def called(self, name: str) -> None:
        """A metric called `mae` reports as `mae`, unless its `name` says otherwise."""
        if not self.given.get("name"):
            self.__dict__["name"] = name

    def keras_arguments(self) -> dict[str, Any]:
        """Arguments of the Keras metric: the given options, and always the name."""
        return {**super().keras_arguments(), "name": self.name}

    def settled(self, head: Head) -> Metric:
        """This metric of an output: what follows from the output's loss and activation, filled in where not given."""
        follows = {"from_logits": head.from_logits or None, "ignore_class": head.ignored}
        options = {
            name: value
            for name, value in follows.items()
            if value is not None and name in self.fields and name not in self.given
        }
        return answered(self.with_options(**options) if options else self, head)

    def with_options(self, **options: Any) -> Metric:
        """A copy with further options, reported under the same name."""
        other = type(self)(**{**self.given, **options})
        other.__dict__["name"] = self.name
        return other

    def validate(self) -> None:
        """Checks that `axis` is not 0, the batch."""
        rules.check_axis(self.registered_name, self.given.get("axis"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks that a target of this type (without batch) can be compared with this output.

        Raises:
            Problem: E503, the shapes do not suit.
        """
        rules.check(self.targets, self.registered_name, target, output, self.axis, self.strict)


# What stands in the doc of each threshold: Keras cuts at 0.5 unless told otherwise.
THRESHOLD = "Output above which the answer is yes; unless given 0.5, or 0 for raw scores, margins and `tanh`."


class Answered(Metric, abstract=True):
    """Another metric behind a threshold or a mask that Keras's own does not know."""

    keras = "dlspec.standalone.answered.Answered"

    @property
    def coarse(self) -> bool:
        """Whether the wrapped metric uses a coarse grid of thresholds."""
        return bool(self.given["metric"].coarse)

    def keras_arguments(self) -> dict[str, Any]:
        """The given arguments; the wrapped metric has the name."""
        return dict(self.given)


def answered(metric: Metric, head: Head, **options: Any) -> Metric:
    """The metric, seeing its output through `options`, and nothing that the output's mask or its loss leaves out."""
    ignored = metric.given.get("ignore_class", head.ignored)
    if ignored is not None and not metric.ignoring:
        options["ignored"] = ignored
    knows = not (head.masked and head.weighed) if metric.masking else not (head.masked or head.weighed)
    if not options and knows:
        return metric
    made = Answered(metric=metric, **options)
    made.__dict__["name"] = metric.name
    return made


def at_threshold(
    metric: Metric,
    head: Head,
    option: str = "threshold",
    default: float | None = 0.5,
    taken: Callable[[float], bool] = lambda cut: True,
) -> Metric:
    """The metric with the threshold that is given, or follows from loss and activation.

    Args:
        metric: As the spec gives it.
        head: What it measures.
        option: Its threshold.
        default: Where Keras cuts unless told otherwise; None where it does not cut then.
        taken: Which thresholds Keras's metric takes; at all others, its input is cut.
    """
    given = metric.given.get(option)
    cut = head.threshold if given is None else float(given)
    if given is None and head.class_scores:
        return answered(metric, head, softmax=True)
    if not taken(cut):
        return answered(metric.with_options(**{option: 0.5}), head, threshold=cut)
    same = cut == (default if given is None else given)
    return answered(metric if same else metric.with_options(**{option: cut}), head)


# --- numbers --------------------------------------------------------------------------------------------------------


class MeanSquaredError(Metric):
    """Mean of squared differences."""

    keras = "keras.metrics.MeanSquaredError"
    aliases = ("mse",)


class RootMeanSquaredError(Metric):
    """Root of the mean of squared differences."""

    keras = "keras.metrics.RootMeanSquaredError"
    masking = False


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


class Determination(Metric, abstract=True):
    """R² in float64."""

    keras = "dlspec.standalone.determination.Determination"


class R2Score(Metric):
    """Share of the target's variance that the output explains."""

    keras = "keras.metrics.R2Score"
    direction = "up"
    class_aggregation = choice(
        "uniform_average", "variance_weighted_average", default="uniform_average", doc="Mean over several values."
    )
    num_regressors = integer(min=0, default=0, doc="Number of inputs, for the adjusted score; 0 for the plain one.")
    examples = (example(""), example("{class_aggregation: variance_weighted_average, num_regressors: 3}"))

    def settled(self, head: Head) -> Metric:
        """Keras subtracts sums of squares, which float32 cannot hold where values are large beside their spread."""
        made = Determination(**{name: value for name, value in self.given.items() if name != "name"})
        made.__dict__["name"] = self.name
        return made

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks that the output is a vector, as Keras needs."""
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


class Correlation(Metric, abstract=True):
    """Over all examples at once."""

    masking = False
    keras = "dlspec.standalone.correlation.Correlation"


class VectorCorrelation(Metric, abstract=True):
    """Of single vectors, among which are some without any spread."""

    keras = "dlspec.standalone.correlation.VectorCorrelation"


class _Agreement(_Direction, abstract=True):
    """Compares how values vary, along the batch too."""

    kind = "metric"
    concordance: ClassVar[bool] = False

    def validate(self) -> None:
        """Any axis, that of the batch included."""

    def settled(self, head: Head) -> Metric:
        """Over all examples rather than the mean over batches, which Keras takes along axis 0; never NaN."""
        options = {name: self.given[name] for name in ("axis", "dtype") if self.given.get(name)}
        options |= {"concordance": True} if self.concordance else {}
        made = VectorCorrelation(**options) if self.axis != 0 else Correlation(**options)
        made.__dict__["name"] = self.name
        return answered(made, head)


class PearsonCorrelation(_Agreement):
    """Correlation of target and output along an axis; 0 for that over all examples, as single values need it."""

    keras = "keras.metrics.PearsonCorrelation"
    examples = (example(""), example("{axis: 0}"))


class ConcordanceCorrelation(_Agreement):
    """Agreement of target and output along an axis; 0 for that over all examples, as single values need it."""

    keras = "keras.metrics.ConcordanceCorrelation"
    concordance = True
    examples = (example(""), example("{axis: 0}"))
