"""Nearest neighbours by the angle between vectors, and how often they are of the same class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.core.documents.figures import Retrieval

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Similarities that are in memory at a time.
_CHUNK = 8_000_000


class Nearest(NamedTuple):
    """The neighbours of some vectors.

    Attributes:
        numbers: Of each, its nearest among the others first, [vectors, k].
        similarity: Cosines, [vectors, k].
        retrieval: Where classes are known.
    """

    numbers: Array
    similarity: Array
    retrieval: Retrieval | None


def nearest(
    asked: Array,
    among: Array,
    k: int,
    classes: tuple[Array, Array] | None = None,
    *,
    same: bool = False,
) -> Nearest:
    """The k of `among` with the least angle to each of `asked`; of equal ones the first.

    Args:
        asked: Vectors of shape [examples, numbers].
        among: Vectors of shape [examples, numbers].
        k: How many neighbours; at most as many as there are.
        classes: The class of each of `asked`, and of each of `among`.
        same: Whether both are the same examples, none of which is a neighbour of itself.
    """
    import numpy as np

    first, second = _unit(asked), _unit(among)
    k = min(k, len(second) - same)
    rows = max(1, _CHUNK // len(second))
    numbers, similar, hits = [], [], []
    for start in range(0, len(first), rows):
        cosines = first[start : start + rows] @ second.T
        if same:
            own = np.arange(len(cosines))
            cosines[own, start + own] = -np.inf
        order = np.argsort(-cosines, axis=1, kind="stable")
        numbers.append(order[:, :k])
        similar.append(np.take_along_axis(cosines, order[:, :k], axis=1))
        if classes is not None:
            hits.append(_hits(order, classes[0][start : start + rows], classes[1], k, same))
    return Nearest(np.concatenate(numbers), np.concatenate(similar), _retrieval(hits) if hits else None)


def _unit(vectors: Array) -> Array:
    """Vectors of length 1; those of length 0 stay as they are."""
    import numpy as np

    vectors = vectors.reshape(len(vectors), -1).astype(np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Array = vectors / np.where(length > 0, length, 1)
    return unit


def _hits(order: Array, asked: Array, among: Array, k: int, same: bool) -> Array:
    """Precision at k, R-precision, recall at k and the share of the class, for each whose class has others."""
    import numpy as np

    right = among[order] == asked[:, None]
    if same:
        right[:, -1] = False  # itself stands last
    many = right.sum(axis=1)
    among_first = np.arange(right.shape[1])[None, :] < many[:, None]
    known = many > 0
    columns = (
        right[:, :k].mean(axis=1),
        (right & among_first).sum(axis=1) / np.maximum(many, 1),
        right[:, :k].any(axis=1),
        many / (right.shape[1] - same),
    )
    result: Array = np.stack(columns, axis=1)[known]
    return result


def _retrieval(hits: list[Array]) -> Retrieval | None:
    import numpy as np

    every = np.concatenate(hits)
    if not len(every):
        return None
    precision, r_precision, recall, chance = (float(value) for value in every.mean(axis=0))
    return {"precision": precision, "r_precision": r_precision, "recall": recall, "chance": chance}
