"""Checks of a supervised training against a model, before TensorFlow loads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlspec.components.layers.base import Layer, layers_of
from dlspec.components.methods.base import Mistake
from dlspec.components.methods.learner_checks import moved_by
from dlspec.components.methods.stages import distinct
from dlspec.components.sections.matching import layer_names, layers_meant
from dlspec.core.errors import Problem, did_you_mean, leave_out
from dlspec.core.ir import Graph, Node


def unknown_outputs(method: Any, outputs: list[str]) -> Iterator[Mistake]:
    """Weights of losses belong to outputs of the model (E607), metrics to those that have a loss (E207).

    Args:
        method: The training; what phases have of their own is looked at for each of them.
        outputs: All of the model.
    """
    yield from _unknown_outputs(method, outputs, ("loss_weights", "metrics", "threshold"))
    for stage in distinct(method.stages):
        yield from _unknown_outputs(stage, outputs, tuple(stage.places))


def _unknown_outputs(method: Any, outputs: list[str], options: tuple[str, ...]) -> Iterator[Mistake]:
    for name in (method.loss_weights or ()) if "loss_weights" in options else ():
        if name not in outputs:
            message = f"`loss_weights` names `{name}`, no output of the model"
            problem = Problem("E607", message, did_you_mean(name, outputs))
            yield Mistake(problem, (*method.written_at("loss_weights"), name), on_key=True)
    trained = method.trained(outputs)
    by_output = (
        (option, name, chosen) for option in ("metrics", "threshold")
        if option in options and isinstance(given := getattr(method, option), dict) for name, chosen in given.items()
    )  # fmt: skip
    for option, name, chosen in by_output:
        if option == "metrics" and all(metric.alone for metric in chosen):
            continue
        if name not in trained:
            what = "output" if name in outputs else "tensor"
            message = f"`{option}` names {what} `{name}`, which has no loss: it is compared with no target"
            help = (
                f"give it a target and a loss (`loss_weights: {{{name}: 0}}` keeps it from being trained), "
                "or leave it out"
            )
            yield Mistake(Problem("E207", message, help), (*method.written_at(option), name), on_key=True)


def wrong_phases(method: Any, graph: Graph) -> Iterator[Mistake]:
    """Every pattern of a phase matches a layer, and in every phase something learns (E515)."""
    names, adapted = layer_names(graph), method.adapted is not None
    learning = {
        names[node.name] for node in graph.nodes
        if node.layer is not None and (node.trainable_parameters if adapted else node.parameters)
    }  # fmt: skip
    frozen: set[str] = set()
    stages = method.stages
    for name, phase in (method.phases or {}).items():
        meant = {option: layers_meant(getattr(phase, option) or (), names) for option in ("freeze", "unfreeze")}
        yield from _without_layer(meant, name, list(names))
        frozen.update(*meant["freeze"].values())
        frozen.difference_update(*meant["unfreeze"].values())
        learning.update(*meant["unfreeze"].values() if adapted else ())
        moved = learning & moved_by(stages[name], graph) if phase.objective else learning
        if moved and moved <= frozen:
            problem = Problem("E515", f"nothing is left to learn in phase `{name}`", "freeze fewer layers")
            yield Mistake(problem, ("train", "phases", name, "freeze"))


def _without_layer(meant: Mapping[str, Mapping[str, list[str]]], phase: str, names: list[str]) -> Iterator[Mistake]:
    """Patterns of one phase that match no layer."""
    blocks = {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 1)}
    for option, patterns in meant.items():
        for pattern, matches in patterns.items():
            if not matches:
                message = f"`{option}` names `{pattern}`, which is no layer of the model"
                problem = Problem("E515", message, did_you_mean(pattern, [*names, *sorted(blocks)]))
                yield Mistake(problem, ("train", "phases", phase, option))


def idle_gradients(optimizers: tuple[Any, ...], *graphs: Graph) -> Iterator[Mistake]:
    """`embedding_gradients: by_use` needs a layer whose gradient comes by rows, and an optimizer that minds (E207)."""
    if not any(gradients_by_rows(*graphs)):
        reason = "no layer such as `embedding` learns"
    elif not any(optimizer.wants_whole_rows for optimizer in optimizers):
        reason = f"`{optimizers[0].name}` adds up the gradients of all uses by itself"
    else:
        return
    problem = Problem("E207", f"`embedding_gradients` has no effect: {reason}", leave_out("embedding_gradients"))
    yield Mistake(problem, ("train", "embedding_gradients"), on_key=True)


def gradients_by_rows(*graphs: Graph) -> Iterator[Layer]:
    """The layers that learn and whose gradient comes by rows."""
    return (layer for node, layer, _ in layers_of(*graphs) if layer.gradient_by_rows and _learns(node, layer))


def _learns(node: Node, layer: Layer) -> bool:
    """Whether training changes a layer's own weights: those of a layer inside another one are among the node's."""
    return layer.trainable and (not node.weights or node.weights[0].trainable)
