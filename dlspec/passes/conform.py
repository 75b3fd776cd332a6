"""Holds the data against the JSON schema and repairs what can be repaired."""

from __future__ import annotations

from dlspec.passes.state import Compilation, step
from dlspec.schema.check import check
from dlspec.schema.validate import schema
from dlspec.tree import Map


@step(requires=("data",), ensures=("data",))
def conform(state: Compilation) -> None:
    """Reports every violation; wrong values are replaced so that later passes pass over them."""
    assert state.data is not None
    raw = state.data.get("data")
    if state.looks and isinstance(raw, Map) and "source" in raw:
        raw.setdefault("targets", Map())  # nothing is predicted where the data are only looked at
    state.diagnostics.extend(check(state.data, schema()))
