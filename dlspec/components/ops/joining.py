"""Operations that join several tensors, split one, or pick elements of one by another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.components.layers.base import Stepwise
from dlspec.components.ops.base import Op, one_axis
from dlspec.components.ops.dtypes import INTEGERS, numeric, result_type
from dlspec.components.registry import example, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, known, show_shape

_SECTIONS = {"type": ["integer", "array"], "minimum": 1, "items": {"type": "integer", "minimum": 1}, "minItems": 1}


class _Joining(Op, abstract=True):
    """Takes a list of tensors."""

    takes_list = True
    shorthand = "axis"

    def dtype_of(self, tensors: Sequence[Tensor]) -> str:
        """The common data type."""
        return result_type(*(numeric(tensor, self.name, without=("uint64",)) for tensor in tensors))


class Concatenate(_Joining):
    """Joins tensors along one axis."""

    keras = "keras.ops.concatenate"
    arguments = ("xs",)
    axis = one_axis(doc="The axis to join along; the batch counts as 0, and -1 is the last.")
    examples = (example("{axis: 1}", (4, 3), (2, 3)), example("{axis: -1}", (None, 3), (None, 2), (4, 1)))

    def stepwise_for(self, xs: list[Tensor]) -> Stepwise:
        """Step by step unless it joins steps."""
        return "features" if self.index(self.axis, xs[0]) else ""

    def infer(self, xs: list[Tensor]) -> Tensor:
        """All axes but the joined one are equal; the joined sizes add up."""
        shapes = " and ".join(show_shape(tensor.shape) for tensor in xs)
        if len({tensor.rank for tensor in xs}) > 1:
            message = f"ops.concatenate cannot join {shapes}: the number of axes differs"
            raise Problem("E404", message, "add axes of size 1 with `ops.expand_dims`")
        axis = self.index(self.axis, xs[0])
        sizes: list[int | None] = []
        for position, column in enumerate(zip(*(tensor.shape for tensor in xs), strict=True)):
            distinct = sorted({size for size in column if size is not None})
            if position != axis and len(distinct) > 1:
                differ = f"{distinct[0]} and {distinct[1]} differ"
                message = f"ops.concatenate cannot join {shapes} along axis {self.axis}: {differ}"
                raise Problem("E404", message, "only the joined axis may differ", "axis")
            joined = None if None in column else sum(size or 0 for size in column)
            sizes.append(joined if position == axis else column[0])
        return Tensor(tuple(sizes), self.dtype_of(xs))


class Stack(_Joining):
    """Puts tensors of the same shape beside one another, along a new axis."""

    keras = "keras.ops.stack"
    minimum_inputs = 1
    axis = one_axis(doc="Place of the new axis in the output; the batch counts as 0, and -1 is the last.")
    examples = (example("{axis: 1}", (4, 3), (4, 3)), example("{axis: -1}", (4,), (4,), (4,)))

    def infer(self, x: list[Tensor]) -> Tensor:
        """One axis more, as long as there are tensors."""
        shape = x[0].shape
        for tensor in x[1:]:
            if tensor.shape != shape:
                shapes = " and ".join(show_shape(each.shape) for each in x)
                raise Problem("E404", f"ops.stack cannot stack {shapes}", "all tensors have the same shape")
        axis = self.index(self.axis, Tensor((*shape, 1)))
        return Tensor((*shape[:axis], len(x), *shape[axis:]), self.dtype_of(x))


class Split(Op):
    """Cuts a tensor into several along an axis."""

    keras = "keras.ops.split"
    indices_or_sections = plain(_SECTIONS, doc="Into how many equal parts, or the indices at which to cut.")
    axis = one_axis()
    examples = (
        example("{indices_or_sections: 2, axis: 1}", (4, 3)),
        example("{indices_or_sections: [1, 3], axis: -1}", (None, 4)),
    )

    def validate(self) -> None:
        """Checks that cuts are in ascending order."""
        cuts = self.indices_or_sections
        if not isinstance(cuts, int) and list(cuts) != sorted(set(cuts)):
            message = f"ops.split has `indices_or_sections: {list(cuts)}`, which is not in ascending order"
            raise Problem("E207", message, "sort the indices", "indices_or_sections")

    def infer(self, x: Tensor) -> tuple[Tensor, ...]:
        """One tensor for each part."""
        axis = self.index(self.axis, x)
        size = known(x, axis, self.name)
        cuts = self.indices_or_sections
        if isinstance(cuts, int):
            if size % cuts:
                message = f"ops.split cannot cut an axis of size {size} into {cuts} equal parts"
                raise Problem("E402", message, "choose a divisor, or list the indices", "indices_or_sections")
            parts = [size // cuts] * cuts
        else:
            if cuts[-1] >= size:
                message = f"ops.split cannot cut an axis of size {size} at {cuts[-1]}"
                raise Problem("E402", message, f"indices go up to {size - 1}", "indices_or_sections")
            parts = [after - before for before, after in zip([0, *cuts], [*cuts, size], strict=True)]
        dtype = numeric(x, self.name)
        return tuple(Tensor((*x.shape[:axis], part, *x.shape[axis + 1 :]), dtype) for part in parts)


class TakeAlongAxis(Op):
    """Picks elements along an axis by a tensor of indices, for each example its own."""

    keras = "keras.ops.take_along_axis"
    arguments = ("x", "indices")
    axis = one_axis()
    examples = (example("{axis: 1}", (4, 3), (2, 1), dtype="int32"),)

    def infer(self, x: Tensor, indices: Tensor) -> Tensor:
        """The shape of the indices, where other axes are equal or 1."""
        numeric(indices, self.name, only=INTEGERS)
        dtype = numeric(x, self.name)
        self.same_rank([x, indices])
        axis = self.index(self.axis, x)
        hidden = [Tensor((*each.shape[:axis], 1, *each.shape[axis + 1 :])) for each in (x, indices)]
        shape = self.broadcast(hidden)
        return Tensor((*shape[:axis], indices.shape[axis], *shape[axis + 1 :]), dtype)

    def flops(self, output: Tensor, *tensors: Any, **named: Any) -> int:
        """0: nothing is computed."""
        return 0
