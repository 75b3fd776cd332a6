"""What operators are converted with: the tensors so far, and their axes in ONNX and in Keras."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.backends.importing.onnx.reading import Node, OnnxGraph
from dlspec.backends.importing.onnx.tree import Mix, Tree, Value, channels_last

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Stands for the number of examples in shapes that a file computes: no size of a model equals it.
BATCH = 2**31 - 1
# Stands for a size that the file leaves open; nothing computes with it.
OPEN = -(2**40)
Converted = Any
OPERATORS: dict[str, Callable[[State, Node], Converted]] = {}


class Lack(Exception):
    """What a spec cannot say of a node; the message names it."""


def operator(*names: str) -> Callable[[Callable[[State, Node], Converted]], Callable[[State, Node], Converted]]:
    """Declares a function that converts these operators: it returns a value, a constant, or a list of them."""

    def declare(function: Callable[[State, Node], Converted]) -> Callable[[State, Node], Converted]:
        """Puts the function under each of the names."""
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return declare


class State:
    """The tensors of one file while it is converted.

    Attributes:
        graph: The file's.
        tree: The layers so far.
        known: Values and constants by their names in the file.
        takers: The nodes that take a tensor.
    """

    def __init__(self, graph: OnnxGraph) -> None:
        self.graph = graph
        self.tree = Tree(graph.name)
        self.known: dict[str, Value | Array] = dict(graph.constants)
        self.takers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.takers.setdefault(name, []).append(node)

    # --- what enters a node ----------------------------------------------------------------------------------------

    def value(self, node: Node, number: int = 0) -> Value:
        """An input that the model computes.

        Raises:
            Lack: It is a constant.
        """
        given = self.known[node.inputs[number]]
        if not isinstance(given, Value):
            raise Lack(f"`{node.operator}` of a constant")
        return given

    def has(self, node: Node, number: int) -> bool:
        """Whether an optional input enters."""
        return number < len(node.inputs) and bool(node.inputs[number])

    def alone(self, name: str) -> bool:
        """Whether one node alone takes a tensor, which does not leave the model."""
        return len(self.takers[name]) == 1 and name not in self.graph.outputs

    def is_constant(self, node: Node, number: int) -> bool:
        """Whether an input is known beforehand."""
        return self.has(node, number) and not isinstance(self.known[node.inputs[number]], Value)

    def constant(self, node: Node, number: int) -> Array:
        """An input that is known beforehand.

        Raises:
            Lack: The model computes it.
        """
        given = self.known[node.inputs[number]] if self.has(node, number) else None
        if given is None or isinstance(given, Value):
            raise Lack(f"`{node.operator}` whose input {number + 1} is computed")
        return given

    def floats(self, node: Node, number: int) -> Array:
        """Weights as float32."""
        import numpy as np

        array = self.constant(node, number)
        if array.dtype.kind not in "fiuV":
            raise Lack(f"weights of the type {array.dtype}")
        return np.ascontiguousarray(array.astype(np.float32))

    def integers(self, node: Node, attribute: str, number: int) -> list[int] | None:
        """Whole numbers that are an attribute in older files and an input in newer ones."""
        if attribute in node.attributes:
            return [int(each) for each in node.attributes[attribute]]
        return [int(each) for each in self.constant(node, number).ravel()] if self.has(node, number) else None

    # --- axes ------------------------------------------------------------------------------------------------------

    def arranged(self, value: Value, axes: Sequence[int]) -> Value:
        """The same tensor with its axes in Keras so that ONNX's axis `i` is `axes[i]`.

        Raises:
            Lack: The batch would move.
        """
        if value.mix is not None:
            value = self._unmixed(value, value.mix)
        axes = tuple(axes)
        if value.axes == axes:
            return value
        source = [0] * value.rank
        for onnx_axis, keras_axis in enumerate(axes):
            source[keras_axis] = value.axes[onnx_axis]
        if source[0] != 0:
            raise Lack("the batch on another axis than the first")
        result = replace(value, sizes=tuple(value.sizes[axis] for axis in source), axes=axes)
        if all(value.sizes[axis] == 1 for axis in _moved(source)):
            return self.tree.add("Reshape", {"target_shape": _target(result.sizes)}, [value], result)
        return self.tree.add("Permute", {"dims": source[1:]}, [value], result)

    def exact(self, value: Value) -> Value:
        """The same tensor in ONNX's own order."""
        return self.arranged(value, range(value.rank))

    def last(self, value: Value) -> Value:
        """The same tensor with its channels, ONNX's second axis, last."""
        return self.arranged(value, channels_last(value.rank))

    def _unmixed(self, value: Value, mix: Mix) -> Value:
        whole = replace(value, sizes=(None, *mix.sizes), axes=(0, *(axis + 1 for axis in mix.order)), mix=None)
        spread = self.tree.add("Reshape", {"target_shape": list(mix.sizes)}, [value], whole)
        return self.flattened(self.exact(spread))

    def flattened(self, value: Value) -> Value:
        """All axes but the batch as one, in the order of Keras."""
        rest = value.sizes[1:]
        size = None if None in rest else math.prod(each or 0 for each in rest)
        order = [axis - 1 for axis in value.axes[1:]]
        big = [axis for axis in order if rest[axis] != 1]
        mix = None
        if big != sorted(big):
            if size is None:
                return self.flattened(self.exact(value))
            mix = Mix(tuple(each or 0 for each in rest), tuple(order))
        result = replace(value, sizes=(None, size), axes=(0, 1), mix=mix)
        pooled = self._pooled(value)
        return pooled if pooled is not None else self.tree.add("Flatten", {}, [value], result)

    def _pooled(self, value: Value) -> Value | None:
        """A global pooling that leaves out what would be flattened away."""
        layer = self.tree.layers.get(value.layer)
        if layer is None or not layer.class_name.startswith("Global") or not layer.config.get("keepdims"):
            return None
        result = replace(value, sizes=(None, value.sizes[-1]), axes=(0, 1), mix=None)
        config = {key: option for key, option in layer.config.items() if key != "keepdims"}
        return self.tree.add(layer.class_name, config, layer.arguments, result)

    # --- layers ----------------------------------------------------------------------------------------------------

    def add(
        self,
        class_name: str,
        value: Value,
        config: Mapping[str, Any] | None = None,
        *,
        sizes: Sequence[int | None] | None = None,
        weights: Sequence[Array] = (),
        positive: bool = False,
        module: str = "keras.layers",
    ) -> Value:
        """A layer that leaves the axes where they are."""
        result = replace(value, sizes=value.sizes if sizes is None else tuple(sizes), positive=positive)
        if sizes is not None and any(size is not None and size < 1 for size in sizes):
            raise Lack(f"a tensor of the shape {list(sizes)[1:]}")
        return self.tree.add(class_name, config or {}, [value], result, weights, module)


def _moved(source: Sequence[int]) -> list[int]:
    """The fewest axes that have to move so that the others stay in order, roughly: those that are out of place."""
    placed = [axis for position, axis in enumerate(source) if axis != position]
    return placed[:-1] if len(placed) == 2 else placed


def _target(sizes: Sequence[int | None]) -> list[int]:
    return [-1 if size is None else size for size in sizes[1:]]
