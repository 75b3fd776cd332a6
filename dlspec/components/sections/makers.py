"""Examples that are made out of rows: several rows together, or pieces of their texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from dlspec.components.registry import Component, Field, example, integer, text
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class Given(NamedTuple):
    """One array that examples made out of rows consist of.

    Attributes:
        tensor: What one example has.
        taken: Whether it is what the named input holds, and no word about it.
    """

    tensor: Tensor
    taken: bool = True


def _input() -> Field[str]:
    return text(doc="The input, as `inputs` of `data` prepares it, that the examples take the place of.")


class Maker(Component, abstract=True):
    """Base of the ways to make examples.

    Class attributes:
        by_row: Whether each row begins one example, whose other inputs and targets are those of the row.
        recipe: Dotted path of the function that puts the examples of a part together.
        input: Name of the input that they take.
        same: The column whose values say which rows belong together; "" where none does.
        in_line: Whether an example has indices of rows one after the other, of which some can be ahead of others.
        project: Name of the function of :mod:`dlspec.standalone.made` that makes all examples at once.
        settings: Names of the options that it takes besides the rows.
        draws: Whether seeds decide anything.
    """

    kind = "examples"
    in_line: ClassVar[bool] = False
    by_row: ClassVar[bool] = False
    recipe: ClassVar[str] = ""
    project: ClassVar[str] = ""
    settings: ClassVar[tuple[str, ...]] = ()
    draws: ClassVar[bool] = False
    input: str
    same: str = ""
    length: Any = 0
    context: Any = 0

    def gives(self, tensor: Tensor) -> dict[str, Given]:
        """Arrays that each example consists of, by name.

        Args:
            tensor: What a row has in the named input, prepared.

        Raises:
            Problem: E619, nothing can be made of that.
        """
        raise NotImplementedError

    def count(self, lengths: Sequence[int]) -> int:
        """How many examples come of rows of so many indices."""
        return len(lengths)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all that examples have."""
        return tuple(self.gives(Tensor((None,), "int64")))


class _Rows(Maker, abstract=True):
    """Rows put together that belong to one class, or to different ones."""

    kind = "examples"  # declared again: these options come last
    by_row = draws = True
    suffixes: ClassVar[tuple[str, ...]] = ()
    input = _input()
    same = text(doc="The column whose values say which rows belong together.")

    def gives(self, tensor: Tensor) -> dict[str, Given]:
        """The input of each row that is put together."""
        return {f"{self.input}_{suffix}": Given(tensor) for suffix in self.suffixes}


class Pairs(_Rows):
    """Two rows, and whether they belong together: half of the pairs do."""

    recipe = "dlspec.data.feeding.recipes.pairs"
    project = "pairs_of"
    suffixes = ("a", "b")
    examples = (example("{input: image, same: label}"),)

    def gives(self, tensor: Tensor) -> dict[str, Given]:
        """Both inputs, and 1 or 0."""
        return {**super().gives(tensor), "same": Given(Tensor((), "int32"), taken=False)}


class Triplets(_Rows):
    """A row, another one that belongs to it, and one that does not."""

    recipe = "dlspec.data.feeding.recipes.triplets"
    project = "triplets_of"
    suffixes = ("anchor", "positive", "negative")
    examples = (example("{input: image, same: label}"),)


class _Tokens(Maker, abstract=True):
    """Pieces of rows of indices, such as words or characters; filled up with 0 where a row is over."""

    kind = "examples"
    input = _input()

    def gives(self, tensor: Tensor) -> dict[str, Given]:
        """See :meth:`Maker.gives`."""
        if tensor.rank != 1 or tensor.shape == (1,) or not tensor.dtype.startswith(("int", "uint")):
            message = f"`{self.name}` takes rows of indices, and `{self.input}` is {tensor.dtype} of shape "
            help = "prepare a text with `text_vectorization`, which gives an index for each word or character"
            raise Problem("E619", message + show_shape(tensor.shape), help, "input")
        return self.pieces(tensor.dtype)

    def pieces(self, dtype: str) -> dict[str, Given]:
        """Arrays that each example consists of, by name; indices are of type `dtype`."""
        raise NotImplementedError


class Stream(_Tokens):
    """Pieces of one length out of all rows, one row after the other in the order of the source."""

    recipe = "dlspec.data.feeding.recipes.stream"
    in_line = True
    project, settings = "stream_of", ("length", "stride")
    length = integer(min=1, doc="Indices in a piece.")
    stride = integer(min=1, doc="Indices from the beginning of a piece to that of the next one.")
    context = integer(
        min=0,
        default=0,
        doc="So many first steps of a piece are only read outside of training, and count in nothing: for a target with "
        "`shift`, of which little is known there.",
    )
    examples = (
        example("{input: text, length: 65, stride: 64}"),
        example("{input: text, length: 129, stride: 112, context: 16}"),
    )

    def count(self, lengths: Sequence[int]) -> int:
        """As many as begin at a distance of `stride`, and end before the last row does."""
        return max(0, (sum(lengths) - self.length) // self.stride + 1)

    def pieces(self, dtype: str) -> dict[str, Given]:
        """The piece."""
        return {self.input: Given(Tensor((self.length,), dtype))}


def _window() -> Field[int]:
    return integer(min=1, doc="How many words to the left and to the right are near a word.")


class SkipGrams(_Tokens):
    """A word, one that stands near it, and others that chance chose by the power 0.75 of their frequency."""

    recipe = "dlspec.data.feeding.recipes.skip_grams"
    project, settings, draws = "skip_grams_of", ("window", "negatives"), True
    window = _window()
    negatives = integer(min=1, doc="Words for each near one that chance chooses.")
    examples = (example("{input: text, window: 2, negatives: 5}"),)

    def count(self, lengths: Sequence[int]) -> int:
        """One for each word and each that stands near it."""
        return sum(2 * max(0, length - apart) for length in lengths for apart in range(1, self.window + 1))

    def pieces(self, dtype: str) -> dict[str, Given]:
        """The word; a near word and those of chance; 1 for the first of these, and 0."""
        shape = (1 + self.negatives,)
        label = Given(Tensor(shape, "int32"), taken=False)
        return {"word": Given(Tensor((), dtype)), "context": Given(Tensor(shape, dtype)), "label": label}


class Cbow(_Tokens):
    """A word, and those that stand near it; 0 where the row is over."""

    recipe = "dlspec.data.feeding.recipes.cbow"
    project, settings = "cbow_of", ("window",)
    window = _window()
    examples = (example("{input: text, window: 2}"),)

    def count(self, lengths: Sequence[int]) -> int:
        """One for each word that another one stands near."""
        return sum(length for length in lengths if length > 1)

    def pieces(self, dtype: str) -> dict[str, Given]:
        """The near words from left to right, and the word."""
        return {"context": Given(Tensor((2 * self.window,), dtype)), "word": Given(Tensor((), dtype))}
