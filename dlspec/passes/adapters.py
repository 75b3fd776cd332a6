"""Where adapters go (E515, E550 to E552, W631), and random weights that they leave as they are (W632)."""

from __future__ import annotations

from collections.abc import Iterator

from dlspec.components.layers.base import Layer
from dlspec.components.methods.adapter_checks import planned
from dlspec.components.sections.adapting import Adapted, all_meant, layers_by_name
from dlspec.components.sections.weight_groups import named_weights
from dlspec.core.ir import shared_models
from dlspec.core.tree import span_at
from dlspec.passes.state import Lowered, step

_SHOWN = 3  # so many names stand in a message


@step(requires=Lowered)
def adapters(state: Lowered) -> None:
    """Finds the layers with adapters, and tells the method of them."""
    if state.method is None or state.method.adapters is None:
        return
    plan = planned(state.method.adapters, state.training_graph)
    for problem, path, on_key in (*plan.mistakes, *plan.warnings):
        state.diagnostics.add(problem.at(span_at(state.data, path, on_key)))
    state.method.adapted = plan.adapted


@step(requires=Lowered)
def adapted_weights(state: Lowered) -> None:
    """Warns where adapters leave weights as they are that were never trained (W632)."""
    adapted = state.adapted
    failed = state.start is None and state.method is not None and state.method.start_from is not None
    if adapted is None or failed:
        return
    random = list(_random(state, adapted))
    if random:
        shown = ", ".join(f"`{name}`" for name in random[:_SHOWN]) + (", …" if len(random) > _SHOWN else "")
        begin, them = ("begins", "it") if len(random) == 1 else ("begin", "them")
        message = f"{shown} {begin} with random weights, which adapters leave as they are"
        help = (
            f"name {them} in `trains`, or begin with weights that were trained: `start_from`, or a model with a `file`"
        )
        state.add("W632", message, span_at(state.data, ("train", "adapters"), on_key=True), help)


def _random(state: Lowered, adapted: Adapted) -> Iterator[str]:
    """The layers whose weights begin anew, and that learn in no phase as they are."""
    begun = {".".join(target.path) for target, _ in state.start.pairs} if state.start is not None else set()
    saved = [model for model in shared_models(state.training_graph) if model.origin is not None]
    begun |= {inner.name for model in saved for inner in (model, *shared_models(model.graph))}
    named = layers_by_name(state.training_graph)
    patterns = state.method.unfrozen if state.method is not None else ()
    thawed = {name for pattern in patterns for name in all_meant(pattern, named)}
    with_adapters = {site.weight.layer for site in adapted.sites}
    for weight in {weight.layer: weight for weight in named_weights(state.training_graph) if weight.trainable}.values():
        parts = weight.layer.split(".")
        names = {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        vectors = isinstance(weight.node.layer, Layer) and weight.node.layer.vectors is not None
        learns = weight.layer in adapted.learning or (names & thawed and weight.layer not in with_adapters)
        if not (learns or names & begun or vectors):
            yield weight.layer
