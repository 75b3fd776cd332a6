"""Files of word vectors as text: GloVe's, and that of word2vec and fastText, whose first line gives count and width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from dlspec.core.errors import Problem

if TYPE_CHECKING:
    import numpy as np

# Bytes of a line at most: a word, and some thousand numbers.
_LONGEST = 1 << 20


class Form(NamedTuple):
    """The form of a file.

    Attributes:
        width: How many numbers a word has.
        headed: Whether the first line gives count and width.
    """

    width: int
    headed: bool


def form_of(path: Path, shown: str) -> Form:
    """The form of a file, by its first lines.

    Raises:
        Problem: E562, it holds no word vectors.
    """
    with path.open("rb") as stream:
        first = stream.readline(_LONGEST).split()
        headed = len(first) == 2 and all(part.isdigit() for part in first)
        line = stream.readline(_LONGEST) if headed else b" ".join(first)
    parts = line.split()
    width = int(first[1]) if headed else len(parts) - 1
    if width < 1 or len(parts) <= width or not _are_numbers(parts[-width:]):
        message = f"`{shown}` holds no word vectors: its first line is no word with numbers after it"
        raise Problem("E562", message, "it takes the text of GloVe, word2vec or fastText", "vectors")
    return Form(width, headed)


def _are_numbers(parts: list[bytes]) -> bool:
    try:
        return all(number == number for number in map(float, parts))
    except ValueError:
        return False


def vectors_of(path: Path, shown: str, wanted: Mapping[str, int]) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
    """The vectors of some words, in one pass over the file; the first one counts where a word stands twice.

    Args:
        path: The file.
        shown: What the spec calls it.
        wanted: A number for each word, which comes with its vector.

    Yields:
        The number of a word, and its vector, shape [width].

    Raises:
        Problem: E562, the vector of such a word is not what the file's first line promises.
    """
    import numpy as np

    width, headed = form_of(path, shown)
    left = {word.encode(): number for word, number in wanted.items()}
    with path.open("rb") as stream:
        if headed:
            stream.readline(_LONGEST)
        for line, text in enumerate(_lines(stream), 2 if headed else 1):
            # A word may hold blanks, a number none.
            parts = text.rstrip().rsplit(maxsplit=width)
            number = left.pop(parts[0], None) if parts else None
            if number is None:
                continue
            values = parts[1:]
            if len(values) != width or not _are_numbers(values):
                message = f"line {line} of `{shown}` has no {width} numbers after its word"
                raise Problem("E562", message, "fetch the file again: it is damaged", "vectors")
            yield number, np.array([float(value) for value in values], np.float32)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(_LONGEST):
        yield line
