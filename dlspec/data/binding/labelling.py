"""The labels of targets as they stand in columns."""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress
from typing import Any

from dlspec.components.sections.data import Target
from dlspec.components.training.losses import Loss
from dlspec.core.errors import Problem
from dlspec.data.sources.base import DataProblem, Labels, Table

# The class number of examples without a label, where these are ignored.
IGNORED = -1


def single(table: Table, column: str) -> Labels:
    """The distinct labels of a column, but for what is missing.

    Raises:
        DataProblem: E608, there are none.
    """
    labels = table.labels(column)
    pairs = [(value, count) for value, count in zip(labels.values, labels.counts, strict=True) if not _gap(value)]
    if not pairs:
        raise DataProblem("E608", f"column `{column}` has no labels", "predict another column", "column")
    return Labels(tuple(value for value, _ in pairs), tuple(count for _, count in pairs))


def _gap(value: Any) -> bool:
    return value is None or value == "" or value != value


def several(table: Table, column: str, section: Target) -> list[str]:
    """The distinct labels of texts that list some, in the order in which they are encoded.

    Raises:
        DataProblem: E603, the column holds no text; E604, a label is not among the section's `classes`, or there is a
            single label.
    """
    if not table.columns[column].text:
        message = f"column `{column}` is {table.columns[column].tensor}, and `separator` divides text"
        raise DataProblem("E603", message, "leave `separator` out", "separator")
    labels = {label for value in table.labels(column).values for label in divided(value, section.separator or "")}
    if section.classes is None:
        if len(labels) < 2:
            message = f"target `{column}` has {'no labels' if not labels else f'a single label, `{min(labels)}`'}"
            raise DataProblem("E604", message, "look at `separator`", "separator")
        return sorted(labels)
    listed = [str(value) for value in section.classes]
    for label in sorted(labels - set(listed)):
        message = f"label `{label}` of column `{column}` is not among its `classes`"
        raise DataProblem(
            "E604", message, "add it, or correct the file", "classes", _where(table, column, label, section)
        )
    return listed


def divided(value: str, separator: str) -> list[str]:
    """The labels of one text."""
    return [label for part in value.split(separator) if (label := part.strip())]


def _where(table: Table, column: str, label: str, section: Target) -> str:
    values = table.read([column])[column]
    return next(table.where(i) for i, value in enumerate(values) if label in divided(value, section.separator or ""))


def where(table: Table, column: str, value: Any) -> str:
    """Where a label stands first."""
    return table.where_is(column, value)


def units(labels: Labels) -> str:
    """How many units the labels need, in words."""
    count = len(labels.values) if isinstance(labels.values[0], str) else int(labels.values[-1]) + 1
    return f"{count} classes need {count} units in the last layer, and `sparse_categorical_crossentropy`"


# Truth is 0 and 1 where a column holds numbers, or lacks some values; and the other way round.
_TWINS = {"1": "true", "0": "false", "true": "1", "false": "0"}


def name_of(value: Any) -> str:
    """A label as a spec writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def among(value: Any, classes: Container[str]) -> str | None:
    """The name of the class that a label has among those that a spec lists; None where it has none."""
    name = name_of(value)
    return name if name in classes else twin if (twin := _TWINS.get(name, "")) in classes else None


def margins(loss: Loss | None, labels: Labels) -> tuple[int, ...]:
    """-1 and 1 where labels are these and the loss takes margins; they become 0 and 1, as everywhere else."""
    return (-1, 1) if loss is not None and loss.signed and set(labels.values) == {-1, 1} else ()


def check_ignored(section: Target, target: str, loss: Loss | None) -> None:
    """A loss leaves out examples without a label, where they are to be ignored.

    Raises:
        Problem: E503, it leaves none out, or those of another number.
    """
    if section.missing == "ignore" and loss is not None and loss.ignore_class != IGNORED:
        message = f"`missing: ignore` of target `{target}` needs a loss that leaves class {IGNORED} out"
        help = "write `loss: {sparse_categorical_crossentropy: {ignore_class: -1}}`, or `missing: drop`"
        raise Problem("E503", message, help, "missing")


def between(labels: Labels) -> bool:
    """Whether some number lies between 0 and 1."""
    return any(not isinstance(value, str) and 0 < value < 1 for value in labels.values)


def reads_as_number(value: str) -> bool:
    """Whether a label is a number written as text."""
    with suppress(ValueError):
        float(value)
        return True
    return False
