"""Operations that rearrange, repeat or cut one tensor without computing anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from dlspec.components.ops.base import Op, one_axis, some_axes, without
from dlspec.components.ops.dtypes import INTEGERS, check_exact, numeric
from dlspec.components.registry import choice, example, integer, integers, plain
from dlspec.core.errors import Problem, leave_out
from dlspec.core.ir import Shape, Tensor, UnknownSize, show_shape, volume

_INDICES = {"type": ["integer", "array"], "items": {"type": "integer"}, "minItems": 1}
_PAIR = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2}


class _Rearranging(Op, abstract=True):
    """Keeps the data type."""

    without: ClassVar[tuple[str, ...]] = ()

    def kept(self, x: Tensor, shape: Sequence[int | None]) -> Tensor:
        """`x` with another shape."""
        return Tensor(tuple(shape), numeric(x, self.name, without=self.without))

    def each_axis(self, written: Sequence[Any], x: Tensor, option: str) -> None:
        """Raises E402 unless an option has an entry for each axis but the batch."""
        if len(written) != x.rank:
            count = f"`{option}` with {len(written)} entries, but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", f"{self.name} has {count}", "one for each axis, without the batch", option)


class Reshape(_Rearranging):
    """Gives the elements of each example another shape."""

    keras = "keras.ops.reshape"
    moves = True
    shorthand = "newshape"
    batch_entries = {"newshape": -1}
    newshape = integers(min=-1, doc="The new shape without the batch; one axis may be -1 and takes what is left.")
    examples = (example("[2, 6]", (4, 3)), example("{newshape: [-1, 2]}", (4, 3)), example("[]", (1,)))

    def validate(self) -> None:
        """At most one axis is -1, none is 0."""
        received = f"`newshape: {list(self.newshape)}`"
        if self.newshape.count(-1) > 1:
            raise Problem("E207", f"ops.reshape has {received}: only one axis can be -1", "", "newshape")
        if 0 in self.newshape:
            raise Problem("E207", f"ops.reshape has {received}: no axis can have size 0", "", "newshape")

    def infer(self, x: Tensor) -> Tensor:
        """Any known shape → `newshape`, with as many elements."""
        return self.kept(x, self._shape(x.shape))

    def _shape(self, shape: Shape) -> Shape:
        fixed = volume(tuple(size for size in self.newshape if size != -1))
        try:
            count = volume(shape)
        except UnknownSize:
            message = f"ops.reshape needs known sizes, but the input has shape {show_shape(shape)}"
            raise Problem("E408", message, "the layer `reshape` takes unknown ones") from None
        rest, over = divmod(count, fixed)
        if over or (rest != 1 and -1 not in self.newshape):
            shapes = f"shape {show_shape(shape)} ({count} elements) into {list(self.newshape)}"
            fix = "make the products equal, or set one axis to -1"
            raise Problem("E402", f"ops.reshape cannot bring {shapes}", fix, "newshape")
        return tuple(rest if size == -1 else size for size in self.newshape)

    def constants(self, *tensors: Any) -> dict[str, Any]:
        """The batch is what -1 leaves to Keras; all other sizes are known."""
        return {"newshape": (self.batch_entries["newshape"], *self._shape(tuple(tensors[0].shape[1:])))}


class Transpose(_Rearranging):
    """Puts the axes into another order."""

    keras = "keras.ops.transpose"
    moves = True
    shorthand = "axes"
    axes = integers(min=0, doc="For each axis of the output, the axis of the input; the batch, 0, comes first.")
    examples = (example("[0, 2, 1]", (4, 3)), example("{axes: [0, 3, 1, 2]}", (None, 4, 3)))

    def validate(self) -> None:
        """Every axis is named once, the batch first."""
        if sorted(self.axes) != list(range(len(self.axes))) or self.axes[:1] != (0,):
            message = (
                f"ops.transpose has `axes: {list(self.axes)}`, which does not name each axis once, the batch 0 first"
            )
            raise Problem("E207", message, "for example `[0, 2, 1]` swaps two axes", "axes")

    def infer(self, x: Tensor) -> Tensor:
        """The same sizes in the order of `axes`."""
        if len(self.axes) != x.rank + 1:
            message = f"ops.transpose has `axes` with {len(self.axes)} entries, but the input has {x.rank + 1} axes"
            axes = f"[batch, {show_shape(x.shape)[1:]}" if x.rank else "[batch]"
            help = f"name each axis of the input {axes} once, the batch as 0"
            raise Problem("E402", message, help, "axes")
        return self.kept(x, [x.shape[axis - 1] for axis in self.axes[1:]])


class Swapaxes(_Rearranging):
    """Exchanges two axes."""

    keras = "keras.ops.swapaxes"
    axis1 = one_axis(doc="The one axis; the batch counts as 0, and -1 is the last.")
    axis2 = one_axis(doc="The other axis.")
    examples = (example("{axis1: 1, axis2: -1}", (4, None, 3)),)

    def infer(self, x: Tensor) -> Tensor:
        """The same sizes, two of them exchanged."""
        first, other = self.index(self.axis1, x, "axis1"), self.index(self.axis2, x, "axis2")
        sizes = list(x.shape)
        sizes[first], sizes[other] = sizes[other], sizes[first]
        return self.kept(x, sizes)


class Moveaxis(_Rearranging):
    """Moves one axis to another place."""

    keras = "keras.ops.moveaxis"
    source = one_axis(doc="The axis to move; the batch counts as 0, and -1 is the last.")
    destination = one_axis(doc="Its place in the output.")
    examples = (example("{source: -1, destination: 1}", (4, None, 3)),)

    def infer(self, x: Tensor) -> Tensor:
        """The same sizes, the others in their order."""
        sizes = list(x.shape)
        moved = sizes.pop(self.index(self.source, x, "source"))
        sizes.insert(self.index(self.destination, x, "destination"), moved)
        return self.kept(x, sizes)


class ExpandDims(_Rearranging):
    """Adds an axis of size 1."""

    keras = "keras.ops.expand_dims"
    moves = True
    shorthand = "axis"
    axis = one_axis(doc="Place of the new axis in the output; the batch counts as 0, and -1 is the last.")
    examples = (example("-1", (4, 3)), example("1", (None,)), example("1", ()))

    def infer(self, x: Tensor) -> Tensor:
        """The input's shape with a further axis of size 1."""
        sizes = list(x.shape)
        axis = self.index(self.axis, Tensor((*x.shape, 1)))
        return self.kept(x, [*sizes[:axis], 1, *sizes[axis:]])


class Squeeze(_Rearranging):
    """Removes axes of size 1."""

    keras = "keras.ops.squeeze"
    moves = True
    shorthand = "axis"
    axis = some_axes("The axis or axes to remove")
    examples = (example("-1", (4, 1)), example("[1, 3]", (1, None, 1)))

    def infer(self, x: Tensor) -> Tensor:
        """The input's shape without the named axes of size 1."""
        gone = self.places(self.axis, x)
        for axis in gone:
            if x.shape[axis] != 1:
                message = f"ops.squeeze can only remove axes of size 1, but the input has shape {show_shape(x.shape)}"
                raise Problem("E402", message, "name an axis of size 1", "axis")
        return self.kept(x, without(x.shape, gone, False))


class Flip(_Rearranging):
    """Reverses the order along axes."""

    keras = "keras.ops.flip"
    shorthand = "axis"
    axis = some_axes("The axis or axes to reverse")
    examples = (example("1", (None, 3)), example("[1, 2]", (4, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        self.places(self.axis, x)
        return self.kept(x, x.shape)


class Roll(_Rearranging):
    """Moves the elements along an axis; those that leave at the end come in at the start."""

    keras = "keras.ops.roll"
    shift = integer(doc="By how many places.")
    axis = one_axis()
    examples = (example("{shift: 1, axis: 1}", (4, 3)), example("{shift: -2, axis: -1}", (None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        self.index(self.axis, x)
        return self.kept(x, x.shape)


class Repeat(_Rearranging):
    """Repeats each element along an axis: a, b becomes a, a, b, b."""

    keras = "keras.ops.repeat"
    repeats = integer(min=1, doc="How often.")
    axis = one_axis()
    examples = (example("{repeats: 2, axis: 1}", (4, 3)), example("{repeats: 3, axis: -2}", (None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The axis is `repeats` times as long."""
        axis = self.index(self.axis, x)
        sizes = list(x.shape)
        size = sizes[axis]
        sizes[axis] = None if size is None else size * self.repeats
        return self.kept(x, sizes)


class Tile(_Rearranging):
    """Repeats the whole tensor along its axes: a, b becomes a, b, a, b."""

    keras = "keras.ops.tile"
    without = ("uint16",)
    shorthand = "repeats"
    batch_entries = {"repeats": 1}
    repeats = integers(min=1, doc="How often along each axis, without the batch.")
    examples = (example("[2, 1]", (4, 3)), example("[3, 2]", (None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """Each axis is so many times as long."""
        self.each_axis(self.repeats, x, "repeats")
        pairs = zip(x.shape, self.repeats, strict=True)
        return self.kept(x, [None if size is None else size * count for size, count in pairs])


class Pad(_Rearranging):
    """Adds elements at both ends of axes."""

    keras = "keras.ops.pad"
    shorthand = "pad_width"
    batch_entries = {"pad_width": [0, 0]}
    pad_width = plain(
        {"type": "array", "items": _PAIR}, doc="Elements before and after, a pair for each axis, without the batch."
    )
    mode = choice("constant", "reflect", "symmetric", default="constant", doc="Where the elements come from.")
    constant_values = plain({"type": "number"}, default=None, doc="The constant; 0 unless given.")
    examples = (example("[[1, 2], [0, 0]]", (4, 3)), example("{pad_width: [[1, 1]], mode: reflect}", (5,)))

    def validate(self) -> None:
        """A constant goes with the mode that uses it."""
        if self.constant_values is not None and self.mode != "constant":
            message = f"ops.pad has `constant_values`, which `mode: {self.mode}` does not use"
            raise Problem("E207", message, leave_out("constant_values"), "constant_values")

    def infer(self, x: Tensor) -> Tensor:
        """The input's shape, each axis longer by its pair of paddings."""
        self.each_axis(self.pad_width, x, "pad_width")
        if self.mode != "constant":
            self._within(x)
        if self.constant_values is not None:
            check_exact(self.constant_values, numeric(x, self.name), self.name, "constant_values")
        pairs = zip(x.shape, self.pad_width, strict=True)
        return self.kept(x, [None if size is None else size + sum(pair) for size, pair in pairs])

    def _within(self, x: Tensor) -> None:
        for size, pair in zip(x.shape, self.pad_width, strict=True):
            most = None if size is None else size - (self.mode == "reflect")
            if most is not None and max(pair) > most:
                message = f"ops.pad cannot {self.mode[:7]} {max(pair)} elements of an axis of size {size}"
                raise Problem("E402", message, f"at most {most}", "pad_width")


class Slice(_Rearranging):
    """Cuts a piece out of a tensor."""

    keras = "keras.ops.slice"
    arguments = ("inputs",)
    batch_entries = {"start_indices": 0, "shape": -1}
    start_indices = integers(min=0, doc="Where the piece starts along each axis, without the batch.")
    shape = integers(min=-1, doc="Its shape without the batch; -1 takes the rest of an axis.")
    examples = (
        example("{start_indices: [1, 0], shape: [2, 3]}", (4, 3)),
        example("{start_indices: [1, 1], shape: [-1, 2]}", (5, 3)),
        example("{start_indices: [0, 1], shape: [-1, 1]}", (None, 3)),
    )

    def infer(self, inputs: Tensor) -> Tensor:
        """The shape of the piece, which lies inside of the tensor."""
        self.each_axis(self.start_indices, inputs, "start_indices")
        self.each_axis(self.shape, inputs, "shape")
        sizes: list[int | None] = []
        for size, start, count in zip(inputs.shape, self.start_indices, self.shape, strict=True):
            end = start + 1 if count == -1 else start + count
            if count == 0 or (size is not None and end > size):
                message = (
                    f"ops.slice takes {'the rest' if count == -1 else count} from {start} of an axis of size {size}"
                )
                raise Problem("E402", message, "a piece has elements, and all lie in the tensor", "shape")
            sizes.append(count if count != -1 else None if size is None else size - start)
        if None in [size for size, start in zip(sizes, self.start_indices, strict=True) if start]:
            message = (
                f"ops.slice needs known sizes where it starts behind 0, the input has shape {show_shape(inputs.shape)}"
            )
            raise Problem("E408", message, "give the size in `inputs`")
        return self.kept(inputs, sizes)


class Take(_Rearranging):
    """Picks elements along an axis by their indices, the same for each example."""

    keras = "keras.ops.take"
    indices = plain(
        _INDICES,
        doc="One index, which removes the axis, or a list; -1 is the last. `ops.take_along_axis` takes tensors.",
    )
    axis = one_axis()
    examples = (example("{indices: 0, axis: 1}", (4, 3)), example("{indices: [0, -1], axis: -1}", (None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The axis has one element for each index, or is gone for a single one."""
        axis = self.index(self.axis, x)
        size = x.shape[axis]
        for index in [self.indices] if isinstance(self.indices, int) else self.indices:
            if size is not None and not -size <= index < size:
                message = f"ops.take has the index {index} into an axis of size {size}"
                raise Problem("E402", message, f"allowed: 0 to {size - 1}, or -1 to -{size}", "indices")
            if size is None and index < 0:
                message = f"ops.take has the index {index} into an axis of unknown size"
                raise Problem("E408", message, "give the size in `inputs`", "indices")
        taken = [] if isinstance(self.indices, int) else [len(self.indices)]
        return self.kept(x, [*x.shape[:axis], *taken, *x.shape[axis + 1 :]])


class OneHot(Op):
    """Makes a vector of each whole number, with 1 at its place and 0 elsewhere."""

    keras = "keras.ops.one_hot"
    shorthand = "num_classes"
    num_classes = integer(min=1, doc="Length of the vectors.")
    axis = integer(min=-1, default=-1, doc="Place of the vectors in the output: an axis of the input, or -1, the last.")
    dtype = choice(
        "float16", "bfloat16", "float32", "float64", "int32", "bool", default="float32", doc="Of the output."
    )
    examples = (example("5", (3,), dtype="int32"), example("{num_classes: 4, axis: 1}", (None,), dtype="int64"))

    @property
    def variable_dtype(self) -> str:
        """Dtype of variables, of which there are none."""
        return "float32"

    def infer(self, x: Tensor) -> Tensor:
        """One axis more, of size `num_classes`."""
        numeric(x, self.name, only=INTEGERS)
        axis = x.rank if self.axis == -1 else self.index(self.axis, x)
        return Tensor((*x.shape[:axis], self.num_classes, *x.shape[axis:]), str(self.dtype))
