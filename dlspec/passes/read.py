"""Reads the file, what it extends, and the settings of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.core.tree import Map
from dlspec.passes.state import Compilation, step
from dlspec.semantics.loading import load_spec


@step(ensures=("data",))
def read(state: Compilation) -> None:
    """Fills in the merged data and the texts of the files."""
    loaded = load_spec(state.path, state.overrides, state.allow_outside)
    state.diagnostics.extend(loaded.diagnostics.items)
    state.texts.update(loaded.texts)
    if loaded.data is not None and state.values is not None:
        settle(loaded.data, state.values)
    state.data = loaded.data


def settle(data: Map, values: Mapping[str, Any]) -> None:
    """Writes the values of a trial in place of the searched parameters; nothing is left to search."""
    declared = data.get("params")
    if isinstance(declared, Map):
        for name, value in values.items():
            declared.put(name, value, declared.key_spans.get(name), declared.value_spans.get(name))
    data.pop("tune", None)
