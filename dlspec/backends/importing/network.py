"""The graph in a saved model's config: its layers, their calls, and the tensors between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dlspec.core.errors import Problem
from dlspec.core.ir import DTYPES, Shape, Tensor

_INPUT = "InputLayer"
# Classes whose config is a list of layers, one after the other.
_SEQUENTIAL = "Sequential"
_MAX_NESTING = 20


class Ref(NamedTuple):
    """A tensor: output number `output` of call number `call` of the layer `layer`."""

    layer: str
    call: int
    output: int


class Call(NamedTuple):
    """Arguments of one call of a layer; tensors in them are :class:`Ref`."""

    args: list[Any]
    kwargs: Mapping[str, Any]


@dataclass
class Saved:
    """A layer, an operation or a model inside another model.

    Attributes:
        name: As Keras has it.
        class_name: Of its class.
        module: Where that class stands; it tells operations from layers of the same name.
        config: Its options.
        calls: Where it stands in the graph.
        inner: The graph inside, of a model.
    """

    name: str
    class_name: str
    module: str
    config: Mapping[str, Any]
    calls: list[Call] = field(default_factory=list)
    inner: Network | None = None


@dataclass
class Network:
    """A model as a graph.

    Attributes:
        name: The model's.
        inputs: Names of the layers through which tensors enter, in order.
        layers: All of them by name, in the order of the file.
        outputs: Name (where a dict gave it) and tensor of each output.
        types: Shape and dtype of the tensors, as far as calls in the file say them.
        used: The highest number of an output of each layer that something takes.
        sequential: Whether the file lists the layers one after the other.
    """

    name: str
    inputs: list[str]
    layers: dict[str, Saved]
    outputs: list[tuple[str, Ref]]
    types: dict[Ref, Tensor]
    used: dict[str, int] = field(default_factory=dict)
    sequential: bool = False


def network_of(tree: Mapping[str, Any], depth: int = 0) -> Network:
    """The graph of a functional or sequential model.

    Args:
        tree: What Keras writes of a model: ``class_name``, ``config`` and so on.
        depth: How many models are around it.

    Raises:
        Problem: E802, it has no graph; E801, what stands in the file fits no graph.
    """
    config = _mapping(tree.get("config"))
    listed = config.get("layers")
    if not isinstance(listed, list):
        name = tree.get("registered_name") or tree.get("class_name")
        message = f"a model of the class `{name}` has no graph in its file: what it computes stands in Python alone"
        help = "wrap it where it was made: `keras.Model(inputs, model(inputs))`, or write its layers in a spec"
        raise Problem("E802", message, help)
    if depth > _MAX_NESTING:
        raise _broken(f"models are nested deeper than {_MAX_NESTING} levels")
    layers: dict[str, Saved] = {}
    for item in listed:
        layer = _layer(_mapping(item), depth)
        if layer.name in layers:
            raise _broken(f"two layers are called `{layer.name}`")
        layers[layer.name] = layer
    network = Network(str(config.get("name", "model")), [], layers, [], {})
    if tree.get("class_name") == _SEQUENTIAL:
        _chain(network, tree)
    else:
        _wire(network, config, listed)
    return network


def is_input(layer: Saved) -> bool:
    """Whether tensors enter through it."""
    return layer.class_name == _INPUT


def entering(layer: Saved) -> Tensor:
    """What an input takes.

    Raises:
        Problem: E801, the file does not say it.
    """
    shape = layer.config.get("batch_shape", layer.config.get("batch_input_shape"))
    tensor = _tensor(shape, layer.config.get("dtype"))
    if tensor is None:
        raise _broken(f"the input `{layer.name}` has no shape")
    return tensor


def refs(value: Any) -> Iterator[Ref]:
    """The tensors in an argument, in Keras's order."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from refs(item)
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from refs(value[key])


def replaced_refs(sources: Any, values: Mapping[Ref, Any]) -> Any:
    """An argument with the tensors of the file replaced by these values."""
    if isinstance(sources, Ref):
        return values[sources]
    if isinstance(sources, Mapping):
        return {key: replaced_refs(value, values) for key, value in sources.items()}
    return [replaced_refs(value, values) for value in sources]


def _broken(why: str) -> Problem:
    return Problem("E801", f"the model's config makes no sense: {why}", "save the model anew, with Keras 3")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _name(item: Mapping[str, Any]) -> Any:
    return item.get("name", _mapping(item.get("config")).get("name"))


def _layer(item: Mapping[str, Any], depth: int) -> Saved:
    config = _mapping(item.get("config"))
    name = _name(item)
    if not isinstance(name, str) or not isinstance(item.get("class_name"), str):
        raise _broken("a layer has no name or class")
    # A layer may hold a list of others as well, as a pipeline does.
    model = isinstance(config.get("layers"), list) and ("input_layers" in config or item["class_name"] == _SEQUENTIAL)
    inner = network_of(item, depth + 1) if model else None
    return Saved(name, item["class_name"], str(item.get("module") or ""), config, inner=inner)


def _tensor(shape: Any, dtype: Any) -> Tensor | None:
    """A type from a shape with the batch."""
    if not isinstance(shape, list) or not shape or not all(_is_size(size) for size in shape):
        return None
    return Tensor(tuple(shape[1:]), dtype if dtype in DTYPES else "float32")


def _is_size(size: Any) -> bool:
    return size is None or (isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**63)


# --- sequential models -----------------------------------------------------------------------------------------------


def _chain(network: Network, tree: Mapping[str, Any]) -> None:
    """Wires the layers of a sequential model; where it has no input layer, its build says what entered."""
    first = next(iter(network.layers.values()), None)
    if first is None or not is_input(first):
        shape = _mapping(tree.get("build_config")).get("input_shape", _built_shape(tree, first))
        if _tensor(shape, None) is None:
            message = f"the sequential model `{network.name}` has no shapes: it was never built"
            raise Problem("E802", message, "call it on data, or begin it with `keras.Input(shape)`, and save it again")
        entry = Saved("input", _INPUT, "keras.layers", {"batch_shape": shape})
        network.layers = {"input": entry, **network.layers}
        first = entry
    network.inputs, network.sequential = [first.name], True
    last = Ref(first.name, 0, 0)
    network.types[last] = entering(first)
    listed = {_name(item): item for item in map(_mapping, _mapping(tree.get("config")).get("layers", []))}
    for layer in network.layers.values():
        if layer is not first:
            shape = _mapping(_mapping(listed.get(layer.name)).get("build_config")).get("input_shape")
            if (tensor := _tensor(shape, None)) is not None:
                network.types.setdefault(last, tensor)
            layer.calls = [Call([last], {})]
            last = Ref(layer.name, 0, 0)
    network.outputs = [("", last)]


def _built_shape(tree: Mapping[str, Any], first: Saved | None) -> Any:
    config = _mapping(tree.get("config"))
    return config.get("build_input_shape", first.config.get("batch_input_shape") if first else None)


# --- functional models -----------------------------------------------------------------------------------------------


def _wire(network: Network, config: Mapping[str, Any], listed: list[Any]) -> None:
    for item in listed:
        layer = network.layers[str(item.get("name", _mapping(item.get("config")).get("name")))]
        nodes = item.get("inbound_nodes", [])
        for node in nodes if isinstance(nodes, list) else []:
            layer.calls.append(_call(node, network))
    _drop_masks(network)
    network.inputs = [ref.layer for _, ref in _ends(config.get("input_layers"))]
    network.outputs = [(key, _counted(ref, network)) for key, ref in _ends(config.get("output_layers"))]
    for name in network.inputs:
        if name not in network.layers or not is_input(network.layers[name]):
            raise _broken(f"`{name}` is no input")
        network.types.setdefault(Ref(name, 0, 0), entering(network.layers[name]))
    known = [
        ref for layer in network.layers.values() for call in layer.calls for ref in refs([call.args, dict(call.kwargs)])
    ]
    for ref in [*known, *(ref for _, ref in network.outputs)]:
        network.used[ref.layer] = max(ref.output, network.used.get(ref.layer, 0))
        if ref.layer not in network.layers:
            raise _broken(f"there is no layer `{ref.layer}`")
        if ref.call >= max(1, len(network.layers[ref.layer].calls)):
            raise _broken(f"`{ref.layer}` is not called {ref.call + 1} times")


# Operations that make the mask of a layer that masks.
_MASKS = ("NotEqual", "Any", "LogicalOr")


def _drop_masks(network: Network) -> None:
    """Takes masks out of calls where layers of the model make them: in a spec, too, they pass on by themselves.

    A mask that somebody gave to a call stays.
    """
    layers = network.layers
    made = any(layer.config.get("mask_zero") or layer.class_name == "Masking" for layer in layers.values())
    for layer in layers.values():
        for number, call in enumerate(layer.calls):
            makers = [layers[ref.layer].class_name for ref in refs(call.kwargs.get("mask")) if ref.layer in layers]
            if made and all(maker in _MASKS for maker in makers):
                kwargs = {key: value for key, value in call.kwargs.items() if key != "mask"}
                layer.calls[number] = Call(call.args, kwargs)


def _counted(ref: Ref, network: Network) -> Ref:
    """An output by the number of its call, which Keras counts from 1 there, for a functional model inside."""
    layer = network.layers.get(ref.layer)
    functional = layer is not None and layer.inner is not None and not layer.inner.sequential
    return ref._replace(call=max(ref.call - 1, 0)) if functional else ref


def _call(node: Any, network: Network) -> Call:
    if isinstance(node, list):
        return _legacy_call(node)
    node = _mapping(node)
    args, kwargs = node.get("args"), node.get("kwargs")
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise _broken("a call has no arguments")
    return Call(_argument(args, network), {key: _argument(value, network) for key, value in kwargs.items()})


def _legacy_call(node: list[Any]) -> Call:
    """A call as Keras 2 wrote it: ``[[layer, call, output, kwargs], …]``."""
    tensors = [_ref(item[:3]) for item in node if isinstance(item, list)]
    if not tensors or len(tensors) != len(node):
        raise _broken("a call has no tensors")
    kwargs = _mapping(node[0][3]) if len(node[0]) > 3 else {}
    return Call([tensors[0] if len(tensors) == 1 else tensors], {key: _old(value) for key, value in kwargs.items()})


def _old(value: Any) -> Any:
    """A tensor among the named arguments of Keras 2, or a constant."""
    return _ref(value) if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) else value


def _argument(value: Any, network: Network) -> Any:
    if isinstance(value, list):
        return [_argument(item, network) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__keras_tensor__":
        config = _mapping(value.get("config"))
        ref = _ref(config.get("keras_history"))
        tensor = _tensor(config.get("shape"), config.get("dtype"))
        if tensor is not None:
            network.types[ref] = tensor
        return ref
    if value.get("class_name") in ("__tensor__", "__numpy__"):
        return _mapping(value.get("config")).get("value")
    return {key: _argument(item, network) for key, item in value.items()}


def _ref(value: Any) -> Ref:
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], str):
        raise _broken("a tensor does not say where it comes from")
    if not all(isinstance(number, int) and 0 <= number < 2**31 for number in value[1:]):
        raise _broken(f"a tensor of `{value[0]}` has no number")
    return Ref(*value)


def _ends(value: Any) -> list[tuple[str, Ref]]:
    """Inputs or outputs of a model: one triple, a list of them, or a dict."""
    if isinstance(value, dict):
        return [(str(key), ref) for key in sorted(value) for _, ref in _ends(value[key])]
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return [("", _ref(value))]
    if isinstance(value, list):
        return [end for item in value for end in _ends(item)]
    raise _broken("it does not say where it begins or ends")


def shape_of(network: Network, ref: Ref) -> Shape | None:
    """The shape of a tensor without the batch, where the file says it."""
    tensor = network.types.get(ref)
    return None if tensor is None else tensor.shape
