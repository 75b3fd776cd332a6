"""The first row of a CSV file: names of columns, divided by the delimiter that the spec says."""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

from dlspec.data.sources.base import DataProblem

# A row up to its end, which is none between quotes.
_ROW = re.compile(rb'(?:[^"\r\n]|"[^"]*")*')
# How files begin that are no text in UTF-8.
_OTHERS = {
    b"PK\x03\x04": ("a spreadsheet or an archive", "save the table as CSV, in UTF-8"),
    b"\xd0\xcf\x11\xe0": ("a spreadsheet", "save the table as CSV, in UTF-8"),
    b"\x1f\x8b": ("compressed", "unpack it first: `gunzip {}`"),
    b"PAR1": ("a Parquet file", "`parquet: {}` reads it"),
    b"\xff\xfe": ("in UTF-16", "save the file as UTF-8"),
    b"\xfe\xff": ("in UTF-16", "save the file as UTF-8"),
}
_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\Z")


class Names(NamedTuple):
    """The names of the columns of a file.

    Attributes:
        used: Those that there are.
        before: How many columns without a name stand before them, as pandas writes its index.
        behind: How many stand behind them, where each row ends in a delimiter.
    """

    used: tuple[str, ...]
    before: int
    behind: int

    @property
    def whole(self) -> bool:
        """Whether every column has a name."""
        return not (self.before or self.behind)


def check_header(start: bytes, delimiter: str, shown: str) -> Names:
    """The names in the first row of a file.

    Args:
        start: The first bytes of the file, the whole row among them.
        shown: The file as the spec writes it.

    Raises:
        DataProblem: E608, it does not name the columns.
    """
    if not start:
        raise _problem(f"`{shown}` is empty", "its first row names the columns", shown)
    line = _first_row(start, shown)
    if line.startswith("sep=") and len(line) == len("sep=,"):
        help = f'remove it, and say what stands between the values: `delimiter: "{line[-1]}"`'
        raise _problem(f"the first line of `{shown}` is a hint to a spreadsheet program, `{line}`", help, shown)
    names = next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])
    other = _other_delimiter(line, delimiter)
    if len(names) == 1 and other:
        message = f"`{shown}` has a single column, `{names[0][:40]}`"
        raise _problem(message, f'say what stands between its values: `delimiter: "{other}"`', f"{shown}, line 1")
    where = f"{shown}, line 1"
    if not any(name.strip() for name in names):
        raise _problem(f"no column of `{shown}` has a name", "its first row names the columns", where)
    before = next(place for place, name in enumerate(names) if name.strip())
    behind = next(place for place, name in enumerate(reversed(names)) if name.strip())
    used = names[before : len(names) - behind]
    known: set[str] = set()
    for position, name in enumerate(used):
        if _is_value(name, known):
            raise values_for_names(name, shown)
        if not name.strip():
            raise nameless(before + position + 1, shown)
        if name in known:
            raise _problem(f"`{shown}` has two columns named `{name}`", "give each a name of its own", where)
        known.add(name)
    return Names(tuple(used), before, behind)


def _first_row(start: bytes, shown: str) -> str:
    """The row of names as text.

    Raises:
        DataProblem: E608, the file is none of text, or not in UTF-8.
    """
    for mark, (what, help) in _OTHERS.items():
        if start.startswith(mark):
            raise _problem(f"`{shown}` is {what}", help.format(shown), shown)
    row = _ROW.match(start)
    first = row.group() if row is not None and start[row.end() :][:1] != b'"' else re.split(rb"[\r\n]", start)[0]
    try:
        return first.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _problem(f"`{shown}` is not UTF-8", "save the file as UTF-8", f"{shown}, line 1") from error


def nameless(number: int, shown: str) -> DataProblem:
    """Column `number`, from 1, of a file has values, but no name."""
    message = f"column {number} of `{shown}` has no name"
    return _problem(message, "the first row has a name for every column", f"{shown}, line 1")


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


def _is_value(name: str, before: set[str]) -> bool:
    """Whether a name is a number with a fraction, or a number for the second time; a year may name a column."""
    return bool(_NUMBER.match(name)) and ("." in name or name in before)


def _problem(message: str, help: str, where: str) -> DataProblem:
    return DataProblem("E608", message, help, "path", where)
