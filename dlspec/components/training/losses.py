"""Losses."""

from __future__ import annotations

from typing import Any, ClassVar

from dlspec.components.registry import (
    Component,
    Example,
    Field,
    aiding,
    boolean,
    choice,
    example,
    integer,
    number,
    optional,
)
from dlspec.components.training import targets as rules
from dlspec.components.training.targets import NOT_NEGATIVE, POSITIVE, Range, Targets
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, show_shape


class Loss(Component, abstract=True):
    """Base of all losses.

    Class attributes:
        targets: What the target must hold: real ``values``, ``classes`` (numbers from 0), ``one_hot`` rows (or
            probabilities of classes), or ``binary`` (0 and 1, or probabilities).
        takes: What numbers a target may hold; None for any.
        labels_in_head: Each class has a unit in the output; False where the output is an embedding.
        whole: Whether one loss is computed for all that an example, or even the batch, holds.
        signed: Whether the output is a margin: yes where it is positive.
        aligns: A target is a sequence of labels, each of which takes at least one step of the output.
        takes_scores: The output is taken before sigmoid or softmax, always.
        activations: Names of the activations whose probabilities it takes, first the one to propose; () for any.
        likelihood: It is minus the logarithm of what the right class is given.
        quantiles: The share of the targets below each unit of the output; () where units are no quantiles.
        from_logits, axis, ignore_class: Options of some, with what holds for the others.
        constant_sides: Whether a step may compare with a constant.
        example_shapes: Of target and output in an example of the step, where these are not those of `targets`.
    """

    kind = "loss"
    aligns: ClassVar[bool] = False
    takes_scores: ClassVar[bool] = False
    activations: ClassVar[tuple[str, ...]] = ()
    likelihood: ClassVar[bool] = False
    quantiles: Any = ()
    from_logits: Any = False
    axis: Any = -1
    ignore_class: Any = None
    targets: ClassVar[Targets] = "values"
    takes: ClassVar[Range | None] = None
    labels_in_head: ClassVar[bool] = True
    whole: ClassVar[bool] = False
    signed: ClassVar[bool] = False
    example_shapes: ClassVar[tuple[Shape, ...]] = ()
    constant_sides: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (example(""),)
    reduction: ClassVar[Any] = choice(
        "sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", default="sum_over_batch_size",
        doc="How the losses of a batch become one number.",
    )  # fmt: skip
    dtype: ClassVar[Any] = optional(choice("float16", "bfloat16", "float32", "float64", doc="Type of its numbers."))

    def validate(self) -> None:
        """Checks that `axis` is not 0, the batch."""
        rules.check_axis(self.registered_name, self.given.get("axis"))

    @property
    def answer(self) -> int | None:
        """The unit of the output that is the answer, where the others say how sure it is; None where all are."""
        return None

    @property
    def over_batch(self) -> bool:
        """Whether it compares the examples of a batch with each other, so that one alone has no loss."""
        return False

    @property
    def averages(self) -> bool:
        """Whether Keras's values are means over the last axis of what is compared."""
        return self.targets in ("values", "binary") and not self.whole

    def compared(self, output: Tensor) -> Tensor:
        """The type that a target of numbers must have to be compared with this output."""
        return output

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks that a target of this type (without batch) can be compared with this output.

        Raises:
            Problem: E503, the shapes do not suit.
        """
        rules.check(self.targets, self.registered_name, target, output, self.axis if isinstance(self.axis, int) else -1)

    def values(self, target: Tensor, output: Tensor) -> Shape:
        """The shape of Keras's own values for an example, before any reduction; what is compared suits."""
        return rules.values(self.targets, target, output, self.axis)


def _from_logits() -> Field[bool]:
    return boolean(default=False, doc="Whether the output is taken before sigmoid or softmax.")


def _label_smoothing() -> Field[float]:
    return aiding(number(min=0, below=1, default=0.0, doc="How far labels are moved towards equal ones."), "smoothing")


def _axis() -> Field[int]:
    return integer(default=-1, doc="Axis of the classes, counting the batch as 0.")


# --- numbers --------------------------------------------------------------------------------------------------------


class MeanSquaredError(Loss):
    """Mean of squared differences."""

    keras = "keras.losses.MeanSquaredError"
    aliases = ("mse",)


class MeanAbsoluteError(Loss):
    """Mean of absolute differences."""

    keras = "keras.losses.MeanAbsoluteError"
    aliases = ("mae",)


class MeanAbsolutePercentageError(Loss):
    """Mean of absolute differences in percent of the target."""

    keras = "keras.losses.MeanAbsolutePercentageError"
    aliases = ("mape",)
    takes = POSITIVE


class MeanSquaredLogarithmicError(Loss):
    """Mean of squared differences of log(1 + x)."""

    keras = "keras.losses.MeanSquaredLogarithmicError"
    aliases = ("msle",)
    takes = NOT_NEGATIVE


class Huber(Loss):
    """Squared differences up to a bound, absolute ones beyond."""

    keras = "keras.losses.Huber"
    shorthand = "delta"
    delta = number(above=0, default=1.0, doc="The bound.")
    examples = (example(""), example("0.5"))


class LogCosh(Loss):
    """Mean of log(cosh(difference))."""

    keras = "keras.losses.LogCosh"


class Poisson(Loss):
    """Negative log-likelihood of counts whose expected value is the output."""

    keras = "keras.losses.Poisson"
    takes = NOT_NEGATIVE


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between target and output."""

    keras = "keras.losses.CosineSimilarity"
    averages = False
    axis = integer(default=-1, doc="Axis along which the vectors lie, counting the batch as 0.")
    examples = (example(""), example("{axis: 1}"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks that there is more than one value: a single one has no direction."""
        rules.directions(self.registered_name, target, output, self.axis)


# --- yes or no ------------------------------------------------------------------------------------------------------


class BinaryCrossentropy(Loss):
    """Crossentropy of independent yes-or-no outputs."""

    keras = "keras.losses.BinaryCrossentropy"
    likelihood = True
    activations = ("sigmoid", "hard_sigmoid")
    aliases: ClassVar[tuple[str, ...]] = ("bce",)
    targets = "binary"
    from_logits = _from_logits()
    label_smoothing = _label_smoothing()
    axis = integer(default=-1, doc="Axis over which the mean is taken, counting the batch as 0.")
    examples = (example(""), example("{from_logits: true, label_smoothing: 0.1}"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Any axis may be averaged, but that of steps which do not all count."""
        rules.check(self.targets, self.registered_name, target, output)
        rules.apart(self.registered_name, output, (self.axis,), "leave `axis` out: the mean over steps leaves them out")


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Crossentropy of yes-or-no outputs that weighs easy examples less."""

    keras = "keras.losses.BinaryFocalCrossentropy"
    likelihood = False
    aliases = ()
    apply_class_balancing = boolean(default=False, doc="Whether to weigh the two classes by `alpha`.")
    alpha = number(min=0, max=1, default=0.25, doc="Weight of class 1; class 0 has the rest.")
    gamma = number(min=0, default=2.0, doc="How much less easy examples weigh; 0 for no difference.")
    examples = (example(""), example("{apply_class_balancing: true, alpha: 0.4, gamma: 1}"))

    def validate(self) -> None:
        """`alpha` is used for balancing only."""
        super().validate()
        if "alpha" in self.given and not self.apply_class_balancing:
            message = "`alpha` has no effect without `apply_class_balancing`"
            raise Problem("E207", message, "add `apply_class_balancing: true`", option="alpha")


class Hinge(Loss):
    """Mean of max(1 − target · output, 0); targets 0 and 1 stand for −1 and 1."""

    keras = "keras.losses.Hinge"
    targets = "binary"
    signed = True


class SquaredHinge(Loss):
    """Mean of the square of max(1 − target · output, 0); targets 0 and 1 stand for −1 and 1."""

    keras = "keras.losses.SquaredHinge"
    targets = "binary"
    signed = True


# --- exclusive classes ----------------------------------------------------------------------------------------------


class CategoricalCrossentropy(Loss):
    """Crossentropy of exclusive classes, given as one-hot rows or probabilities."""

    keras = "keras.losses.CategoricalCrossentropy"
    likelihood = True
    activations = ("softmax", "sigmoid")
    targets = "one_hot"
    from_logits = _from_logits()
    label_smoothing = _label_smoothing()
    axis = _axis()
    examples = (example(""), example("{from_logits: true, label_smoothing: 0.1}"))


class CategoricalFocalCrossentropy(Loss):
    """Crossentropy of exclusive classes that weighs easy examples less."""

    keras = "keras.losses.CategoricalFocalCrossentropy"
    activations = ("softmax", "sigmoid")
    targets = "one_hot"
    alpha = Field[Any](
        {"type": ["number", "array"], "minimum": 0, "items": {"type": "number", "minimum": 0}, "minItems": 1},
        default=0.25,
        doc="Weight of all classes, or a list of one for each.",
        convert=lambda value, _: [float(item) for item in value] if isinstance(value, list) else float(value),
    )
    gamma = number(min=0, default=2.0, doc="How much less easy examples weigh; 0 for no difference.")
    from_logits = _from_logits()
    label_smoothing = _label_smoothing()
    axis = _axis()
    examples = (
        example(""),
        example("{alpha: 0.5, gamma: 1, from_logits: true}"),
        example("{alpha: [0.2, 0.5, 0.3]}"),
    )

    def validate(self) -> None:
        """Keras multiplies weights of classes along the last axis."""
        super().validate()
        if isinstance(self.alpha, list) and self.axis != -1:
            message = "a list of `alpha` weighs the classes of the last axis, and `axis` is another one"
            raise Problem("E207", message, "give one number, or permute the output", option="alpha")

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks that `alpha` has a weight for each class."""
        super().problem(target, output)
        size = output.shape[-1]
        if isinstance(self.alpha, list) and size is not None and len(self.alpha) != size:
            message = f"`alpha` of {self.registered_name} has {len(self.alpha)} weights, and the output {size} classes"
            raise Problem("E503", message, "give one number, or one for each class", option="alpha")


class CategoricalGeneralizedCrossEntropy(Loss):
    """Between crossentropy and absolute error, robust against wrong labels; classes are given as numbers."""

    keras = "keras.losses.CategoricalGeneralizedCrossEntropy"
    targets = "classes"
    shorthand = "q"
    q = number(above=0, below=1, default=0.5, doc="Near 0 like crossentropy, near 1 like absolute error.")
    examples = (example(""), example("0.7"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Keras compares every example with every other if the target has an axis of size 1."""
        rules.classes(self.registered_name, target, output, strict=True)


class CategoricalHinge(Loss):
    """Mean of max(1 + best wrong output − right output, 0)."""

    keras = "keras.losses.CategoricalHinge"
    targets = "one_hot"


class KLDivergence(Loss):
    """Kullback–Leibler divergence between two distributions over classes."""

    keras = "keras.losses.KLDivergence"
    aliases = ("kld",)
    targets = "one_hot"


class SparseCategoricalCrossentropy(Loss):
    """Crossentropy of exclusive classes, given as numbers."""

    keras = "keras.losses.SparseCategoricalCrossentropy"
    likelihood = True
    activations = ("softmax", "sigmoid")
    targets = "classes"
    from_logits = _from_logits()
    ignore_class = optional(integer(), doc="Class number whose examples do not count.")
    axis = _axis()
    examples = (example(""), example("{from_logits: true}"), example("{ignore_class: 2}"))


class Crossentropy(Loss):
    """Keras's choice by the shapes: binary for one unit, sparse for class numbers, else categorical."""

    aliases = ("ce",)
    likelihood = True
    targets = "classes"
    reduction = None
    dtype = None

    def make(self, **extra: Any) -> str:
        """The word that Keras takes in ``compile``."""
        return "crossentropy"

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks target and output as the loss that Keras chooses does."""
        rules.by_task(self.registered_name, target, output)


# --- sequences and embeddings ---------------------------------------------------------------------------------------


class CTC(Loss):
    """Connectionist temporal classification of a sequence by a shorter one; class 0 is the blank."""

    keras = "keras.losses.CTC"
    targets = "classes"
    whole = True
    aligns = True
    takes_scores = True
    example_shapes = ((3,), (8, 5))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """A sequence of class numbers against a sequence of logits."""
        if output.rank != 2 or target.rank != 1:
            message = f"ctc needs an output [time, classes] and a target [labels], got {show_shape(output.shape)}"
            raise Problem("E503", f"{message} and {show_shape(target.shape)}")
        rules.classes(self.registered_name, Tensor(output.shape[:1]), output)
        help = "leave `masking` or `mask_zero` out: it learns to read padding as the blank"
        rules.apart(self.registered_name, output, (1,), help, option="")

    def values(self, target: Tensor, output: Tensor) -> Shape:
        """Shape of the loss values: one for each sequence."""
        return ()


class Circle(Loss):
    """Brings normalised embeddings of the same class together, and those of different classes apart."""

    keras = "keras.losses.Circle"
    targets = "classes"
    labels_in_head = False
    over_batch = True
    example_shapes = ((), (4,))
    gamma = number(above=0, default=80.0, doc="Factor of the similarities.")
    margin = number(min=0, max=1, default=0.4, doc="How strictly the similarities are held apart.")
    remove_diagonal = boolean(default=True, doc="Whether to leave out each example's similarity to itself.")
    examples = (example(""), example("{gamma: 64, margin: 0.25, remove_diagonal: false}"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """One class number and one embedding per example."""
        if output.rank != 1 or output.shape[0] == 1 or target.shape not in ((), (1,)):
            message = f"circle needs one embedding and one class number per example, got {show_shape(output.shape)}"
            raise Problem("E503", f"{message} and {show_shape(target.shape)}")
