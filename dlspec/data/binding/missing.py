"""Missing values: which they are, and what becomes of the examples that have some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.components.layers.filling import Imputation, TextImputation
from dlspec.components.sections.data import Feature
from dlspec.components.sections.missing import Constant, Drop, Mean, Median, Missing
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.data.sources.base import TEXT, DataProblem, Table
from dlspec.data.sources.finite import infinite, too_large

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ERROR, DROP, FILL, KEEP, IGNORE = "error", "drop", "fill", "keep", "ignore"


def how(feature: Feature, *, text: bool) -> str:
    """The treatment of missing values of an input: ``error``, ``drop``, ``fill`` or ``keep``.

    An empty text is a text like others, unless the spec says something about missing values, or a layer has to read it.
    """
    if feature.policy.fills or feature.policy.passes:
        return FILL
    if isinstance(feature.policy, Drop):
        return DROP
    read = any(layer.reads for layer in feature.prepare[:1])
    return KEEP if text and not read and "missing" not in feature.given else ERROR


def filling(policy: Missing, raw: Tensor) -> tuple[Any, ...]:
    """The layer, not yet fitted, that fills in missing values by `policy`; () where nothing is filled in.

    Raises:
        Problem: E603, the policy does not suit the column.
    """
    if not policy.fills:
        return ()
    return (_text_layer(policy) if raw.dtype == TEXT else _numbers(policy, raw),)


def _numbers(policy: Missing, raw: Tensor) -> Imputation:
    given: dict[str, Any] = {"indicator": True} if policy.indicator else {}
    given |= {"dtype": raw.dtype} if raw.dtype == "float64" else {}  # whole numbers that are not to be rounded
    if isinstance(policy, Constant):
        if isinstance(policy.value, str):
            message = f"`{policy.value}` cannot stand for a missing number"
            raise Problem("E603", message, "write a number", "missing")
        return Imputation(strategy="constant", fill_value=float(policy.value), **given)
    return Imputation(strategy=policy.name, **given)


def _text_layer(policy: Missing) -> TextImputation:
    if isinstance(policy, Mean | Median):
        message = f"text has no {policy.name}"
        raise Problem("E603", message, "write `missing: most_frequent`, or `missing: {constant: unknown}`", "missing")
    if policy.indicator:
        message = "`indicator` is for columns of numbers"
        raise Problem("E603", message, "write `missing: {constant: unknown}`: a word of its own", "missing")
    if isinstance(policy, Constant):
        return TextImputation(strategy="constant", fill_value=str(policy.value))
    return TextImputation()


def gaps(values: Array) -> Array:
    """Mask of the examples that lack a value (NaN, None or an empty text), shape [examples]."""
    import numpy as np

    if values.dtype == object:
        lacking = np.frompyfunc(lambda value: value is None or value == "", 1, 1)(values).astype(bool)
    elif values.dtype.kind == "f":
        lacking = np.isnan(values)
    else:
        return np.zeros(len(values), bool)
    incomplete: Array = lacking.reshape(len(values), -1).any(axis=1)
    return incomplete


def dropped(table: Table, columns: Iterable[str], count: int) -> Array:
    """Mask of the `count` examples that lack a value in one of `columns`, shape [count]."""
    import numpy as np

    incomplete = np.zeros(count, bool)
    for column in columns:
        incomplete |= gaps(table.read([column])[column])
    return incomplete


def check_infinite(table: Table, columns: Sequence[str]) -> None:
    """Columns whose missing values are filled in or dropped hold no infinite ones.

    Raises:
        DataProblem: E608.
    """
    for column in columns:
        if not table.columns[column].tensor.floating:
            continue
        values = table.read([column])[column]
        wrong = infinite(values)
        if wrong.any():
            index = int(wrong.argmax())
            message = f"column `{column}` holds {too_large(values[index : index + 1]) or 'an infinite value'}"
            raise DataProblem("E608", message, "correct the value", where=table.where(index))


def check_texts(table: Table, columns: Iterable[str]) -> None:
    """Columns of text without empty ones.

    Raises:
        DataProblem: E608.
    """
    for column in columns:
        if not table.columns[column].text:
            continue
        lacking = gaps(table.read([column])[column])
        if lacking.any():
            many = int(lacking.sum())
            message = f"column `{column}` has {many} missing value{'s' if many > 1 else ''}"
            help = "say what becomes of such examples: `missing: drop`"
            gap = table.gap(column)
            if gap:
                message += f": `{gap}` stands for one"
                help += ", or name the words that are classes: `classes`"
            raise DataProblem("E608", message, help, where=table.where(int(lacking.argmax())))
