"""The columns of a table that are shuffled, or set, together in the inputs of a saved model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.data.binding.inputs import Input
from dlspec.data.feeding.raw import RawInputs
from dlspec.data.sources.base import TEXT, Arrays

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Numbers of one example that are shuffled one by one; an array of more is shuffled as a whole.
_MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class Shuffled:
    """A column, or one number of it, that is shuffled in all inputs at once.

    Attributes:
        name: Of the column, or of the number in it.
        places: Names of inputs, with the place in their last axis; None where the input is this column alone.
        text: Whether it holds text.
        single: Whether an example has one value of it.
    """

    name: str
    places: tuple[tuple[str, int | None], ...]
    text: bool
    single: bool

    def values(self, inputs: Arrays) -> Array:
        """Its values, shape [examples, …]."""
        name, position = self.places[0]
        values: Array = inputs[name] if position is None else inputs[name][..., position]
        return values

    def put(self, inputs: Arrays, values: Any) -> Arrays:
        """The inputs with other values of it, one for each example or one for all."""
        import numpy as np

        changed = {name: inputs[name].copy() for name in dict.fromkeys(name for name, _ in self.places)}
        for name, position in self.places:
            target = changed[name] if position is None else changed[name][..., position]
            target[...] = values.reshape(target.shape) if np.ndim(values) else values
        return {**inputs, **changed}


def columns_of(examples: RawInputs) -> list[Shuffled]:
    """The columns that can be shuffled, in the order of the inputs; a column of several inputs once."""
    whole = {input_.columns[0] for input_ in examples.bound if not input_.stacked and not _parts(input_, examples)}
    places: dict[str, list[tuple[str, int | None]]] = {}
    text: dict[str, bool] = {}
    single: dict[str, bool] = {}
    for input_ in examples.bound:
        for name, position in _places(input_, examples, whole):
            places.setdefault(name, []).append((input_.name, position))
            text[name] = input_.raw.dtype == TEXT
            values = examples.inputs[input_.name]
            single[name] = values.ndim == 1 or (values.ndim == 2 and (position is not None or values.shape[1] == 1))
    return [Shuffled(name, tuple(positions), text[name], single[name]) for name, positions in places.items()]


def _places(input_: Input, examples: RawInputs, whole: set[str]) -> Iterator[tuple[str, int | None]]:
    """Names of what enters an input, each with its place in the last axis."""
    parts = _parts(input_, examples)
    if input_.stacked:
        yield from ((column, number) for number, column in enumerate(input_.columns))
    elif parts and input_.columns[0] not in whole:
        yield from ((name, number) for number, name in enumerate(parts))
    else:
        yield input_.columns[0], None


def _parts(input_: Input, examples: RawInputs) -> tuple[str, ...]:
    """Names of the numbers of a column that has several for each example, each with a meaning of its own."""
    values, (column, *_) = examples.inputs[input_.name], input_.columns
    if input_.stacked or input_.length or values.ndim != 2 or values.dtype.kind != "f":
        return ()
    count = values.shape[1]
    if not 1 < count <= _MOST_PARTS:
        return ()
    return examples.table.columns[column].parts or tuple(f"{column}[{number}]" for number in range(count))
