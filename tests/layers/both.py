"""One layer on both sides: what dlspec says without Keras, and what Keras does."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as change
from typing import Any

import keras
import numpy as np

from dlspec.components.layers.base import POLICIES, Layer
from dlspec.components.ops.base import Op
from dlspec.components.ops.losses import LossStep
from dlspec.components.registry import Component, Example, Field, declared
from dlspec.core.ir import Tensor, Weight
from tests.support import read_value

CATALOGUE = {(owner.kind, name): owner for owner in declared() for name in (owner.registered_name, *owner.aliases)}
OPS = [owner for owner in declared() if issubclass(owner, Op)]
STEPS = [owner for owner in declared() if issubclass(owner, LossStep)]
LAYERS = sorted(
    (
        owner
        for owner in declared()
        if issubclass(owner, Layer) and not issubclass(owner, Op | LossStep) and not owner.derives
    ),
    key=lambda owner: owner.registered_name,
)


@dataclass(frozen=True)
class Facts:
    """What can be said about one call."""

    shapes: tuple[tuple[int | None, ...], ...]
    dtypes: tuple[str, ...]
    weights: tuple[tuple[str, tuple[int, ...], bool], ...]
    masked: bool


def component(kind: str, value: Any) -> Component:
    """The component that ``name`` or ``{name: value}`` stands for."""
    name, options = (value, None) if isinstance(value, str) else next(iter(value.items()))
    return instance(CATALOGUE[kind, name], options)


def instance(owner: type[Component], value: Any) -> Any:
    """An instance from what a spec writes after ``name:``."""
    options = value if isinstance(value, dict) else {} if value is None else {owner.shorthand: value}
    made = owner(**{name: converted(owner.fields[name], given, owner) for name, given in options.items()})
    made.validate()
    return made


def converted(field: Field[Any], value: Any, owner: type[Component]) -> Any:
    """One option as an instance carries it."""
    if field.kind and field.container == "many":
        return tuple(component(field.kind, item) for item in value)
    if field.kind and value is not None:
        return component(field.kind, value)
    return field.convert(value, owner)


def of_example(owner: type[Component], example: Example) -> tuple[Any, list[Tensor]]:
    """Instance and inputs of an example."""
    value = read_value(example.value) if example.value else None
    return instance(owner, value), [Tensor(shape, example.dtype) for shape in example.inputs]


def static(layer: Layer, inputs: Sequence[Tensor], states: Sequence[Tensor] = ()) -> Facts:
    """What dlspec infers."""
    compute, variable = POLICIES[layer.dtype or "float32"]
    cast = [change(x, dtype=compute if x.floating else x.dtype) for x in inputs]
    arguments: list[Any] = [cast] if layer.takes_list else cast
    named = {"initial_state": list(states)} if states else {}
    found = layer.infer(*arguments, **named)
    outputs = found if isinstance(found, tuple) else (found,)
    weights = [stored(layer, weight, variable) for weight in layer.weights(*arguments, **named)]
    if all(None not in x.shape for x in inputs):
        assert layer.flops(outputs[0], *arguments, **named) >= 0
    shapes, dtypes = tuple(x.shape for x in outputs), tuple(x.dtype for x in outputs)
    facts = tuple((w.name.rsplit("/", 1)[-1], w.shape, w.trainable) for w in weights)
    return Facts(shapes, dtypes, facts, layer.mask(*arguments, **named))


def stored(layer: Layer, weight: Weight, dtype: str) -> Weight:
    """A weight after the layer's own options are applied."""
    return change(weight, trainable=weight.trainable and bool(layer.trainable), dtype=dtype)


def in_keras(layer: Layer, inputs: Sequence[Tensor], states: Sequence[Tensor] = ()) -> Facts:
    """What Keras does on symbolic inputs."""
    made = layer.make()
    outputs = keras.tree.flatten(call(layer, made, [symbol(x) for x in inputs], [symbol(x) for x in states]))
    if not layer.trainable:
        # In the constructor, False does not reach the layers inside, and setting the same value again does nothing.
        made.trainable = True
        made.trainable = False
    assert made.count_params() == sum(int(np.prod(w.shape)) for w in made.weights)
    return Facts(
        tuple(tuple(x.shape[1:]) for x in outputs),
        tuple(x.dtype for x in outputs),
        tuple((w.name, tuple(w.shape), w.trainable) for w in made.weights),
        getattr(outputs[0], "_keras_mask", None) is not None,
    )


def symbol(x: Tensor) -> Any:
    """A Keras input of the type of `x`."""
    made = keras.Input(x.shape, dtype=x.dtype)
    if x.masked:
        made._keras_mask = keras.Input(x.shape[:-1], dtype="bool")
    return made


def failure(layer: Layer, inputs: Sequence[Tensor], states: Sequence[Tensor] = ()) -> Exception | None:
    """Why Keras cannot really compute the layer, on zeros, with 3 for unknown sizes; None where it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(layer, layer.make(), [zeros(x) for x in inputs], [zeros(x) for x in states])
    except Exception as error:
        return error
    return None


def zeros(x: Tensor) -> Any:
    """Zeros of the type of `x`; nothing of them is padding."""
    shape = [2, *(size or 3 for size in x.shape)]
    made = keras.ops.zeros(shape, dtype=x.dtype)
    if x.masked:
        made._keras_mask = keras.ops.ones(shape[:-1], dtype="bool")
    return made


def call(layer: Layer, made: Any, inputs: list[Any], states: list[Any]) -> Any:
    """Calls a Keras layer in the way that the declaration says."""
    constants = layer.call_arguments()
    if layer.takes_list:
        return made(inputs, **constants)
    return made(*inputs, **({"initial_state": states} if states else {}), **constants)
