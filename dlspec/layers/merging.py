"""Layers that merge several tensors into one."""

from __future__ import annotations

from typing import ClassVar

from dlspec.errors import Problem
from dlspec.ir import Tensor, show_shape
from dlspec.layers.base import Layer
from dlspec.registry import example, integer


def join_dtypes(tensors: list[Tensor]) -> str:
    """The dtype that Keras promotes these to: any floating dtype wins over integers."""
    floating = [tensor.dtype for tensor in tensors if tensor.floating]
    return floating[0] if floating else tensors[0].dtype


class _Elementwise(Layer, abstract=True):
    """Element by element, with broadcasting over axes of size 1."""

    takes_list = True
    masking = "pass"
    flops_per_element: ClassVar[int] = 1

    def infer(self, inputs: list[Tensor]) -> Tensor:
        """All inputs have the same shape, or broadcast to one."""
        shape = inputs[0].shape
        for tensor in inputs[1:]:
            if tensor.rank != len(shape):
                raise Problem("E403", f"cannot {self.name} tensors of {_list_shapes(inputs)}: the number of axes differs")
            merged = []
            for left, right in zip(shape, tensor.shape, strict=True):
                if left is not None and right is not None and left != right and 1 not in (left, right):
                    message = f"cannot {self.name} tensors of {_list_shapes(inputs)}: {left} and {right} differ"
                    raise Problem("E403", message, "give both the same shape, for example with a `conv2d` of kernel 1 on the shortcut")
                merged.append(left if right == 1 or left is None and right is None else right if left in (1, None) else left)
            shape = tuple(merged)
        return Tensor(shape, join_dtypes(inputs))

    def flops(self, output: Tensor, inputs: list[Tensor]) -> int:
        """One operation per element for each input after the first."""
        return output.size * (len(inputs) - 1)


class Add(_Elementwise):
    """Adds tensors."""

    keras = "keras.layers.Add"
    examples = (example("", (4, 5), (4, 5)),)


class Concatenate(Layer):
    """Joins tensors along one axis."""

    keras = "keras.layers.Concatenate"
    takes_list = True
    masking = "pass"
    axis = integer(default=-1, doc="The axis to join along; it counts the batch as 0, and -1 is the last.")
    examples = (example("", (4, 5), (4, 2)), example("{axis: 1}", (4, 5), (3, 5)))

    def infer(self, inputs: list[Tensor]) -> Tensor:
        """All axes but the joined one are equal; the joined sizes add up."""
        rank = inputs[0].rank
        axis = axis_index(self.axis, rank, self.name)
        shape = list(inputs[0].shape)
        for tensor in inputs[1:]:
            if tensor.rank != rank:
                raise Problem("E404", f"cannot concatenate tensors of {_list_shapes(inputs)}: the number of axes differs")
            for position, (left, right) in enumerate(zip(shape, tensor.shape, strict=True)):
                if position == axis:
                    shape[axis] = None if left is None or right is None else left + right
                elif left is None or right is None:
                    shape[position] = left if right is None else right
                elif left != right:
                    raise Problem(
                        "E404",
                        f"cannot concatenate tensors of {_list_shapes(inputs)} along axis {self.axis}: {left} and {right} differ",
                        "only the joined axis may differ: crop, pad or resize one of them, or set `axis`",
                    )
        return Tensor(tuple(shape), join_dtypes(inputs))


def axis_index(axis: int, rank: int, who: str, option: str = "axis") -> int:
    """An axis as Keras counts it (batch is 0, -1 the last) as an index into a shape without batch.

    Raises:
        Problem: E402, the tensor has no such axis, or it is the batch.
    """
    index = axis + rank if axis < 0 else axis - 1
    if not 0 <= index < rank:
        allowed = f"1 to {rank}, or -1 to -{rank}" if rank else "none"
        raise Problem("E402", f"{who} has `{option}: {axis}`, but its input has {rank} axes without the batch", f"allowed: {allowed}", option)
    return index


def _list_shapes(inputs: list[Tensor]) -> str:
    return " and ".join(f"shape {show_shape(tensor.shape)}" for tensor in inputs)
