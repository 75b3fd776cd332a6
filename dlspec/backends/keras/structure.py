"""Tensors of a Keras model by name: spec names, whatever structure the model takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def like_inputs(model: Any, values: Mapping[str, Any]) -> Any:
    """`values`, by name of input, in the structure of ``model.input``."""
    template = model.input
    if isinstance(template, dict):
        return {key: values[tensor.name] for key, tensor in template.items()}
    if isinstance(template, list | tuple):
        return tuple(values[tensor.name] for tensor in template)
    return values[template.name]


def outputs_by_name(outputs: Any, names: Sequence[str]) -> dict[str, Any]:
    """What a model returns, by name.

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
