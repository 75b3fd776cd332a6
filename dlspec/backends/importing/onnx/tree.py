"""The tree that Keras writes of a functional model, layer by layer, with weights beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import snake_case

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Sizes = tuple[int | None, ...]
LAYERS, NUMPY, NN, CORE = "keras.layers", "keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.core"
OWN = "dlspec.keras_layers"


@dataclass(frozen=True)
class Mix:
    """The order of features that a flattened tensor has in Keras, and another one in ONNX.

    Attributes:
        sizes: The shape before it was flattened, without the batch.
        order: For each axis in ONNX, that axis in Keras.
    """

    sizes: tuple[int, ...]
    order: tuple[int, ...]

    def places(self) -> Array:
        """For each feature in ONNX, its place in Keras."""
        import numpy as np

        numbers = np.arange(int(np.prod(self.sizes))).reshape(self.sizes)
        places: Array = numbers.transpose(self.order).ravel()
        return places


@dataclass(frozen=True)
class Value:
    """A tensor of the model.

    Attributes:
        layer: The layer that gives it.
        sizes: Its shape in Keras, where the batch comes first and is None.
        axes: For each axis in ONNX, that axis in Keras.
        dtype: Of its elements.
        positive: Whether none of its elements is below 0.
        mix: The order of its features, where the two differ.
    """

    layer: str
    sizes: Sizes
    axes: tuple[int, ...]
    dtype: str = "float32"
    positive: bool = False
    mix: Mix | None = None

    @property
    def rank(self) -> int:
        """The number of axes, with the batch."""
        return len(self.sizes)

    @property
    def shape(self) -> Sizes:
        """Its shape in ONNX."""
        return tuple(self.sizes[axis] for axis in self.axes)

    @property
    def plain(self) -> bool:
        """Whether both have its axes and features in one order."""
        return self.axes == tuple(range(self.rank)) and self.mix is None


def channels_last(rank: int) -> tuple[int, ...]:
    """The axes of a tensor with channels last, as ONNX orders them."""
    return (0, rank - 1, *range(1, rank - 1))


@dataclass
class Layer:
    """A layer of the tree.

    Attributes:
        class_name: Of its class.
        config: Its options.
        module: Where that class stands.
        arguments: What it is called with: values, lists of values, constants.
        weights: In Keras's order.
    """

    class_name: str
    config: dict[str, Any]
    module: str
    arguments: list[Any]
    weights: list[Array] = field(default_factory=list)


@dataclass
class Tree:
    """Layers by name, in the order in which they were added.

    Attributes:
        name: The model's.
        layers: Those after the inputs.
        inputs: What enters.
    """

    name: str
    layers: dict[str, Layer] = field(default_factory=dict)
    inputs: dict[str, Value] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def enter(self, name: str, value: Value) -> Value:
        """Adds an input."""
        self.inputs[name] = value
        return value

    def add(
        self,
        class_name: str,
        config: Mapping[str, Any],
        arguments: Sequence[Any],
        result: Value,
        weights: Sequence[Array] = (),
        module: str = LAYERS,
    ) -> Value:
        """Adds a layer; `result` says what comes out of it."""
        base = snake_case(class_name)
        number = self._counts.get(base, 0)
        self._counts[base] = number + 1
        name = f"{base}_{number}" if number else base
        while name in self.inputs:
            name += "_1"
        self.layers[name] = Layer(class_name, dict(config), module, list(arguments), list(weights))
        return replace(result, layer=name)

    def written(self, outputs: Mapping[str, Value]) -> dict[str, Any]:
        """The tree of what leads to these tensors."""
        needed = self._needed(outputs)
        layers: list[Any] = [
            {
                "module": LAYERS, "class_name": "InputLayer", "name": name, "registered_name": None,
                "config": {"name": name, "batch_shape": list(value.sizes), "dtype": value.dtype}, "inbound_nodes": [],
            }
            for name, value in self.inputs.items()
        ]  # fmt: skip
        for name, layer in self.layers.items():
            if name in needed:
                node = {"args": [_argument(value) for value in layer.arguments], "kwargs": {}}
                config = {"name": name, **({"trainable": True} if layer.module == LAYERS else {}), **layer.config}
                layers.append(
                    {
                        "module": layer.module, "class_name": layer.class_name, "config": config, "name": name,
                        "registered_name": None, "inbound_nodes": [node],
                    }
                )  # fmt: skip
        ends: Any = {key: [value.layer, 0, 0] for key, value in outputs.items()}
        if len(outputs) == 1:
            ends = next(iter(ends.values()))
        config = {
            "name": self.name,
            "layers": layers,
            "input_layers": [[name, 0, 0] for name in self.inputs],
            "output_layers": ends,
        }
        return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config}

    def weights(self, outputs: Mapping[str, Value]) -> dict[str, list[Array]]:
        """The weights of what leads to these tensors, by layer."""
        needed = self._needed(outputs)
        return {name: layer.weights for name, layer in self.layers.items() if layer.weights and name in needed}

    def _needed(self, outputs: Mapping[str, Value]) -> set[str]:
        needed: set[str] = set()
        stack = [value.layer for value in outputs.values()]
        while stack:
            name = stack.pop()
            if name not in needed:
                needed.add(name)
                layer = self.layers.get(name)
                stack += [value.layer for value in _values(layer.arguments)] if layer else []
        return needed

    def fuse(self, outputs: dict[str, Value]) -> None:
        """Makes activations options of the layers before them, as people write them."""
        needed = self._needed(outputs)
        takers: dict[str, list[str]] = {}
        for name in needed & self.layers.keys():
            for value in _values(self.layers[name].arguments):
                takers.setdefault(value.layer, []).append(name)
        ends = {value.layer for value in outputs.values()}
        for name, layer in self.layers.items():
            if name not in needed or layer.class_name != "Activation":
                continue
            (value,) = layer.arguments
            before = self.layers.get(value.layer)
            if before and "activation" in before.config and before.config["activation"] == "linear":
                if takers[value.layer] != [name] or value.layer in ends:
                    continue
                before.config["activation"] = layer.config["activation"]
                layer.class_name = ""
        self._skip()
        for key, value in list(outputs.items()):
            if value.layer in self.layers and not self.layers[value.layer].class_name:
                outputs[key] = replace(value, layer=self.layers[value.layer].arguments[0].layer)

    def _skip(self) -> None:
        """Takes what layers without a class give from the layer before them."""
        for layer in self.layers.values():
            layer.arguments = [self._past(value) for value in layer.arguments]

    def _past(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._past(each) for each in value]
        if isinstance(value, Value) and value.layer in self.layers and not self.layers[value.layer].class_name:
            return replace(value, layer=self.layers[value.layer].arguments[0].layer)
        return value


def _values(value: Any) -> list[Value]:
    if isinstance(value, Value):
        return [value]
    return [each for item in value for each in _values(item)] if isinstance(value, list) else []


def _argument(value: Any) -> Any:
    """An argument of a call as Keras writes it."""
    if isinstance(value, Value):
        config = {"shape": list(value.sizes), "dtype": value.dtype, "keras_history": [value.layer, 0, 0]}
        return {"class_name": "__keras_tensor__", "config": config}
    return [_argument(item) for item in value] if isinstance(value, list) else value
