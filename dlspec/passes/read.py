"""Reads the file, what it extends, and the settings of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.core.tree import Map
from dlspec.passes.state import Compilation, Lent, Parsed, step
from dlspec.semantics.loading import load_spec


@step(requires=Compilation, ensures=Parsed)
def read(state: Compilation) -> Parsed | None:
    """The merged data; the texts of the files are kept for messages."""
    loaded = load_spec(state.path, state.overrides, state.workspace)
    state.diagnostics.extend(loaded.diagnostics.items)
    state.texts.update(loaded.texts)
    if loaded.data is None:
        return None
    if state.values is not None:
        settle(loaded.data, state.values)
    if state.lent:
        _lend(loaded.data, state.lent)
    return state.become(Parsed, data=loaded.data)


def _lend(data: Map, lent: Mapping[str, Lent | None]) -> None:
    """Writes the keys of `data` that another spec gives over those of this one."""
    section = data.get("data")
    if not isinstance(section, Map):
        section = Map(data.span)
        data.put("data", section, data.span, data.span)
    for key, given in lent.items():
        if given is not None:
            section.put(key, given.value, given.key_span, given.span)
        elif key in section:
            section.drop(key)


def settle(data: Map, values: Mapping[str, Any]) -> None:
    """Writes the values of a trial in place of the searched parameters; nothing is left to search."""
    declared = data.get("params")
    if isinstance(declared, Map):
        for name, value in values.items():
            declared.put(name, value, declared.key_spans.get(name), declared.value_spans.get(name))
    data.pop("tune", None)
