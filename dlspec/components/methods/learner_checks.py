"""What may be wrong with learners for a model, known before TensorFlow loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.methods.base import Method, Mistake, Path
from dlspec.components.methods.learning import loss_of
from dlspec.components.methods.stages import distinct
from dlspec.components.sections.matching import layer_names, matching
from dlspec.components.sections.training import Learner
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Edge, Graph, shared_models


def wrong_learners(method: Method, graph: Graph) -> Iterator[Mistake]:
    """Learners that train nothing, names of nothing, and weights that nobody trains in any phase (E515, E520).

    Args:
        graph: All that is trained.
    """
    stages = list(distinct(method.stages))
    if not any(stage.turns for stage in stages):
        yield from _idle_averages(graph, set().union(*(moved_by(stage, graph) for stage in stages)))
        return
    names = layer_names(graph)
    learning = _learning(graph)
    trained: set[str] = set()
    mistakes: list[Mistake] = []
    for stage in stages:
        for name, learner in stage.turns.items():
            mistakes += _wrong_learner(_learner_path(stage, name), name, learner, graph, names, learning)
        trained |= moved_by(stage, graph)
    yield from mistakes
    if not mistakes:
        yield from _untrained(method, learning - trained - _frozen(method, names))
        yield from _idle_averages(graph, trained)


def moved_by(stage: Any, graph: Graph) -> set[str]:
    """The layers that a phase trains: those that its learners name, or all on which their objectives depend."""
    moved = (moved_by_learner(learner, graph) for learner in stage.turns.values())
    return set().union(*moved) if stage.turns else _reached(graph, _roots(stage, graph).values())


def moved_by_learner(learner: Learner, graph: Graph) -> set[str]:
    """The layers that one learner trains: those that it names, or all on which its objectives depend."""
    if learner.trains:
        return _named(learner, layer_names(graph))
    return _reached(graph, _roots(learner, graph).values())


def _learner_path(stage: Method, learner: str) -> Path:
    """Where a learner stands; where it has no name, what holds its objectives."""
    return (*stage.written_at("learners"), learner) if learner else stage.written_at("minimize")[:-1]


def _wrong_learner(
    path: Path, name: str, learner: Learner, graph: Graph, names: Mapping[str, str], learning: set[str]
) -> Iterator[Mistake]:
    """One learner: what it trains is there and is reached, and each objective moves something."""
    who = f"learner `{name}`" if name else "training"
    roots = _roots(learner, graph)
    everything = _reached(graph, roots.values())
    for pattern, matches in matching(learner.trains or (), names).items():
        layers = {names[match] for match in matches}
        if not layers:
            message = f"`trains` names `{pattern}`, which is no layer or model"
            yield Mistake(Problem("E515", message, did_you_mean(pattern, list(names))), (*path, "trains"))
            return
        if not layers & learning & everything:
            averages = {match.name: match.average_of for match in shared_models(graph)}
            origins = [averages[match] for match in layers if averages.get(match)]
            idle = f"it is the average of `{origins[0]}`" if origins else "it has no weights that learn"
            reason = "no objective depends on it" if layers & learning else idle
            message = f"{who} cannot train `{pattern}`: {reason}"
            yield Mistake(Problem("E520", message, "leave it out, or minimise what depends on it"), (*path, "trains"))
            return
    moved = _named(learner, names) if learner.trains else learning
    measured = {name for name, weight in (learner.loss_weights or {}).items() if weight == 0} - {
        *(learner.minimize or ())
    }
    for objective, edge in roots.items():
        if objective not in measured and not _reached(graph, [edge]) & learning & moved:
            message = f"{who} minimises `{objective}`, which depends on no weight that it trains"
            option = "minimize" if objective in (learner.minimize or {}) else "loss"
            help = "leave it out, or name a layer before it in `trains`"
            yield Mistake(Problem("E520", message, help), (*path, option))


def _untrained(method: Method, layers: Iterable[str]) -> Iterator[Mistake]:
    """E520 for weights that nobody moves and nothing freezes."""
    some = sorted(layers)
    if some:
        shown = ", ".join(f"`{name}`" for name in some[:3]) + (", …" if len(some) > 3 else "")
        message = f"no learner trains {shown}"
        help = f"name it in `trains` of a learner, or freeze it in a phase: `freeze: {some[0]}`"
        options = ("learners", "minimize", "phases")
        path: Path = ("train", next((option for option in options if option in method.given), "minimize"))
        yield Mistake(Problem("E520", message, help), path, on_key=True)


def _idle_averages(graph: Graph, trained: set[str]) -> Iterator[Mistake]:
    """E520 for averages of models of which nothing learns."""
    models = {shared.name: shared for shared in shared_models(graph)}
    outer = {inner.name: name for name in models for inner in shared_models(models[name].graph)}
    for model in models.values():
        origin = model.average_of
        while origin in models and models[origin].average_of:
            origin = models[origin].average_of
        if origin in models and not {origin, outer.get(origin)} & trained:
            message = f"{model.name} is an average of {origin}, which nothing trains"
            help = f"let a learner train {origin}, or leave {model.name} out"
            yield Mistake(Problem("E520", message, help), ("models", model.name, "average_of"), on_key=True)


def _roots(learner: Any, graph: Graph) -> dict[str, Edge]:
    """The tensors that a learner minimises, and the outputs that it compares with targets."""
    wanted = dict((*graph.outputs, *graph.objectives))
    tensors = {name: wanted[name] for name in learner.minimize or () if name in wanted}
    return tensors | {name: edge for name, edge in graph.outputs if loss_of(learner, name) is not None}


def _named(learner: Learner, names: Mapping[str, str]) -> set[str]:
    return {names[match] for matches in matching(learner.trains or (), names).values() for match in matches}


def _frozen(method: Any, names: Mapping[str, str]) -> set[str]:
    """The layers that some phase freezes."""
    patterns = [pattern for phase in (method.phases or {}).values() for pattern in phase.freeze or ()]
    return {names[match] for matches in matching(patterns, names).values() for match in matches}


def _learning(graph: Graph) -> set[str]:
    """Layers and models with weights that training changes."""
    names = layer_names(graph)
    return {names[node.name] for node in graph.nodes if node.layer is not None and node.trainable_parameters}


def _reached(graph: Graph, edges: Iterable[Edge]) -> set[str]:
    """The layers and models on which tensors depend, along tensors of real numbers through which gradients pass."""
    alive = {edge.node for edge in edges}
    for node in reversed(graph.nodes):
        if node.index in alive and not (isinstance(node.layer, Layer) and node.layer.stops_gradients):
            alive.update(edge.node for edge in node.edges if graph.tensor(edge).floating)
    layers = [node for node in graph.nodes if node.index in alive and node.layer is not None]
    return {node.owner for node in layers}
