"""Tensor operations as Python: functions of ``keras.ops`` called with tensors and constants."""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from dlspec.emit.scope import Scope
from dlspec.emit.syntax import Unsupported, call, constant, sequence
from dlspec.emit.wiring import Inputs, call_arguments
from dlspec.lower.program import Step
from dlspec.ops.base import Op

if TYPE_CHECKING:
    from dlspec.emit.functions import Module


def write(module: Module, step: Step, layer: type[Op], value: Any, inputs: Inputs, scope: Scope) -> ast.expr:
    """One operation on what enters.

    Raises:
        Unsupported: Its constants depend on shapes that differ from call to call.
    """
    given = module.constructors.written(layer, value, scope)
    positional, keywords = call_arguments(layer, inputs, list(given))
    function = module.constructors.path(layer.keras)
    if layer.takes_list and layer.compute is not Op.compute:  # einsum: the subscripts, then its operands one by one
        operands = (
            positional[0].elts if isinstance(positional[0], ast.List) else [ast.Starred(positional[0], ast.Load())]
        )
        return call(function, [*given.values(), *operands])
    if layer.compute is not Op.compute:
        raise Unsupported(layer.registered_name)
    if layer.constants is not Op.constants:
        given = _constants(module, step, given)
    return call(function, *_in_order(layer, positional, {**keywords, **given}))


def _in_order(
    layer: type[Op], positional: list[ast.expr], keywords: dict[str, ast.expr]
) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """Arguments without names as far as they stand in the function's own order: ``ops.subtract(1, x)``."""
    tensors = iter(positional)
    first: list[ast.expr] = []
    for word in (argument.rstrip("?") for argument in layer.arguments):
        if word in keywords:
            first.append(keywords.pop(word))
        else:
            tensor = next(tensors, None)
            if tensor is None:
                break
            first.append(tensor)
    return first, keywords


def _constants(module: Module, step: Step, given: dict[str, ast.expr]) -> dict[str, ast.expr]:
    """Constants that the operation works out from shapes: those that the calls of the step had."""
    found: list[dict[str, Any]] = []
    for layer, tensors in module.record.layers[id(step)]:
        assert isinstance(layer, Op)
        entering = [SimpleNamespace(shape=(None, *tensor.shape)) for tensor in tensors]
        one = layer.constants(*entering)
        if one not in found:
            found.append(one)
    if len(found) != 1:
        raise Unsupported("constants that follow from several shapes")
    return {word: _literal(value) for word, value in found[0].items()}


def _literal(value: Any) -> ast.expr:
    if isinstance(value, list):
        return sequence([_literal(one) for one in value], as_list=True)
    return constant(value)
