"""Maps and groups of vectors: principal components and k-means, as scikit-learn computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.core.documents.figures import Cluster

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def plane(vectors: Array) -> tuple[Array, list[float] | None]:
    """Each vector as two numbers: along the two directions in which all differ most; of two numbers as they are.

    Args:
        vectors: Shape [examples, numbers], two numbers at least.

    Returns:
        Shape [examples, 2], and the share of the variance along both directions.
    """
    from sklearn.decomposition import PCA

    if vectors.shape[1] == 2:
        return vectors, None
    result = PCA(2, svd_solver="full")
    points: Array = result.fit_transform(vectors.astype("float64"))
    return points, [float(share) for share in result.explained_variance_ratio_]


def groups(fitted: Array, asked: Array, k: int, seed: int) -> Array:
    """The group of each of `asked`, of `k` that are found among `fitted`: numbers of shape [examples]."""
    from sklearn.cluster import KMeans

    means = KMeans(k, n_init=10, random_state=seed).fit(fitted.astype("float64"))
    result: Array = means.predict(asked.astype("float64"))
    return result


def described(numbers: Array, k: int, classes: Array | None) -> list[Cluster]:
    """Each group with the class that most of it has, the largest first."""
    import numpy as np

    result: list[Cluster] = []
    for group in np.argsort(-np.bincount(numbers, minlength=k), kind="stable"):
        inside = numbers == group
        cluster: Cluster = {"examples": int(inside.sum()), "most": None, "share": None}
        if classes is not None and inside.any():
            names, counts = np.unique(classes[inside], return_counts=True)
            cluster["most"], cluster["share"] = str(names[counts.argmax()]), float(counts.max() / inside.sum())
        result.append(cluster)
    return result


def adjusted_rand(numbers: Array, classes: Array) -> float:
    """Agreement of groups and classes, corrected for chance (Hubert and Arabie 1985)."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(classes, numbers))
