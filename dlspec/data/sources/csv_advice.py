"""Advice on the option of `csv` that reads a column of text as numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dlspec.data.sources.csv_text import Dialect
from dlspec.data.sources.stated import MISSING
from dlspec.data.sources.written import PLAIN, Numerals

if TYPE_CHECKING:
    import pyarrow as pa

# Distinct values that are looked at, and how many of them may be no numbers where these stand for missing ones.
_LOOKED_AT, _WORDS = 10_000, 3
# What stands beside a number of money or percent, or inside of it, and hardly in a name; blanks that Arrow leaves.
_SIGN = re.compile(
    r"[^\w\s.+-]|^[^\S \t]|[^\S \t]$|\d[ '\u00a0\u202f]\d{3}"
    r"|\b(?:USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|AUD|CAD)\b"
)
_YES, _NO = ("yes", "y", "ja", "oui", "si", "on", "t", "true"), ("no", "n", "nein", "non", "off", "f", "false")


def advice(name: str, counts: Mapping[str, int], dialect: Dialect) -> str:
    """Help with the option that makes a column numeric; "" where there is none.

    Args:
        name: The column.
        counts: Its values, which are texts, and how often each occurs.
        dialect: How the file is said to be written.
    """
    known = {value: count for value, count in counts.items() if value not in dialect.missing}
    values = list(known)[:_LOOKED_AT]
    if not values:
        return ""
    return _signs(name, values, dialect) or _missing(known, values, dialect) or _truth(values)


def _signs(name: str, values: list[str], dialect: Dialect) -> str:
    numerals = dialect.numerals
    other = "," if numerals.decimal == "." else "."
    read_now = dialect.plain(name, _texts(values)).to_pylist()
    index = next((index for index, value in enumerate(read_now) if not re.match(PLAIN, value)), 0)
    shown, ways = f"in `csv` reads `{values[index]}` as", []
    if name not in dialect.numbers and (read := all_numbers(values, numerals, signs=True)):
        ways.append(f"`numbers: [{_yaml(name)}]` {shown} {read[index]}")
    if any(other in value for value in values) and (read := all_numbers(values, Numerals(other), signs=False)):
        ways.append(f'`decimal: "{other}"` {shown} {read[index]}')
    return ", ".join(ways)


def all_numbers(values: list[str], numerals: Numerals, *, signs: bool) -> list[str]:
    """The values as plain numbers; [] unless all are some.

    Args:
        signs: Whether signs of money and percent belong to numbers; see :meth:`Numerals.plain`.
    """
    if signs and not any(_SIGN.search(value) for value in values):
        return []  # three letters before a number are a currency, or part of a name
    plain = numerals.plain(_texts(values), signs=signs).to_pylist()
    return plain if all(re.match(PLAIN, value) for value in plain) else []


def _texts(values: list[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.string())


def _missing(counts: Mapping[str, int], values: list[str], dialect: Dialect) -> str:
    """A few words among numbers."""
    wrong = strange_words(counts, values)
    if not 0 < len(wrong) <= len(values) // 2:
        return ""
    said = [text for text in dialect.missing if text not in MISSING]
    listed = json.dumps([*said, *wrong], ensure_ascii=False)
    verb = "stand" if len(wrong) > 1 else "stands"
    shown = ", ".join(f"`{text}`" for text in wrong)
    return f"if {shown} {verb} for a missing value, write `missing_words: {listed}` in `csv`; else correct the value"


def strange_words(counts: Mapping[str, int], values: Iterable[str]) -> list[str]:
    """The words among `values` that are no numbers; [] where there are many, or one that looks like a mistake.

    What stands for a missing value repeats, or is made of signs, such as `?`.

    Args:
        counts: How often each value occurs.
    """
    wrong = [value for value in values if not re.match(PLAIN, value)]
    signs = all(counts[text] > 1 or not any(letter.isalnum() for letter in text) for text in wrong)
    return wrong if signs and len(wrong) <= _WORDS else []


def _truth(values: list[str]) -> str:
    """Two words of which one means yes."""
    by_meaning = {value.lower(): value for value in values}
    yes, no = ([by_meaning[text] for text in meaning if text in by_meaning] for meaning in (_YES, _NO))
    if len(values) != len(yes) + len(no) or not yes or not no:
        return ""
    options = f"`true_words: {json.dumps(yes)}, false_words: {json.dumps(no)}` in `csv`"
    return f"{options} read them as true and false; or prepare words with `string_lookup`"


def _yaml(name: str) -> str:
    return name if re.match(r"[A-Za-z]\w*\Z", name) else json.dumps(name, ensure_ascii=False)
