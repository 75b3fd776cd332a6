"""Pooling, and other ways to reduce axes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.state import Lack, State, operator
from dlspec.backends.importing.onnx.tree import NUMPY, Value
from dlspec.backends.importing.onnx.windows import Window, padded, window_of

_LOWEST = -3.4028234663852886e38
_REDUCE = {
    "ReduceMean": "Mean", "ReduceSum": "Sum", "ReduceMax": "Max", "ReduceMin": "Min", "ReduceProd": "Prod",
    "ReduceL2": "Norm",
}  # fmt: skip
_GLOBAL = {"ReduceMean": "GlobalAveragePooling", "ReduceMax": "GlobalMaxPooling"}


@operator("MaxPool")
def _max(state: State, node: Node) -> list[Value]:
    value = _spatial(state, node)
    if len(node.outputs) > 1 and any(state.takers.get(name) for name in node.outputs[1:] if name):
        raise Lack("`MaxPool` that gives indices")
    window = window_of(node, node.attributes["kernel_shape"], value.sizes[1:-1])
    if any(rate != 1 for rate in window.rates):
        raise Lack("`MaxPool` with dilations")
    return [_pooled(state, "MaxPooling", value, window, 0.0 if value.positive else _LOWEST)]


@operator("AveragePool")
def _average(state: State, node: Node) -> Value:
    value = _spatial(state, node)
    window = window_of(node, node.attributes["kernel_shape"], value.sizes[1:-1])
    if any(rate != 1 for rate in window.rates):
        raise Lack("`AveragePool` with dilations")
    counted = bool(node.attributes.get("count_include_pad", 0))
    if not window.valid and not counted and not window.same:
        raise Lack("`AveragePool` of padding that no pooling of Keras has")
    if counted and node.attributes.get("ceil_mode", 0) and not window.valid:
        raise Lack("`AveragePool` with `ceil_mode`")
    if not window.valid and counted:
        value, window = padded(state, value, window, 0.0), window.bare()
    return _pooled(state, "AveragePooling", value, window, None)


def _spatial(state: State, node: Node) -> Value:
    value = state.last(state.value(node))
    if not 3 <= value.rank <= 5:
        raise Lack(f"`{node.operator}` of a tensor of {value.rank} axes")
    return value


def _pooled(state: State, kind: str, value: Value, window: Window, filler: float | None) -> Value:
    positive = value.positive
    if filler is not None and not window.valid and not window.same:
        value, window = padded(state, value, window, filler), window.bare()
    config: dict[str, Any] = {
        "pool_size": list(window.kernel),
        "strides": list(window.strides),
        "padding": "same" if not window.valid else "valid",
    }
    sizes = (None, *window.results(value.sizes[1:-1]), value.sizes[-1])
    return state.add(f"{kind}{value.rank - 2}D", value, config, sizes=sizes, positive=positive)


@operator("GlobalAveragePool", "GlobalMaxPool")
def _global(state: State, node: Node) -> Value:
    value = _spatial(state, node)
    kind = "GlobalAveragePooling" if node.operator == "GlobalAveragePool" else "GlobalMaxPooling"
    return _whole(state, value, kind, keeps=True)


def _whole(state: State, value: Value, kind: str, *, keeps: bool) -> Value:
    sizes = (None, *(1 for _ in value.sizes[1:-1]), value.sizes[-1])
    made = state.add(
        f"{kind}{value.rank - 2}D", value, {"keepdims": True} if keeps else {}, sizes=sizes, positive=value.positive
    )
    return made if keeps else replace(made, sizes=(None, value.sizes[-1]), axes=(0, 1))


@operator(*_REDUCE)
def _reduce(state: State, node: Node) -> Value:
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    axes = state.integers(node, "axes", 1)
    if not axes and node.attributes.get("noop_with_empty_axes", 0):
        return value
    own = sorted(value.axes[axis % value.rank] for axis in (axes or range(value.rank)))
    if 0 in own:
        raise Lack(f"`{node.operator}` over the batch")
    keeps = bool(node.attributes.get("keepdims", 1))
    kind = _GLOBAL.get(node.operator)
    if kind and 3 <= value.rank <= 5 and own == list(range(1, value.rank - 1)) and value.axes[1] == value.rank - 1:
        return _whole(state, value, kind, keeps=keeps)
    positive = value.positive or node.operator == "ReduceL2"
    config: dict[str, Any] = {"axis": own if len(own) > 1 else own[0], "keepdims": keeps}
    sizes = tuple(1 if axis in own else size for axis, size in enumerate(value.sizes))
    result = replace(value, sizes=sizes, positive=positive)
    if not keeps:
        left = [axis for axis in range(value.rank) if axis not in own]
        numbers = {axis: number for number, axis in enumerate(left)}
        kept = tuple(numbers[axis] for axis in value.axes if axis in numbers)
        result = replace(result, sizes=tuple(value.sizes[axis] for axis in left), axes=kept)
    if node.operator == "ReduceL2":
        if len(own) > 1:
            raise Lack("`ReduceL2` over several axes")
        return state.tree.add("Norm", config, [value], result, module="keras.src.ops.math")
    return state.tree.add(_REDUCE[node.operator], config, [value], result, module=NUMPY)
