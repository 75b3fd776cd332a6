"""``train.py`` of a generated project."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from dlspec.data.measures import smaller_is_better
from dlspec.data.sources.base import locate
from dlspec.emit.constructors import Constructors
from dlspec.emit.project.callbacks import callbacks, folders
from dlspec.emit.project.data import DataText
from dlspec.emit.project.distributed import distribution
from dlspec.emit.project.positions import from_saved, layer_names, places
from dlspec.emit.syntax import Unsupported, call, constant, text
from dlspec.emit.templates import Code
from dlspec.ir import Graph
from dlspec.layers.base import Layer
from dlspec.passes.state import Compilation
from dlspec.registry import Component
from dlspec.sections.matching import matching
from dlspec.sections.train import Supervised

if TYPE_CHECKING:
    import jinja2


def render(
    state: Compilation, method: Supervised, read: DataText, folder: str, templates: jinja2.Environment
) -> tuple[str, Constructors]:
    """``train.py`` without its imports.

    Args:
        state: The checked spec.
        method: Its way of training.
        read: What stands in ``data.py``.
        folder: Where the data are, seen from the project.
        templates: Where the template is.

    Raises:
        Unsupported: The section says something that the template has no words for.
    """
    data, graph = state.data_section, state.graph
    assert data is not None and graph is not None
    if method.non_finite == "rollback":
        raise Unsupported("`non_finite: rollback`")
    if method.speed == "auto":
        raise Unsupported("`speed: auto`")
    mirrored = distribution(state, method, graph)
    constructors = Constructors()
    outputs = [name for name, _ in graph.outputs]
    trained = [name for name in outputs if method.loss_of(name) is not None]
    validation = "validation" in read.parts
    monitor = method.monitor or ("val_loss" if validation else "loss")
    context = {
        "title": Code(f"Trains the model {state.name}."),
        "data_folder": folder if read.reads_files or method.start_from else None,
        "load": Code("load(arguments.data)" if read.reads_files else "load()"),
        "epochs": None if method.phases else method.epochs,
        "batch_size": data.batch_size,
        "seed": method.seed,
        "data_seed": data.seed,
        "training": read.training,
        "validation": validation,
        "precision": method.precision if method.precision != "float32" else None,
        "distributed": mirrored is not None,
        "devices": mirrored.devices if mirrored is not None else None,
        "fitted": Code("trained" if len(trained) < len(outputs) or mirrored is not None else "model"),
        "model_class": Code("keras.Model" if mirrored is None else "Mirrored"),
        "subset": trained if len(trained) < len(outputs) else None,
        "start_from": method.start_from,
        "saved": _saved(state, method, graph),
        "adapting": _adapting(graph),
        "compile": _compile(method, trained, constructors),
        "optimizer": _optimizer(method.chosen_optimizer, method, constructors),
        "phases": _phases(method, graph, constructors),
        "callbacks": callbacks(method, constructors),
        "folders": folders(method),
        "keep": method.keep,
        "monitor": monitor,
        "mode": "min" if smaller_is_better(method, outputs, monitor) else "max",
        "prepared": read.prepared,
        "imports": Code(""),
    }
    return templates.get_template("train.py.jinja").render(context), constructors


def _optimizer(component: Component, method: Supervised, constructors: Constructors) -> Code:
    """The optimizer; one that scales the loss where it is computed in float16."""
    made: ast.expr = constructors.instance(component)
    if method.precision == "mixed_float16" and component.name != "loss_scale_optimizer":
        made = call("keras.optimizers.LossScaleOptimizer", [made])
    return Code(text(made))


def _compile(method: Supervised, trained: list[str], constructors: Constructors) -> list[tuple[Code, Code]]:
    """Arguments of ``model.compile`` besides the optimizer."""
    arguments: dict[str, ast.expr] = {
        "loss": _each({name: constructors.instance(method.loss_of(name)) for name in trained})
    }
    if method.loss_weights:
        weights = {name: float(method.loss_weights.get(name, 1.0)) for name in trained}
        arguments["loss_weights"] = constant(weights)
        if len(trained) == 1:
            arguments["loss_weights"] = constructors.plain(list(weights.values()))
    metrics: dict[str, Any] = {name: constructors.plain(list(method.metrics_of(name))) for name in trained}
    if any(method.metrics_of(name) for name in trained):
        arguments["metrics"] = _each(metrics)
    if method.jit is not None:
        arguments["jit_compile"] = constant(method.jit)
    return [(Code(name), Code(text(value))) for name, value in arguments.items()]


def _each(values: dict[str, ast.expr]) -> ast.expr:
    """The single value, or a dictionary by output."""
    if len(values) == 1:
        return next(iter(values.values()))
    return ast.Dict([constant(name) for name in values], list(values.values()))


def _phases(method: Supervised, graph: Graph, constructors: Constructors) -> list[dict[str, Any]]:
    """What freezes and thaws before each phase, its epochs and its optimizer; [] where there is a single one."""
    if not method.phases:
        return []
    names = layer_names(graph)

    def chosen(patterns: Any) -> Code | None:
        found = [name for some in matching(patterns or (), names).values() for name in some]
        return places(names, found) if found else None

    return [
        {
            "freeze": chosen(phase.freeze),
            "unfreeze": chosen(phase.unfreeze),
            "epochs": phase.epochs,
            "optimizer": _optimizer(phase.optimizer or method.chosen_optimizer, method, constructors),
        }
        for phase in method.phases.values()
    ]


def _saved(state: Compilation, method: Supervised, graph: Graph) -> list[dict[str, Any]]:
    """Which layers begin with weights of a saved model."""
    if method.start_from is None:
        return []
    path = locate(method.start_from, state.folder, allow_outside=state.allow_outside, option="start_from")
    return from_saved(graph, path)


def _adapting(graph: Graph) -> Code | None:
    """Expression of the layers of the model itself that are fitted on the training examples; None for none."""
    able = [node for node in graph.nodes if getattr(type(node.layer), "adapts", Layer.adapts) is not Layer.adapts]
    waiting = [node for node in able if getattr(node.layer, "adapts", False)]
    if not waiting:
        return None
    if len(waiting) == len(able):
        return Code("[layer for layer in model.layers if hasattr(layer, 'adapt')]")
    return places(layer_names(graph), [node.name for node in waiting])
