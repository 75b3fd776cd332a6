"""The first row of a CSV file: names of columns, divided by the delimiter that the spec says."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from itertools import count, islice
from typing import NamedTuple

from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.csv_text import WHITESPACE, CsvText, Dialect

# A row up to its end, which is none between quotes.
_ROW = re.compile(r'(?:[^"\r\n]|"[^"]*")*')
# How files begin that are no tables of text.
_OTHERS = {
    b"PK\x03\x04": ("a spreadsheet or an archive", "`excel: {}` reads a workbook; or save the table as CSV, in UTF-8"),
    b"\xd0\xcf\x11\xe0": ("a spreadsheet of before 2007", "save the table as CSV, in UTF-8, or as .xlsx"),
    b"\xfd7zXZ": ("compressed by xz", "unpack it first, or pack it with gzip or zstd: `unxz {}`"),
    b"PAR1": ("a Parquet file", "`parquet: {}` reads it"),
    b'{"': ("a file of JSON Lines", "`json_lines: {}` reads it"),
}
# How text in UTF-16 begins.
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Bytes at the start of a file that hold the row of names.
_HEADER = 1 << 20
# Lines that a row of names may take, whose names hold ends of lines.
_LINES = 1000
_DELIMITERS = (",", ";", "\t", "|")
# A name that YAML reads as text without quotes.
_SIMPLE = re.compile(r"(?!(?:true|false|yes|no|on|off|null)\Z)[A-Za-z][A-Za-z0-9_.]*\Z", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\Z")


class Names(NamedTuple):
    """The names of the columns of a file.

    Attributes:
        used: Those that there are.
        before: How many columns without a name stand before them, as pandas writes its index.
        behind: How many stand behind them, where each row ends in a delimiter.
        row: Whether a row of the file holds them.
    """

    used: tuple[str, ...]
    before: int = 0
    behind: int = 0
    row: bool = True

    @property
    def whole(self) -> bool:
        """Whether every column has a name."""
        return not (self.before or self.behind)


def check_header(text: CsvText, dialect: Dialect, shown: str) -> Names:
    """The names in the first row of a file, or those of the dialect where that row holds an example.

    Args:
        shown: The file as the spec writes it.

    Raises:
        DataProblem: E608, it does not name the columns.
    """
    start = text.start(_HEADER)
    if not start:
        raise _problem(f"`{shown}` is empty", "its first row names the columns", shown)
    line = _first_row(start, text, dialect, shown)
    names = next(csv.reader(io.StringIO(line, newline=""), delimiter=dialect.character), [])
    if dialect.names and not set(names) <= set(dialect.names):
        return Names(dialect.names, row=False)
    if line.startswith("sep=") and len(line) == len("sep=,"):
        help = f'leave it out, and say what stands between the values: `skip_rows: 1, delimiter: "{line[-1]}"`'
        raise _problem(f"the first line of `{shown}` is a hint to a spreadsheet program, `{line}`", help, shown)
    where = f"{shown}, line {1 + dialect.skip_rows}"
    _check_delimiter(line, names, dialect, shown, where)
    return _names(names, dialect, shown, where)


def _names(names: list[str], dialect: Dialect, shown: str, where: str) -> Names:
    """The names of a row that is meant to hold them."""
    if not any(name.strip() for name in names):
        raise _problem(f"no column of `{shown}` has a name", "its first row names the columns", where)
    before = next(index for index, name in enumerate(names) if name.strip())
    behind = next(index for index, name in enumerate(reversed(names)) if name.strip())
    used = names[before : len(names) - behind]
    known: set[str] = set()
    for position, name in enumerate(used):
        if _is_value(name, known):
            raise values_for_names(name, shown, len(names), where)
        if not name.strip():
            raise nameless(before + position + 1, shown, where)
        if name in known:
            here = f"`skip_rows: {dialect.skip_rows + 1}, names: {_listed(distinct_names(names))}`"
            help = f"give each a name of its own in the file, or here: {here}"
            raise _problem(f"`{shown}` has two columns named `{name}`", help, where)
        known.add(name)
    return Names(tuple(used), before, behind)


def _check_delimiter(line: str, names: list[str], dialect: Dialect, shown: str, where: str) -> None:
    """A row that is one value may be divided by something else."""
    other = other_delimiter(line, dialect.delimiter) if len(names) == 1 else ""
    if other:
        message = f"`{shown}` has a single column, `{names[0][:40]}`"
        written = WHITESPACE if other == WHITESPACE else f'"{other}"'.replace("\t", "\\t")
        raise _problem(message, f"say what stands between its values: `delimiter: {written}`", where)


def _first_row(start: bytes, text: CsvText, dialect: Dialect, shown: str) -> str:
    """The row of names as text.

    Raises:
        DataProblem: E608, the file is none of text, or in another encoding.
    """
    for mark, (what, help) in _OTHERS.items():
        if start.startswith(mark):
            raise _problem(f"`{shown}` is {what}", help.format(shown), shown)
    if dialect.utf8 and start.startswith(_UTF16):
        raise _problem(f"`{shown}` is in UTF-16", "say so: `encoding: utf-16`", shown)
    known = "utf-8-sig" if dialect.utf8 else dialect.encoding
    decoded = start.decode(known, errors="surrogateescape" if dialect.utf8 else "replace")
    lines = islice(io.StringIO(decoded, newline=""), dialect.skip_rows, dialect.skip_rows + _LINES)
    rest = "".join(text.divide(line) for line in lines)
    row = _ROW.match(rest)
    first = row.group() if row is not None and rest[row.end() :][:1] != '"' else re.split(r"[\r\n]", rest)[0]
    if any("\udc80" <= character <= "\udcff" for character in first):
        raise not_utf8(f"`{shown}`", start, f"{shown}, line {1 + dialect.skip_rows}")
    return first


def not_utf8(what: str, content: bytes, where: str) -> DataProblem:
    """`what` is in another encoding; `content` are some of its bytes."""
    likely = western_encoding(content)
    help = f"say which encoding it is in, such as `encoding: {likely}` (Western Europe), or save the file as UTF-8"
    return _problem(f"{what} is not UTF-8", help, where)


def western_encoding(content: bytes) -> str:
    """The encoding of Western Europe in which bytes that are not UTF-8 are text; every byte is a letter of the last."""
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def nameless(number: int, shown: str, where: str = "") -> DataProblem:
    """Column `number`, from 1, of a file has values, but no name."""
    message = f"column {number} of `{shown}` has no name"
    return _problem(message, "the first row has a name for every column", where or f"{shown}, line 1")


def values_for_names(value: str, shown: str, width: int, where: str = "") -> DataProblem:
    """The row of names is missing, and examples stand in its place."""
    message = f"the first row of `{shown}` holds values (`{value}`), expected the names of its columns"
    listed = _listed([f"c{number}" for number in range(1, width + 1)])
    help = f"name the columns, as in `names: {listed}`, or add a first row with the names"
    return _problem(message, help, where or f"{shown}, line 1")


def _listed(names: Sequence[str]) -> str:
    """Names as a list of YAML."""
    return f"[{', '.join(name if _SIMPLE.match(name) else json.dumps(name, ensure_ascii=False) for name in names)}]"


def distinct_names(names: Sequence[str]) -> list[str]:
    """Names of which each occurs once: a number stands behind those that come again."""
    known: list[str] = []
    for name in names:
        numbered = (name if number == 1 else f"{name}_{number}" for number in count(1))
        known.append(
            next(
                candidate
                for candidate in numbered
                if candidate not in known and (candidate == name or candidate not in names)
            )
        )
    return known


def other_delimiter(line: str, but: str) -> str:
    """What divides a line into most values, other than `but`; "" where nothing does."""
    best = commonest_delimiter(line, but)
    if best:
        return best
    if "::" in line:
        return "::"
    values = line.split()
    runs = len(values) > 1 and ("  " in line.strip() or all(_NUMBER.match(value) for value in values))
    return WHITESPACE if runs and but != WHITESPACE else ""


def commonest_delimiter(line: str, but: str = "") -> str:
    """The usual delimiter, other than `but`, that stands most often in a line; "" where none does."""
    best = max((delimiter for delimiter in _DELIMITERS if delimiter != but), key=line.count)
    return best if best in line else ""


def is_number(name: str) -> bool:
    """Whether the name of a column is a number."""
    return bool(_NUMBER.match(name.strip()))


def _is_value(name: str, before: set[str]) -> bool:
    """Whether a name is a number with a fraction, or a number for the second time; a year may name a column."""
    return bool(_NUMBER.match(name)) and ("." in name or name in before)


def _problem(message: str, help: str, where: str) -> DataProblem:
    return DataProblem("E608", message, help, "path", where)
