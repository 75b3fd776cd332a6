"""How many tensors a layer returns, which no file says: its declaration infers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.backends.importing.network import Ref, replaced_refs
from dlspec.components.layers.base import Layer
from dlspec.core.errors import Diagnostics, Problem
from dlspec.core.ir import Tensor
from dlspec.semantics.environment import Environment, Lost
from dlspec.semantics.evaluate import Evaluator
from dlspec.semantics.schema.context import Context


def count_outputs(owner: type[Layer], options: Mapping[str, Any], sources: Any, types: Mapping[Ref, Tensor]) -> int:
    """The number of tensors that come out; 1 where it cannot be known.

    Args:
        owner: The layer.
        options: As a spec writes them.
        sources: What enters, in the form of ``from``.
        types: Of those tensors.
    """
    layer = Evaluator(Diagnostics()).options(owner, dict(options), Environment(), Context(("layers", 0)), None, None)
    if isinstance(layer, Lost):
        return 1
    try:
        entering = replaced_refs(sources, types)
        if isinstance(entering, dict):
            outputs = layer.infer(**entering)
        elif isinstance(entering, list) and not owner.takes_list:
            outputs = layer.infer(*entering)
        else:
            outputs = layer.infer(entering)
    except (Problem, TypeError, ValueError, KeyError, AttributeError, IndexError):
        return 1
    return len(outputs) if isinstance(outputs, tuple) else 1
