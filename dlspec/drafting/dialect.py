"""The dialect of a CSV file, as its rows show it: options of the source `csv`."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.data.sources.csv_advice import all_numbers, strange_words
from dlspec.data.sources.csv_header import commonest_delimiter, distinct_names, other_delimiter, western_encoding
from dlspec.data.sources.csv_text import WHITESPACE, CsvText, Dialect
from dlspec.data.sources.written import PLAIN, Numerals

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Bytes at the start of a file that show its encoding and its delimiter.
_HEAD = 1 << 20
_NUMBER = re.compile(PLAIN)
# A strange word among so many different numbers stands for a missing one; among fewer, it is a class.
_NUMBERS = 10
# A strange word of signs alone, such as `-`, is hardly a class.
_FEW_NUMBERS = 3
# Distinct words of a column that are looked at.
_WORDS = 10_000


def layout(path: Path) -> dict[str, Any]:
    """`encoding`, `delimiter`, `names` and `skip_rows`, those of them that differ from the usual ones.

    The delimiter is the commonest one in the first row. Where that row holds numbers where the second one does, it
    is an example, and the columns are named by their places. Names that occur twice get a number.
    """
    try:
        start = CsvText(path, Dialect(), path.name).start(_HEAD)
    except OSError:
        return {}  # the source says what is wrong
    options: dict[str, Any] = {}
    encoding = _encoding(start)
    if encoding != "utf-8":
        options["encoding"] = encoding
    row, second = [*start.decode(encoding, errors="replace").lstrip("\ufeff").splitlines()[:2], "", ""][:2]
    delimiter = _delimiter(row)
    if delimiter != ",":
        options["delimiter"] = "\\t" if delimiter == "\t" else delimiter
    names, values = _divided(row, delimiter), _divided(second, delimiter)
    kinds, others = ([bool(_NUMBER.match(value.strip())) for value in values] for values in (names, values))
    if any(kinds) and kinds == others:
        return options | {"names": [f"c{number}" for number in range(1, len(kinds) + 1)]}
    named = [name for name in names if name.strip()]
    if len(set(named)) < len(named):
        filled = [name if name.strip() else f"c{number}" for number, name in enumerate(names, start=1)]
        options |= {"skip_rows": 1, "names": distinct_names(filled)}
    return options


def _delimiter(row: str) -> str:
    """What stands between the values of the first row; a tab among blanks between numbers is one of them."""
    delimiter = commonest_delimiter(row) or other_delimiter(row, ",") or ","
    numbers = [_NUMBER.match(value) for value in _divided(row, WHITESPACE)]
    blanks = delimiter == "\t" and "  " in row and sum(map(bool, numbers)) > row.count("\t")
    return WHITESPACE if blanks else delimiter


def _divided(line: str, delimiter: str) -> list[str]:
    """The values of a line; quotes around one are none of it."""
    if delimiter == WHITESPACE:
        line, delimiter = re.sub(r"[ \t]+", " ", line.strip()), " "
    if len(delimiter) > 1:
        return [value.strip(' "') for value in line.split(delimiter)]
    return next(csv.reader([line], delimiter=delimiter), [])


def columns_of_lines(path: Path) -> dict[str, Any] | None:
    """Options of the source `text_lines` for a file of lines; None where it is a table with a row of names.

    Lines of equally many values with tabs between them are examples without names where the first one has a word
    that others have as well.
    """
    try:
        start = CsvText(path, Dialect(), path.name).start(_HEAD)
    except OSError:
        return None  # the source says what is wrong
    lines = start.decode("utf-8", errors="replace").lstrip("\ufeff").splitlines()
    lines = lines[:-1] if len(start) == _HEAD else lines
    counts = {sign: {line.count(sign) for line in lines} for sign in "\t,;|"}
    delimiter = next((sign for sign, several in counts.items() if len(several) == 1 and 0 not in several), "")
    if len(lines) < 2 or not delimiter:
        return {}
    if delimiter != "\t":
        return None
    columns = [list(column) for column in zip(*(line.split("\t") for line in lines), strict=True)]
    few = [number for number, column in enumerate(columns) if column[0] in column[1:] and _are_few(column)]
    if not few:
        return None
    longest = max(range(len(columns)), key=lambda number: sum(map(len, columns[number])))
    named = {few[0]: "label"} | ({longest: "text"} if longest != few[0] else {})
    return {"separator": "\t", "names": [named.get(number, f"c{number + 1}") for number in range(len(columns))]}


def _are_few(column: Sequence[str]) -> bool:
    """Whether words are so few that they may be classes."""
    return len(set(column)) <= max(2, min(20, len(column) // 3))


def _encoding(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # which forgives a letter that the end cuts
    except UnicodeDecodeError:
        return western_encoding(start)
    return "utf-8"


def numbers_in_words(columns: Mapping[str, Array], missing: Sequence[str]) -> dict[str, Any]:
    """`decimal`, `numbers` and `missing_words` that make numbers of columns of text.

    A file has one decimal mark: it is the comma where some column has numbers with no other one.

    Args:
        columns: Columns of text by name: arrays of words, "" where one is missing.
        missing: Words that stand for a missing value already.
    """
    counted = {name: known for name, values in columns.items() if (known := _counts(values, missing))}
    commas = [name for name, known in counted.items() if all_numbers(list(known), Numerals(","), signs=False)]
    with_signs = {
        mark: [name for name, known in counted.items() if all_numbers(list(known), Numerals(mark), signs=True)]
        for mark in ".,"
    }
    decimal = "," if commas or set(with_signs[","]) > set(with_signs["."]) else "."
    signs = [name for name in with_signs[decimal] if name not in commas]
    gaps: dict[str, None] = {}
    for known in (known for name, known in counted.items() if name not in {*commas, *signs}):
        strange = strange_words(known, known)
        letters = any(letter.isalnum() for text in strange for letter in text)
        if len(known) - len(strange) >= (_NUMBERS if letters else _FEW_NUMBERS):
            gaps |= dict.fromkeys(strange)
    options: dict[str, Any] = {"decimal": ","} if decimal == "," else {}
    options |= {"numbers": signs} if signs else {}
    return options | ({"missing_words": list(gaps)} if gaps else {})


def grouped_numbers(columns: Mapping[str, Array], missing: Sequence[str]) -> list[str]:
    """Columns of text whose numbers have points between thousands, as they may where the comma is the decimal mark."""
    grouped = Numerals(",", ".")
    return [
        name
        for name, values in columns.items()
        if (known := _counts(values, missing)) and all_numbers(list(known), grouped, signs=False)
    ]


def _counts(values: Array, missing: Sequence[str]) -> dict[str, int]:
    """How often each word of a column occurs, of at most 10,000 different ones; words that are missing are none."""
    import numpy as np

    distinct, counts = np.unique(values[values != ""], return_counts=True)
    known = {str(text): int(count) for text, count in zip(distinct[:_WORDS], counts[:_WORDS], strict=True)}
    return {text: count for text, count in known.items() if text not in missing}
