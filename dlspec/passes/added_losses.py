"""Holds what layers add to the loss against the numbers in which they compute it (E519): Keras adds float32 only."""

from __future__ import annotations

from dlspec.components.layers.base import POLICIES, Layer, layers_of
from dlspec.components.ops.base import Op
from dlspec.passes.heads import probability_heads
from dlspec.passes.state import Lowered, step

_MINE = "dlspec."  # our own layers add float32 whatever they compute in


@step(requires=Lowered)
def added_losses(state: Lowered) -> None:
    """One error for each layer that adds in other numbers; it is known before TensorFlow traces the first step."""
    if state.method is None:
        return
    reported: set[object] = set()
    heads = {id(node) for node in probability_heads(state.training_graph)}
    for node, layer, _ in layers_of(*state.graphs):
        mismatch = in_other_numbers(layer, "float32" if id(node) in heads else state.method.precision)
        if mismatch is None or node.span in reported:
            continue
        reported.add(node.span)
        dtype, help = mismatch
        inside = "" if layer is node.layer else f", in `{node.name}`,"
        text = f"`{layer.name}`{inside} adds to the loss in {dtype}: Keras cannot add that to a loss in float32"
        state.add("E519", text, node.span, help)


def in_other_numbers(layer: Layer, precision: str) -> tuple[str, str] | None:
    """The dtype in which a layer adds to the loss, and a help; None for float32, or where nothing is added."""
    if isinstance(layer, Op):  # it adds nothing, and its `dtype` is that of what it gives
        return None
    return _in_output(layer, precision) or _in_weights(layer)


def _in_output(layer: Layer, precision: str) -> tuple[str, str] | None:
    """The dtype in which a penalty on the output is computed, with a help; None for float32."""
    dtype = POLICIES[layer.dtype or precision][0]
    if not layer.adds_loss or layer.keras.startswith(_MINE) or dtype == "float32":
        return None
    return dtype, "write `dtype: float32` among its options: then it computes, and adds, in float32"


def _in_weights(layer: Layer) -> tuple[str, str] | None:
    """The dtype in which a penalty on trained weights is computed, with a help; None for float32."""
    dtype = POLICIES[layer.dtype or "float32"][1]
    if dtype == "float32" or not layer.trainable:
        return None
    for name, field in layer.fields.items():
        given = field.kind == "regularizer" and getattr(layer, name) is not None
        if given and name != "activity_regularizer" and (name != "bias_regularizer" or layer.use_bias):
            other = f"give the layer `dtype: mixed_{dtype}`" if "16" in dtype else "leave `dtype` out"
            return dtype, f"leave `{name}` out, or {other}"
    return None
