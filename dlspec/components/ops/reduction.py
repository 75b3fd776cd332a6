"""Operations over axes of one tensor: sums, extremes, statistics, and what keeps the axes."""

from __future__ import annotations

from typing import ClassVar

from dlspec.components.layers.base import Stepwise
from dlspec.components.ops.base import Op, keepdims, one_axis, some_axes, without
from dlspec.components.ops.dtypes import FLOATS, numeric, result_type
from dlspec.components.registry import Example, boolean, choice, example, integer, number, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor


class _Reduction(Op, abstract=True):
    """Reduces axes to one number each; one operation per input element."""

    shorthand = "axis"
    only: ClassVar[tuple[str, ...]] = ()
    without: ClassVar[tuple[str, ...]] = ()
    axis = some_axes("The axis or axes to reduce")
    keepdims = keepdims()
    examples = (
        example("1", (4, 3)),
        example("{axis: [1, -1], keepdims: true}", (4, None, 3)),
        example("-1", (5,)),
    )

    def result(self, dtype: str) -> str:
        """The dtype of the output for one of the input."""
        return dtype

    def stepwise_for(self, x: Tensor) -> Stepwise:
        """Step by step unless it reduces steps."""
        return "" if 0 in self.places(self.axis, x) else "features"

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input without the axes, or with size 1 there."""
        dtype = self.result(numeric(x, self.name, only=self.only, without=self.without))
        return Tensor(without(x.shape, self.places(self.axis, x), self.keepdims), dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per element that enters."""
        return x.size


class _Average(_Reduction, abstract=True):
    """Whole numbers become floating-point ones."""

    def result(self, dtype: str) -> str:
        """Floating-point."""
        return result_type(dtype, "float")


class _Total(_Reduction, abstract=True):
    """Small whole numbers become larger ones."""

    without = ("uint64",)

    def result(self, dtype: str) -> str:
        """At least 32 bits."""
        if dtype in ("bool", "int8", "int16"):
            return "int32"
        return "uint32" if dtype in ("uint8", "uint16") else dtype


class Mean(_Average):
    """Averages elements over axes."""

    keras = "keras.ops.mean"


class Var(_Average):
    """Takes the variance over axes."""

    keras = "keras.ops.var"

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Mean, difference, square and sum: four operations per element that enters."""
        return 4 * x.size


class Std(Var):
    """Takes the standard deviation over axes."""

    keras = "keras.ops.std"


class Sum(_Total):
    """Adds elements up over axes."""

    keras = "keras.ops.sum"


class Prod(_Total):
    """Multiplies elements over axes."""

    keras = "keras.ops.prod"


class Max(_Reduction):
    """Takes the largest element over axes."""

    keras = "keras.ops.max"


class Min(_Reduction):
    """Takes the smallest element over axes."""

    keras = "keras.ops.min"


class _Truth(_Reduction, abstract=True):
    """Truth values; numbers other than 0 are true."""

    def result(self, dtype: str) -> str:
        """Truth values."""
        return "bool"


class Any(_Truth):
    """Is true where one of the elements over axes is."""

    keras = "keras.ops.any"


class All(_Truth):
    """Is true where all of the elements over axes are."""

    keras = "keras.ops.all"


class Logsumexp(_Reduction):
    """Takes the logarithm of the sum of e to each element, without overflow."""

    keras = "keras.ops.logsumexp"
    only = ("float32",)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Exponential and sum: two operations per element that enters."""
        return 2 * x.size


class Norm(_Average):
    """Takes the length of vectors, or the norm of matrices, over one or two axes."""

    keras = "keras.ops.norm"
    ord = optional(
        plain({"enum": [1, 2]}, default=None),
        doc="1 adds absolute values, 2 (as without it) takes the Euclidean length; over two axes leave it out.",
    )
    axis = some_axes("The axis of the vectors, or two axes of matrices")
    examples = (example("-1", (4, 3)), example("{axis: [1, 2]}", (4, 3)), example("{ord: 1, axis: 1}", (None, 3)))

    def validate(self) -> None:
        """Checks that there is one axis, or two without ``ord``."""
        count = 1 if isinstance(self.axis, int) else len(self.axis)
        if count > 2 or (count == 2 and self.ord is not None):
            message = f"ops.norm has `axis: {list(self.axis)}`"
            message += " with `ord`" if count == 2 else ", which are more than two"
            raise Problem("E207", message, "name one axis, or two without `ord`", "axis")

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Square and sum: two operations per element that enters."""
        return 2 * x.size


class _Argument(Op, abstract=True):
    """The place of an element along one axis."""

    shorthand = "axis"
    axis = one_axis()
    keepdims = keepdims()
    examples = (example("-1", (4, 3)), example("{axis: 1, keepdims: true}", (None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input without the axis, or with size 1 there."""
        numeric(x, self.name)
        return Tensor(without(x.shape, (self.index(self.axis, x),), self.keepdims), "int32")

    def lacking_in(self, *inputs: Tensor) -> tuple[str, ...]:
        """Keras looks for the sign of zeros by their bits, which ONNX cannot."""
        return ("onnx",) if any(x.floating for x in inputs) else ()

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One comparison per element that enters."""
        return x.size


class Argmax(_Argument):
    """Gives the index of the largest element along an axis."""

    keras = "keras.ops.argmax"


class Argmin(_Argument):
    """Gives the index of the smallest element along an axis."""

    keras = "keras.ops.argmin"


class TopK(Op):
    """Gives the k largest elements along the last axis, and their indices."""

    keras = "keras.ops.top_k"
    shorthand = "k"
    k = integer(min=1, doc="How many.")
    sorted = boolean(default=True, doc="Whether the largest comes first.")
    examples = (example("2", (4, 3)), example("{k: 1, sorted: false}", (5,)))

    def infer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs have size k along the last axis."""
        dtype = numeric(x, self.name, without=("bool",))
        size = x.shape[self.index(-1, x, "k")]
        if size is not None and self.k > size:
            raise Problem("E402", f"ops.top_k has `k: {self.k}`, but the last axis has {size} elements", "", "k")
        shape = (*x.shape[:-1], self.k)
        return Tensor(shape, dtype), Tensor(shape, "int32")

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One comparison per element that enters."""
        return x.size


class _AlongAxis(Op, abstract=True):
    """Keeps the shape."""

    shorthand = "axis"
    axis = one_axis()
    examples: ClassVar[tuple[Example, ...]] = (example("1", (4, 3)), example("{axis: -1}", (None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        self.index(self.axis, x)
        dtype = numeric(x, self.name)
        return Tensor(x.shape, "int32" if dtype == "bool" else dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per element."""
        return x.size


class Cumsum(_AlongAxis):
    """Adds up the elements so far along an axis."""

    keras = "keras.ops.cumsum"


class Cumprod(_AlongAxis):
    """Multiplies the elements so far along an axis."""

    keras = "keras.ops.cumprod"


class Softmax(_AlongAxis):
    """Makes shares along an axis that are positive and add up to 1."""

    keras = "keras.ops.softmax"
    applies = "softmax"
    axis = one_axis(-1, "The axis of the shares; the batch counts as 0, and -1 is the last.")
    examples = (example("", (4, 3)), example("1", (None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        self.index(self.axis, x)
        return Tensor(x.shape, numeric(x, self.name, only=FLOATS))


class LogSoftmax(Softmax):
    """Takes the logarithm of softmax, without underflow."""

    keras = "keras.ops.log_softmax"
    applies = ""  # logarithms of shares are no shares


class Normalize(Op):
    """Divides vectors by their length."""

    keras = "keras.ops.normalize"
    shorthand = "axis"
    axis = one_axis(-1, "The axis of the vectors; the batch counts as 0, and -1 is the last.")
    order = choice(1, 2, default=2, doc="1 divides by the sum of absolute values, 2 by the Euclidean length.")
    epsilon = optional(number(above=0), doc="The least length that counts; 1e-7 unless given.")
    examples = (example("", (4, 3)), example("{axis: 1, order: 1, epsilon: 0.1}", (None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        self.index(self.axis, x)
        return Tensor(x.shape, numeric(x, self.name, only=("float32",)))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Square, sum and division: three operations per element."""
        return 3 * x.size
