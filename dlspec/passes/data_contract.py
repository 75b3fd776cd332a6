"""Holds the data against the model and the method of training, before TensorFlow loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlspec.components.methods.base import wants_targets
from dlspec.passes.state import Bound, step

if TYPE_CHECKING:
    from dlspec.data.binding.binding import Binding


@step(requires=Bound, sets=("binding", "examples", "opened", "parts"))
def data_contract(state: Bound) -> None:
    """Columns, dtypes, shapes, labels and splits."""
    section = state.data_section
    if section is None:
        return
    if state.looks and not section.features and not state.data.get("layers"):
        return  # what enters is not said: the data are looked at as they are
    from dlspec.data.checks.contract import check  # specs without data do without it

    without_targets = not section.targets and wants_targets(state.data.get("train"), state.catalogue)

    def keep(binding: Binding) -> None:
        if not binding.table.draws:
            state.binding = binding

    def counted(examples: int) -> None:
        state.examples = examples

    problems = check(
        section,
        state.data["data"],
        # With an error in `train` nobody knows what the targets must be; the data themselves are still checked.
        None if (state.method is None and "train" in state.data) or without_targets else state.model,
        state.method,
        state.folder,
        raw_train=state.data.get("train"),
        allow_outside=state.allow_outside,
        sound=state.sound,
        found=keep if state.keeps_data else None,
        parts=state.parts,
        opened=state.opened,
        counted=counted,
    )
    state.opened = None
    state.diagnostics.extend(problems)
