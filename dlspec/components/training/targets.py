"""Requirements of losses and metrics on the shapes of a target and of its output.

Each rule takes the name of who compares, and shapes without the batch (a scalar target is ``[]``); it raises E503 where
Keras would stop in the middle of training, or would compare, by broadcasting, what does not belong together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, show_shape

if TYPE_CHECKING:
    import numpy as np


class Range(NamedTuple):
    """The range of numbers that a loss or metric accepts.

    Attributes:
        least: The smallest of them.
        included: Whether that one is among them.
        strict: Whether a loss says nothing of others, so that they are an error; else it says little.
        help: What takes others.
    """

    least: float
    included: bool
    strict: bool
    help: str

    @property
    def text(self) -> str:
        """The range in words: ``from 0``, ``above 0``."""
        return f"{'from' if self.included else 'above'} {self.least:g}"

    def outside(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Mask of the values outside of the range, of the shape of `values`; missing values are not."""
        outside: np.ndarray[Any, Any] = values < self.least if self.included else values <= self.least
        return outside


# Keras takes what is negative for 0, or rewards whatever lies far from it.
NOT_NEGATIVE = Range(0, included=True, strict=True, help="`mse` and `mae` take all numbers")
# A percentage of something near 0 is as large as one likes, and one of 0 says nothing.
POSITIVE = Range(
    0, included=False, strict=False, help="it is a share of the target: `mae` measures in the target's unit"
)

Targets = Literal["values", "classes", "one_hot", "binary"]


def check(kind: Targets, who: str, target: Tensor, output: Tensor, axis: int = -1, strict: bool = False) -> None:
    """The rule for targets of a kind; `axis` is that of the classes, counted with the batch as Keras does."""
    if kind == "classes":
        classes(who, target, output, axis)
    elif kind == "one_hot":
        one_hot(who, target, output, axis)
    else:
        elementwise(who, target, output, classes_likely=kind == "binary", strict=strict)


def check_axis(who: str, axis: Any) -> None:
    """Checks that an option `axis` does not name the batch.

    Raises:
        Problem: E207, it does.
    """
    if axis == 0:
        message = f"`axis` of {who} counts the batch as 0: it must be another one"
        raise Problem("E207", message, "-1 is the last axis", option="axis")


def elementwise(
    who: str, target: Tensor, output: Tensor, *, classes_likely: bool = False, strict: bool = False
) -> None:
    """Target and output have the same shape, but for a last axis of size 1 that either may lack.

    Args:
        classes_likely: Whether the rule is often met with one class number per example, which needs another loss.
        strict: Whether even that axis must agree, since Keras would broadcast it against the batch.
    """
    if _equal(target.shape, output.shape) or (not strict and _alike(target.shape, output.shape)):
        return
    help = ""
    if classes_likely and output.shape[-1:] != (1,) and _fits(target.shape, output.shape[:-1]):
        help = "write `sparse_categorical_crossentropy`, which takes class numbers"
    elif output.rank == 1 and target.rank <= 1 and not _alike(target.shape, output.shape):
        units = target.shape[0] if target.rank else 1
        help = f"the last layer needs {units} unit{'' if units == 1 else 's'}"
    raise _mismatch(who, f"a target of the output's shape {show_shape(output.shape)}", target, help)


def one_hot(who: str, target: Tensor, output: Tensor, axis: int = -1) -> None:
    """Target and output have the same shape, with at least two classes along an axis."""
    position = _class_axis(who, output, axis)
    if _equal(target.shape, output.shape):
        return
    without = output.shape[:position] + output.shape[position + 1 :]
    help = ""
    if _fits(target.shape, without):
        help = "use `sparse_categorical_crossentropy`, `sparse_categorical_accuracy` …, which take class numbers"
    raise _mismatch(who, f"one-hot targets of shape {show_shape(output.shape)}", target, help)


def classes(who: str, target: Tensor, output: Tensor, axis: int = -1, strict: bool = False) -> None:
    """The output has at least two classes along an axis; the target has one class number in place of them.

    Args:
        strict: Whether the target must lack the axis; otherwise it may have it with size 1.
    """
    position = _class_axis(who, output, axis)
    without = output.shape[:position] + output.shape[position + 1 :]
    kept = (*output.shape[:position], 1, *output.shape[position + 1 :])
    if _equal(target.shape, without) or (not strict and _equal(target.shape, kept)):
        return
    help = ""
    if _equal(target.shape, output.shape):
        help = "use `categorical_crossentropy`, `categorical_accuracy` …, which take one-hot targets"
    raise _mismatch(who, f"class numbers of shape {show_shape(without)}", target, help)


def by_task(who: str, target: Tensor, output: Tensor) -> None:
    """The rule of what Keras's words ``accuracy`` and ``crossentropy`` stand for with these shapes."""
    if output.rank == 0:
        message = f"{who} needs an output with an axis of units, but this one is a single number per example"
        raise Problem("E503", message, "end the model in `dense: 1`")
    if output.shape[-1] == 1:
        elementwise(who, target, output)
    elif target.rank < output.rank or target.shape[-1] == 1:
        classes(who, target, output)
    else:
        one_hot(who, target, output)


def rows(who: str, target: Tensor, output: Tensor) -> None:
    """Target and output are vectors of the same known length."""
    for what, tensor in (("output", output), ("target", target)):
        if tensor.rank != 1 or tensor.shape[0] is None:
            message = f"{who} needs one vector per example, but the {what} has shape {show_shape(tensor.shape)}"
            raise Problem("E503", message)
    if target.shape != output.shape:
        raise _mismatch(who, f"a target of the output's shape {show_shape(output.shape)}", target, "")


def directions(who: str, target: Tensor, output: Tensor, axis: int = -1) -> None:
    """Checks like :func:`elementwise`, and that the axis has more than one value: one has no direction, no variance."""
    elementwise(who, target, output)
    if axis == 0:
        return
    position = _position(who, output, axis)
    if output.shape[position] == 1:
        message = f"{who} compares vectors, but axis {axis} of the output {show_shape(output.shape)} has a single value"
        raise Problem("E503", message, "use `mean_squared_error`, or vectors of more values")
    apart(who, output, (axis,), "take another axis: -1 is that of the values of each step")


def apart(who: str, output: Tensor, axes: tuple[int, ...], help: str, option: str = "axis") -> None:
    """The axes, counted with the batch, are not that of steps of which a mask leaves out some.

    What takes steps together would count all of them: Keras weighs what comes out, and not what enters.
    """
    if output.masked and {1, -output.rank} & set(axes):
        message = f"{who} takes the steps of the output together, and would count those that its mask leaves out"
        raise Problem("E503", message, help, option)


def has_axes(who: str, output: Tensor, axes: tuple[int, ...]) -> None:
    """The output has the axes, counted with the batch."""
    for axis in axes:
        if axis != 0 and axis != -output.rank - 1:
            _position(who, output, axis)


def values(kind: Targets, target: Tensor, output: Tensor, axis: int = -1) -> Shape:
    """The shape of Keras's values of a loss: without the axis of the classes, or the one over which it averages.

    Of two sides of which one lacks a last axis of size 1, Keras leaves that axis out; single numbers have one value.
    """
    if kind in ("classes", "one_hot"):
        position = _class_axis("", output, axis)
        return output.shape[:position] + output.shape[position + 1 :]
    short, long = sorted((target.shape, output.shape), key=len)
    shape = tuple(size if other is None else other for size, other in zip(short, long, strict=False)) or (1,)
    position = axis + len(shape) if axis < 0 else axis - 1
    return shape[:position] + shape[position + 1 :]


def _class_axis(who: str, output: Tensor, axis: int) -> int:
    position = _position(who, output, axis)
    if output.shape[position] == 1:
        message = f"{who} needs an output of at least 2 classes, but it has one unit: {show_shape(output.shape)}"
        raise Problem("E503", message, "use `binary_crossentropy`, `binary_accuracy` …, or one unit for each class")
    return position


def _position(who: str, output: Tensor, axis: int) -> int:
    position = axis + output.rank if axis < 0 else axis - 1
    if not 0 <= position < output.rank:
        raise Problem("E503", f"{who} needs axis {axis} of the output, which has shape {show_shape(output.shape)}")
    return position


def _mismatch(who: str, wanted: str, target: Tensor, help: str) -> Problem:
    return Problem("E503", f"{who} needs {wanted}, but the target has shape {show_shape(target.shape)}", help)


def _equal(left: Shape, right: Shape) -> bool:
    return len(left) == len(right) and all(a == b or a is None or b is None for a, b in zip(left, right, strict=True))


def _alike(left: Shape, right: Shape) -> bool:
    short, long = sorted((left, right), key=len)
    if len(long) == len(short) + 1 and long[-1] in (1, None):
        long = long[:-1]
    return _equal(short, long)


def _fits(target: Shape, without: Shape) -> bool:
    """Whether the target may hold class numbers for outputs that have the shape `without` apart from their classes."""
    return _equal(target, without) or _equal(target, (*without, 1))
