"""Products with matrices: dense layers, embeddings, and products of two tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.state import Lack, State, operator
from dlspec.backends.importing.onnx.tree import NUMPY, Value

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@operator("Gemm")
def _gemm(state: State, node: Node) -> Value:
    said = node.attributes
    value, kernel = state.value(node), state.floats(node, 1)
    if said.get("transA", 0) or value.rank != 2 or kernel.ndim != 2:
        raise Lack("`Gemm` of a matrix that is turned")
    kernel = (kernel.T if said.get("transB", 0) else kernel) * said.get("alpha", 1.0)
    bias = None
    if state.has(node, 2):
        bias = state.floats(node, 2) * said.get("beta", 1.0)
        if bias.size not in (1, kernel.shape[1]) or bias.ndim > 2 or (bias.ndim == 2 and bias.shape[0] != 1):
            raise Lack("`Gemm` whose bias fits no unit")
    return dense(state, value, kernel, bias)


@operator("MatMul")
def _matmul(state: State, node: Node) -> Value:
    if state.is_constant(node, 1):
        kernel = state.floats(node, 1)
        if kernel.ndim != 2:
            raise Lack(f"`MatMul` with a constant of {kernel.ndim} axes")
        return dense(state, state.value(node), kernel, None)
    first, second = state.value(node, 0), state.value(node, 1)
    if first.rank != second.rank or first.rank < 3:
        raise Lack(f"`MatMul` of tensors of {first.rank} and {second.rank} axes")
    first, second = state.exact(first), state.exact(second)
    sizes = (*first.sizes[:-1], second.sizes[-1])
    return state.tree.add("Matmul", {}, [first, second], replace(first, sizes=sizes, positive=False), module=NUMPY)


def dense(state: State, value: Value, kernel: Array, bias: Array | None) -> Value:
    """A dense layer on ONNX's last axis."""
    import numpy as np

    if value.mix is not None and value.rank == 2:
        places = value.mix.places()
        if len(places) != len(kernel):
            raise Lack(f"a kernel of {len(kernel)} rows for {len(places)} features")
        turned = np.empty_like(kernel)
        turned[places] = kernel
        kernel, value = turned, replace(value, mix=None)
    elif value.axes[-1] != value.rank - 1:
        value = state.exact(value)
    features, units = kernel.shape
    if value.sizes[-1] not in (features, None):
        raise Lack(f"a kernel of {features} rows for {value.sizes[-1]} features")
    config = {"units": units, "activation": "linear", "use_bias": bias is not None}
    weights = [np.ascontiguousarray(kernel, np.float32)]
    if bias is not None:
        weights.append(np.broadcast_to(bias.ravel(), (units,)).astype(np.float32))
    return state.add("Dense", value, config, sizes=(*value.sizes[:-1], units), weights=weights)


@operator("Gather")
def _gather(state: State, node: Node) -> Value:
    axis = node.attributes.get("axis", 0)
    if state.is_constant(node, 0):
        table, indices = state.floats(node, 0), state.exact(state.value(node, 1))
        if axis != 0 or table.ndim != 2 or "int" not in indices.dtype:
            raise Lack("`Gather` from a constant that is no table of vectors")
        config = {"input_dim": table.shape[0], "output_dim": table.shape[1]}
        sizes = (*indices.sizes, table.shape[1])
        result = Value("", sizes, tuple(range(len(sizes))))
        return state.tree.add("Embedding", config, [indices], result, [table])
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    index = state.constant(node, 1)
    own = value.axes[axis % value.rank]
    if index.size != 1 or index.ndim > 0 or own == 0:
        raise Lack("`Gather` of several elements")
    key: list[Any] = [{"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}] * value.rank
    key[own] = int(index)
    axes = tuple(each - (each > own) for each in value.axes if each != own)
    sizes = tuple(size for number, size in enumerate(value.sizes) if number != own)
    return state.tree.add("GetItem", {}, [value, key], replace(value, sizes=sizes, axes=axes), module=NUMPY)
