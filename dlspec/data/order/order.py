"""The order in which an epoch visits the training examples: a function of (seed, epoch) and of the data alone.

Neither the process, nor what ran before, nor how many batches are fetched ahead, nor whether the examples fit into
memory can change it, so that a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Indices = np.ndarray[Any, np.dtype[np.int64]]


def order(count: int, seed: int, epoch: int, *, shuffle: bool = True) -> Indices:
    """Indices of the examples in the order of epoch number `epoch` (from 0); shape [count]."""
    import numpy as np

    if not shuffle:
        return np.arange(count, dtype=np.int64)
    return permutation(count, seed, epoch)


def permutation(count: int, *entropy: int) -> Indices:
    """A permutation of ``range(count)`` that `entropy` alone decides.

    It sorts the raw output of Philox, which NumPy promises to keep; of ``Generator.permutation`` it promises nothing.
    """
    import numpy as np

    from dlspec.standalone import orders

    return orders.permutation(count, *entropy).astype(np.int64, copy=False)


def going_round(count: int, visits: int, epoch: int, source: int, seed: int | None) -> Indices:
    """Indices of the examples of a further source in epoch number `epoch`, which visits so many; shape [visits].

    Args:
        source: Its number, from 1: one order tells nothing of another.
        seed: None for the order of the source.
    """
    import numpy as np

    from dlspec.standalone import orders

    return orders.going_round(count, visits, epoch, source, seed).astype(np.int64, copy=False)


@dataclass(frozen=True)
class Blocks:
    """Groups of neighbouring examples that are cheap to read together, such as the row groups of a Parquet file.

    Each epoch visits the blocks in a new order, window by window: as many blocks as fit into a window follow each
    other, and the examples inside of a window are mixed. So only one window has to be in memory.

    Attributes:
        sizes: Examples in each block, in the order of the data.
        window: Examples in a window, at most; a block is never divided.
    """

    sizes: Sequence[int]
    window: int

    @cached_property
    def starts(self) -> Indices:
        """The first example of each block, with their number at the end."""
        import numpy as np

        return np.concatenate([[0], np.cumsum(self.sizes, dtype=np.int64)])

    def windows(self, seed: int, epoch: int, *, shuffle: bool = True) -> list[Indices]:
        """The blocks of each window of an epoch, as numbers of blocks."""
        import numpy as np

        turn = permutation(len(self.sizes), seed, epoch) if shuffle else np.arange(len(self.sizes))
        cuts, filled = [], 0
        for position, block in enumerate(turn):
            if filled and filled + self.sizes[block] > self.window:
                cuts.append(position)
                filled = 0
            filled += self.sizes[block]
        return np.split(turn, cuts)

    def examples(self, blocks: Indices, seed: int, epoch: int, number: int, *, shuffle: bool = True) -> Indices:
        """The examples of window number `number`, which holds `blocks`, in their order."""
        import numpy as np

        # One more than the number: a seed that ends in 0 is the same as without it, which is that of the blocks.
        rows = np.concatenate([np.arange(self.starts[block], self.starts[block + 1]) for block in blocks])
        return rows[permutation(len(rows), seed, epoch, number + 1)] if shuffle else rows

    def order(self, seed: int, epoch: int, *, shuffle: bool = True) -> Indices:
        """Indices of all examples in the order of an epoch."""
        import numpy as np

        windows = enumerate(self.windows(seed, epoch, shuffle=shuffle))
        return np.concatenate([self.examples(blocks, seed, epoch, i, shuffle=shuffle) for i, blocks in windows])
