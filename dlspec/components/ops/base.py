"""The base of operations: like layers, with a function of ``keras.ops`` behind them and no weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from dlspec.components.layers.axes import axes, axis_index
from dlspec.components.layers.base import Layer
from dlspec.components.registry import MISSING, Field, boolean, integer, load_attribute
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, show_shape


class Op(Layer, abstract=True):
    """Base of all operations.

    Its options are the constants of the function. An argument that may be a tensor or a constant stands in `arguments`
    and among the options: where the spec gives the constant, the call takes no tensor for it.
    """

    arguments: tuple[str, ...] = ("x",)
    # What stands for the batch, in front of the values of options that have one for each axis.
    batch_entries: ClassVar[Mapping[str, Any]] = {}
    trainable: Any = True  # there is nothing to train
    dtype: Any = None  # follows from what enters; `ops.cast` changes it

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if not abstract:
            cls.registered_name = "ops." + cls.keras.rpartition(".")[2]

    def __init__(self, **given: Any) -> None:
        """Arguments that are given as constants are no tensors any more."""
        super().__init__(**given)
        self.arguments = tuple(name for name in self.arguments if name.rstrip("?") not in given)

    @classmethod
    def value_names_inputs(cls) -> bool:
        """Operations on several tensors, unless they need options, take their names as the value."""
        return (cls.takes_list or len(cls.arguments) > 1) and not cls._required

    def validate(self) -> None:
        """Refuses a call without any tensor: what it gives would belong to no graph."""
        if not self.arguments:
            message = f"{self.name} has only constants: an operation needs at least one tensor of the graph"
            raise Problem("E405", message, "leave out one of the options; the tensor in its place comes from `from`")

    def constants(self, *tensors: Any) -> dict[str, Any]:
        """Keyword arguments of the function beside its tensors, which are Keras's here, batch included."""
        arguments = {name: bare(value) for name, value in self.keras_arguments().items()}
        for name, first in self.batch_entries.items():
            arguments[name] = [first, *arguments[name]] if isinstance(first, list) else (first, *arguments[name])
        return arguments

    def compute(self, function: Any, *tensors: Any, **named: Any) -> Any:
        """Calls the function of ``keras.ops``."""
        names = [name.rstrip("?") for name in self.arguments]
        return function(**dict(zip(names, tensors, strict=False)), **named, **self.constants(*tensors))

    def make(self, **extra: Any) -> Any:
        """A function of Keras tensors that calls the operation."""
        function = load_attribute(self.keras)

        def call(*tensors: Any, **named: Any) -> Any:
            return self.compute(function, *tensors, **named)

        return call

    def by_name(self, tensors: Sequence[Tensor], named: dict[str, Tensor]) -> dict[str, Tensor]:
        """The input tensors, by the name of the argument that takes each."""
        names = [name.rstrip("?") for name in self.arguments]
        return dict(zip(names, tensors, strict=False)) | named

    def index(self, axis: int, x: Tensor, option: str = "axis") -> int:
        """An axis as Keras counts it as an index into a shape without batch.

        Raises:
            Problem: E402, there is no such axis, or it is the batch.
        """
        if axis in (0, -x.rank - 1):
            message = f"{self.name} has `{option}: {axis}`, which is the batch: it would mix the examples"
            allowed = f"allowed: 1 to {x.rank}, or -1 to -{x.rank}"
            raise Problem("E402", message, allowed if x.rank else "the input has no other axis", option)
        return axis_index(axis, x.rank, self.name, option)

    def places(self, written: int | Sequence[int], x: Tensor, option: str = "axis") -> tuple[int, ...]:
        """Several axes, each once, as :meth:`index` gives them."""
        listed = [written] if isinstance(written, int) else list(written)
        indices = tuple(self.index(axis, x, option) for axis in listed)
        if len(set(indices)) < len(indices):
            message = f"{self.name} names one axis twice in `{option}: {listed}`, the input has shape "
            raise Problem("E402", message + show_shape(x.shape), "name each axis once", option)
        return indices

    def same_rank(self, tensors: Sequence[Tensor]) -> None:
        """Raises E403 for tensors of different rank, which would meet at the batch."""
        if len({tensor.rank for tensor in tensors}) > 1:
            shapes = " and ".join(show_shape(tensor.shape) for tensor in tensors)
            message = f"{self.name} takes tensors with the same number of axes, but got {shapes}"
            raise Problem("E403", message, "add axes of size 1 with `ops.expand_dims`, after the batch")

    def broadcast(self, tensors: Sequence[Tensor]) -> Shape:
        """The common shape of tensors of the same rank; an axis of size 1 goes with any other.

        Raises:
            Problem: E403, they do not fit.
        """
        self.same_rank(tensors)
        merged: list[int | None] = []
        for sizes in zip(*(tensor.shape for tensor in tensors), strict=True):
            known = sorted({size for size in sizes if size not in (None, 1)}, key=lambda size: size or 0)
            if len(known) > 1:
                shapes = " and ".join(show_shape(tensor.shape) for tensor in tensors)
                message = f"{self.name} cannot bring {shapes} together: {known[0]} and {known[1]} differ"
                raise Problem("E403", message, "sizes are equal, or one of them is 1")
            merged.append(known[0] if known else None if None in sizes else 1)
        return tuple(merged)


def bare(value: Any) -> Any:
    """A value without what the loader attaches to lists: operations are saved with their constants."""
    return [bare(item) for item in value] if isinstance(value, list | tuple) else value


def one_axis(default: Any = None, doc: str = "The axis; the batch counts as 0, and -1 is the last.") -> Field[Any]:
    """The ``axis`` option of operations along one axis; required unless it has a default."""
    return integer(default=MISSING if default is None else default, doc=doc)


def some_axes(doc: str) -> Field[Any]:
    """The ``axis`` option of operations along one or several axes. Keras's default, all axes, includes the batch."""
    return axes(default=MISSING, doc=f"{doc}; the batch counts as 0, and -1 is the last.")


def keepdims() -> Field[bool]:
    """The ``keepdims`` option."""
    return boolean(default=False, doc="Whether reduced axes stay, with size 1.")


def without(shape: Shape, gone: Sequence[int], keep: bool) -> Shape:
    """A shape after a reduction of the axes `gone`."""
    if keep:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)
