"""Which examples belong to training, validation and test: a function of the split's seed and the data alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.components.sections.data import Data, Split
from dlspec.components.sections.splitters import Column, Grouped, Time
from dlspec.core.dates import moment, order_help
from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.order.folds import drawn, fold, share, too_few
from dlspec.data.order.joined import JoinedTable
from dlspec.data.order.order import permutation
from dlspec.data.sources.base import DataProblem, Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

PARTS = ("train", "validation", "test")
WORDS = {
    "train": 0, "training": 0,
    "validation": 1, "valid": 1, "val": 1, "dev": 1,
    "test": 2, "testing": 2,
}  # fmt: skip


class Parts(NamedTuple):
    """Indices of the examples of each part, ascending."""

    train: Indices
    validation: Indices
    test: Indices


def stratify_column(data: Data) -> str | None:
    """The column whose classes are spread evenly, or None for a split by chance.

    Raises:
        Problem: E606, no or no single target is meant.
    """
    split = data.parts
    if not split.stratified:
        return None
    name = split.target
    if data.maker is not None and (name is None or (name in data.targets and data.makes(data.targets[name]))):
        if data.maker.same:
            return data.maker.same
        message = f"what `{data.maker.name}` gives is made after the split: rows have no classes to spread"
        raise Problem("E606", message, "write `by: random`", "by")
    if name is None and len(data.targets) > 1:
        names = ", ".join(f"`{target}`" for target in data.targets)
        message = f"`stratified` does not say which of {names} counts"
        raise Problem("E606", message, f"write `by: {{stratified: {next(iter(data.targets))}}}`", "by")
    if not data.targets:
        raise Problem("E606", "`stratified` spreads classes, and there are no targets", "write `by: random`", "by")
    name = name or next(iter(data.targets))
    if name not in data.targets:
        raise Problem("E606", f"`{name}` is no target", did_you_mean(name, data.targets, guess=True), "by")
    target = data.targets[name]
    if target.columns is not None or target.separator is not None:
        message = f"several labels of target `{name}` may hold at once: they form no classes to spread"
        raise Problem("E606", message, "write `by: random`", "by")
    column: str = target.sources[0]
    return column


def choose(data: Data, table: Table, count: int, dropped: Array | None = None, *, as_often: bool = False) -> Parts:
    """Chooses the parts.

    Args:
        data: The section.
        table: The opened source; parts with sources of their own are joined to it.
        count: How many examples it has.
        dropped: Which of them are left out of all parts; shape [count].
        as_often: Whether a training example that a bootstrap drew comes as often as it was drawn, and not once.

    Raises:
        Problem: E606, the split does not work with these data.
    """
    import numpy as np

    kept = np.arange(count) if dropped is None else np.flatnonzero(~dropped)
    sections = table.sections if isinstance(table, JoinedTable) else {"train": range(count)}
    chosen = {part: kept[(kept >= own.start) & (kept < own.stop)] for part, own in sections.items()}
    main = chosen.pop("train")
    if data.parts.fold is not None:
        chosen.pop("test", None)
    column = stratify_column(data) or data.parts.asks
    values = table.read([column])[column][main] if column else None
    parts = _by(data.parts, main, values, table)
    if data.parts.bootstrap is not None:
        positions = np.searchsorted(main, parts.train)
        train = drawn(data.parts, parts.train, None if values is None else values[positions])
        parts = parts._replace(train=train if as_often else np.unique(train))
    return Parts(*(chosen.get(part, indices) for part, indices in zip(PARTS, parts, strict=True)))


def _by(split: Split, main: Indices, values: Array | None, table: Table) -> Parts:
    """Divides the examples `main` of the source itself; `values` are those of the column that decides."""
    if isinstance(split.by, Column) and values is not None:
        parts = _by_column(split.by, main, values, table)
    else:
        if isinstance(split.by, Time) and values is not None:
            values = _times(split.by, main, values, table)
        parts = _divided(split, len(main), values) if split.fold is None else _folded(split, len(main), values)
    if split.training_fraction < 1:
        parts = parts._replace(train=share(split, values, parts.train))
    return Parts(*(main[part] for part in parts))


def _divided(split: Split, count: int, values: Array | None) -> Parts:
    """The parts of so many examples; `values` are their classes, groups or times, where the split goes by such."""
    if isinstance(split.by, Time):
        return _by_time(split, count, values)
    if isinstance(split.by, Grouped) and values is not None:
        return _by_group(split, values)
    return assign(split, count, values)


def _folded(split: Split, count: int, values: Array | None) -> Parts:
    """A fold as the test split; its cross-validation knows nothing of the test split that there is without it."""
    pool = _divided(split.without("validation", "fold"), count, values).train
    rest, in_fold = fold(split, len(pool), None if values is None else values[pool])
    others = pool[rest]
    inner = _divided(split.without("test", "fold"), len(others), None if values is None else values[others])
    return Parts(others[inner.train], others[inner.validation], pool[in_fold])


def check_split(data: Data, table: Table, count: int) -> None:
    """Every part gets examples, and every class has enough for all parts.

    Raises:
        Problem: E602, E606.
    """
    split = data.parts
    own = len(table.sections["train"]) if isinstance(table, JoinedTable) else count
    sizes = {part: round(own * split.share(part)) for part in ("validation", "test")}
    for part, size in sizes.items():
        share = split.share(part)
        if share and not size:
            raise Problem("E606", f"{share:g} of {own} examples is none", f"make `{part}` larger", part)
    if sum(sizes.values()) >= own:
        raise Problem("E606", f"nothing of {own} examples is left to train on", "make the parts smaller", "validation")
    asks = split.asks
    if asks and table.find(asks, "by").tensor.shape:
        raise Problem("E606", f"column `{asks}` holds arrays, which cannot divide examples", "", "by")
    if split.fold is not None and own - sizes["test"] < split.fold.of:
        raise too_few(split, f"{own - sizes['test']} examples are", own - sizes["test"])
    if asks or isinstance(split.by, Time):
        _check_parts(choose(data, table, count), split)
    column = stratify_column(data)
    if column is not None and column in table.columns:
        _check_classes(column, split, table)


def _check_parts(parts: Parts, split: Split) -> None:
    """No part that is asked for is empty."""
    for part, indices in zip(PARTS, parts, strict=True):
        if not len(indices) and (part == "train" or split.has(part)):
            what = "nothing is left to train on" if part == "train" else f"no example falls into `{part}`"
            raise Problem("E606", what, f"look at the values of column `{split.asks or ''}`", "by")


def _check_classes(column: str, split: Split, table: Table) -> None:
    if table.columns[column].tensor.shape:
        raise Problem("E606", f"column `{column}` holds arrays, which form no classes", "write `by: random`", "by")
    needed = 1 + bool(split.share("validation")) + bool(split.share("test"))
    into = f"a stratified split into {needed} parts needs {needed}"
    if split.fold is not None:
        needed = split.fold.of + bool(split.share("test"))
        into = f"{split.fold.of} stratified folds" + (" beside the test split" if split.share("test") else "")
        into += f" need {needed}"
    labels = table.labels(column)
    for value, members in zip(labels.values, labels.counts, strict=True):
        if value == "" or value != value:  # a gap, whose examples are left out or told of elsewhere
            continue
        if members < needed:
            rare = f"class `{value}` of column `{column}` has {members} example{'s' if members > 1 else ''}"
            fewer = "" if split.fold is None else "take fewer folds, "
            raise Problem("E606", f"{rare}, {into}", f"{fewer}write `by: random`, or drop classes this rare", "by")


def assign(split: Split, count: int, labels: Array | None) -> Parts:
    """Chooses the parts of `count` examples.

    Args:
        split: Shares and seed.
        count: How many examples there are.
        labels: Shape [count]: the class of each example, for a stratified split; None for one by chance.
    """
    import numpy as np

    groups = [np.arange(count)] if labels is None else _groups(labels)
    chosen: list[list[Indices]] = [[], [], []]
    for number, group in enumerate(groups):
        order = group[permutation(len(group), split.seed, number)]
        validation, test = _sizes(split, len(group))
        bounds = (test, test + validation)
        for part, indices in zip((2, 1, 0), np.split(order, bounds), strict=True):
            chosen[part].append(indices)
    return Parts(*(np.sort(np.concatenate(part)) for part in chosen))


def _groups(labels: Array) -> list[Indices]:
    import numpy as np

    _, inverse = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(inverse == number) for number in range(inverse.max() + 1)]


def _sizes(split: Split, members: int) -> tuple[int, int]:
    """Validation and test examples of a group: at least one each, and at least one left for training."""
    shares = split.share("validation"), split.share("test")
    validation, test = (max(1, round(members * share)) if share else 0 for share in shares)
    if validation + test >= members:
        return bool(shares[0]), bool(shares[1])
    return validation, test


def _by_group(split: Split, values: Array) -> Parts:
    """Whole groups in an order by chance: into test until it is full, then validation, the rest into training."""
    import numpy as np

    groups = _groups(values)
    wanted = [round(len(values) * split.share(part)) for part in ("test", "validation")]
    chosen: list[list[Indices]] = [[], [], []]
    filled = [0, 0]
    for number in permutation(len(groups), split.seed):
        group = groups[number]
        # Into the part that lacks most, unless more of the group would be too much than is missing.
        lacks = [want - have for want, have in zip(wanted, filled, strict=True)]
        part_index = 0 if lacks[0] >= lacks[1] else 1
        if lacks[part_index] * 2 >= len(group) and lacks[part_index] > 0:
            chosen[part_index].append(group)
            filled[part_index] += len(group)
        else:
            chosen[2].append(group)
    test, validation, train = (np.sort(np.concatenate([np.arange(0), *part])) for part in chosen)
    return Parts(train, validation, test)


def _by_time(split: Split, count: int, times: Array | None) -> Parts:
    """The latest examples into test, those before into validation; a gap of examples before each part is left out."""
    import numpy as np

    order = np.arange(count) if times is None else np.argsort(times, kind="stable")
    gap = split.by.gap if isinstance(split.by, Time) else 0
    validation, test = _sizes(split, count)
    if validation + test + gap * (bool(validation) + bool(test)) >= count:
        message = f"nothing of {count} examples is left to train on, with a gap of {gap} before each part"
        raise Problem("E606", message, "make `gap` smaller", "by")
    parts = []
    for size in (test, validation):
        cut = len(order) - size
        parts.append(np.sort(order[cut:]))
        order = order[: cut - gap] if size else order
    return Parts(np.sort(order), parts[1], parts[0])


def _times(by: Time, main: Indices, values: Array, table: Table) -> Array:
    """Times as numbers that can be sorted.

    Raises:
        DataProblem: E606, a value is no time.
    """
    import numpy as np

    times = np.empty(len(values))
    for index, value in enumerate(values):
        try:
            times[index] = moment(value, by.first) if isinstance(value, str) else value
        except ValueError:
            times[index] = np.nan
        if not np.isfinite(times[index]):
            message = f"`{value}` in column `{by.column}` is no date or number"
            raise DataProblem("E606", message, order_help(str(value), by.first), "by", table.where(int(main[index])))
    return times


def named_parts(split: Split, table: Table) -> set[str]:
    """The parts that a column of the source gives examples to; none where no column decides."""
    if not isinstance(split.by, Column):
        return set()
    texts = (str(value).strip().lower() for value in table.labels(split.by.column).values)
    return {PARTS[WORDS[text]] for text in texts if text in WORDS}


def _by_column(by: Column, main: Indices, values: Array, table: Table) -> Parts:
    """The parts that a column names.

    Raises:
        DataProblem: E606, it names something else.
    """
    import numpy as np

    places = np.array([WORDS.get(str(value).strip().lower(), -1) for value in values], int)
    if (places < 0).any():
        index = int((places < 0).argmax())
        message = f"`{values[index]}` in column `{by.column}` is no part"
        raise DataProblem("E606", message, "write `train`, `validation` or `test`", "by", table.where(int(main[index])))
    return Parts(*(np.flatnonzero(places == number) for number in range(3)))
