"""Python tuples in flow mappings: YAML splits ``{shape: (28, 28, 1)}`` at the commas. One mistake, one error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlspec.errors import Diagnostic
from dlspec.schema.context import Context
from dlspec.tree import Invalid, Map, place

_CODES = {"structure": "E102", "layer": "E204", "train": "E504", "data": "E614"}


def mend_tuples(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[Diagnostic]:
    """Reports each torn tuple; what is left of it is replaced or removed."""
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from mend_tuples(item, (*path, index))
    if not isinstance(data, Map):
        return
    for key, value in list(data.items()):
        rest = _rest(data, key) if isinstance(value, str) and value.startswith("(") else []
        if rest:
            items = ", ".join([value, *rest])
            context = Context((*path, key))
            text = f"{context.option} must be a list, got text `{items}`"
            yield Diagnostic(_CODES[context.family], text, place(data, key), f"write `[{items[1:-1]}]`")
            data[key] = Invalid(items)
            for name in rest:
                data.drop(name)
        else:
            yield from mend_tuples(value, (*path, key))


def _rest(data: Map, key: str) -> list[str]:
    """The keys after `key` that are the end of its tuple; none where it is not torn."""
    keys = list(data)
    after = keys[keys.index(key) + 1 :]
    end = next((number for number, name in enumerate(after, 1) if name.endswith(")")), 0)
    return after[:end] if all(data[name] is None for name in after[:end]) else []
