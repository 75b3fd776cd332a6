"""Losses as steps: `losses.mean_squared_error` compares two tensors of the graph, one number for each example.

Each declared loss that has a class is one; a module of :mod:`dlspec.components.training` whose name ends in ``losses``
declares them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any, ClassVar

from dlspec.components import training
from dlspec.components.layers.base import Layer
from dlspec.components.layers.derived import bare, shape_of
from dlspec.components.ops.dtypes import FLOATS, numeric
from dlspec.components.registry import Example, Field, choice, optional
from dlspec.components.training.losses import Loss
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor

# What a loss is told when it is compiled, and no step: it reduces nothing over the batch, and computes in float32.
_COMPILED = ("reduction", "dtype")
_OWN = ("reduction", "y_true", "y_pred")
_NESTED = {"type": ["number", "array"], "minItems": 1, "items": {"type": ["number", "array"], "items": {}}}


class LossStep(Layer, abstract=True):
    """Base of the losses as steps.

    Class attributes:
        loss: The declared loss.
        only_in_training: What it gives has no meaning for one example alone.
    """

    keras = "dlspec.keras_layers.loss_step.LossStep"
    loss: ClassVar[type[Loss]]
    arguments: tuple[str, ...] = ("y_true", "y_pred")
    one_list = True
    trainable: Any = True  # there is nothing to train
    dtype: Any = None
    y_true: Any = None
    y_pred: Any = None
    reduction: Any = "mean"

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if not abstract:
            cls.registered_name = f"losses.{cls.loss.registered_name}"

    def __init__(self, **given: Any) -> None:
        """Sides that are given as constants are no tensors any more."""
        super().__init__(**given)
        self.arguments = tuple(name for name in type(self).arguments if given.get(name) is None)
        self.compares = self.loss(**{name: value for name, value in given.items() if name not in _OWN})

    @classmethod
    def value_names_inputs(cls) -> bool:
        """`losses.mse: [a, b]` compares b with a, unless the loss needs options."""
        return not cls._required

    def validate(self) -> None:
        """One side is a tensor, lists have a shape, and the loss's own rules hold."""
        if not self.arguments:
            message = f"{self.name} has only constants: it compares at least one tensor of the graph"
            raise Problem("E405", message, "leave out one of the options; the tensor in its place comes from `from`")
        for side in type(self).arguments:
            if isinstance(getattr(self, side), list) and shape_of(getattr(self, side)) is None:
                message = f"`{side}` of {self.name} is no tensor: its lists differ in length"
                raise Problem("E207", message, "give one number, or lists of equal length", side)
        self.compares.validate()

    def keras_arguments(self) -> dict[str, Any]:
        """The loss, and the options of the step."""
        own = {name: bare(value) for name, value in self.given.items() if name in _OWN}
        return {"loss": self.compares, **own}

    @property
    def over_batch(self) -> bool:
        """Whether the loss compares the examples of a batch."""
        return bool(self.compares.over_batch)

    @property
    def only_in_training(self) -> bool:
        """Whether the loss compares the examples of a batch, and so has no value for a single one."""
        return self.over_batch

    def sides(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        """Target and prediction, constants included."""
        given = dict(zip(self.arguments, tensors, strict=True))
        first, second = (given.get(name) or _constant(getattr(self, name), tensors[0]) for name in ("y_true", "y_pred"))
        return first, second

    def values(self, *tensors: Tensor) -> Shape:
        """The shape of Keras's own values, which are reduced within the example.

        Raises:
            Problem: E402, the loss does not suit the tensors.
        """
        target, output = self.sides(*tensors)
        try:
            self.compares.problem(target, output)
        except Problem as problem:
            raise Problem("E402", problem.message, problem.help, problem.option) from None
        shape: Shape = self.compares.values(target, output)
        if (target.masked or output.masked) and not shape:
            message = f"{self.name} takes the steps together, and would count those that a mask leaves out"
            raise Problem("E402", message, "compare [steps, features]: then each step is compared by itself")
        return shape

    def averaged_before(self, *tensors: Tensor) -> Tensor | None:
        """The prediction, where it has one axis over which the loss averages."""
        output = self.sides(*tensors)[1]
        alone = self.reduction == "sum" and self.compares.averages and not self.values(*tensors)
        return output if alone and output.rank == 1 and output.shape != (1,) else None

    def infer(self, *tensors: Tensor) -> Tensor:
        """[], or the shape of Keras's own values."""
        for name, tensor in zip(self.arguments, tensors, strict=True):
            numeric(tensor, self.name, only=FLOATS if name == "y_pred" else ())
        shape = self.values(*tensors)
        return Tensor(shape if self.reduction == "none" else ())

    def mask(self, *tensors: Tensor) -> bool:
        """Values that are not reduced have the mask of what is compared."""
        return self.reduction == "none" and any(tensor.masked for tensor in tensors)

    def padding_counts(self, *tensors: Tensor) -> str:
        """An empty text: masked positions never count."""
        return ""

    def flops(self, output: Tensor, *tensors: Tensor) -> int:
        """Three operations for each element compared: a difference, what becomes of it, and the sum."""
        return 3 * self.sides(*tensors)[1].size


def _constant(value: Any, other: Tensor) -> Tensor:
    """A number has the shape of what it is compared with."""
    return Tensor((shape_of(value) or ()) if isinstance(value, list) else other.shape, masked=other.masked)


def declared_losses() -> Iterator[type[Loss]]:
    """The losses that have a class, as their modules declare them."""
    for info in pkgutil.iter_modules(training.__path__):
        if fnmatch(info.name, "*losses"):
            importlib.import_module(f"{training.__name__}.{info.name}")
    return (loss for loss in _below(Loss) if loss.registered_name and loss.keras)


def _below(owner: type[Loss]) -> Iterator[type[Loss]]:
    for loss in owner.__subclasses__():
        yield loss
        yield from _below(loss)


def _step(loss: type[Loss]) -> type[LossStep]:
    """The step of one loss, with its options."""
    members: dict[str, Any] = {name: field for name, field in loss.fields.items() if name not in _COMPILED}
    if (
        loss.constant_sides and loss.targets != "classes"
    ):  # a class number has no axis of the classes, whose shape a number would take
        members |= {"y_true": _side("target"), "y_pred": _side("prediction")}
    members |= {
        "__doc__": loss.__doc__,
        "loss": loss,
        "reduction": _reduction(),
        "aliases": tuple(f"losses.{alias}" for alias in loss.aliases),
        "examples": tuple(_example(loss, item) for item in loss.examples),
    }
    return type(f"{loss.__name__}Step", (LossStep,), members)


def _reduction() -> Field[str]:
    """The option that says how the values of one example are reduced."""
    return choice(
        "mean", "sum", "none", default="mean",
        doc="What becomes of the values of one example, as Keras's loss has them (most are means over the last axis); "
        "the batch is never reduced.",
    )  # fmt: skip


def _side(what: str) -> Field[Any]:
    """A side of the comparison as a constant."""
    doc = f"The {what} as a constant, in place of a tensor: a number, or nested lists of one example."
    return optional(Field[Any]({**_NESTED, "x-tensor": True}, doc=doc))


def _example(loss: type[Loss], item: Example) -> Example:
    value = item.value if not item.value or item.value.startswith("{") else f"{{{loss.shorthand}: {item.value}}}"
    return Example(value, loss.example_shapes or _SHAPES[loss.targets])


_SHAPES: dict[str, tuple[Shape, Shape]] = {
    "values": ((4, 3), (4, 3)),
    "binary": ((4, 3, 1), (4, 3, 1)),
    "one_hot": ((4, 3), (4, 3)),
    "classes": ((4,), (4, 3)),
}

globals().update({f"{loss.__name__}Step": _step(loss) for loss in declared_losses()})
