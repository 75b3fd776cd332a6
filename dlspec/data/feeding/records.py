"""New examples in JSON: a list of objects, one object, an object of lists, or one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.files import parse_json
from dlspec.core.ir import Tensor
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Table

if TYPE_CHECKING:
    import numpy as np


class RecordsTable(Table):
    """The objects of a JSON file; keys are columns, ``null`` is a missing value.

    Args:
        path: The file.
        shown: What to call it in messages.
    """

    def __init__(self, path: Path, shown: str) -> None:
        self._path, self._shown = path, shown

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Numbers, text, and lists of numbers of one shape."""
        return {name: self._column(name, values) for name, values in self._arrays.items()}

    def read(self, names: Iterable[str]) -> Arrays:
        """The values of each key."""
        return {name: self._arrays[name] for name in names}

    def where(self, index: int) -> str:
        """File and number of an object."""
        return f"{self._shown}, object {index + 1}"

    @cached_property
    def _arrays(self) -> Arrays:
        rows = self._rows
        names = list(dict.fromkeys(name for row in rows for name in row))
        return {name: self._values(name, [row.get(name) for row in rows]) for name in names}

    def _values(self, name: str, values: list[Any]) -> np.ndarray[Any, Any]:
        import numpy as np

        texts = name in self.stated.texts or any(isinstance(value, str) for value in values)
        if texts:
            values = [_written(value) for value in values]
        elif not any(isinstance(value, list) for value in values):
            values = [np.nan if value is None else value for value in values]
        try:
            array = np.array(values, dtype=object if texts else None)
            uneven = texts and any(isinstance(value, list) for value in array.flat)
        except (ValueError, TypeError, OverflowError):
            uneven = True
        if uneven:
            message = f"the values of `{name}` in `{self._shown}` do not form an array"
            raise DataProblem("E608", message, "give each object as many numbers", where=self._shown)
        if array.dtype.kind not in "OU":
            return array
        self._check_alike(name, values, texts or isinstance(next(_leaves(values), None), str))
        return array.astype(object)

    def _check_alike(self, name: str, values: list[Any], texts: bool) -> None:
        """Values and what lists hold are all texts, or all numbers.

        Raises:
            DataProblem: E608, one is not.
        """
        for index, value in enumerate(values):
            for leaf in _leaves(value):
                if texts != isinstance(leaf, str) or not (texts or _fits(leaf)):
                    shown = json.dumps(leaf, ensure_ascii=False)
                    message = f"column `{name}` holds `{shown[:40]}`, expected {'text' if texts else 'a number'}"
                    raise DataProblem("E608", message, "correct the value", where=self.where(index))

    def _column(self, name: str, values: np.ndarray[Any, Any]) -> Column:
        dtype = TEXT if values.dtype == object else values.dtype.name
        return Column(Tensor(tuple(values.shape[1:]), dtype), len(values))

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        try:
            text = self._path.read_text(encoding="utf-8-sig")
        except OSError as error:
            message = f"cannot read `{self._shown}`: {error.strerror or error}"
            raise DataProblem("E601", message, where=self._shown) from error
        except UnicodeDecodeError as error:
            raise DataProblem("E608", f"`{self._shown}` is not UTF-8", where=self._shown) from error
        try:
            rows = _rows_of(parse_json(text))
        except ValueError:
            rows = self._lines(text)
        if not rows or not all(isinstance(row, dict) and row for row in rows):
            message = f"`{self._shown}` holds no objects with a key for each column"
            raise DataProblem("E608", message, 'write `[{"rooms": 3, "city": "Cork"}]`', where=self._shown)
        return rows

    def _lines(self, text: str) -> list[Any]:
        rows = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                rows += [parse_json(line)] if line.strip() else []
            except ValueError as error:
                message = f"line {number} of `{self._shown}` is not JSON"
                raise DataProblem("E608", message, where=f"{self._shown}, line {number}") from error
        return rows


def _written(value: Any) -> Any:
    """A value among texts, as a file of texts would hold it; what is no single value stays as it is."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def _fits(value: Any) -> bool:
    """Whether an array of numbers holds it."""
    return isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def _leaves(value: Any) -> Iterator[Any]:
    """The innermost values of nested lists."""
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _rows_of(value: Any) -> list[Any]:
    if isinstance(value, dict) and value and all(isinstance(items, list) for items in value.values()):
        lengths = {len(items) for items in value.values()}
        if len(lengths) == 1:
            return [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    return value if isinstance(value, list) else [value]
