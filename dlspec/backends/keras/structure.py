"""A Keras model from outside: its tensors by their names in the spec, and how many numbers it holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dlspec.backends.keras.internals import calls_of, flatten_layers
from dlspec.core.documents.model import Parameters


def like_inputs(model: Any, values: Mapping[str, Any]) -> Any:
    """`values`, by name of input, in the structure of ``model.input``."""
    template = model.input
    if isinstance(template, dict):
        return {key: values[tensor.name] for key, tensor in template.items()}
    if isinstance(template, list | tuple):
        return tuple(values[tensor.name] for tensor in template)
    return values[template.name]


def outputs_by_name(outputs: Any, names: Sequence[str]) -> dict[str, Any]:
    """The outputs of a model as a dict of tensors by name.

    Args:
        outputs: A tensor, a list, or a dict by name.
        names: The names in the model's order.
    """
    if isinstance(outputs, dict):
        return outputs
    if isinstance(outputs, list | tuple):
        return dict(zip(names, outputs, strict=True))
    return {names[0]: outputs}


def only_or_all(values: Mapping[str, Any]) -> Any:
    """The single value, or the dict of all: Keras names no measure after the output of a model that has just one."""
    return next(iter(values.values())) if len(values) == 1 else dict(values)


def single(weights: Any) -> Any:
    """Weights of a batch by output, or two such dicts, with the single values of a model of one output."""
    return tuple(map(only_or_all, weights)) if isinstance(weights, tuple) else only_or_all(weights)


def scalars(variables: Iterable[Any]) -> int:
    """Total count of scalars in some variables."""
    return sum(math.prod(variable.shape) for variable in variables)


def most_numbers(model: Any) -> int:
    """Numbers in the largest tensor that a layer gives for one example; axes of unknown size count as 1."""
    tensors = [tensor for layer in flatten_layers(model) for call in calls_of(layer) for tensor in call.output_tensors]
    return max((math.prod(size or 1 for size in tensor.shape[1:]) for tensor in tensors), default=1)


def parameters(model: Any) -> Parameters:
    """Counts of the model's scalars."""
    trainable, total = scalars(model.trainable_weights), scalars(model.weights)
    return {"total": total, "trainable": trainable, "non_trainable": total - trainable}
