"""Folds of a cross-validation, shares and draws of a training split: functions of its seed and the data alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.components.sections.data import Split
from dlspec.components.sections.splitters import Grouped, Time
from dlspec.core.errors import Problem
from dlspec.data.order.order import permutation

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

# What tells the orders of folds and of shares from each other and from those of the parts, by the same seed.
_FOLDS, _SHARES, _DRAWS = 0xF01D, 0x5A4E, 0xD4A3


def fold(split: Split, count: int, values: Array | None) -> tuple[Indices, Indices]:
    """One fold of so many examples.

    By chance, folds have the sizes of scikit-learn's ``KFold``; stratified, those of every class differ by one at most,
    as in ``StratifiedKFold``; grouped, the largest group goes into the smallest fold, as in ``GroupKFold``; by time,
    they are those of ``TimeSeriesSplit``: each is trained on what lies before it.

    Args:
        split: With `fold`.
        count: How many examples there are.
        values: Shape [count]: the class, group or time of each, where the split goes by one.

    Returns:
        Indices of the examples outside of the fold that train, and of those in it, both ascending.

    Raises:
        Problem: E606, there are too few examples or groups.
    """
    import numpy as np

    chosen = split.fold
    if isinstance(split.by, Time):
        return _by_time(split, count, values)
    if count < chosen.of:
        raise too_few(split, f"{count} examples are", count)
    entropy = (split.seed, _FOLDS, chosen.repeat)
    if values is None:
        in_fold = np.array_split(permutation(count, *entropy), chosen.of)[chosen.number - 1]
    elif isinstance(split.by, Grouped):
        in_fold = _of_groups(split, values, entropy)
    else:
        shuffled = permutation(count, *entropy)
        by_class = shuffled[np.argsort(_numbered(values)[shuffled], kind="stable")]
        in_fold = by_class[chosen.number - 1 :: chosen.of]
    outside = np.ones(count, bool)
    outside[in_fold] = False
    return np.flatnonzero(outside), np.sort(in_fold)


def _of_groups(split: Split, values: Array, entropy: tuple[int, ...]) -> Indices:
    """The examples of the groups of one fold; groups of one size come in an order by chance."""
    import heapq

    import numpy as np

    groups = _numbered(values)
    sizes = np.bincount(groups)
    if len(sizes) < split.fold.of:
        raise too_few(split, f"{len(sizes)} group{'s are' if len(sizes) > 1 else ' is'}", len(sizes))
    shuffled = permutation(len(sizes), *entropy)
    fold_of = np.empty(len(sizes), int)
    filled = [(0, number) for number in range(split.fold.of)]
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        size, number = heapq.heappop(filled)
        fold_of[group] = number
        heapq.heappush(filled, (size + int(sizes[group]), number))
    return np.flatnonzero(fold_of[groups] == split.fold.number - 1)


def _by_time(split: Split, count: int, times: Array | None) -> tuple[Indices, Indices]:
    import numpy as np

    chosen, gap = split.fold, split.by.gap
    size = count // (chosen.of + 1)
    start = count - (chosen.of - chosen.number + 1) * size
    if not size or start - gap <= 0:
        also = f", with a gap of {gap} before each" if gap else ""
        message = f"{count} examples are too few for {chosen.of} folds one after the other{also}"
        raise Problem("E606", message, "write fewer folds" + (", or a smaller `gap`" if gap else ""), "fold")
    order = np.arange(count) if times is None else np.argsort(times, kind="stable")
    return np.sort(order[: start - gap]), np.sort(order[start : start + size])


def too_few(split: Split, having: str, most: int) -> Problem:
    """E606, where `having` says how many there are, and `most` for how many folds they would do."""
    help = f"write at most {most} folds" if most > 1 else "cut the folds by something else"
    return Problem("E606", f"{having} too few for {split.fold.of} folds", help, "fold")


def share(split: Split, values: Array | None, train: Indices) -> Indices:
    """The share of the training split that trains; a larger one holds every smaller one.

    It is chosen by chance, of every class alike where the split is stratified, by whole groups where it goes by those;
    by time, it is the latest examples.

    Args:
        split: With `training_fraction`.
        values: The class, group or time of each example, where the split goes by one.
        train: Indices of the training split, ascending.
    """
    import numpy as np

    fraction = split.training_fraction
    wanted = max(1, round(fraction * len(train)))
    if isinstance(split.by, Time):
        order = train if values is None else train[np.argsort(values[train], kind="stable")]
        return np.sort(order[-wanted:])
    entropy = (split.seed, _SHARES, split.fraction_seed)
    order = permutation(len(train), *entropy)
    if values is None:
        return np.sort(train[order[:wanted]])
    groups = _numbered(values[train])
    if isinstance(split.by, Grouped):
        sizes = np.bincount(groups)
        by_chance = permutation(len(sizes), *entropy)
        last = int(np.searchsorted(np.cumsum(sizes[by_chance]), wanted)) + 1
        return train[np.isin(groups, by_chance[:last])]
    members = [order[groups[order] == number] for number in range(groups.max() + 1)]
    return np.sort(train[np.concatenate([each[: max(1, round(fraction * len(each)))] for each in members])])


def drawn(split: Split, train: Indices, values: Array | None) -> Indices:
    """As many of the training examples as there are, drawn with repetition (a bootstrap), ascending.

    Where the split is grouped, whole groups are drawn, as many as there are.

    Args:
        split: With `bootstrap`.
        train: The training examples, ascending.
        values: The group of each, where the split goes by one; shape [train].
    """
    import numpy as np

    random = np.random.Generator(np.random.PCG64([split.seed, _DRAWS, split.bootstrap or 0]))
    if values is None or not isinstance(split.by, Grouped):
        return train[np.sort(random.integers(len(train), size=len(train)))]
    groups = _numbered(values)
    count = int(groups.max()) + 1
    times = np.bincount(random.integers(count, size=count), minlength=count)
    return np.repeat(train, times[groups])


def _numbered(values: Array) -> Indices:
    """The number of each value among the distinct ones; shape [count]."""
    import numpy as np

    numbers: Indices = np.unique(values, return_inverse=True)[1].reshape(-1)
    return numbers
