"""Says where `embedding_gradients: by_use` has no effect (E207)."""

from __future__ import annotations

from collections.abc import Iterator

from dlspec.components.layers.base import Layer
from dlspec.components.sections.train import Supervised
from dlspec.core.errors import leave_out
from dlspec.core.tree import key_place
from dlspec.passes.distribution import layers_of
from dlspec.passes.state import Compilation, step


@step(requires=("data", "graph", "method"))
def embedding_gradients(state: Compilation) -> None:
    """It needs a layer whose gradient comes by rows, and an optimizer that squares or clips gradients."""
    method = state.method
    if not isinstance(method, Supervised) or method.embedding_gradients != "by_use":
        return
    assert state.data is not None
    reason = _without_effect(state, method)
    if reason:
        where = key_place(state.data["train"], "embedding_gradients")
        state.add("E207", f"`embedding_gradients` has no effect: {reason}", where, leave_out("embedding_gradients"))


def _without_effect(state: Compilation, method: Supervised) -> str:
    if not any(gradients_by_rows(state)):
        return "no layer such as `embedding` learns"
    if any(getattr(optimizer, "wants_whole_rows", False) for optimizer in method.optimizers):
        return ""
    return f"`{method.optimizers[0].name}` adds up the gradients of all uses by itself"


def gradients_by_rows(state: Compilation) -> Iterator[Layer]:
    """The layers that learn and whose gradient comes by rows."""
    return (layer for _, layer, _ in layers_of(state) if layer.gradient_by_rows and layer.trainable)
