"""Holds the data against the model and the method of training, before TensorFlow loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlspec.passes.state import Compilation, step
from dlspec.sections.train import Supervised

if TYPE_CHECKING:
    from dlspec.data.binding import Binding


@step(requires=("data", "data_section", "program"))
def data_contract(state: Compilation) -> None:
    """Columns, dtypes, shapes, labels and splits."""
    from dlspec.data.contract import check

    assert state.data is not None and state.data_section is not None

    def keep(binding: Binding) -> None:
        if not binding.table.draws:
            state.binding = binding

    problems = check(
        state.data_section,
        state.data["data"],
        # With an error in `train` nobody knows what the targets must be; the data themselves are still checked.
        None if state.method is None and "train" in state.data else state.graph,
        state.method if isinstance(state.method, Supervised) else None,
        state.folder,
        raw_train=state.data.get("train"),
        allow_outside=state.allow_outside,
        sound=state.sound,
        found=keep if state.keeps_data else None,
    )
    state.diagnostics.extend(problems)
