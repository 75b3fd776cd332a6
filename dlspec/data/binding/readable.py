"""Values of inputs that no rounding may change and no layer could read: token ids, indices, dates, large numbers."""

from __future__ import annotations

from dlspec.core.errors import Problem
from dlspec.data.binding.column_types import is_whole, token_ids
from dlspec.data.binding.inputs import Input
from dlspec.data.sources.base import DataProblem, Table


def check_tokens(input_: Input, table: Table) -> None:
    """Every text of a sequence lists token ids, none of them negative.

    Raises:
        DataProblem: E603.
    """
    for index, value in enumerate(table.read(input_.columns)[input_.columns[0]]):
        try:
            wrong = any(token < 0 or token >= 2**31 for token in token_ids(value))
        except ValueError:
            wrong = True
        if wrong:
            message = f"column `{input_.columns[0]}` holds `{value[:40]}`, expected token ids such as `12 7 9`"
            raise DataProblem(
                "E603", message, "turn words into ids with `text_vectorization`", where=table.where(index)
            )


def check_indices(input_: Input, table: Table, limit: int) -> None:
    """Every number is an index of the layer that takes it as it is.

    Args:
        limit: How many there are.

    Raises:
        DataProblem: E617.
    """
    from dlspec.standalone import texts  # which imports numpy

    for column in input_.columns:
        values = table.read([column])[column]
        rows = texts.tokens(values, input_.length) if input_.length else values.reshape(len(values), -1)
        wrong = (rows < 0) | (rows >= limit) | (rows % 1 != 0)
        if wrong.any():
            index = int(wrong.any(axis=1).argmax())
            message = f"column `{column}` holds {rows[index][wrong[index]][0]:g}, and the model takes"
            help = "correct the value, or train with such examples"
            raise DataProblem("E617", f"{message} 0 to {limit - 1}", help, where=table.where(index))


def check_readable(input_: Input, table: Table) -> None:
    """Every text of an input is one that its preparation can read, such as a date; missing ones are told elsewhere.

    Raises:
        DataProblem: E603.
    """
    layer = next((layer for layer in input_.prepare if layer.reads), None)
    if layer is None:
        return
    filled = getattr(input_.prepare[0], "fill_value", None)
    if isinstance(filled, str) and (unreadable := layer.unreadable([filled])) is not None:
        raise Problem("E603", unreadable[1], unreadable[2], "missing")
    for column in input_.columns:
        if (unreadable := layer.unreadable(table.read([column])[column])) is not None:
            index, wrong, help = unreadable
            option = "columns" if input_.stacked else "column"
            raise DataProblem("E603", f"column `{column}`: {wrong}", help, option, table.where(index))


def check_exact(input_: Input, table: Table) -> None:
    """No number that names a thing is rounded or turned into another one on its way into the model.

    Raises:
        DataProblem: E608, float64 holds no whole numbers this large; or the input is of a smaller type.
    """
    if input_.raw.dtype == "float64" and input_.prepare:
        least, most, why = -(2.0**53), 2.0**53, "beside missing values, numbers are exact to 2^53"
    elif is_whole(input_.raw.dtype) and input_.raw.dtype != "int64" and not input_.length:
        import numpy as np  # a fifth of a second that the check of most specs can do without

        limits = np.iinfo(input_.raw.dtype)
        least, most, why = limits.min, limits.max, f"`{input_.name}` takes {limits.min} to {limits.max}"
    else:
        return
    for column in input_.columns:
        values = table.read([column])[column]
        wrong = ((values < least) | (values > most)).reshape(len(values), -1).any(axis=1)
        if wrong.any():
            index = int(wrong.argmax())
            worst = values[index].reshape(-1)
            message = f"column `{column}` holds {worst[(worst < least) | (worst > most)][0]:.0f}: {why}"
            raise DataProblem("E608", message, "read such names as text, for `string_lookup`", where=table.where(index))
