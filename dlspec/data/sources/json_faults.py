"""The broken lines of a file of JSON Lines, and why: a second look, after pyarrow has failed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}


class Fault(NamedTuple):
    """A broken line (counted from 1) and what is wrong with it."""

    line: int
    message: str
    help: str = ""


class Lines:
    """The lines of a file, told apart.

    Attributes:
        good: Those that are rows like those before.
        numbers: Where they stand, from 1.
        faults: What is wrong with the others.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.good: list[str] = []
        self.numbers: list[int] = []
        self.faults: list[Fault] = []
        self._kinds: dict[str, tuple[str, int]] = {}  # of each column, with the line that shows it
        for number, line in enumerate(lines, 1):
            if line.strip():
                self._take(number, line.rstrip() + "\n")

    def _take(self, number: int, line: str) -> None:
        fault = self._fault(number, line)
        if fault is None:
            self.good.append(line)
            self.numbers.append(number)
        else:
            self.faults.append(fault)

    def _fault(self, number: int, line: str) -> Fault | None:
        try:
            row = json.loads(line.rstrip(), object_pairs_hook=_once)
        except json.JSONDecodeError as error:
            if number == 1 and line.lstrip().startswith("["):
                return _a_list(number)
            return Fault(number, f"{error.msg} in column {error.colno}", "write an object in one line")
        except _TwiceError as twice:
            return Fault(number, f"the key `{twice}` stands there twice", "leave one of them out")
        if isinstance(row, list):
            return _a_list(number)
        if not isinstance(row, dict):
            return Fault(number, f"{_kind(row)}, expected an object", 'write a row as `{"age": 40}`')
        return self._other_kind(number, row)

    def _other_kind(self, number: int, row: dict[str, Any]) -> Fault | None:
        kinds = {name: _kind(value) for name, value in row.items() if value is not None}
        for name, kind in kinds.items():
            known, line = self._kinds.get(name, (kind, number))
            if kind != known:
                message = f"column `{name}` holds {kind}, and {known} in line {line}"
                return Fault(number, message, "write values of one kind in a column; `null` for a missing one")
        for name, kind in kinds.items():
            self._kinds.setdefault(name, (kind, number))
        return None


class _TwiceError(Exception):
    """A key stands twice in an object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _TwiceError(name)
        members[name] = value
    return members


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "null")


def _a_list(number: int) -> Fault:
    help = 'write each of its rows in a line; pandas does so by `to_json(path, orient="records", lines=True)`'
    return Fault(number, "a list, expected an object a line", help)
