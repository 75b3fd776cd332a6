"""The Fréchet distance between two clouds of vectors, each taken for a normal distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def distance(first: Array, second: Array) -> float:
    """|m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁ C₂)^½), with means m and covariances C (Dowson and Landau 1982; Heusel 2017).

    Args:
        first: Shape [examples, numbers], two examples at least.
        second: The same, with as many numbers.
    """
    import numpy as np

    first, second = (values.reshape(len(values), -1).astype(np.float64) for values in (first, second))
    between = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    left, right = (np.atleast_2d(np.cov(values, rowvar=False)) for values in (first, second))
    root = _root(left)
    # The eigenvalues of C₁ C₂ are those of the symmetric C₁^½ C₂ C₁^½, which are real and not negative.
    cross = np.sqrt(np.linalg.eigvalsh(root @ right @ root).clip(0)).sum()
    return float(max(between + np.trace(left) + np.trace(right) - 2 * cross, 0))


def _root(matrix: Array) -> Array:
    """The square root of a symmetric matrix without negative eigenvalues."""
    import numpy as np

    values, vectors = np.linalg.eigh(matrix)
    root: Array = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return root
