"""Shared models → the statements that make each of them once."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Protocol

from dlspec.export.python.function import Function, Parameter
from dlspec.export.python.model_files import freezing, loading
from dlspec.export.python.naming import Identifiers
from dlspec.export.python.syntax import Unsupported, assign, call, constant, name
from dlspec.graph.lower.averages import learner
from dlspec.graph.lower.program import Program


class Module(Protocol):
    """The part of :class:`dlspec.export.python.functions.Module` that knows its shared models."""

    program: Program
    identifiers: Identifiers
    functions: list[Function]
    live_models: Sequence[str]
    model_functions: dict[str, Function]
    model_variables: dict[str, str]
    averages: Mapping[str, str]


def instances(module: Module) -> list[ast.stmt]:
    """Shared models are made once, before everything else, and draw random numbers in the order of the graph.

    Raises:
        Unsupported: The calls cannot be written like this.
    """
    if set(module.model_functions) - set(module.live_models):
        raise Unsupported("a call of a shared model that is left out")
    if set(module.live_models) - set(module.program.models):
        raise Unsupported("an average of a model that calls others")
    made = [_instance(module, model) for model in module.live_models]
    models = module.program.models
    saved = [(model, learner(models[model], models).origin) for model in module.live_models]
    made += [loading(module.model_variables[model], origin) for model, origin in saved if origin is not None]
    frozen = [model for model in module.live_models if models[model].frozen]
    made += [freezing(module.model_variables[model]) for model in frozen]
    if not module.averages:
        return made
    module.functions.append(function := beginning(module.identifiers))
    variables = module.model_variables
    return [*made, *(begun(function, variables[model], variables[origin]) for model, origin in module.averages.items())]


def _instance(module: Module, model: str) -> ast.stmt:
    function, average = module.model_functions[model], module.program.models[model].average_of
    keywords: dict[str, ast.expr] = {}
    if average:
        keywords[function.own["name"].identifier] = constant(model)
    for captured, parameter in function.captured.items():
        keywords[parameter.identifier] = name(module.model_variables.get(captured, parameter.identifier))
    return assign([module.model_variables[model]], call(function.identifier, [], keywords))


def beginning(identifiers: Identifiers) -> Function:
    """A function that makes an average equal to what it follows."""
    inputs = [Parameter("average", "keras.Model"), Parameter("origin", "keras.Model")]
    summary = "A moving average begins equal to what it follows, and no gradient changes it."
    function = Function(identifiers.give("begin_average"), summary, inputs=inputs, returns="None")
    weights = ast.Attribute(name("average"), "weights", ast.Load())
    trainable = ast.Attribute(name("weight"), "trainable", ast.Store())
    frozen = ast.Assign([trainable], constant(False), lineno=0)
    function.body = [
        ast.Expr(call("average.set_weights", [call("origin.get_weights")])),
        ast.For(ast.Name("weight", ast.Store()), weights, [frozen], [], lineno=0),
    ]
    return function


def begun(function: Function, average: str, origin: str) -> ast.stmt:
    """A call of :func:`beginning`'s function for two variables."""
    return ast.Expr(call(function.identifier, [name(average), name(origin)]))
