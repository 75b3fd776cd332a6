"""Values by name in the structure that a Keras model takes and gives: a dict, a list, or the only one."""

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


def like_outputs(model: Any, names: Sequence[str], values: Mapping[str, Any], missing: Any = None) -> Any:
    """`values`, by name of output, in the structure of ``model.output``.

    Args:
        names: The outputs in the model's order.
        missing: Stands for an output without a value; in a dict it is left out.
    """
    template = model.output
    if isinstance(template, dict):
        return {name: values[name] for name in template if name in values}
    if isinstance(template, list | tuple):
        return [values.get(name, missing) for name in names]
    return values.get(names[0], missing)
