"""Columns of which each example is an array: images, sounds, series, rows of numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlspec.core.ir import Tensor
from dlspec.data.sources.base import Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Examples that are looked at.
_EXAMPLES = 200
# Sides from which on a square of numbers is taken for a grey image.
_SIDE = 8
# Different whole numbers that may be the classes of pixels.
_CLASSES = 64
# Channels of images.
_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Examples:
    """One column of arrays.

    Attributes:
        name: As the data have it.
        tensor: Shape and dtype of one example.
        kind: ``image``, ``sequence`` (of numbers, as sounds are), ``row`` of numbers; "" for other arrays.
        values: Some examples, shape [examples, …]; numbers.
        classes: The whole numbers from 0 on that all its values are, where these are few; () otherwise.
        largest: The largest value that its kind of file can hold; 0 where that is not known.
    """

    name: str
    tensor: Tensor
    kind: str
    values: Array = field(repr=False)
    classes: tuple[int, ...] = ()
    largest: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(size or 0 for size in self.tensor.shape)

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of an image."""
        return self.shape[:2]

    @property
    def bytes(self) -> bool:
        """Whether it is an image of bytes, from 0 to 255."""
        return self.tensor.dtype == "uint8" and (self.largest > 1 or self.span[1] > 1)

    @property
    def gaps(self) -> bool:
        """Whether numbers are missing."""
        import numpy as np

        return bool(self.tensor.floating and np.isnan(self.values).any())

    @property
    def span(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        import numpy as np

        return float(np.nanmin(self.values)), float(np.nanmax(self.values))


def examples_of(name: str, table: Table) -> Examples:
    """What a column of arrays holds, by some of them; masks are looked at as a whole.

    Raises:
        DataProblem: E608, a file is broken.
    """
    import numpy as np

    column = table.columns[name]
    chosen = np.unique(np.linspace(0, column.count - 1, min(column.count, _EXAMPLES)).astype(np.int64))
    values = table.take([name], chosen)[name]
    kind = _kind(column.tensor)
    classes: tuple[int, ...] = ()
    if column.tensor.dtype.startswith(("int", "uint")) and len(column.tensor.shape) == 2:
        numbers = table.labels(name).values if len(np.unique(values)) <= _CLASSES else ()
        classes = numbers if numbers == tuple(range(len(numbers))) else ()
    return Examples(name, column.tensor, kind, values, classes, column.largest)


def _kind(tensor: Tensor) -> str:
    shape = tuple(size or 0 for size in tensor.shape)
    if len(shape) == 1:
        return "row"
    if len(shape) == 3:
        return "image" if shape[-1] in _CHANNELS and min(shape[:2]) >= _SIDE else ""
    if len(shape) != 2:
        return ""
    grey = min(shape) >= _SIDE and (tensor.dtype == "uint8" or shape[0] == shape[1])
    return "image" if grey else "sequence"


def in_words(examples: Examples) -> str:
    """What a column holds, for people."""
    shape = " × ".join(str(size) for size in examples.shape)
    names = {"image": "an image", "sequence": "a sequence", "row": "a row of numbers"}
    return f"{names.get(examples.kind, 'an array')}, {shape}"
