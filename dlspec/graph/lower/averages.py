"""Models that are moving averages of others: what a spec writes of them, and the graph that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from dlspec.core.errors import Diagnostic, Diagnostics, Problem, did_you_mean, leave_out
from dlspec.core.ir import Graph, Node, SharedModel, shared_models
from dlspec.core.tree import Invalid, Map, span_of, span_of_key
from dlspec.graph.lower.program import ModelDefinition, Program
from dlspec.semantics.environment import LOST, Environment, Lost
from dlspec.semantics.evaluate import Evaluator
from dlspec.semantics.schema.context import Context


class Expander(Protocol):
    """The part of :class:`dlspec.graph.lower.expand.Expander` that knows the models of a spec."""

    program: Program
    environment: Environment
    evaluator: Evaluator
    open_models: list[str]

    def model(self, name: str) -> SharedModel | Lost:
        """The shared model called `name`."""


# That of Keras's `use_ema`.
MOMENTUM = 0.99


def settle(models: Mapping[str, ModelDefinition], written: Map, blocks: Map, diagnostics: Diagnostics) -> None:
    """Gives averages the inputs and outputs of what they average.

    Args:
        models: Those of the spec, which are changed.
        written: The section `models`.
        blocks: The section `blocks`.
        diagnostics: Where an unknown name (E305) and an option without effect (E207) go.
    """
    for name, definition in models.items():
        origin, declaration = definition.declaration.get("average_of"), definition.declaration
        if not isinstance(origin, str):
            if "momentum" in declaration and origin is None and not declaration.tainted:
                message = f"`momentum` has no effect: {name} is no average of another model"
                span = span_of_key(declaration, "momentum")
                diagnostics.add(Diagnostic("E207", message, span, "name that model: `average_of: …`"))
            continue
        for key in ("inputs", "layers", "outputs", "file", "trainable"):
            if not isinstance(declaration.get(key, Invalid()), Invalid):
                message = f"`{key}` has no effect beside `average_of`: {name} has the layers of {origin}"
                diagnostics.add(Diagnostic("E207", message, span_of_key(declaration, key), leave_out(key)))
        definition.average_of, definition.body = origin, ()
        if origin not in written:
            help = did_you_mean(origin, [other for other in models if other != name])
            if origin in blocks:
                help = "declare it under `models:`: each call of a block has weights of its own"
            message = f"unknown model `{origin}`"
            diagnostics.add(Diagnostic("E305", message, span_of(declaration, "average_of"), help))
    for definition in models.values():
        origin = learner(definition, models)
        if origin is not definition:
            definition.inputs, definition.outputs = origin.inputs, origin.outputs


def learner(definition: ModelDefinition, models: Mapping[str, ModelDefinition]) -> ModelDefinition:
    """The model at the end of a chain of averages; in a circle, any of them."""
    seen: set[str] = set()
    while definition.average_of in models and definition.name not in seen:
        seen.add(definition.name)
        definition = models[definition.average_of]
    return definition


def averaged(expander: Expander, definition: ModelDefinition) -> SharedModel | Lost:
    """The model that averages another one: its layers, none of which learns."""
    origin, written = definition.average_of, definition.declaration
    if origin in expander.open_models:
        message = f"model {definition.name} is an average of itself"
        problem = Problem("E308", message, "name the model that is trained")
        expander.evaluator.report(problem, span_of(written, "average_of"))
        return LOST
    if origin not in expander.program.models:
        return LOST
    averages, momentum = expander.model(origin), _momentum(expander, definition)
    if isinstance(averages, Lost) or isinstance(momentum, Lost):
        return LOST
    graph, file = _untrained(averages.graph, definition.name), averages.origin  # it begins equal, with the same file
    return SharedModel(definition.name, graph, average_of=origin, momentum=momentum, origin=file)


def shared(definition: ModelDefinition, graph: Graph) -> SharedModel:
    """The model of a graph, none of whose weights learn where it is frozen."""
    made = _frozen(graph) if definition.frozen else graph
    origin, application = definition.origin, definition.application
    return SharedModel(definition.name, made, origin=origin, frozen=definition.frozen, application=application)


def _frozen(graph: Graph) -> Graph:
    """A graph of the same layers that do not learn; models in it are called by no other."""
    inner: dict[str, SharedModel] = {}

    def frozen(node: Node) -> Node:
        weights = tuple(replace(weight, trainable=False) for weight in node.weights)
        if not isinstance(node.layer, SharedModel):
            return replace(node, weights=weights)
        model = inner.setdefault(node.layer.name, replace(node.layer, graph=_frozen(node.layer.graph), calls={}))
        return replace(node, layer=model, weights=weights)

    return replace(graph, nodes=tuple(map(frozen, graph.nodes)))


def _momentum(expander: Expander, definition: ModelDefinition) -> float | Lost:
    written = definition.declaration
    raw = written.get("momentum", MOMENTUM)
    if isinstance(raw, Invalid):
        return LOST
    schema = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
    context, span = Context(("models", definition.name, "momentum")), span_of(written, "momentum")
    value = expander.evaluator.value(raw, expander.environment, schema, context, span, numeric=True)
    return LOST if isinstance(value, Lost) else float(value)


def _untrained(graph: Graph, name: str) -> Graph:
    """A graph of the same layers that do not learn; the models in it are copies called after `name`."""
    inner: dict[str, SharedModel] = {}

    def copied(node: Node) -> Node:
        weights = tuple(replace(weight, trainable=False) for weight in node.weights)
        if not isinstance(node.layer, SharedModel):
            return replace(node, weights=weights)
        own = f"{name}.{node.layer.name}"
        if own not in inner:
            inner[own] = SharedModel(own, _untrained(node.layer.graph, own), origin=node.layer.origin)
        return replace(node, layer=inner[own], weights=weights)

    return replace(graph, name=name, nodes=tuple(map(copied, graph.nodes)))


def averages_in(graph: Graph) -> dict[str, tuple[str, float]]:
    """The averages that a graph calls, each behind what it averages, with the name of that and its momentum."""
    averages = {model.name: model for model in shared_models(graph) if model.average_of}
    ordered: dict[str, tuple[str, float]] = {}

    def add(model: SharedModel) -> None:
        if model.average_of in averages:
            add(averages[model.average_of])
        ordered[model.name] = (model.average_of, model.momentum)

    for model in averages.values():
        add(model)
    return ordered
