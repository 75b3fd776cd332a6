"""Operations on two tensors, or on a tensor and a constant, element by element."""

from __future__ import annotations

from typing import Any, ClassVar

from dlspec.components.ops.base import Op
from dlspec.components.ops.dtypes import check_exact, numeric, result_type
from dlspec.components.registry import Example, Field, example, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor


def constant(what: str) -> Field[Any]:
    """An argument that is a tensor, or this constant."""
    return plain({"type": "number", "x-tensor": True}, default=None, doc=f"A constant in place of the {what} tensor.")


def kind(value: float) -> str:
    """The kind of a constant in type promotion."""
    return "float" if isinstance(value, float) else "int"


def both_held(op: _Binary | Where, dtype: str) -> None:
    """Raises E409 where a constant is too large for the dtype in which it meets the tensors."""
    for option, value in (("x1", op.x1), ("x2", op.x2)):
        if value is not None:
            check_exact(value, dtype, op.name, option)


class _Binary(Op, abstract=True):
    """Broadcasts both sides; one operation per element."""

    arguments = ("x1", "x2")
    stepwise = "elements"
    without: ClassVar[tuple[str, ...]] = ()
    x1 = constant("first")
    x2 = constant("second")
    examples: ClassVar[tuple[Example, ...]] = (
        example("", (4, 3), (4, 3)),
        example("", (4, 1), (None, 3)),
        example("{x2: 0.5}", (None, 3)),
        example("{x1: 2}", (5,)),
    )

    def common(self, *dtypes: str) -> str:
        """The dtype in which both sides meet."""
        return result_type(*dtypes)

    def result(self, common: str) -> str:
        """The dtype of the output."""
        return common

    def infer(self, *tensors: Tensor, **named: Tensor) -> Tensor:
        """Both sides have the same number of axes; sizes are equal, or 1."""
        entering = self.by_name(tensors, named)
        dtypes = [numeric(tensor, self.name, without=self.without) for tensor in entering.values()]
        dtype = self.common(*dtypes, *(kind(value) for value in (self.x1, self.x2) if value is not None))
        both_held(self, dtype)
        return Tensor(self.broadcast(list(entering.values())), self.result(dtype))

    def flops(self, output: Tensor, *tensors: Tensor, **named: Tensor) -> int:
        """One operation per element."""
        return output.size


class Add(_Binary):
    """Adds two tensors, or a constant to one."""

    keras = "keras.ops.add"
    without = ("bool",)


class Subtract(_Binary):
    """Subtracts the second tensor or constant from the first."""

    keras = "keras.ops.subtract"
    without = ("bool",)


class Multiply(_Binary):
    """Multiplies two tensors, or one by a constant."""

    keras = "keras.ops.multiply"
    without = ("bool",)


class Divide(_Binary):
    """Divides the first tensor or constant by the second."""

    keras = "keras.ops.divide"

    def common(self, *dtypes: str) -> str:
        """The floating-point dtype of a quotient."""
        return result_type(*dtypes, "float")

    def validate(self) -> None:
        """Checks that a constant divisor is not 0."""
        super().validate()
        if self.x2 == 0:
            raise Problem("E207", "ops.divide has `x2: 0`: nothing can be divided by 0", "", "x2")


class Power(_Binary):
    """Raises the first tensor or constant to the power of the second."""

    keras = "keras.ops.power"
    without = ("bool", "int", "uint")
    examples = (example("", (4, 3), (4, 1)), example("{x2: 2}", (None, 3)), example("{x1: 2.0}", (5,)))


class Maximum(_Binary):
    """Takes the larger of two elements."""

    keras = "keras.ops.maximum"
    without = ("bool",)


class Minimum(_Binary):
    """Takes the smaller of two elements."""

    keras = "keras.ops.minimum"
    without = ("bool",)


class _Comparison(_Binary, abstract=True):
    """Truth values."""

    def result(self, common: str) -> str:
        """Truth values."""
        return "bool"


class Equal(_Comparison):
    """Is true where both elements are equal."""

    keras = "keras.ops.equal"


class NotEqual(_Comparison):
    """Is true where two elements differ."""

    keras = "keras.ops.not_equal"


class Less(_Comparison):
    """Is true where the first element is smaller."""

    keras = "keras.ops.less"
    without = ("bool",)


class LessEqual(_Comparison):
    """Is true where the first element is not larger."""

    keras = "keras.ops.less_equal"
    without = ("bool",)


class Greater(_Comparison):
    """Is true where the first element is larger."""

    keras = "keras.ops.greater"
    without = ("bool",)


class GreaterEqual(_Comparison):
    """Is true where the first element is not smaller."""

    keras = "keras.ops.greater_equal"
    without = ("bool",)


class _Logical(Op, abstract=True):
    """Truth values of two tensors; numbers other than 0 are true."""

    arguments = ("x1", "x2")
    stepwise = "elements"
    examples = (example("", (4, 3), (4, 1), dtype="bool"), example("", (None,), (4,)))

    def infer(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Both sides have the same number of axes; sizes are equal, or 1."""
        for tensor in (x1, x2):
            numeric(tensor, self.name)
        return Tensor(self.broadcast([x1, x2]), "bool")

    def flops(self, output: Tensor, x1: Tensor, x2: Tensor) -> int:
        """One operation per element."""
        return output.size


class LogicalAnd(_Logical):
    """Is true where both elements are."""

    keras = "keras.ops.logical_and"


class LogicalOr(_Logical):
    """Is true where one of two elements is."""

    keras = "keras.ops.logical_or"


class Where(Op):
    """Takes elements of the second tensor or constant where the condition is true, of the third elsewhere."""

    keras = "keras.ops.where"
    stepwise = "elements"
    arguments = ("condition", "x1", "x2")
    x1 = constant("second")
    x2 = constant("third")
    examples = (example("", (4, 1), (4, 3), (None, 3)), example("{x2: -1.0e+9}", (4, 1), (4, 3)))

    def infer(self, *tensors: Tensor, **named: Tensor) -> Tensor:
        """All tensors have the same number of axes; sizes are equal, or 1."""
        entering = self.by_name(tensors, named)
        dtypes = [numeric(tensor, self.name) for tensor in entering.values()][1:]
        dtype = result_type(*dtypes, *(kind(value) for value in (self.x1, self.x2) if value is not None))
        both_held(self, dtype)
        return Tensor(self.broadcast(list(entering.values())), dtype)

    def flops(self, output: Tensor, *tensors: Tensor, **named: Tensor) -> int:
        """One choice per element."""
        return output.size
