"""Normalizations: over the batch, over features, over groups of channels, over neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.backends.importing.onnx.elementwise import short
from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.state import Lack, State, operator
from dlspec.backends.importing.onnx.tree import OWN, Value

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@operator("BatchNormalization")
def _batch(state: State, node: Node) -> list[Value]:
    import numpy as np

    if node.attributes.get("training_mode", 0) or node.attributes.get("is_test", 1) == 0:
        raise Lack("`BatchNormalization` that learns")
    value = state.value(node)
    weights = [state.floats(node, number) for number in range(1, 5)]
    if value.rank < 2:
        raise Lack("`BatchNormalization` without channels")
    own = value.axes[1]
    if any(array.shape != (value.sizes[own],) for array in weights):
        raise Lack(f"`BatchNormalization` of {weights[0].size} channels of a tensor of {value.sizes[own]}")
    if value.mix is not None:
        places = value.mix.places()
        turned = []
        for array in weights:
            new = np.empty_like(array)
            new[places] = array
            turned.append(new)
        weights = turned
    config: dict[str, Any] = {"epsilon": short(node.attributes.get("epsilon", 1e-5))}
    config["momentum"] = short(node.attributes.get("momentum", 0.9))
    config["axis"] = own if own != value.rank - 1 else -1
    return [state.add("BatchNormalization", value, config, weights=weights)]


@operator("InstanceNormalization")
def _instance(state: State, node: Node) -> Value:
    value = state.last(state.value(node))
    weights = [state.floats(node, 1), state.floats(node, 2)]
    _check(weights, value.sizes[-1], node)
    config = {"epsilon": short(node.attributes.get("epsilon", 1e-5))}
    return state.add("InstanceNormalization", value, config, weights=weights, module=OWN)


@operator("GroupNormalization")
def _group(state: State, node: Node) -> Value:
    value = state.last(state.value(node))
    weights = [state.floats(node, 1), state.floats(node, 2)]
    _check(weights, value.sizes[-1], node)
    config = {"groups": node.attributes["num_groups"], "epsilon": short(node.attributes.get("epsilon", 1e-5))}
    return state.add("GroupNormalization", value, config, weights=weights)


@operator("LayerNormalization")
def _layer(state: State, node: Node) -> list[Value]:
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    axis = node.attributes.get("axis", -1) % value.rank
    if axis != value.rank - 1:
        raise Lack("`LayerNormalization` over several axes")
    if value.axes[-1] != value.rank - 1:
        value = state.exact(value)
    weights = [state.floats(node, number) for number in (1, 2) if state.has(node, number)]
    _check(weights, value.sizes[-1], node)
    config = {"epsilon": short(node.attributes.get("epsilon", 1e-5)), "center": len(weights) == 2}
    return [state.add("LayerNormalization", value, config, weights=weights)]


def _check(weights: list[Array], size: int | None, node: Node) -> None:
    if any(array.shape != (size,) for array in weights):
        raise Lack(f"`{node.operator}` of other channels than its tensor's")


@operator("LRN")
def _neighbours(state: State, node: Node) -> Value:
    value = state.last(state.value(node))
    size = node.attributes["size"]
    if size % 2 == 0:
        raise Lack(f"`LRN` of {size} neighbours, an even number")
    config = {
        "size": size,
        "alpha": short(node.attributes.get("alpha", 1e-4) / size),
        "beta": short(node.attributes.get("beta", 0.75)),
        "k": short(node.attributes.get("bias", 1.0)),
    }
    made = state.add("LocalResponseNormalization", value, config, module=OWN)
    return replace(made, positive=value.positive)
