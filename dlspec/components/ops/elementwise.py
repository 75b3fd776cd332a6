"""Operations on each element of one tensor."""

from __future__ import annotations

from typing import ClassVar

from dlspec.components.ops.base import Op
from dlspec.components.ops.dtypes import FLOATS, check_exact, numeric, result_type
from dlspec.components.registry import boolean, choice, example, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import DTYPES, Tensor

_NUMBER = {"type": "number"}


class _Elementwise(Op, abstract=True):
    """Keeps the shape; one operation per element."""

    stepwise = "elements"
    only: ClassVar[tuple[str, ...]] = ()
    without: ClassVar[tuple[str, ...]] = ()
    examples = (example("", (4, 3)), example("", ()))

    def result(self, dtype: str) -> str:
        """The dtype of the output for one of the input."""
        return dtype

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        return Tensor(x.shape, self.result(numeric(x, self.name, only=self.only, without=self.without)))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per element."""
        return output.size


class _Promoting(_Elementwise, abstract=True):
    """Whole numbers become floating-point ones."""

    def result(self, dtype: str) -> str:
        """Floating-point."""
        return result_type(dtype, "float")


class _Floating(_Elementwise, abstract=True):
    """Takes floating-point numbers only."""

    only = FLOATS


class Exp(_Promoting):
    """Raises e to each element."""

    keras = "keras.ops.exp"


class Expm1(_Promoting):
    """Raises e to each element and subtracts 1, precisely near 0."""

    keras = "keras.ops.expm1"


class Log(_Promoting):
    """Takes the natural logarithm of each element."""

    keras = "keras.ops.log"


class Log1p(_Promoting):
    """Takes the natural logarithm of 1 plus each element, precisely near 0."""

    keras = "keras.ops.log1p"


class Sqrt(_Promoting):
    """Takes the square root of each element."""

    keras = "keras.ops.sqrt"


class Rsqrt(_Floating):
    """Takes 1 over the square root of each element."""

    keras = "keras.ops.rsqrt"


class Square(_Elementwise):
    """Squares each element."""

    keras = "keras.ops.square"

    def result(self, dtype: str) -> str:
        """Truth values become whole numbers."""
        return "int32" if dtype == "bool" else dtype


class Abs(_Elementwise):
    """Takes the absolute value of each element."""

    keras = "keras.ops.abs"


class Negative(_Elementwise):
    """Changes the sign of each element."""

    keras = "keras.ops.negative"
    without = ("bool", "uint")


class Sign(_Elementwise):
    """Gives -1, 0 or 1 for the sign of each element."""

    keras = "keras.ops.sign"
    stops_gradients = True
    without = ("bool", "uint64")


class Floor(_Promoting):
    """Rounds each element down."""

    keras = "keras.ops.floor"
    stops_gradients = True


class Ceil(_Promoting):
    """Rounds each element up."""

    keras = "keras.ops.ceil"
    stops_gradients = True


class Sin(_Promoting):
    """Takes the sine of each element, in radians."""

    keras = "keras.ops.sin"


class Cos(_Promoting):
    """Takes the cosine of each element, in radians."""

    keras = "keras.ops.cos"


class Erf(_Floating):
    """Takes the Gauss error function of each element."""

    keras = "keras.ops.erf"


class Sigmoid(_Floating):
    """Brings each element between 0 and 1."""

    keras = "keras.ops.sigmoid"
    applies = "sigmoid"


class Tanh(_Promoting):
    """Brings each element between -1 and 1."""

    keras = "keras.ops.tanh"


class Relu(_Elementwise):
    """Sets negative elements to 0."""

    keras = "keras.ops.relu"
    without = ("bool",)


class Gelu(_Floating):
    """Weights each element with the normal distribution's share below it."""

    keras = "keras.ops.gelu"
    approximate = boolean(default=True, doc="Whether to use the approximation by the hyperbolic tangent.")
    examples = (example("", (4, 3)), example("{approximate: false}", (None, 3)))


class Silu(_Floating):
    """Multiplies each element with its sigmoid."""

    keras = "keras.ops.silu"


class Softplus(_Floating):
    """Takes the logarithm of 1 plus e to each element: a smooth ReLU."""

    keras = "keras.ops.softplus"


class Clip(_Elementwise):
    """Limits each element to a range."""

    keras = "keras.ops.clip"
    without = ("uint64",)
    x_min = plain(_NUMBER, doc="The smallest value.")
    x_max = plain(_NUMBER, doc="The largest value.")
    examples = (example("{x_min: -1, x_max: 1}", (4, 3)), example("{x_min: 0.5, x_max: 2}", (None,)))

    def validate(self) -> None:
        """Checks that the range is not empty."""
        if self.x_min > self.x_max:
            message = f"ops.clip has `x_min: {self.x_min}` above `x_max: {self.x_max}`"
            raise Problem("E207", message, "exchange them", "x_min")

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input; whole numbers need whole limits."""
        if not x.floating and (isinstance(self.x_min, float) or isinstance(self.x_max, float)):
            message = f"ops.clip has limits that are no whole numbers, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "convert it: `ops.cast: float32`")
        output = super().infer(x)
        check_exact(self.x_min, output.dtype, self.name, "x_min")
        check_exact(self.x_max, output.dtype, self.name, "x_max")
        return output

    def result(self, dtype: str) -> str:
        """Truth values become whole numbers."""
        return "int32" if dtype == "bool" else dtype


class LogicalNot(_Elementwise):
    """Is true where an element is false or 0."""

    keras = "keras.ops.logical_not"
    examples = (example("", (4,), dtype="bool"), example("", (4, 3)))

    def result(self, dtype: str) -> str:
        """``bool``."""
        return "bool"


class StopGradient(_Elementwise):
    """Gives a tensor as it is, through which no gradient passes back."""

    keras = "keras.ops.stop_gradient"
    stops_gradients = True
    arguments = ("variable",)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """0: nothing is computed."""
        return 0


class Cast(_Elementwise):
    """Converts a tensor to another data type."""

    keras = "keras.ops.cast"
    shorthand = "dtype"
    dtype = choice(*(name for name in DTYPES if name != "string"), doc="The data type of the output.")
    examples = (example("int32", (4, 3)), example("{dtype: float16}", (None,), dtype="int32"))

    @property
    def variable_dtype(self) -> str:
        """Dtype of variables, of which there are none."""
        return "float32"

    def result(self, dtype: str) -> str:
        """The dtype that the option names."""
        return str(self.dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """0: nothing is computed."""
        return 0
