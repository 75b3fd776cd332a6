"""Meanings of ``$names`` at one position of a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Tensor
from dlspec.syntax.expressions import UnknownValue


class Lost:
    """Stands for a value that an error, already reported, keeps from being known."""

    def __repr__(self) -> str:
        return "LOST"


LOST = Lost()

# A position in the written-out model: the number of each step around it, outermost first, with its turn if it repeats.
Position = tuple[tuple[int, int | None], ...]


class Varying:
    """A parameter that has a value of its own at each use."""

    def at(self, position: Position) -> Any:
        """The value for the step at `position`; () stands for what is no step."""
        raise NotImplementedError


class _Shape(list[Any]):
    """`$shape`: subscripts of an unknown axis are an error rather than null."""

    written = "$shape"

    def __getitem__(self, index: Any) -> Any:
        item = super().__getitem__(index)
        if item is None:
            raise _unknown_axis(f"{self.written}[{index}]")
        return item


@dataclass(slots=True)
class Environment:
    """Parameter values, the tensor that enters the item, and the turn of the repeat around it.

    Attributes:
        values: Parameters of the innermost block or repeat; :data:`LOST` where a value is unknown.
        parent: The environment around it.
        entering: Type of the first tensor entering the item; None where nothing enters.
        index: The turn, from 0; None outside a repeat.
        position: The step that is being expanded; () outside of all.
        tensors: Types of the tensors that have a name there; None where there are none.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    parent: Environment | None = None
    entering: Tensor | Lost | None = None
    index: int | None = None
    position: Position = ()
    tensors: Callable[[str], Tensor | Lost] | None = None

    def at(self, entering: Tensor | Lost | None, index: int | None = None) -> Environment:
        """A copy of the environment for an item that `entering` enters."""
        index = self.index if index is None else index
        return Environment({}, self, entering, index, self.position, self.tensors)

    def step(self, number: int, tensors: Callable[[str], Tensor | Lost]) -> Environment:
        """A copy of the environment inside step `number`, which sees `tensors`."""
        position = (*self.position, (number, None))
        return Environment(self.values, self.parent, self.entering, self.index, position, tensors)

    def inner(self, values: Mapping[str, Any], index: int) -> Environment:
        """A turn of the step: further names, and its index."""
        around, last = self.position[:-1], self.position[-1][0]
        return Environment(values, self, self.entering, index, (*around, (last, index)), self.tensors)

    def lookup(self, name: str) -> Any:
        """The value of ``$name``.

        Raises:
            Problem: E302, there is no such name; E311, an axis is unknown; what ``tensors`` raises.
            UnknownValue: The value is lost to an error already reported.
        """
        if name in ("channels", "shape"):
            if self.entering is None:
                raise Problem("E302", f"`${name}` has no meaning here: no tensor enters")
            return _size(name, self.entering, f"${name}")
        if name.endswith(")"):
            kind, tensor = name[:-1].split("(")
            if self.tensors is None:
                help = "sizes of tensors are known in `layers`, and in the defaults of a block's `params`"
                raise Problem("E302", f"`${name}` has no meaning here: no tensor has a name", help)
            return _size(kind, self.tensors(tensor), f"${name}")
        if name == "index":
            if self.index is None:
                help = "it counts the turns of `repeat`, from 0; a single name in `from` is read before the first one"
                raise Problem("E302", "`$index` stands outside a repeat", help)
            return self.index
        environment: Environment | None = self
        while environment is not None:
            if name in environment.values:
                value = environment.values[name]
                if isinstance(value, Lost):
                    raise UnknownValue(name)
                return value.at(self.position) if isinstance(value, Varying) else value
            environment = environment.parent
        raise Problem("E302", f"`${name}` is not defined", did_you_mean(name, self.names()))

    def names(self) -> list[str]:
        """Names of all visible parameters."""
        inherited = self.parent.names() if self.parent else []
        return [*self.values, *(name for name in inherited if name not in self.values)]


def _size(kind: str, tensor: Tensor | Lost, written: str) -> Any:
    """The channels or the shape of a tensor.

    Args:
        kind: ``channels`` or ``shape``.
        tensor: Whose.
        written: What stands in the spec.
    """
    if isinstance(tensor, Lost):
        raise UnknownValue(written)
    if kind == "shape":
        shape = _Shape(tensor.shape)
        shape.written = written
        return shape
    if not tensor.shape:
        which = "the tensor that enters" if written == "$channels" else "it"
        raise Problem("E311", f"`{written}` of a scalar: {which} has no axes")
    if tensor.shape[-1] is None:
        raise _unknown_axis(written)
    return tensor.shape[-1]


def _unknown_axis(what: str) -> Problem:
    return Problem("E311", f"`{what}` is unknown (null) here", "give the size in `inputs`, or write the number")
