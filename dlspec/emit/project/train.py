"""``train.py`` of a generated project."""

from __future__ import annotations

import ast
from typing import Any

import jinja2

from dlspec.data.measures import smaller_is_better
from dlspec.emit.constructors import Constructors
from dlspec.emit.syntax import Unsupported, constant, text
from dlspec.emit.templates import Code
from dlspec.ir import Graph
from dlspec.sections.data import Data
from dlspec.sections.train import Supervised


def render(
    method: Supervised, data: Data, graph: Graph, label: str, prepared: bool, folder: str, templates: jinja2.Environment
) -> tuple[str, Constructors]:
    """``train.py`` without its imports.

    Args:
        method: The way of training.
        data: The section of the data.
        graph: The model, whose outputs have losses.
        label: The spec's name.
        prepared: Whether inputs are prepared by layers.
        folder: Where the data are, seen from the project.
        templates: Where the template is.

    Raises:
        Unsupported: The section says something that the template has no words for.
    """
    if method.phases or method.start_from:
        raise Unsupported("phases of training")
    constructors = Constructors()
    outputs = [name for name, _ in graph.outputs]
    trained = [name for name in outputs if method.loss_of(name) is not None]
    monitor = method.monitor or ("val_loss" if data.parts.has("validation") is not False else "loss")
    context = {
        "title": Code(f"Trains the model {label}."),
        "data_folder": folder,
        "epochs": method.epochs,
        "batch_size": data.batch_size,
        "seed": method.seed,
        "data_seed": data.seed,
        "shuffle": data.shuffle,
        "precision": method.precision if method.precision != "float32" else None,
        "subset": trained if len(trained) < len(outputs) else None,
        "only_output": trained[0] if len(trained) == 1 and len(outputs) > 1 else None,
        "compile": _compile(method, trained, constructors),
        "callbacks": [Code(text(constructors.instance(callback))) for callback in method.callbacks],
        "non_finite": method.non_finite,
        "keep": method.keep,
        "monitor": monitor,
        "mode": "min" if smaller_is_better(method, outputs, monitor) else "max",
        "prepared": prepared,
        "imports": Code(""),
    }
    return templates.get_template("train.py.jinja").render(context), constructors


def _compile(method: Supervised, trained: list[str], constructors: Constructors) -> list[tuple[Code, Code]]:
    """Arguments of ``model.compile``."""
    arguments: dict[str, ast.expr] = {"optimizer": constructors.instance(method.chosen_optimizer)}
    arguments["loss"] = _each({name: constructors.instance(method.loss_of(name)) for name in trained})
    if method.loss_weights:
        weights = {name: float(method.loss_weights.get(name, 1.0)) for name in trained}
        arguments["loss_weights"] = constant(list(weights.values()) if len(trained) == 1 else weights)
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
