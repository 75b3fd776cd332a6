"""Holds a training on several devices against the model and the batches (E518, W503)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlspec.components.layers.base import layers_of
from dlspec.core.ir import Node
from dlspec.core.tree import Map, span_of
from dlspec.passes.state import Lowered, step

if TYPE_CHECKING:
    from dlspec.components.training.distributions import Distribution


@step(requires=Lowered)
def distribution(state: Lowered) -> None:
    """Each device has something to do, and layers that look at several examples are told apart."""
    if state.method is None or state.method.distribute is None or not state.method.distribute.divides:
        return
    _check_batches(state, state.method.distribute)
    layers = list(layers_of(*state.graphs))
    adding = next((node for node, layer, _ in layers if layer.adds_loss), None)
    reported: set[object] = set()
    for node, layer, inside in layers:
        if layer.over_batch and node.span not in reported:
            reported.add(node.span)
            text = f"`{node.name}` measures over each device's share of a batch, not over the whole"
            help = (
                "write `synchronized: true`"
                if "synchronized" in layer.fields
                else f"leave out `{layer.name}` or `distribute`"
            )
            state.add("W503", text, node.span, help)
        elif layer.synchronized:
            _check_synchronized(state, node, inside, adding)


def _check_batches(state: Lowered, wanted: Distribution) -> None:
    section = state.data_section
    if section is None or section.batch_size >= wanted.shares:
        return
    raw = state.data.get("data")
    where = span_of(raw, "batch_size") if isinstance(raw, Map) else None
    text = f"a batch of {section.batch_size} cannot be divided among {wanted.shares} devices"
    state.add("E518", text, where, f"give at least {wanted.shares} examples to a batch, or take fewer `devices`")


def _check_synchronized(state: Lowered, node: Node, inside: bool, adding: Node | None) -> None:
    """Devices wait for each other in a layer: only where every device comes by in the same order, once."""
    help = "write `synchronized: false`, or leave `distribute` out"
    if inside:
        text = f"`{node.name}` holds a layer with `synchronized: true`, which works as a step of its own only"
        state.add("E518", text, node.span, help)
    elif adding is not None:
        text = f"`{node.name}` has `synchronized: true`, and `{adding.name}` adds to the loss: Keras mixes up devices"
        state.add("E518", text, node.span, help)
