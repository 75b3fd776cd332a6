"""Tensor operations as Python: functions of ``keras.ops`` called with tensors and constants."""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import Any

from dlspec.components.ops.base import Op
from dlspec.components.ops.shape import Reshape
from dlspec.export.python.context import ModuleContext
from dlspec.export.python.scope import Scope
from dlspec.export.python.syntax import Unsupported, call, constant, same, sequence
from dlspec.export.python.wiring import Inputs, call_arguments
from dlspec.graph.lower.program import Step


def write(module: ModuleContext, step: Step, layer: type[Op], value: Any, inputs: Inputs, scope: Scope) -> ast.expr:
    """Expression of an operation on the tensors that enter.

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
    for option, first in layer.batch_entries.items():
        sizes = _entries(given[option])
        if layer is Reshape:
            sizes = _sizes(module, step, sizes, scope)
        given[option] = sequence([_literal(first), *sizes], as_list=isinstance(first, list))
    return call(function, *_in_order(layer, positional, {**keywords, **given}))


def _in_order(
    layer: type[Op], positional: list[ast.expr], keywords: dict[str, ast.expr]
) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """Arguments without names as far as they stand in the function's own order: ``ops.subtract(1, x)``."""
    tensors = iter(positional)
    first: list[ast.expr] = []
    for keyword in (argument.rstrip("?") for argument in layer.arguments):
        if keyword in keywords:
            first.append(keywords.pop(keyword))
        else:
            tensor = next(tensors, None)
            if tensor is None:
                break
            first.append(tensor)
    return first, keywords


def _entries(made: ast.expr) -> list[ast.expr]:
    """The values of an option that has one for each axis."""
    if not isinstance(made, ast.List | ast.Tuple):
        raise Unsupported("a list that is computed")
    return made.elts


def _sizes(module: ModuleContext, step: Step, written: list[ast.expr], scope: Scope) -> list[ast.expr]:
    """The new shape of a ``reshape``, in which Keras takes -1 for the batch alone: the rest is worked out.

    Where parameters may change what enters, by the code itself.
    """
    calls = [(layer, tensors[0].shape) for layer, tensors in module.record.layers[id(step)]]
    free = {
        layer.newshape.index(-1) if -1 in layer.newshape else None for layer, _ in calls if isinstance(layer, Reshape)
    }
    at = next((index for index, size in enumerate(written) if same(size, constant(-1))), None)
    if free != {at}:
        raise Unsupported("a shape in which what is left depends on a parameter")
    if at is None:
        return written
    sizes = {
        layer.constants(SimpleNamespace(shape=(None, *shape)))["newshape"][at + 1]
        for layer, shape in calls
        if isinstance(layer, Reshape)
    }
    others = [*written[:at], *written[at + 1 :]]
    if len(sizes) == 1 and not module.varies and all(isinstance(size, ast.Constant) for size in others):
        return [*written[:at], constant(sizes.pop()), *written[at + 1 :]]
    rest: ast.expr = call("math.prod", [scope.sizes()])
    for size in others:
        if not same(size, constant(1)):
            rest = ast.BinOp(rest, ast.FloorDiv(), size)
    return [*written[:at], rest, *written[at + 1 :]]


def _literal(value: Any) -> ast.expr:
    if isinstance(value, list):
        return sequence([_literal(element) for element in value], as_list=True)
    return constant(value)
