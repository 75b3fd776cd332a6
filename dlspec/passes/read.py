"""Reads the file, what it extends, and the settings of the command line."""

from __future__ import annotations

from dlspec.loading import load_spec
from dlspec.passes.state import Compilation, step


@step(ensures=("data",))
def read(state: Compilation) -> None:
    """Fills in the merged data and the texts of the files."""
    loaded = load_spec(state.path, state.overrides, state.allow_outside)
    state.diagnostics.extend(loaded.diagnostics.items)
    state.texts.update(loaded.texts)
    state.data = loaded.data
