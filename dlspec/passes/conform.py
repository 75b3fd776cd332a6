"""Holds the data against the JSON schema and repairs what can be repaired."""

from __future__ import annotations

from dlspec.passes.state import Compilation, step
from dlspec.schema.check import check
from dlspec.schema.validate import schema


@step(requires=("data",), ensures=("data",))
def conform(state: Compilation) -> None:
    """Reports every violation; wrong values are replaced so that later passes pass over them."""
    state.diagnostics.extend(check(state.data, schema()))
