"""The order in which an epoch visits the training examples: a function of (seed, epoch) alone.

Neither the process, nor what ran before, nor how many batches are fetched ahead can change it, so that a resumed run
sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def order(count: int, seed: int, epoch: int, *, shuffle: bool = True) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Indices of the examples in the order of epoch number `epoch` (from 0); shape [count]."""
    import numpy as np

    if not shuffle:
        return np.arange(count, dtype=np.int64)
    return permutation(count, seed, epoch)


def permutation(count: int, *entropy: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A permutation of ``range(count)`` that `entropy` alone decides.

    It sorts the raw output of Philox, which NumPy promises to keep; of ``Generator.permutation`` it promises nothing.
    """
    import numpy as np

    keys = np.random.Philox(np.random.SeedSequence(entropy)).random_raw(count)
    return np.argsort(keys, kind="stable").astype(np.int64, copy=False)
