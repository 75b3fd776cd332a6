"""Functions of activation that a file writes as several operators: silu, mish, gelu, hard swish."""

from __future__ import annotations

import math
from typing import Any

from dlspec.backends.importing.onnx.state import State
from dlspec.backends.importing.onnx.tree import NN, Layer, Value

_DEEPEST = 4


def recognised(state: State, value: Value) -> Value:
    """The activation that a product is, or the product."""
    number, factors = _factors(state, value, _DEEPEST)
    if len(factors) != 2:
        return value
    for first, second in (factors, factors[::-1]):
        name = _gate(state, first, second, number)
        if name == "gelu":
            return state.add("Gelu", first, {"approximate": False}, module=NN)
        if name:
            return state.add("Activation", first, {"activation": name})
    return value


def _gate(state: State, value: Value, gate: Value, number: float) -> str:
    """What `number * value * gate` is; "" where it has no name."""
    layer = state.tree.layers.get(gate.layer)
    if layer is None:
        return ""
    name = layer.config.get("activation") if layer.class_name == "Activation" else ""
    inner = layer.arguments[0] if layer.arguments and isinstance(layer.arguments[0], Value) else None
    if number == 1 and name in ("sigmoid", "hard_sigmoid") and _same(inner, value):
        return "silu" if name == "sigmoid" else "hard_silu"
    if name == "tanh" and number == 1 and inner is not None and _is(state, inner, "softplus", value):
        return "mish"
    if name == "relu6" and math.isclose(number, 1 / 6, rel_tol=1e-5) and inner is not None:
        shifted = _number(state, inner, "Add")
        return "hard_silu" if shifted is not None and _same(shifted[0], value) and shifted[1] == 3 else ""
    if math.isclose(number, 0.5, rel_tol=1e-6):
        return "gelu" if _is_error(state, gate, value) else ""
    return ""


def _is_error(state: State, gate: Value, value: Value) -> bool:
    """Whether a tensor is 1 and the error function of another one's share, also as what is left of the negative one."""
    for function, sign in (("Add", 1), ("Subtract", -1)):
        shifted = _number(state, gate, function)
        error = state.tree.layers.get(shifted[0].layer) if shifted is not None and shifted[1] == 1 else None
        if error is not None and error.class_name == "Erf":
            scale, rest = _factors(state, error.arguments[0], _DEEPEST)
            first = sign > 0 or not isinstance(state.tree.layers[gate.layer].arguments[0], Value)
            right = math.isclose(scale, sign * math.sqrt(0.5), rel_tol=1e-5)
            return first and right and len(rest) == 1 and _same(rest[0], value)
    return False


def _same(first: Value | None, other: Value) -> bool:
    return first is not None and (first.layer, first.axes, first.mix) == (other.layer, other.axes, other.mix)


def _is(state: State, value: Value, activation: str, of: Value) -> bool:
    layer = state.tree.layers.get(value.layer)
    return layer is not None and layer.config.get("activation") == activation and _same(layer.arguments[0], of)


def _number(state: State, value: Value, function: str) -> tuple[Value, float] | None:
    """The tensor and the number that a function of one number takes."""
    layer = state.tree.layers.get(value.layer)
    if layer is None or layer.class_name != function or len(layer.arguments) != 2:
        return None
    pair = [each for each in layer.arguments if isinstance(each, Value)]
    numbers = [each for each in layer.arguments if isinstance(each, int | float)]
    return (pair[0], float(numbers[0])) if len(pair) == len(numbers) == 1 else None


def _factors(state: State, value: Value, depth: int) -> tuple[float, list[Value]]:
    """The number and the tensors whose product a tensor is."""
    layer = state.tree.layers.get(value.layer)
    if layer is not None and depth and layer.class_name == "Negative":
        number, tensors = _factors(state, layer.arguments[0], depth - 1)
        return -number, tensors
    if layer is None or not depth or layer.class_name not in ("Multiply", "TrueDivide"):
        return 1.0, [value]
    number, tensors = 1.0, list[Value]()
    for position, each in enumerate(_listed(layer)):
        if isinstance(each, Value) and (layer.class_name == "Multiply" or position == 0):
            inner, more = _factors(state, each, depth - 1)
            number, tensors = number * inner, [*tensors, *more]
        elif isinstance(each, int | float) and each and (layer.class_name == "Multiply" or position == 1):
            number = number * each if layer.class_name == "Multiply" else number / each
        else:
            return 1.0, [value]
    return number, tensors


def _listed(layer: Layer) -> list[Any]:
    return layer.arguments[0] if isinstance(layer.arguments[0], list) else layer.arguments
