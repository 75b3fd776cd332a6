"""Layers that merge several tensors into one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from typing import ClassVar, Literal

from dlspec.components.layers.axes import axis_index
from dlspec.components.layers.base import Layer, Stepwise
from dlspec.components.registry import boolean, example, integer, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, show_shape

_ONE_OR_TWO = {"type": ["integer", "array"], "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}


class ListLayer(Layer, abstract=True):
    """Base of the layers that are called with one list of tensors."""

    takes_list = True
    masking: ClassVar[Literal["pass", "drop"]] = "pass"

    def check_count(self, inputs: Sequence[Tensor]) -> None:
        """Raises E405 for a number of tensors that the layer does not take."""
        few, many = self.minimum_inputs, self.maximum_inputs
        if few <= len(inputs) and (not many or len(inputs) <= many):
            return
        expected = f"exactly {few}" if few == many else f"{few} to {many}" if many else f"at least {few}"
        names = ", ".join(["a", "b", "c"][:few])
        message = f"{self.name} takes {expected} tensors, but got {len(inputs)}"
        raise Problem("E405", message, f"name them: `{self.name}: [{names}]`")


class _Elementwise(ListLayer, abstract=True):
    """Element by element, with broadcasting over axes of size 1."""

    stepwise = "elements"

    def infer(self, inputs: list[Tensor]) -> Tensor:
        """All inputs have the same shape, or broadcast to one; the last axes of different ranks go together."""
        self.check_count(inputs)
        if all(tensor.masked for tensor in inputs) and len({tensor.rank for tensor in inputs}) > 1:
            # Keras merges the masks as well, which have an axis for each axis of the tensors but the last.
            message = f"{self.name} cannot merge masked tensors of {list_shapes(inputs)}: their masks do not fit"
            raise Problem("E403", message, "give them the same number of axes, for example with `reshape`")
        shapes = list(dict.fromkeys(tensor.shape for tensor in inputs))
        for first, other in combinations(shapes, 2):  # an unknown size between them must not hide that they differ
            self._broadcast(first, other, inputs)
        merged = reduce(lambda first, other: self._broadcast(first, other, inputs), shapes)
        return Tensor(merged, self.compute_dtype)

    def _broadcast(self, left: Shape, right: Shape, inputs: list[Tensor]) -> Shape:
        longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
        split = len(longer) - len(shorter)
        merged = list(longer[:split])
        for axis, (size, other) in enumerate(zip(longer[split:], shorter, strict=True)):
            if size is None or other is None:
                merged.append(None)
            elif size != other and 1 not in (size, other):
                message = f"{self.name} cannot merge tensors of {list_shapes(inputs)}: {size} and {other} differ"
                fix = "give them the same shape, for example with a `conv2d` of kernel 1 or a `dense` on one of them"
                if axis < len(shorter) - 1:
                    fix = "`padding: same` keeps a size, and a shortcut needs the same strides as what it goes around"
                raise Problem("E403", message, fix)
            else:
                merged.append(max(size, other))
        return tuple(merged)

    def flops(self, output: Tensor, inputs: list[Tensor]) -> int:
        """One operation per element for each input after the first."""
        return output.size * (len(inputs) - 1)

    def mask(self, inputs: list[Tensor]) -> bool:
        """Keras keeps a mask only where every input has one."""
        return all(tensor.masked for tensor in inputs)

    def padding_counts(self, inputs: list[Tensor]) -> str:
        """Another input has no mask."""
        return "" if self.mask(inputs) else f"ends here: {self.name} keeps masks only where all that it merges have one"


class Add(_Elementwise):
    """Adds tensors."""

    keras = "keras.layers.Add"
    commutes = True
    examples = (example("", (4, 5), (4, 5)), example("", (4, 1, 5), (None, 3, 5), (5,)))


class Subtract(_Elementwise):
    """Subtracts the second tensor from the first."""

    keras = "keras.layers.Subtract"
    maximum_inputs = 2
    examples = (example("", (4, 5), (4, 5)),)


class Multiply(_Elementwise):
    """Multiplies tensors element by element."""

    keras = "keras.layers.Multiply"
    commutes = True
    examples = (example("", (8, 8, 16), (1, 1, 16)),)


class Average(_Elementwise):
    """Averages tensors element by element."""

    keras = "keras.layers.Average"
    commutes = True
    examples = (example("", (4, 5), (4, 5), (4, 5)),)

    def flops(self, output: Tensor, inputs: list[Tensor]) -> int:
        """One addition per element for each input after the first, and one division."""
        return output.size * len(inputs)


class Maximum(_Elementwise):
    """Takes the largest of the tensors, element by element."""

    keras = "keras.layers.Maximum"
    commutes = True
    examples = (example("", (4, 5), (4, 5)),)


class Minimum(_Elementwise):
    """Takes the smallest of the tensors, element by element."""

    keras = "keras.layers.Minimum"
    commutes = True
    examples = (example("", (4, 5), (4, 5)),)


class Concatenate(ListLayer):
    """Joins tensors along one axis."""

    keras = "keras.layers.Concatenate"
    axis = integer(default=-1, doc="The axis to join along; it counts the batch as 0, and -1 is the last.")
    examples = (example("", (4, 5), (4, 2)), example("{axis: 1}", (4, 5), (None, 5)))

    def infer(self, inputs: list[Tensor]) -> Tensor:
        """All axes but the joined one are equal; the joined sizes add up."""
        self.check_count(inputs)
        axis = axis_index(self.axis, inputs[0].rank, self.name)
        for tensor in inputs[1:]:
            if tensor.rank != inputs[0].rank:
                message = f"concatenate cannot join tensors of {list_shapes(inputs)}: the number of axes differs"
                raise Problem("E404", message, "bring them to the same number of axes, for example with `reshape`")
        for position, sizes in enumerate(zip(*(tensor.shape for tensor in inputs), strict=True)):
            distinct = sorted({size for size in sizes if size is not None})
            if position != axis and len(distinct) > 1:
                differ = " and ".join(map(str, distinct))
                message = (
                    f"concatenate cannot join tensors of {list_shapes(inputs)} along axis {self.axis}: {differ} differ"
                )
                raise Problem("E404", message, "only the joined axis may differ: crop, pad or resize, or set `axis`")
        joined = [tensor.shape[axis] for tensor in inputs]
        total = None if None in joined else sum(size or 0 for size in joined)
        shape = inputs[0].shape
        return Tensor((*shape[:axis], total, *shape[axis + 1 :]), self.compute_dtype)

    def stepwise_for(self, inputs: list[Tensor]) -> Stepwise:
        """Step by step unless it joins steps."""
        return "features" if axis_index(self.axis, inputs[0].rank, self.name) else ""

    def mask(self, inputs: list[Tensor]) -> bool:
        """One masked input is enough: the others count as unmasked steps."""
        return any(tensor.masked for tensor in inputs)

    def padding_counts(self, inputs: list[Tensor]) -> str:
        """Features beside those of an input without a mask make every step one that counts."""
        if (
            all(tensor.masked for tensor in inputs)
            or axis_index(self.axis, inputs[0].rank, self.name) + 1 < inputs[0].rank
        ):
            return ""
        return "hides nothing from here on: concatenate marks all steps of a tensor without a mask as valid"


class Dot(ListLayer):
    """Multiplies two tensors and sums over one axis of each."""

    keras = "keras.layers.Dot"
    shorthand = "axes"
    maximum_inputs = 2
    axes = plain(_ONE_OR_TWO, doc="The axis to sum over, or one for each tensor; the batch counts as 0.")
    normalize = boolean(
        default=False, doc="Whether to scale both to length 1 first, which gives the cosine similarity."
    )
    examples = (example("1", (4,), (4,)), example("{axes: [2, 1], normalize: true}", (3, 4), (4, 5)))

    def infer(self, inputs: list[Tensor]) -> Tensor:
        """The axes summed over are equal and vanish; the others follow one another."""
        self.check_count(inputs)
        left, right = inputs
        first, other = self._axes(left, right)
        sizes = (left.shape[first], right.shape[other])
        if sizes[0] != sizes[1]:
            unknown = None in sizes
            differ = "one size is unknown" if unknown else f"{sizes[0]} and {sizes[1]} differ"
            message = f"dot cannot sum over `axes: {self.axes}` of {list_shapes(inputs)}: {differ}"
            fix = "give the size in `inputs`" if unknown else "name two axes of the same size"
            raise Problem("E408" if unknown else "E402", message, fix, "axes")
        rest = (*left.shape[:first], *left.shape[first + 1 :], *right.shape[:other], *right.shape[other + 1 :])
        return Tensor(rest or (1,), self.compute_dtype)

    def _axes(self, left: Tensor, right: Tensor) -> tuple[int, int]:
        first, other = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return axis_index(first, left.rank, self.name, "axes"), axis_index(other, right.rank, self.name, "axes")

    def flops(self, output: Tensor, inputs: list[Tensor]) -> int:
        """One multiply-add for each element summed over; three operations per input element to normalize."""
        summed = Tensor((inputs[0].shape[self._axes(*inputs)[0]],)).size
        scaling = 3 * sum(tensor.size for tensor in inputs) if self.normalize else 0
        return 2 * output.size * summed + scaling

    def mask(self, inputs: list[Tensor]) -> bool:
        """The sum has no steps left that could be masked."""
        return False

    def padding_counts(self, inputs: list[Tensor]) -> str:
        """Says that a mask ends here: Keras's layer does not handle masks."""
        return "ends here: dot does not support masks"


def list_shapes(inputs: list[Tensor]) -> str:
    """The shapes of several tensors in one line of words."""
    return " and ".join(f"shape {show_shape(tensor.shape)}" for tensor in inputs)
