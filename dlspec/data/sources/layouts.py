"""Many ``tf.train.Example`` messages at a time, where they are laid out alike.

Examples that a program wrote in a loop differ in their numbers only: all else, names, sizes and order, stands in the
same bytes of each. So one message that is read byte by byte tells where the numbers of thousands lie.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.data.sources.protos import Span, spans, varints

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# So many messages of one size are read to learn how they are laid out; and so many sizes.
_PER_SIZE, _SIZES = 4, 32


class Wanted(NamedTuple):
    """A feature of numbers.

    Attributes:
        kind: ``floats`` or ``integers``; ``bytes`` where the numbers' own bytes stand in one piece.
        shape: Sizes of one example.
        dtype: What the numbers become; in ``bytes``, what they are.
    """

    kind: str
    shape: tuple[int, ...]
    dtype: str


class Layout(NamedTuple):
    """Byte positions that messages of one size share, and those of their features.

    Attributes:
        places: Bytes that are the same in all of them.
        given: What stands there.
        pieces: Where the numbers of each feature begin and end.
    """

    places: Array
    given: Array
    pieces: dict[str, tuple[int, int]]


class Layouts:
    """Known byte layouts of messages that hold some numeric features."""

    def __init__(self, wanted: Mapping[str, Wanted]) -> None:
        self._wanted = wanted
        self._known: dict[int, list[Layout | None]] = {}

    def read(self, block: Array, into: Mapping[str, Array], rows: Array) -> Array:
        """Reads messages of one size.

        Args:
            block: A message a row, as bytes.
            into: The values of each feature, an array of shape [examples, …].
            rows: Where the values of each message belong in these.

        Returns:
            Which messages (of ``range(len(block))``) could not be read so.
        """
        import numpy as np

        if block.shape[1] not in self._known and len(self._known) >= _SIZES:
            return np.arange(len(block))
        layouts = self._known.setdefault(block.shape[1], [])
        left = np.arange(len(block))
        for turn in range(_PER_SIZE):
            if not len(left):
                break
            if turn == len(layouts):
                layouts.append(self._learn(block[left[0]]))
            layout = layouts[turn]
            if layout is None:
                continue
            fits = (block[left][:, layout.places] == layout.given).all(axis=1)
            some = left[fits]
            if not self._extract(layout, block[some], into, rows[some]):
                break
            left = left[~fits]
        return left

    def _learn(self, message: Array) -> Layout | None:
        """The layout of a message; None where it does not hold what is wanted."""
        import numpy as np

        try:
            by_name = spans(message.tobytes())
        except ValueError:
            return None
        same = np.ones(len(message), bool)
        pieces = {}
        for name, span in by_name.items():
            if name not in self._wanted:
                same[span.start : span.end] = False
            elif not _holds(span, self._wanted[name]):
                return None
            else:
                pieces[name] = span.pieces[0]
                same[slice(*span.pieces[0])] = False
        if pieces.keys() != self._wanted.keys():
            return None
        places = np.flatnonzero(same)
        return Layout(places, message[places], pieces)

    def _extract(self, layout: Layout, block: Array, into: Mapping[str, Array], rows: Array) -> bool:
        """Writes the values of messages that are laid out so; whether they are numbers as declared."""
        import numpy as np

        for name, (start, end) in layout.pieces.items():
            wanted = self._wanted[name]
            content = np.ascontiguousarray(block[:, start:end])
            if wanted.kind == "integers":
                last = content < 0x80
                if (last.sum(axis=1) != math.prod(wanted.shape)).any() or not last[:, -1].all():
                    return False
                try:
                    values = varints(content.reshape(-1))
                except ValueError:
                    return False
            else:
                values = content.view("<f4" if wanted.kind == "floats" else np.dtype(wanted.dtype).newbyteorder("<"))
            converted = values.astype(wanted.dtype, copy=False)
            if wanted.kind == "integers" and (converted.astype(np.int64) != values).any():
                return False
            into[name][rows] = converted.reshape(len(block), *wanted.shape)
        return True


def _holds(span: Span, wanted: Wanted) -> bool:
    """Whether a feature is one piece of numbers that may be what is wanted."""
    import numpy as np

    if span.kind != wanted.kind or len(span.pieces) != 1:
        return False
    size, count = span.pieces[0][1] - span.pieces[0][0], math.prod(wanted.shape)
    if wanted.kind == "integers":
        return 0 < count <= size
    return size == count * (4 if wanted.kind == "floats" else np.dtype(wanted.dtype).itemsize)
