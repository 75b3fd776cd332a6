"""Examples that are made out of rows: which rows belong together, and which indices near each other."""

import numpy as np


def drawn_numbers(count: int, *seeds: int) -> np.ndarray:
    """Whole numbers from 0 to 2⁶⁴ - 1 that the seeds alone decide, on every machine; shape [count]."""
    return np.random.Philox(np.random.SeedSequence(seeds)).random_raw(count)


def partners(classes: np.ndarray, alike: np.ndarray, *seeds: int) -> np.ndarray:
    """The position of another row for each one.

    Args:
        classes: The class of each row, from 0; each has two rows or more, and there are two classes or more.
        alike: Where the other row is of the same class; elsewhere it is of another one.
        seeds: What decides which of them.
    """
    order = np.argsort(classes, kind="stable")
    sizes = np.bincount(classes)
    starts = np.cumsum(sizes) - sizes
    own, first = sizes[classes], starts[classes]
    places = np.empty(len(classes), np.int64)
    places[order] = np.arange(len(classes))
    chance = drawn_numbers(len(classes), *seeds)
    among = (chance % np.where(alike, own - 1, len(classes) - own).astype(np.uint64)).astype(np.int64)
    same = first + among + (first + among >= places)  # past the row itself
    other = among + np.where(among >= first, own, 0)  # past the rows of its class
    return order[np.where(alike, same, other)]


def drawn_pairs(classes: np.ndarray, *seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """A partner for each row, and 1 where both are of one class: in half of the pairs, which chance chooses."""
    alike = np.zeros(len(classes), np.int32)
    alike[np.argsort(drawn_numbers(len(classes), *seeds, 1), kind="stable")[: len(classes) // 2]] = 1
    return partners(classes, alike == 1, *seeds, 2), alike


def drawn_triplets(classes: np.ndarray, *seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """For each row another one of its class, and one of another class."""
    alike = np.ones(len(classes), bool)
    return partners(classes, alike, *seeds, 1), partners(classes, ~alike, *seeds, 2)


def in_line(rows: np.ndarray, gap: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The indices of all rows one after the other, without the zeros at the end of each, and `gap` zeros between.

    Args:
        rows: Indices of shape [rows, length].
        gap: Zeros before each row, and after the last one.

    Returns:
        All indices in one line; the places of those of rows in it; and the number of the row of each of these.
    """
    lengths = rows.shape[1] - np.argmax(rows[:, ::-1] != 0, axis=1)
    lengths[(rows == 0).all(axis=1)] = 0
    numbers = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(numbers)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.arange(len(numbers)) + gap * (numbers + 1)
    line = np.zeros(len(numbers) + gap * (len(rows) + 1), rows.dtype)
    line[places] = rows[numbers, within]
    return line, places, numbers


def stands_near(places: np.ndarray, size: int, window: int) -> np.ndarray:
    """Which indices stand near each one.

    Args:
        places: Where indices stand in a line of `size`, as :func:`in_line` gives them with a gap of `window`.
        window: How far to the left and to the right.

    Returns:
        Whether there is one, shape [places, 2 * window]; see :func:`distances`.
    """
    there = np.zeros(size, bool)
    there[places] = True
    return there[places[:, None] + distances(window)]


def distances(window: int) -> np.ndarray:
    """Distances of what stands near, from left to right: -2, -1, 1, 2."""
    return np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])


def drawn_negatives(frequencies: np.ndarray, avoided: np.ndarray, count: int, *seeds: int) -> np.ndarray:
    """Indices by the power 0.75 of how often they occur (Mikolov et al. 2013), none of which is the one to be avoided.

    Args:
        frequencies: How often each index occurs; two or more do.
        avoided: An index for each example.
        count: How many for each of them.
        seeds: What decides which.

    Returns:
        Shape [examples, count].
    """
    weights = frequencies.astype(np.float64) ** 0.75
    ends = np.cumsum(weights / weights.sum())
    starts = np.concatenate([[0.0], ends[:-1]])
    first, own = starts[avoided][:, None], (ends - starts)[avoided][:, None]
    chance = (drawn_numbers(len(avoided) * count, *seeds) >> np.uint64(11)) * 2.0**-53
    chance = chance.reshape(-1, count) * (1 - own)
    chosen = np.searchsorted(ends, chance + np.where(chance >= first, own, 0), side="right")
    # Where rounding leads back to the one to be avoided, its neighbour that occurs is taken.
    known = np.flatnonzero(frequencies)
    chosen = np.minimum(chosen, known[-1])
    position = np.searchsorted(known, avoided)[:, None]
    beside = known[np.where(position + 1 < len(known), position + 1, position - 1)]
    return np.where(chosen == avoided[:, None], beside, chosen)


def pairs_of(rows: np.ndarray, classes: np.ndarray, *seeds: int) -> tuple[np.ndarray, ...]:
    """Each row, a partner, and 1 where both are of one class; which partner, the seeds decide."""
    others, same = drawn_pairs(classes, *seeds)
    return rows, rows[others], same


def triplets_of(rows: np.ndarray, classes: np.ndarray, *seeds: int) -> tuple[np.ndarray, ...]:
    """Each row, another one of its class, and one of another class, which the seeds decide."""
    alike, other = drawn_triplets(classes, *seeds)
    return rows, rows[alike], rows[other]


def stream_of(rows: np.ndarray, length: int, stride: int) -> tuple[np.ndarray, ...]:
    """Pieces of all rows of indices in one line, shape [pieces, length], that begin at a distance of `stride`."""
    line, places, _ = in_line(rows, 0)
    starts = np.arange(0, len(places) - length + 1, stride)
    return (line[starts[:, None] + np.arange(length)],)


def only_read(steps: np.ndarray, count: int) -> np.ndarray:
    """Indices of pieces with 0, which counts nowhere, in place of the first ones."""
    return np.where(np.arange(steps.shape[1]) < count, 0, steps)


def skip_grams_of(rows: np.ndarray, window: int, count: int, *seeds: int) -> tuple[np.ndarray, ...]:
    """Each word with each that stands near it, followed by `count` others; and 1 for the near one, 0 for the others."""
    line, places, _ = in_line(rows, window)
    centre, side = np.nonzero(stands_near(places, len(line), window))
    beside = line[places[centre] + distances(window)[side]]
    others = drawn_negatives(np.bincount(line[places]), beside, count, *seeds)
    label = np.zeros((len(centre), 1 + count), np.int32)
    label[:, 0] = 1
    return line[places[centre]], np.concatenate([beside[:, None], others.astype(line.dtype)], axis=1), label


def cbow_of(rows: np.ndarray, window: int) -> tuple[np.ndarray, ...]:
    """The words that stand near each word, from left to right with 0 where a row is over, and the word."""
    line, places, _ = in_line(rows, window)
    places = places[stands_near(places, len(line), window).any(axis=1)]
    return line[places[:, None] + distances(window)], line[places]


def occurring_indices(rows: np.ndarray, marks: tuple) -> np.ndarray:
    """The indices that stand in some rows and may be hidden, ascending: neither padding nor marks."""
    known = np.unique(rows)
    return known[~np.isin(known, (0, *marks))]


def hide(
    rows: np.ndarray, share: float, index: int, marks: tuple, occurring: np.ndarray, *seeds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of indices with hidden steps, and what stood there.

    Args:
        rows: Indices [rows, steps]; 0 is padding.
        share: Of the steps of a row that may be hidden, the nearest whole number to this share is, one at least.
        index: What takes the place of most of those that are hidden.
        marks: Indices that are never hidden.
        occurring: Indices, ascending, of which one takes the place of some of those that are hidden.
        seeds: What decides which steps are hidden, and what stands in their place.

    Returns:
        What enters the model, and what it is to tell: both [rows, steps], the second int32 and 0 in all steps that are
        not hidden.
    """
    hidden, expected, together = rows.copy(), np.zeros(rows.shape, np.int32), 4096
    for number, start in enumerate(range(0, len(rows), together)):
        some = rows[start : start + together]
        chosen = chosen_steps(some, share, marks, *seeds, number, 0)
        expected[start : start + together][chosen] = some[chosen]
        hidden[start : start + together][chosen] = replaced(some[chosen], index, occurring, *seeds, number)
    return hidden, expected


def chosen_steps(rows: np.ndarray, share: float, marks: tuple, *seeds: int) -> np.ndarray:
    """Which steps are hidden, bool [rows, steps]."""
    eligible = ~np.isin(rows, (0, *marks))
    counts = eligible.sum(axis=1)
    wanted = np.where(counts > 0, np.maximum(1, np.floor(share * counts + 0.5)), 0)
    chance = drawn_numbers(rows.size, *seeds).reshape(rows.shape) >> np.uint64(1)
    chance[~eligible] = np.iinfo(np.uint64).max
    order = np.argsort(chance, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(rows.shape[1])[None, :], axis=1)
    return (ranks < wanted[:, None]) & eligible


def replaced(values: np.ndarray, index: int, occurring: np.ndarray, *seeds: int) -> np.ndarray:
    """What stands in the place of hidden indices, shape [hidden].

    Four of five are replaced by `index`, a tenth by another one, a tenth are left (Devlin et al., BERT, 2019).
    """
    share = (drawn_numbers(len(values), *seeds, 1) >> np.uint64(11)) * 2.0**-53
    own = np.searchsorted(occurring, values)
    known = occurring[np.minimum(own, len(occurring) - 1)] == values
    choices = (len(occurring) - known).astype(np.uint64)
    others = (drawn_numbers(len(values), *seeds, 2) % choices).astype(np.int64)
    others += known & (others >= own)  # past the index itself
    changed = np.where(share < 0.9, occurring[others], values)
    return np.where(share < 0.8, index, changed).astype(values.dtype)
