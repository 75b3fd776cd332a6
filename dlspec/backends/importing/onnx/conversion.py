"""A graph of ONNX → the tree that Keras would write of it, with weights by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from dlspec.backends.importing.naming import clean, named_input
from dlspec.backends.importing.onnx import (
    convolutions,
    elementwise,
    normalizations,
    poolings,
    products,
    shapes,
    sizes,
)
from dlspec.backends.importing.onnx.constants import computed
from dlspec.backends.importing.onnx.reading import Node, OnnxGraph
from dlspec.backends.importing.onnx.state import BATCH, OPEN, OPERATORS, Lack, State
from dlspec.backends.importing.onnx.tree import Value, channels_last
from dlspec.core.errors import Problem
from dlspec.core.ir import DTYPES

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Their operators are declared as they are imported.
FAMILIES = (convolutions, elementwise, normalizations, poolings, products, shapes, sizes)
_SHOWN = 20
_FLOATS = ("float16", "float64", "bfloat16")
# Operators that read the second axis as channels.
_CHANNELS_SECOND = (
    "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization",
    "InstanceNormalization", "GroupNormalization", "LRN", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth",
)  # fmt: skip
# Operators that end the search for one of these.
_OTHER_AXES = ("Transpose", "Reshape", "MatMul", "Gather", "Flatten", "Gemm", "Squeeze", "Unsqueeze", "LSTM", "GRU")
# Operators that only choose and arrange elements.
_HANDS_ON = ("Gather", "Concat", "Slice", "Unsqueeze", "Squeeze", "Identity")


class Converted(NamedTuple):
    """What an ONNX file says.

    Attributes:
        tree: As Keras would write the model.
        weights: Arrays by layer, in Keras's order.
        notes: What is different from the file.
    """

    tree: Mapping[str, Any]
    weights: Mapping[str, Sequence[Array]]
    notes: Sequence[str]


def convert_onnx(graph: OnnxGraph) -> Converted:
    """The tree that Keras would write of a graph.

    Raises:
        Problem: E803, it has operators, or uses of them, that no layer computes: all of them are named.
    """
    state = State(graph)
    notes = _enter(state)
    lacking = _Lacking(graph.shown)
    for node in graph.nodes:
        if all(name in state.known for name in node.inputs if name):
            try:
                results = _results(state, node)
                state.known |= {name: value for name, value in zip(node.outputs, results, strict=False) if name}
            except Lack as lack:
                lacking.add(node, str(lack))
    if lacking.nodes:
        raise lacking.problem()
    outputs, more = _leave(state, lacking)
    state.tree.fuse(outputs)
    return Converted(state.tree.written(outputs), state.tree.weights(outputs), [*notes, *more])


@dataclass
class _Lacking:
    """Nodes that no layer stands for, by what is missing."""

    shown: str

    def __post_init__(self) -> None:
        self.nodes: dict[str, list[str]] = {}

    def add(self, node: Node, what: str) -> None:
        """Notes one."""
        self.nodes.setdefault(what, []).append(node.name)

    def problem(self) -> Problem:
        """One error that names them all, those of one kind together."""
        lines = []
        for what, names in self.nodes.items():
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            lines.append(f"{', '.join(f'`{name}`' for name in names[:3])}{more}: {what}")
        cut = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        message = f"a spec has no words for parts of `{self.shown}`: " + "; ".join([*lines[:_SHOWN], *cut])
        help = "export the model without them; docs/importing.md lists the operators that layers stand for"
        return Problem("E803", message, help)


def _results(state: State, node: Node) -> list[Any]:
    """What a node gives: values, or constants where only such enter."""
    if node.operator == "Constant":
        return [_constant(node)]
    if node.operator == "Shape":
        return [_shape(state, node)]
    if node.operator not in _HANDS_ON:
        _check_open(state, node)
    names = [name for name in node.inputs if name]
    if names and all(not isinstance(state.known[name], Value) for name in names):
        arrays = [cast("Any", state.known[name]) if name else None for name in node.inputs]
        return [computed(node, arrays, lambda attribute, number: state.integers(node, attribute, number))]
    function = OPERATORS.get(node.operator)
    if function is None:
        raise Lack(f"the operator `{node.operator}`")
    try:
        made = function(state, node)
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise Lack(f"`{node.operator}` of tensors and attributes that do not fit each other") from error
    return made if isinstance(made, list) else [made]


def _constant(node: Node) -> Array:
    import numpy as np

    for name, value in node.attributes.items():
        if value is not None and name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
            dtype = np.float32 if "float" in name else np.int64
            return cast("Array", value if name == "value" else np.array(value, dtype))
    raise Lack("a constant that is no array of numbers")


def _shape(state: State, node: Node) -> Array:
    """The shape of a tensor, where the number of examples is one that no other size has."""
    import numpy as np

    given = state.known[node.inputs[0]]
    if not isinstance(given, Value):
        return np.array(given.shape, np.int64)
    shape = [BATCH if axis == 0 else size for axis, size in zip(given.axes, given.shape, strict=True)]
    start, end = node.attributes.get("start", 0), node.attributes.get("end", len(shape))
    return np.array([OPEN if size is None else size for size in shape], np.int64)[start:end]


def _check_open(state: State, node: Node) -> None:
    """Sizes that the file leaves open may be handed on, and nothing more.

    Raises:
        Lack: The node uses one.
    """
    for name in filter(None, node.inputs):
        array = state.known[name]
        if not isinstance(array, Value) and array.dtype.kind == "i" and (array == OPEN).any():
            raise Lack(f"`{node.operator}` of a size that the file leaves open")


# --- inputs and outputs ----------------------------------------------------------------------------------------------


def _enter(state: State) -> list[str]:
    """Makes the inputs, those of convolutions with channels last; what is different from the file."""
    notes = []
    for number, entry in enumerate(state.graph.inputs):
        name = named_input(entry.name)
        while name in state.tree.inputs:
            name = f"{name}_{number}"
        rank = len(entry.shape)
        if rank < 1 or entry.dtype not in (*DTYPES, *_FLOATS):
            what = f"is of the type {entry.dtype}" if rank else "has no batch"
            message = f"a spec has no words for parts of `{state.graph.shown}`: its input `{entry.name}` {what}"
            raise Problem("E803", message)
        dtype = "float32" if entry.dtype in _FLOATS else entry.dtype
        if dtype != entry.dtype:
            notes.append(f"`{name}` is {dtype} here, {entry.dtype} in the file")
        last = rank > 2 and _is_channels_second(state, entry.name)
        axes = channels_last(rank) if last else tuple(range(rank))
        sizes: list[int | None] = [0] * rank
        for onnx_axis, size in enumerate(entry.shape):
            sizes[axes[onnx_axis]] = size
        sizes[0] = None
        value = state.tree.enter(name, Value(name, tuple(sizes), axes, dtype))
        state.known[entry.name] = value
        if last:
            notes.append(_axes_note(name, value))
    return notes


def _axes_note(name: str, value: Value) -> str:
    there = [value.shape[axis] for axis in range(1, value.rank)]
    return f"`{name}` is {_shown(value.sizes[1:])} here, {_shown(there)} in the file"


def _shown(sizes: Sequence[int | None]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in sizes) + "]"


def _is_channels_second(state: State, name: str) -> bool:
    """Whether what takes a tensor first reads its second axis as channels."""
    waiting, seen = [name], {name}
    while waiting:
        for node in state.takers.get(waiting.pop(0), ()):
            if node.operator in _CHANNELS_SECOND:
                return True
            if node.operator not in _OTHER_AXES:
                waiting += [each for each in node.outputs if each not in seen]
                seen.update(node.outputs)
    return False


def _leave(state: State, lacking: _Lacking) -> tuple[dict[str, Value], list[str]]:
    """The tensors that leave, by name; maps keep their channels last where the file has them second."""
    outputs: dict[str, Value] = {}
    notes = []
    for number, name in enumerate(state.graph.outputs):
        value = state.known[name]
        node = Node("output", name, (name,), ())
        if not isinstance(value, Value):
            lacking.add(node, "an output that is constant")
            continue
        try:
            if value.rank < 3 or value.axes != channels_last(value.rank) or value.mix is not None:
                value = state.exact(value)
        except Lack as lack:
            lacking.add(node, str(lack))
            continue
        if value.layer in state.tree.inputs or value.layer in {each.layer for each in outputs.values()}:
            value = state.add("Identity", value)
        called = clean(name)
        outputs[called if called not in outputs else f"{called}_{number}"] = value
        if not value.plain:
            notes.append(
                _axes_note(called if len(state.graph.outputs) > 1 else "the output", value).replace(
                    "`the output`", "the output"
                )
            )
    if lacking.nodes:
        raise lacking.problem()
    return outputs, notes
