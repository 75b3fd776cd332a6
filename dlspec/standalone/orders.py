"""Orders of examples that seeds alone decide, and what makes classes count the same."""

import numpy as np


def permutation(count: int, *seeds: int) -> np.ndarray:
    """An order of `count` things that the seeds alone decide, on every machine."""
    keys = np.random.Philox(np.random.SeedSequence(seeds)).random_raw(count)
    return np.argsort(keys, kind="stable")


def going_round(count: int, visits: int, epoch: int, source: int, seed: int | None) -> np.ndarray:
    """Rows of a further source of `count` rows that an epoch of so many visits meets.

    It goes on where the epoch before ended, and each time round has an order of its own; without a seed, its own one.
    """
    places = np.arange(epoch * visits, (epoch + 1) * visits)
    if seed is None:
        return places % count
    first, last = places[0] // count, places[-1] // count
    rounds = [permutation(count, seed, number, source) for number in range(first, last + 1)]
    return np.concatenate(rounds)[places - first * count]


def by_windows(sizes: np.ndarray, window: int, seed: int, epoch: int) -> np.ndarray:
    """An order that visits row groups at random, and mixes the examples of so many groups as fit into a window."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    windows: list[list[np.ndarray]] = [[]]
    filled = 0
    for group in permutation(len(sizes), seed, epoch):
        if filled and filled + sizes[group] > window:
            windows.append([])
            filled = 0
        windows[-1].append(np.arange(starts[group], starts[group + 1]))
        filled += sizes[group]
    mixed = []
    for number, groups in enumerate(windows, 1):
        rows = np.concatenate(groups)
        mixed.append(rows[permutation(len(rows), seed, epoch, number)])
    return np.concatenate(mixed)


def oversampled(classes: np.ndarray, seed: int) -> np.ndarray:
    """Positions of examples, of which some come again, so that each class is as frequent as the largest one."""
    largest = np.bincount(classes).max()
    chosen = []
    for number in np.unique(classes):
        members = np.flatnonzero(classes == number)
        times, more = divmod(largest, len(members))
        again = members[permutation(len(members), seed, number)[:more]]
        chosen += [np.repeat(members, times), again]
    return np.sort(np.concatenate(chosen))


def balanced(classes: np.ndarray, count: int) -> np.ndarray:
    """A weight for each class: all classes count the same, and the mean over the examples is 1."""
    counts = np.bincount(classes.ravel(), minlength=count)
    return (classes.size / (np.count_nonzero(counts) * np.maximum(counts, 1))).astype("float32")
