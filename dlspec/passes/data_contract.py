"""Holds the data against the model and the method of training, before TensorFlow loads."""

from __future__ import annotations

from dlspec.components.methods.base import wants_targets
from dlspec.passes.state import Bound, step


@step(requires=Bound, sets=("binding", "examples", "opened", "parts"))
def data_contract(state: Bound) -> None:
    """Columns, dtypes, shapes, labels and splits."""
    section = state.data_section
    if section is None:
        return
    if state.reading.alone and not section.features and not state.data.get("layers"):
        return  # what enters is not said: the data are looked at as they are
    from dlspec.data.checks.contract import check  # specs without data do without it

    without_targets = not section.targets and wants_targets(state.data.get("train"), state.catalogue)

    checked = check(
        section,
        state.data,
        # With an error in `train` nobody knows what the targets must be; the data themselves are still checked.
        None if (state.method is None and "train" in state.data) or without_targets else state.trained,
        state.method,
        state.folder,
        allow_outside=state.allow_outside,
        sound=state.reading.sound,
        opened=state.opened,
    )
    state.opened = None
    state.diagnostics.extend(checked.diagnostics)
    if checked.known is not None:
        state.examples, state.parts = checked.known
    if checked.binding is not None and state.reading.keeps and not checked.binding.table.draws:
        state.binding = checked.binding
    elif checked.binding is not None:
        checked.binding.table.forget()
