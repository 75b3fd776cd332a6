"""``train.py`` of a generated project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dlspec.components.layers.base import Layer, layers_of
from dlspec.components.methods.base import ENDS_IN_FLOAT32
from dlspec.components.methods.supervised import Supervised
from dlspec.components.methods.supervised_checks import gradients_by_rows
from dlspec.components.sections.matching import matching
from dlspec.core.ir import Graph
from dlspec.data.checks.measures import smaller_is_better
from dlspec.data.sources.paths import locate
from dlspec.export.project.callbacks import callbacks, folders
from dlspec.export.project.carried import carried
from dlspec.export.project.compiling import compile_arguments, optimizer
from dlspec.export.project.data import DataText
from dlspec.export.project.distributed import distribution
from dlspec.export.project.positions import from_saved, layer_names, places
from dlspec.export.project.searched import Searched, build_arguments
from dlspec.export.project.units import FITTED, whole_model
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported, constant, text
from dlspec.export.python.templates import Code
from dlspec.graph.lower.space import Space
from dlspec.passes.state import Trainable

if TYPE_CHECKING:
    import jinja2


# What `train.py` may need of the code that projects carry.
_CARRIED = ("Mirrored", "PreparedLoss", "UndoneMetric", "devices", "in_data_units", "settle")


@dataclass(frozen=True)
class TrainText:
    """The rendered ``train.py``, and what ``tune.py`` must know of it.

    Attributes:
        body: The module without its imports.
        arguments: What a trial gives for the arguments of ``train()`` that are not searched.
        words: The searched parameters that ``train()`` takes.
        model: Those that ``build_model`` takes, with their names there.
        models: What ``train()`` returns besides the measures.
        keep: The epoch whose weights are kept.
        distributed: Whether several devices share each batch.
        devices: How many, as ``devices()`` takes it; None for all GPUs.
    """

    body: str
    constructors: Constructors
    arguments: Mapping[str, Code]
    words: tuple[str, ...]
    model: Mapping[str, str]
    models: tuple[str, ...]
    keep: str
    distributed: bool
    devices: int | None


def render(
    state: Trainable,
    method: Supervised,
    read: DataText,
    searched: Searched,
    folder: str,
    templates: jinja2.Environment,
    examples: int,
) -> TrainText:
    """``train.py`` without its imports.

    Args:
        state: The checked spec.
        method: Its way of training.
        read: What stands in ``data.py``.
        searched: What is searched.
        folder: Where the data are, seen from the project.
        templates: Where the template is.
        examples: How many an epoch visits at most.

    Raises:
        Unsupported: The section asks for something that projects do not support.
    """
    data = state.data_section
    if method.non_finite == "rollback":
        raise Unsupported("`non_finite: rollback`")
    if method.threshold is not None:
        raise Unsupported("`threshold`, which is chosen when training is over")
    if method.speed == "auto":
        raise Unsupported("`speed: auto`")
    constructors = Constructors()
    model = build_arguments(state, searched)
    words = _words(read, searched)
    context = {
        "title": Code(f"Trains the model {state.name}."),
        "data_folder": folder if read.reads_files or method.start_from else None,
        "load": _load(read, searched),
        "data_seed": data.seed,
        "training": read.training,
        "validation": "validation" in read.parts,
        "prepared": read.prepared,
        "whole_model": whole_model(read.units, prepared=read.prepared),
        "imports": Code(""),
        **_fitting(state, method, searched, constructors, read, examples=examples),
        **_searching(model, words, data.batch_size, read, searched),
    }
    if read.units:
        context["computing"] = [Code(f"units = {FITTED}"), *context["computing"]]
    template = templates.get_template("train.py.jinja")
    used = carried(template.render({**context, "helpers": []}), templates, context, _CARRIED)
    context["helpers"] = [_based(one, context["model_base"]) for one in used if one not in read.body]
    body = template.render(context)
    given = _arguments(method, context["batch_size"])
    needed = searched.needed([*model, *words])
    shared, devices = context["distributed"], context["devices"]
    return TrainText(body, constructors, given, needed, model, context["models"], method.keep, shared, devices)


def _based(source: Code, base: str) -> Code:
    """A class with another class than ``keras.Model`` to build upon."""
    return Code(source.replace("(keras.Model):", f"({base}):", 1))


def _fitting(
    state: Trainable,
    method: Supervised,
    searched: Searched,
    constructors: Constructors,
    read: DataText,
    *,
    examples: int,
) -> dict[str, Any]:
    """How the model is made, compiled and fitted, and which epoch is kept."""
    graph, validation = state.graph, "validation" in read.parts
    outputs = [name for name, _ in graph.outputs]
    trained = [name for name in outputs if method.loss_of(name) is not None]
    subset = len(trained) < len(outputs)
    mirrored = distribution(state, method, graph)
    base = "keras.Model"
    if len(trained) > 1:
        base = text(constructors.path("dlspec.standalone.ExampleMeans"))
    own = base != "keras.Model" or mirrored is not None
    models = ("model", "trained") if subset or own else ("model",)
    rows_of = models[-1] if any(gradients_by_rows(*state.graphs)) else ""
    monitor = method.monitor or ("val_loss" if validation else "loss")
    return {
        "epochs": None if method.phases else method.epochs,
        "seed": method.seed,
        "precision": method.precision if method.precision != "float32" else None,
        "ends_in_float32": Code(text(constructors.path(ENDS_IN_FLOAT32))) if _mixed(state, method, searched) else None,
        "distributed": mirrored is not None,
        "devices": mirrored.devices if mirrored is not None else None,
        "model_class": Code(base if mirrored is None else "Mirrored"),
        "model_base": Code(base),
        "own_model": own,
        "fitted": Code(models[-1]),
        "subset": trained if subset else None,
        "models": models,
        "received": Code(", ".join([*models, "_"])),
        "returned": Code(", ".join([*models, "measures"])),
        "start_from": method.start_from,
        "saved": _saved(state, method, graph),
        "adapting": _adapting(graph),
        "compile": compile_arguments(method, trained, searched, constructors, examples, read.units),
        "optimizer": optimizer(
            searched.train.get("optimizer"), method.chosen_optimizer, method, searched, constructors, rows_of=rows_of
        ),
        "phases": _phases(method, graph, searched, constructors, rows_of),
        "callbacks": callbacks(method, outputs, searched, constructors),
        "folders": folders(method),
        "keep": method.keep,
        "monitor": monitor,
        "mode": "min" if smaller_is_better(method, outputs, monitor) else "max",
    }


def _mixed(state: Trainable, method: Supervised, searched: Searched) -> bool:
    """Whether some layer computes in another precision than its weights have."""
    values = [method.precision, *(layer.dtype for _, layer, _ in layers_of(*state.graphs))]
    values += [value for space in searched.spaces.values() for value in space.values]
    return any(str(value).startswith("mixed_") for value in values)


def _arguments(method: Supervised, batch_size: int | None) -> dict[str, Code]:
    """What a trial gives for the arguments of ``train()`` that are not searched."""
    found = {} if method.phases else {"epochs": Code("epochs")}
    found |= {"data": Code("data")} if method.start_from else {}
    found |= {"batch_size": Code(str(batch_size))} if batch_size is not None else {}
    return {**found, "seed": Code(str(method.seed))}


def _load(read: DataText, searched: Searched) -> Code:
    """The call that reads the data, in ``main()``."""
    given = [*(["arguments.data"] if read.reads_files else [])]
    given += [f"{one}=arguments.{one}" for one in map(searched.identifier, searched.needed(read.prepared_with))]
    return Code(f"load({', '.join(given)})")


def _words(read: DataText, searched: Searched) -> tuple[str, ...]:
    """The parameters that training uses beside the model, in the order of the spec."""
    return searched.used(
        {
            "train": searched.train,
            "batch_size": searched.data.get("batch_size"),
            "data": [f"${word}" for word in read.changed_with],
        }
    )


def _searching(
    model: Mapping[str, str], words: tuple[str, ...], batch_size: int, read: DataText, searched: Searched
) -> dict[str, Any]:
    """The searched parameters as arguments of ``train()`` and of the command line, and where they go."""
    raw = searched.data.get("batch_size")
    batch = Code(text(searched.value(raw))) if searched.used(raw) else Code("batch_size")
    needed = searched.needed([*model, *words])
    return {
        "model_arguments": Code(", ".join(f"{name}={searched.identifier(word)}" for word, name in model.items())),
        "batch": batch,
        "batch_size": None if searched.used(raw) else batch_size,
        "evaluated": Code(f"arguments.{batch}") if batch.isidentifier() else batch_size,
        "changed_with": Code("".join(f", {one}={one}" for one in map(searched.identifier, read.changed_with))),
        "computing": searched.computing(words),
        "parameters": [Code(searched.parameter(word).source()) for word in needed],
        "passed": [Code(searched.identifier(word)) for word in needed],
        "options": [_option(searched, word) for word in searched.needed([*needed, *read.prepared_with])],
    }


def _option(searched: Searched, word: str) -> dict[str, Any]:
    """A searched parameter on the command line."""
    space = searched.spaces[word]
    facts = {
        "flag": f"--{searched.identifier(word).replace('_', '-')}",
        "default": space.default,
        "type": None,
        "choices": None,
        "help": Code(text(constant(_help(space)))),
    }
    if space.each_time:
        facts |= {"type": Code("json.loads"), "default": json.dumps(space.default)}
        return facts
    if space.head != "bool":
        facts["type"] = Code(type(space.default).__name__)
    if space.head == "choice":
        facts["choices"] = list(space.values)
    return facts


def _help(space: Space) -> str:
    """What a space holds, in words."""
    if space.each_time:
        return f"a value for each use, {_help(replace(space, each_time=False))}"
    if space.head in ("bool", "choice"):
        return "searched"
    low, high = (f"{value:g}" if isinstance(value, float) else str(value) for value in space.values)
    step = "" if space.step is None else f", times {space.step:g}" if space.log else f" in steps of {space.step:g}"
    return f"searched from {low} to {high}{step}"


def _phases(
    method: Supervised, graph: Graph, searched: Searched, constructors: Constructors, rows_of: str
) -> list[dict[str, Any]]:
    """What freezes and thaws before each phase, its epochs and its optimizer; [] where there is a single one."""
    if not method.phases:
        return []
    names = layer_names(graph)
    raw = searched.train.get("phases") or {name: {} for name in method.phases}

    def chosen(patterns: Any) -> Code | None:
        found = [name for some in matching(patterns or (), names).values() for name in some]
        return places(names, found) if found else None

    return [
        {
            "freeze": chosen(phase.freeze),
            "unfreeze": chosen(phase.unfreeze),
            "epochs": phase.epochs,
            "optimizer": optimizer(
                (raw[name] if phase.optimizer else searched.train).get("optimizer"),
                method.optimizer_of(phase),
                method,
                searched,
                constructors,
                rows_of=rows_of,
            ),
        }
        for name, phase in method.phases.items()
    ]


def _saved(state: Trainable, method: Supervised, graph: Graph) -> list[dict[str, Any]]:
    """Which layers begin with weights of a saved model."""
    if method.start_from is None:
        return []
    path = locate(method.start_from, state.folder, allow_outside=state.allow_outside, option="start_from")
    return from_saved(graph, path)


def _adapting(graph: Graph) -> Code | None:
    """Expression of the layers of the model itself that are fitted on the training examples; None for none."""
    layers = [(node, node.layer) for node in graph.nodes if isinstance(node.layer, Layer)]
    able = [(node, layer) for node, layer in layers if type(layer).adapts is not Layer.adapts]
    waiting = [node for node, layer in able if layer.adapts]
    if not waiting:
        return None
    if len(waiting) == len(able):
        return Code("[layer for layer in model.layers if hasattr(layer, 'adapt')]")
    return places(layer_names(graph), [node.name for node in waiting])
