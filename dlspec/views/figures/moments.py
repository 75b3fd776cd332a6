"""Sums over examples from which means, spreads and linear models follow; they are taken batch after batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass
class Moments:
    """Weight, means, and products of the distances from the means, of some examples; float64.

    Attributes:
        weight: Sum of the weights.
        mean: Of features and targets, shape [features + targets].
        products: Σ w (z − mean)(z − mean)ᵀ, shape [features + targets, features + targets]; its diagonal alone where
            that is enough.
    """

    weight: float
    mean: Array
    products: Array

    @classmethod
    def none(cls, size: int, *, diagonal: bool = False) -> Moments:
        """Of no example."""
        import numpy as np

        return cls(0.0, np.zeros(size), np.zeros(size if diagonal else (size, size)))

    @classmethod
    def of(cls, values: Array, weights: Array | None, *, diagonal: bool = False) -> Moments:
        """Of the rows of `values`, each of which counts as `weights` says."""
        import numpy as np

        own = np.ones(len(values)) if weights is None else weights
        total = float(own.sum())
        if not total:
            return cls.none(values.shape[1], diagonal=diagonal)
        mean = own @ values / total
        apart = values - mean
        return cls(total, mean, own @ apart**2 if diagonal else (apart * own[:, None]).T @ apart)

    def __add__(self, other: Moments) -> Moments:
        """Of the examples of both (Chan, Golub and LeVeque 1979): no large sums are subtracted."""
        import numpy as np

        total = self.weight + other.weight
        if not total:
            return self
        apart, share = other.mean - self.mean, other.weight / total
        products = apart**2 if self.products.ndim == 1 else np.outer(apart, apart)
        between = products * self.weight * share
        return Moments(total, self.mean + apart * share, self.products + other.products + between)

    def about_zero(self) -> Array:
        """Σ w z zᵀ."""
        import numpy as np

        return self.products + self.weight * np.outer(self.mean, self.mean)
