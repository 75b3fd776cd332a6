"""Operators on each element: activations, arithmetic with constants and between tensors."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.backends.importing.onnx.bench import Bench, Lack, operator
from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.recognised import recognised
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
def _activation(bench: Bench, node: Node) -> Value:
    value = bench.value(node)
    if node.operator == "Swish" and node.attributes.get("alpha", 1.0) != 1.0:
        raise Lack("`Swish` with `alpha`")
    return activation(bench, value, _ACTIVATIONS[node.operator], positive=node.operator in _POSITIVE)


def activation(bench: Bench, value: Value, name: str, *, positive: bool = False) -> Value:
    """An activation as a layer."""
    return bench.add("Activation", value, {"activation": name}, positive=positive)


@operator(*_FUNCTIONS)
def _function(bench: Bench, node: Node) -> Value:
    module = "keras.src.ops.math" if node.operator in _IN_NN else NUMPY
    positive = node.operator in ("Exp", "Sqrt", "Abs")
    return bench.add(_FUNCTIONS[node.operator], bench.value(node), {}, module=module, positive=positive)


@operator("Reciprocal")
def _reciprocal(bench: Bench, node: Node) -> Value:
    return with_number(bench, bench.value(node), "TrueDivide", 1, first=True)


@operator("Identity")
def _identity(bench: Bench, node: Node) -> Value:
    return bench.value(node)


@operator("Dropout")
def _dropout(bench: Bench, node: Node) -> list[Any]:
    rate = float(bench.constant(node, 1).ravel()[0]) if bench.has(node, 1) else node.attributes.get("ratio", 0.5)
    value = bench.value(node)
    if not 0 < rate < 1:
        return [value]
    return [bench.add("Dropout", value, {"rate": float(rate)}, positive=value.positive)]


@operator("Cast")
def _cast(bench: Bench, node: Node) -> Value:
    from onnx import helper

    value = bench.value(node)
    dtype = str(helper.tensor_dtype_to_np_dtype(node.attributes["to"]))
    dtype = "float32" if dtype in ("float16", "float64", "bfloat16") else dtype
    if dtype == value.dtype:
        return value
    made = bench.add("Cast", value, {"dtype": dtype}, module="keras.src.ops.core", positive=value.positive)
    return replace(made, dtype=dtype)


@operator("LeakyRelu")
def _leaky(bench: Bench, node: Node) -> Value:
    slope = node.attributes.get("alpha", 0.01)
    return bench.add("LeakyReLU", bench.value(node), {"negative_slope": short(slope)})


@operator("Elu")
def _elu(bench: Bench, node: Node) -> Value:
    alpha = node.attributes.get("alpha", 1.0)
    if alpha == 1.0:
        return activation(bench, bench.value(node), "elu")
    return bench.add("ELU", bench.value(node), {"alpha": short(alpha)})


@operator("HardSigmoid")
def _hard_sigmoid(bench: Bench, node: Node) -> Value:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    value = bench.value(node)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5:
        return activation(bench, value, "hard_sigmoid", positive=True)
    scaled = with_number(bench, with_number(bench, value, "Multiply", short(alpha)), "Add", short(beta))
    return clipped(bench, scaled, 0.0, 1.0)


@operator("Gelu")
def _gelu(bench: Bench, node: Node) -> Value:
    return gelu(bench, bench.value(node), approximate=node.attributes.get("approximate", "none") == "tanh")


def gelu(bench: Bench, value: Value, *, approximate: bool) -> Value:
    """The exact function, or the one with tanh."""
    return bench.add("Gelu", value, {"approximate": approximate}, module=NN)


@operator("Softmax", "LogSoftmax")
def _softmax(bench: Bench, node: Node) -> Value:
    value = bench.value(node)
    value = bench.exact(value) if value.mix is not None else value
    axis = node.attributes.get("axis", -1 if bench.graph.opset >= 13 else 1)
    axis = axis % value.rank
    if bench.graph.opset < 13 and axis != value.rank - 1:
        raise Lack(f"`{node.operator}` over several axes")
    own = value.axes[axis]
    if own == 0:
        raise Lack(f"`{node.operator}` over the batch")
    positive = node.operator == "Softmax"
    if own == value.rank - 1:
        return activation(bench, value, "softmax" if positive else "log_softmax", positive=positive)
    if not positive:
        return bench.add("LogSoftmax", value, {"axis": own}, module=NN)
    return bench.add("Softmax", value, {"axis": own}, positive=True)


@operator("Clip")
def _clip(bench: Bench, node: Node) -> Value:
    bounds: list[float] = []
    for number, (name, default) in enumerate((("min", -math.inf), ("max", math.inf)), 1):
        bound = node.attributes.get(name, default)
        bounds.append(float(bench.constant(node, number).ravel()[0]) if bench.has(node, number) else float(bound))
    return clipped(bench, bench.value(node), *bounds)


def clipped(bench: Bench, value: Value, low: float, high: float) -> Value:
    """Elements between two bounds."""
    huge = 3e38
    if low == 0 and high == 6:
        return activation(bench, value, "relu6", positive=True)
    if low == 0 and high >= huge:
        return activation(bench, value, "relu", positive=True)
    if low <= -huge and high >= huge:
        return value
    if low <= -huge:
        return with_number(bench, value, "Minimum", short(high))
    if high >= huge:
        return with_number(bench, value, "Maximum", short(low))
    return bench.add("Clip", value, {"x_min": short(low), "x_max": short(high)}, module=NUMPY, positive=low >= 0)


@operator("PRelu")
def _prelu(bench: Bench, node: Node) -> Value:
    value = bench.value(node)
    value = bench.exact(value) if value.mix is not None else value
    slope = expanded(bench.floats(node, 1), value)[0]
    shared = [axis for axis in range(1, value.rank) if slope.shape[axis - 1] == 1]
    if slope.size == 1:
        return bench.add("LeakyReLU", value, {"negative_slope": short(float(slope.ravel()[0]))})
    if any(slope.shape[axis - 1] not in (1, value.sizes[axis]) for axis in range(1, value.rank)):
        raise Lack("`PRelu` whose slopes fit no axis")
    return bench.add("PReLU", value, {"shared_axes": shared} if shared else {}, weights=[slope])


# --- arithmetic ------------------------------------------------------------------------------------------------------


@operator(*_PAIRS)
def _pair(bench: Bench, node: Node) -> Value:
    if node.operator in ("Max", "Min") and len(node.inputs) != 2:
        return _several(bench, node, list(node.inputs))
    constants = [number for number in (0, 1) if bench.is_constant(node, number)]
    if constants:
        made = _with_constant(bench, node, constants[0])
    else:
        made = joined(bench, node.operator, bench.value(node, 0), bench.value(node, 1))
    return recognised(bench, made) if node.operator in ("Mul", "Div") else made


@operator("Sum")
def _sum(bench: Bench, node: Node) -> Value:
    return _several(bench, node, list(node.inputs))


def _several(bench: Bench, node: Node, names: list[str]) -> Value:
    """Any number of tensors, joined one after the other."""
    name = "Add" if node.operator == "Sum" else node.operator
    result = bench.value(node, 0)
    for number in range(1, len(names)):
        result = joined(bench, name, result, bench.value(node, number))
    return result


def joined(bench: Bench, name: str, first: Value, second: Value) -> Value:
    """Two tensors, element by element."""
    if first.rank != second.rank:
        raise Lack(f"`{name}` of tensors of {first.rank} and {second.rank} axes")
    if first.mix != second.mix:
        first, second = bench.exact(first), bench.exact(second)
    if first.axes != second.axes:
        wanted = second.axes if first.axes == tuple(range(first.rank)) else first.axes
        first, second = bench.arranged(first, wanted), bench.arranged(second, wanted)
    sizes = []
    for size, other in zip(first.sizes, second.sizes, strict=True):
        if size != other and 1 not in (size, other) and None not in (size, other):
            raise Lack(f"`{name}` of tensors of the shapes {list(first.shape)[1:]} and {list(second.shape)[1:]}")
        sizes.append(other if size == 1 else size if other in (1, None) else other)
    layer, function = _PAIRS[name]
    positive = first.positive and second.positive and name != "Sub"
    result = replace(first, sizes=tuple(sizes), positive=positive)
    if layer:
        return bench.tree.add(layer, {}, [[first, second]], result)
    return bench.tree.add(function, {}, [first, second], result, module=NUMPY)


def with_number(bench: Bench, value: Value, function: str, number: float, *, first: bool = False) -> Value:
    """A tensor and one number, which comes first where it is said so."""
    arguments = [number, value] if first else [value, number]
    kept = (function in ("Add", "Multiply", "TrueDivide", "Maximum") and number >= 0 and value.positive) or (
        function == "Maximum" and number >= 0
    )
    return bench.tree.add(function, {}, arguments, replace(value, positive=kept and not first), module=NUMPY)


def _with_constant(bench: Bench, node: Node, position: int) -> Value:
    value = bench.value(node, 1 - position)
    array = bench.constant(node, position)
    function = _PAIRS[node.operator][1]
    if array.size == 1 and array.ndim <= value.rank:
        number = array.ravel()[0].item()
        neutral = {"Add": 0, "Multiply": 1, "Subtract": 0, "TrueDivide": 1, "Power": 1}.get(function)
        if number == neutral and (position == 1 or node.operator in ("Add", "Mul")):
            return value
        written = short(number) if isinstance(number, float) else number
        return with_number(bench, value, function, written, first=position == 0)
    if value.mix is not None:
        value = bench.exact(value)
    spread, sizes = expanded(bench.floats(node, position), value)
    if node.operator == "Add" and _is_bias(bench, node.inputs[1 - position], value, spread):
        layer = bench.tree.layers[value.layer]
        kernel, *bias = layer.weights
        layer.weights = [kernel, bias[0] + spread.ravel() if bias else spread.ravel()]
        layer.config["use_bias"] = True
        return replace(value, positive=False)
    if node.operator == "Mul" and sizes == value.sizes and spread.size == spread.shape[-1] == sizes[-1]:
        return _scaled(bench, node.inputs[1 - position], value, spread.ravel())
    other = _tensor_of(bench, spread, value)
    pair = [other, value] if position == 0 else [value, other]
    merging = _PAIRS[node.operator][0]
    result = replace(value, sizes=sizes, positive=False)
    if merging:
        return bench.tree.add(merging, {}, [pair], result)
    return bench.tree.add(function, {}, pair, result, module=NUMPY)


def _is_bias(bench: Bench, name: str, value: Value, array: Array) -> bool:
    """Whether a constant is the bias of the layer that gives a tensor, which nothing else takes."""
    layer = bench.tree.layers.get(value.layer)
    if layer is None or "use_bias" not in layer.config or not bench.alone(name):
        return False
    return bool(array.size == value.sizes[-1] == array.shape[-1])


def _scaled(bench: Bench, name: str, value: Value, factors: Array) -> Value:
    """Channels multiplied by constants: in the layer that gives them, where nothing else takes these."""
    layer = bench.tree.layers.get(value.layer)
    if layer is None or "use_bias" not in layer.config or not bench.alone(name):
        return bench.add("LayerScale", value, {"initial_value": 1.0}, weights=[factors], module=OWN)
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


def _tensor_of(bench: Bench, array: Array, value: Value) -> Value:
    """A constant as a step of its own: written out, or a weight."""
    first = next(iter(bench.tree.inputs.values()))
    result = replace(value, sizes=(None, *array.shape), mix=None, positive=False)
    if array.size <= _WRITTEN:
        return bench.tree.add(
            "Constant", {"value": _rounded(array.tolist())}, [first], result, module=f"{OWN}.constant"
        )
    config = {"shape": list(array.shape)}
    return bench.tree.add("Weight", config, [first], result, [array], module=f"{OWN}.weight")


def _rounded(value: Any) -> Any:
    return [_rounded(item) for item in value] if isinstance(value, list) else short(value)


def short(number: float) -> float:
    """The shortest decimal of the same float32."""
    from dlspec.backends.importing.options import shortest_float

    return shortest_float(float(number))
