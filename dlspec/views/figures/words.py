"""Neighbours of words and analogies by vectors, from arrays alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def units(vectors: Array) -> Array:
    """Vectors of length 1, [words, numbers]; those of length 0 stay."""
    import numpy as np

    values = vectors.astype(np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    result: Array = values / np.where(lengths > 0, lengths, 1.0)
    return result


def nearest(vectors: Array, asked: Array, leave_out: list[int], k: int) -> list[tuple[int, float]]:
    """The numbers of the vectors with the least angle to one, with the cosine.

    Args:
        vectors: Of length 1, [words, numbers].
        asked: One of any length.
        leave_out: Numbers that are no answers.
        k: How many.
    """
    import numpy as np

    cosines = vectors @ (asked / (np.linalg.norm(asked) or 1.0))
    cosines[leave_out] = -np.inf
    order = np.argsort(-cosines, kind="stable")[:k]
    return [(int(number), float(cosines[number])) for number in order if np.isfinite(cosines[number])]


def analogous(vectors: Array, first: int, second: int, third: int) -> Array:
    """What stands to the third as the second to the first: second − first + third (Mikolov et al. 2013)."""
    result: Array = vectors[second] - vectors[first] + vectors[third]
    return result
