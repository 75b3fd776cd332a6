"""Which examples belong to training, validation and test: a function of the split's seed and the labels alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.data.order import permutation
from dlspec.data.sources.base import Table
from dlspec.errors import Problem, did_you_mean
from dlspec.sections.data import Data, Split

if TYPE_CHECKING:
    import numpy as np

    Indices = np.ndarray[Any, np.dtype[np.int64]]


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
    if name is None and len(data.targets) > 1:
        names = ", ".join(f"`{target}`" for target in data.targets)
        message = f"`stratified` does not say which of {names} counts"
        raise Problem("E606", message, f"write `by: {{stratified: {next(iter(data.targets))}}}`", "by")
    name = name or next(iter(data.targets))
    if name not in data.targets:
        raise Problem("E606", f"`{name}` is no target", did_you_mean(name, data.targets), "by")
    column: str = data.targets[name].column
    return column


def check_split(data: Data, table: Table, count: int) -> None:
    """Every part gets examples, and every class has enough for all parts.

    Raises:
        Problem: E606.
    """
    split = data.parts
    sizes = {"validation": round(count * split.validation), "test": round(count * split.test)}
    for part, size in sizes.items():
        share = getattr(split, part)
        if share and not size:
            raise Problem("E606", f"{share:g} of {count} examples is none", f"make `{part}` larger", part)
    if sum(sizes.values()) >= count:
        raise Problem(
            "E606", f"nothing of {count} examples is left to train on", "make the parts smaller", "validation"
        )
    column = stratify_column(data)
    if column is not None and column in table.columns:
        _check_classes(column, split, table)


def _check_classes(column: str, split: Split, table: Table) -> None:
    if table.columns[column].tensor.shape:
        raise Problem("E606", f"column `{column}` holds arrays, which form no classes", "write `by: random`", "by")
    needed = 1 + bool(split.validation) + bool(split.test)
    labels = table.labels(column)
    for value, members in zip(labels.values, labels.counts, strict=True):
        if members < needed:
            found = f"class `{value}` of column `{column}` has {members} example{'s' if members > 1 else ''}"
            message = f"{found}, a stratified split into {needed} parts needs {needed}"
            raise Problem("E606", message, "write `by: random`, or drop classes this rare", "by")


def assign(split: Split, count: int, labels: np.ndarray[Any, Any] | None) -> Parts:
    """Chooses the parts of `count` examples.

    Args:
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


def _groups(labels: np.ndarray[Any, Any]) -> list[Indices]:
    import numpy as np

    _, inverse = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(inverse == number) for number in range(inverse.max() + 1)]


def _sizes(split: Split, members: int) -> tuple[int, int]:
    """Validation and test examples of a group: at least one each, and at least one left for training."""
    validation = max(1, round(members * split.validation)) if split.validation else 0
    test = max(1, round(members * split.test)) if split.test else 0
    if validation + test >= members:
        return bool(split.validation), bool(split.test)
    return validation, test
