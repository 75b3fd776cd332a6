"""What a graph holds many times is worked out once: layers with the same options, and their calls with like inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import Component
from dlspec.core.ir import Argument, Edge, Tensor
from dlspec.core.tree import Invalid, Map
from dlspec.graph.lower.infer import Call, apply, check_elements


class Repeated:
    """The layers of one graph whose options are written without ``$``, and the results of their calls.

    A layer is never changed once it is made, so that nodes may share it: each has a Keras layer of its own.
    """

    def __init__(self) -> None:
        self._layers: dict[Any, Layer] = {}
        self._calls: dict[Any, Call] = {}

    def layer(self, owner: type[Layer], value: Any, read: Callable[[], Any]) -> Any:
        """The layer with some options, or what `read` gives where nothing is known.

        Args:
            owner: Its class.
            value: Its options as they are written, or the value of its shorthand option.
            read: Makes it from these options.
        """
        try:
            if isinstance(value, Map):
                fields = owner.fields
                written: Any = [(name, _frozen(item)) for name, item in value.items() if name in fields]
                key = (owner, value.tainted, *written)
            else:
                key = (owner, _frozen(value))
        except _DependsOnPlaceError:
            return read()
        layer = self._layers.get(key)
        if layer is None:
            layer = read()
            if isinstance(layer, Layer) and _is_plain(layer):
                self._layers[key] = layer
        return layer

    def call(
        self,
        name: str,
        layer: Layer,
        positional: Sequence[Argument],
        keywords: Sequence[tuple[str, Argument]],
        nodes: Sequence[Any],
    ) -> Call:
        """Applies a layer to tensors of a graph.

        Args:
            name: Of the node, for messages.
            layer: What is called.
            positional: Its arguments.
            keywords: Its named arguments.
            nodes: Those of the graph.

        Raises:
            Problem: The inputs do not fit, or are too large.
        """

        def tensor(edge: Edge) -> Tensor:
            outputs: tuple[Tensor, ...] = nodes[edge.node].outputs
            return outputs[edge.output]

        def types(argument: Argument) -> Any:
            return tensor(argument) if isinstance(argument, Edge) else tuple(tensor(edge) for edge in argument)

        key = (layer, *map(types, positional), *((keyword, types(item)) for keyword, item in keywords))
        known = self._calls.get(key)
        if known is None:
            known = apply(layer, positional, keywords, tensor)
            check_elements(name, known.outputs, known.weights)
            self._calls[key] = known
        return known


class _DependsOnPlaceError(Exception):
    """A value has an expression in it, or an error."""


def _frozen(value: Any) -> Any:
    """A plain value as a key: equal keys mean the same value, in the same order.

    Raises:
        _DependsOnPlaceError: It has another value at each place.
    """
    if isinstance(value, str):
        if "$" in value:
            raise _DependsOnPlaceError
        return value
    if isinstance(value, list):
        return ("[", *map(_frozen, value))
    if isinstance(value, dict):
        if isinstance(value, Map) and value.tainted:
            raise _DependsOnPlaceError
        return ("{", *((key, _frozen(item)) for key, item in value.items()))
    if isinstance(value, Invalid):
        raise _DependsOnPlaceError
    return type(value), repr(value)  # `1`, `1.0` and `true` are different values


def _is_plain(value: Any) -> bool:
    """Whether only components of dlspec's own stand in a value, whose answers follow from their options."""
    if isinstance(value, Component):
        return not value.home and all(map(_is_plain, value.given.values()))
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return not isinstance(value, dict) or all(map(_is_plain, value.values()))
