"""Operators on each element: activations, arithmetic with constants and between tensors."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.recognised import recognised
from dlspec.backends.importing.onnx.state import Lack, State, operator
from dlspec.backends.importing.onnx.tree import NN, NUMPY, OWN, Value

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_ACTIVATIONS = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Selu": "selu", "Softplus": "softplus",
    "Softsign": "softsign", "HardSwish": "hard_silu", "Mish": "mish", "Swish": "silu",
}  # fmt: skip
_POSITIVE = ("Relu", "Sigmoid", "Softplus")
_FUNCTIONS = {
    "Exp": "Exp", "Log": "Log", "Sqrt": "Sqrt", "Abs": "Absolute", "Neg": "Negative", "Sin": "Sin", "Cos": "Cos",
    "Floor": "Floor", "Ceil": "Ceil", "Sign": "Sign", "Erf": "Erf",
}  # fmt: skip
_IN_NN = ("Erf",)
_PAIRS = {
    "Add": ("Add", "Add"), "Mul": ("Multiply", "Multiply"), "Sub": ("Subtract", "Subtract"),
    "Div": ("", "TrueDivide"), "Max": ("Maximum", "Maximum"), "Min": ("Minimum", "Minimum"), "Pow": ("", "Power"),
}  # fmt: skip
# Constants of at most so many numbers are written in the spec; longer ones are weights.
_WRITTEN = 4


@operator(*_ACTIVATIONS)
def _activation(state: State, node: Node) -> Value:
    value = state.value(node)
    if node.operator == "Swish" and node.attributes.get("alpha", 1.0) != 1.0:
        raise Lack("`Swish` with `alpha`")
    return activation(state, value, _ACTIVATIONS[node.operator], positive=node.operator in _POSITIVE)


def activation(state: State, value: Value, name: str, *, positive: bool = False) -> Value:
    """An activation as a layer."""
    return state.add("Activation", value, {"activation": name}, positive=positive)


@operator(*_FUNCTIONS)
def _function(state: State, node: Node) -> Value:
    module = "keras.src.ops.math" if node.operator in _IN_NN else NUMPY
    positive = node.operator in ("Exp", "Sqrt", "Abs")
    return state.add(_FUNCTIONS[node.operator], state.value(node), {}, module=module, positive=positive)


@operator("Reciprocal")
def _reciprocal(state: State, node: Node) -> Value:
    return with_number(state, state.value(node), "TrueDivide", 1, first=True)


@operator("Identity")
def _identity(state: State, node: Node) -> Value:
    return state.value(node)


@operator("Dropout")
def _dropout(state: State, node: Node) -> list[Any]:
    rate = float(state.constant(node, 1).ravel()[0]) if state.has(node, 1) else node.attributes.get("ratio", 0.5)
    value = state.value(node)
    if not 0 < rate < 1:
        return [value]
    return [state.add("Dropout", value, {"rate": float(rate)}, positive=value.positive)]


@operator("Cast")
def _cast(state: State, node: Node) -> Value:
    from onnx import helper

    value = state.value(node)
    dtype = str(helper.tensor_dtype_to_np_dtype(node.attributes["to"]))
    dtype = "float32" if dtype in ("float16", "float64", "bfloat16") else dtype
    if dtype == value.dtype:
        return value
    made = state.add("Cast", value, {"dtype": dtype}, module="keras.src.ops.core", positive=value.positive)
    return replace(made, dtype=dtype)


@operator("LeakyRelu")
def _leaky(state: State, node: Node) -> Value:
    slope = node.attributes.get("alpha", 0.01)
    return state.add("LeakyReLU", state.value(node), {"negative_slope": short(slope)})


@operator("Elu")
def _elu(state: State, node: Node) -> Value:
    alpha = node.attributes.get("alpha", 1.0)
    if alpha == 1.0:
        return activation(state, state.value(node), "elu")
    return state.add("ELU", state.value(node), {"alpha": short(alpha)})


@operator("HardSigmoid")
def _hard_sigmoid(state: State, node: Node) -> Value:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    value = state.value(node)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5:
        return activation(state, value, "hard_sigmoid", positive=True)
    scaled = with_number(state, with_number(state, value, "Multiply", short(alpha)), "Add", short(beta))
    return clipped(state, scaled, 0.0, 1.0)


@operator("Gelu")
def _gelu(state: State, node: Node) -> Value:
    return gelu(state, state.value(node), approximate=node.attributes.get("approximate", "none") == "tanh")


def gelu(state: State, value: Value, *, approximate: bool) -> Value:
    """The exact function, or the one with tanh."""
    return state.add("Gelu", value, {"approximate": approximate}, module=NN)


@operator("Softmax", "LogSoftmax")
def _softmax(state: State, node: Node) -> Value:
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    axis = node.attributes.get("axis", -1 if state.graph.opset >= 13 else 1)
    axis = axis % value.rank
    if state.graph.opset < 13 and axis != value.rank - 1:
        raise Lack(f"`{node.operator}` over several axes")
    own = value.axes[axis]
    if own == 0:
        raise Lack(f"`{node.operator}` over the batch")
    positive = node.operator == "Softmax"
    if own == value.rank - 1:
        return activation(state, value, "softmax" if positive else "log_softmax", positive=positive)
    if not positive:
        return state.add("LogSoftmax", value, {"axis": own}, module=NN)
    return state.add("Softmax", value, {"axis": own}, positive=True)


@operator("Clip")
def _clip(state: State, node: Node) -> Value:
    bounds: list[float] = []
    for number, (name, default) in enumerate((("min", -math.inf), ("max", math.inf)), 1):
        bound = node.attributes.get(name, default)
        bounds.append(float(state.constant(node, number).ravel()[0]) if state.has(node, number) else float(bound))
    return clipped(state, state.value(node), *bounds)


def clipped(state: State, value: Value, low: float, high: float) -> Value:
    """Elements between two bounds."""
    huge = 3e38
    if low == 0 and high == 6:
        return activation(state, value, "relu6", positive=True)
    if low == 0 and high >= huge:
        return activation(state, value, "relu", positive=True)
    if low <= -huge and high >= huge:
        return value
    if low <= -huge:
        return with_number(state, value, "Minimum", short(high))
    if high >= huge:
        return with_number(state, value, "Maximum", short(low))
    return state.add("Clip", value, {"x_min": short(low), "x_max": short(high)}, module=NUMPY, positive=low >= 0)


@operator("PRelu")
def _prelu(state: State, node: Node) -> Value:
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    slope = expanded(state.floats(node, 1), value)[0]
    shared = [axis for axis in range(1, value.rank) if slope.shape[axis - 1] == 1]
    if slope.size == 1:
        return state.add("LeakyReLU", value, {"negative_slope": short(float(slope.ravel()[0]))})
    if any(slope.shape[axis - 1] not in (1, value.sizes[axis]) for axis in range(1, value.rank)):
        raise Lack("`PRelu` whose slopes fit no axis")
    return state.add("PReLU", value, {"shared_axes": shared} if shared else {}, weights=[slope])


# --- arithmetic ------------------------------------------------------------------------------------------------------


@operator(*_PAIRS)
def _pair(state: State, node: Node) -> Value:
    if node.operator in ("Max", "Min") and len(node.inputs) != 2:
        return _several(state, node, list(node.inputs))
    constants = [number for number in (0, 1) if state.is_constant(node, number)]
    if constants:
        made = _with_constant(state, node, constants[0])
    else:
        made = joined(state, node.operator, state.value(node, 0), state.value(node, 1))
    return recognised(state, made) if node.operator in ("Mul", "Div") else made


@operator("Sum")
def _sum(state: State, node: Node) -> Value:
    return _several(state, node, list(node.inputs))


def _several(state: State, node: Node, names: list[str]) -> Value:
    """Any number of tensors, joined one after the other."""
    name = "Add" if node.operator == "Sum" else node.operator
    result = state.value(node, 0)
    for number in range(1, len(names)):
        result = joined(state, name, result, state.value(node, number))
    return result


def joined(state: State, name: str, first: Value, second: Value) -> Value:
    """Two tensors, element by element."""
    if first.rank != second.rank:
        raise Lack(f"`{name}` of tensors of {first.rank} and {second.rank} axes")
    if first.mix != second.mix:
        first, second = state.exact(first), state.exact(second)
    if first.axes != second.axes:
        wanted = second.axes if first.axes == tuple(range(first.rank)) else first.axes
        first, second = state.arranged(first, wanted), state.arranged(second, wanted)
    sizes = []
    for size, other in zip(first.sizes, second.sizes, strict=True):
        if size != other and 1 not in (size, other) and None not in (size, other):
            raise Lack(f"`{name}` of tensors of the shapes {list(first.shape)[1:]} and {list(second.shape)[1:]}")
        sizes.append(other if size == 1 else size if other in (1, None) else other)
    layer, function = _PAIRS[name]
    positive = first.positive and second.positive and name != "Sub"
    result = replace(first, sizes=tuple(sizes), positive=positive)
    if layer:
        return state.tree.add(layer, {}, [[first, second]], result)
    return state.tree.add(function, {}, [first, second], result, module=NUMPY)


def with_number(state: State, value: Value, function: str, number: float, *, first: bool = False) -> Value:
    """A tensor and one number, which comes first where it is said so."""
    arguments = [number, value] if first else [value, number]
    kept = (function in ("Add", "Multiply", "TrueDivide", "Maximum") and number >= 0 and value.positive) or (
        function == "Maximum" and number >= 0
    )
    return state.tree.add(function, {}, arguments, replace(value, positive=kept and not first), module=NUMPY)


def _with_constant(state: State, node: Node, position: int) -> Value:
    value = state.value(node, 1 - position)
    array = state.constant(node, position)
    function = _PAIRS[node.operator][1]
    if array.size == 1 and array.ndim <= value.rank:
        number = array.ravel()[0].item()
        neutral = {"Add": 0, "Multiply": 1, "Subtract": 0, "TrueDivide": 1, "Power": 1}.get(function)
        if number == neutral and (position == 1 or node.operator in ("Add", "Mul")):
            return value
        written = short(number) if isinstance(number, float) else number
        return with_number(state, value, function, written, first=position == 0)
    if value.mix is not None:
        value = state.exact(value)
    spread, sizes = expanded(state.floats(node, position), value)
    if node.operator == "Add" and _is_bias(state, node.inputs[1 - position], value, spread):
        layer = state.tree.layers[value.layer]
        kernel, *bias = layer.weights
        layer.weights = [kernel, bias[0] + spread.ravel() if bias else spread.ravel()]
        layer.config["use_bias"] = True
        return replace(value, positive=False)
    if node.operator == "Mul" and sizes == value.sizes and spread.size == spread.shape[-1] == sizes[-1]:
        return _scaled(state, node.inputs[1 - position], value, spread.ravel())
    other = _tensor_of(state, spread, value)
    pair = [other, value] if position == 0 else [value, other]
    merging = _PAIRS[node.operator][0]
    result = replace(value, sizes=sizes, positive=False)
    if merging:
        return state.tree.add(merging, {}, [pair], result)
    return state.tree.add(function, {}, pair, result, module=NUMPY)


def _is_bias(state: State, name: str, value: Value, array: Array) -> bool:
    """Whether a constant is the bias of the layer that gives a tensor, which nothing else takes."""
    layer = state.tree.layers.get(value.layer)
    if layer is None or "use_bias" not in layer.config or not state.alone(name):
        return False
    return bool(array.size == value.sizes[-1] == array.shape[-1])


def _scaled(state: State, name: str, value: Value, factors: Array) -> Value:
    """Channels multiplied by constants: in the layer that gives them, where nothing else takes these."""
    layer = state.tree.layers.get(value.layer)
    if layer is None or "use_bias" not in layer.config or not state.alone(name):
        return state.add("LayerScale", value, {"initial_value": 1.0}, weights=[factors], module=OWN)
    kernel, *bias = layer.weights
    if layer.class_name.startswith("Depthwise"):
        turned = factors.reshape(kernel.shape[-2:])
    else:
        turned = factors[:, None] if layer.class_name.endswith("Transpose") else factors
    layer.weights = [kernel * turned, *(array * factors for array in bias)]
    return replace(value, positive=False)


def expanded(array: Array, value: Value) -> tuple[Array, tuple[int | None, ...]]:
    """A constant with an axis for each of a tensor's in Keras, but the batch; and the shape that both make.

    Raises:
        Lack: Examples would differ, or the axes do not fit.
    """
    if array.ndim > value.rank:
        raise Lack("a constant of more axes than the tensor beside it")
    whole = array.reshape((1,) * (value.rank - array.ndim) + array.shape)
    order = [value.axes.index(axis) for axis in range(value.rank)]
    turned = whole.transpose(order)
    if turned.shape[0] != 1:
        raise Lack("a constant that differs between the examples of a batch")
    sizes: list[int | None] = [None]
    for size, own in zip(turned.shape[1:], value.sizes[1:], strict=True):
        if own is not None and size not in (1, own) and own != 1:
            raise Lack(f"a constant of the shape {list(array.shape)} beside a tensor of {list(value.shape)[1:]}")
        sizes.append(size if own == 1 else own)
    return turned[0], tuple(sizes)


def _tensor_of(state: State, array: Array, value: Value) -> Value:
    """A constant as a step of its own: written out, or a weight."""
    first = next(iter(state.tree.inputs.values()))
    result = replace(value, sizes=(None, *array.shape), mix=None, positive=False)
    if array.size <= _WRITTEN:
        return state.tree.add(
            "Constant", {"value": _rounded(array.tolist())}, [first], result, module=f"{OWN}.constant"
        )
    config = {"shape": list(array.shape)}
    return state.tree.add("Weight", config, [first], result, [array], module=f"{OWN}.weight")


def _rounded(value: Any) -> Any:
    return [_rounded(item) for item in value] if isinstance(value, list) else short(value)


def short(number: float) -> float:
    """The shortest decimal of the same float32."""
    from dlspec.backends.importing.options import shortest_float

    return shortest_float(float(number))
