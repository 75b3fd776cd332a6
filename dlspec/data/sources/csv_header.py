"""The first row of a CSV file: names of columns, divided by the delimiter that the spec says."""

from __future__ import annotations

import csv
import re

from dlspec.data.sources.base import DataProblem

_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\Z")


def check_header(first: bytes, delimiter: str, shown: str) -> None:
    """Looks at the first line of a file.

    Args:
        shown: The file as the spec writes it.

    Raises:
        DataProblem: E608, it does not name the columns.
    """
    if not first:
        raise _problem(f"`{shown}` is empty", "its first row names the columns", shown)
    try:
        line = first.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _problem(f"`{shown}` is not UTF-8", "save the file as UTF-8", shown) from error
    names = next(csv.reader([line], delimiter=delimiter), [])
    other = _other_delimiter(line, delimiter)
    if len(names) == 1 and other:
        message = f"`{shown}` has a single column, `{names[0][:40]}`"
        raise _problem(message, f'say what stands between its values: `delimiter: "{other}"`', f"{shown}, line 1")
    for position, name in enumerate(names):
        where = f"{shown}, line 1"
        if _is_value(name, names[:position]):
            raise values_for_names(name, shown)
        if not name.strip():
            raise _problem(f"column {position + 1} of `{shown}` has no name", "", where)
        if name in names[:position]:
            raise _problem(f"`{shown}` has two columns named `{name}`", "", where)


def values_for_names(value: str, shown: str) -> DataProblem:
    """The row of names is missing, and examples stand in its place."""
    message = f"the first row of `{shown}` holds values (`{value}`), expected the names of its columns"
    return _problem(message, "add a first row with the names", f"{shown}, line 1")


def _other_delimiter(line: str, delimiter: str) -> str:
    """The delimiter that divides the line into most columns, as YAML writes it; "" where none does."""
    best = max((other for other in _DELIMITERS if other != delimiter), key=line.count)
    return best.replace("\t", "\\t") if best in line else ""


def is_number(name: str) -> bool:
    """Whether the name of a column is a number."""
    return bool(_NUMBER.match(name.strip()))


def _is_value(name: str, before: list[str]) -> bool:
    """Whether a name is a number with a fraction, or a number for the second time; a year may name a column."""
    return bool(_NUMBER.match(name)) and ("." in name or name in before)


def _problem(message: str, help: str, where: str) -> DataProblem:
    return DataProblem("E608", message, help, "path", where)
