"""Examples that no training can use, for ``bad: skip``: which they are, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.data.binding import missing
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.targets import Output
from dlspec.data.sources.base import DataProblem, Table
from dlspec.data.sources.finite import finite, infinite

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Most of the examples are not bad: then the spec is, or the file as a whole.
_MOST = 0.5


def bad_examples(
    table: Table, users: Iterable[Input | Output], count: int, further: Sequence[str] = ()
) -> dict[int, str]:
    """Examples with values that are broken, infinite, or missing where the spec says nothing about missing ones.

    Args:
        further: Columns of numbers beside those of the users.

    Returns:
        The reason by number of the example, ascending.

    Raises:
        DataProblem: E608, they are most of all examples.
    """
    users = tuple(users)
    columns = dict.fromkeys([*(column for user in users for column in user.columns), *further])
    reasons: dict[int, str] = dict(table.faults(list(columns)))
    for column in further:
        for index, reason in _bad_values(table, column, missing.ERROR).items():
            reasons.setdefault(index, reason)
    for user in users:
        for column in user.columns:
            for index, reason in _bad_values(table, column, user.missing, _listing(user)).items():
                reasons.setdefault(index, reason)
    left_out, whole = len(reasons) + len(table.skipped), count + len(table.skipped)
    if left_out > whole * _MOST:
        # What a source leaves out itself says where it stood: `sounds/a.wav: is empty`.
        where, _, reason = next(iter(table.skipped), "").partition(": ")
        if reasons:
            where, reason = table.where(min(reasons)), reasons[min(reasons)]
        message = f"`bad: skip` would leave out {left_out} of {whole} examples: {reason}"
        raise DataProblem("E608", message, "correct the file, or use other columns", where=where)
    return dict(sorted(reasons.items()))


def _listing(user: Input | Output) -> bool:
    """Whether it lists labels in a text, of which there may be none."""
    return isinstance(user, Output) and bool(user.separator)


def _bad_values(table: Table, column: str, policy: str, listing: bool = False) -> Mapping[int, str]:
    import numpy as np

    facts = table.columns[column]
    if facts.text:
        if policy != missing.ERROR or listing:
            return {}
        wrong: Array = missing.gaps(table.read([column])[column])
        reason = f"column `{column}` has no value"
    elif facts.tensor.floating:
        values = table.read([column])[column]
        strict = policy in (missing.ERROR, missing.KEEP)
        wrong = ~finite(values) if strict else infinite(values)
        reason = f"column `{column}` holds no finite number"
    else:
        return {}
    return dict.fromkeys(np.flatnonzero(wrong).tolist(), reason)
