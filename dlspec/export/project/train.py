"""``train.py`` of a generated project."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dlspec.components.methods.supervised import Supervised
from dlspec.core.pieces import Piece, call
from dlspec.export.project.carried import carried
from dlspec.export.project.data import DataText
from dlspec.export.project.fitting import Fitting
from dlspec.export.project.frames import folder_options, framed, indented, lines_of, option, script, strategy
from dlspec.export.project.learners import check_stage
from dlspec.export.project.making import FittingWriter
from dlspec.export.project.searched import Searched
from dlspec.export.project.units import whole_model
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code, listed
from dlspec.graph.lower.space import Space
from dlspec.passes.state import Trainable

if TYPE_CHECKING:
    import jinja2


# What `train.py` may need of the code that projects carry.
_CARRIED = (
    "AveragesBetweenEpochs",
    "BestEpoch",
    "EpochsOfPhases",
    "Mirrored",
    "PreparedLoss",
    "StopsUnlessFinite",
    "UndoneMetric",
    "Weighed",
    "devices",
    "for_learner",
    "in_data_units",
    "settle",
)


@dataclass(frozen=True)
class TrainText:
    """The rendered ``train.py``, and what ``tune.py`` must know of it.

    Attributes:
        body: The module without its imports.
        arguments: What a trial gives for the arguments of ``train()`` that are not searched.
        params: The searched parameters that ``train()`` takes.
        model: Those that ``build_model`` takes, with their names there.
        models: What ``train()`` returns besides the measures.
        keep: The epoch whose weights are kept.
        distributed: Whether several devices share each batch.
        devices: How many, as ``devices()`` takes it; None for all GPUs.
        saves_more: Whether training has weights that the saved model lacks.
    """

    body: str
    constructors: Constructors
    arguments: Mapping[str, Code]
    params: tuple[str, ...]
    model: Mapping[str, str]
    models: tuple[str, ...]
    keep: str
    distributed: bool
    devices: int | None
    saves_more: bool


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
        templates: Where the templates are.
        examples: How many an epoch visits at most.

    Raises:
        Unsupported: The section asks for something that projects do not support.
    """
    if method.non_finite == "rollback":
        raise Unsupported("`non_finite: rollback`")
    if method.threshold is not None:
        raise Unsupported("`threshold`, which is chosen when training is over")
    if method.calibration is not None:
        raise Unsupported("`calibration`, which is done when training is over")
    if method.baselines:
        raise Unsupported("`baselines`, which are measured when training is over")
    for stage in method.stages.values():
        check_stage(method, stage, state.graph, read.outputs)
    if method.speed == "auto":
        raise Unsupported("`speed: auto`")
    writer = FittingWriter.of(state, method, read, searched, examples)
    fitting = writer.fitting()
    needed = searched.needed([*writer.model, *writer.params])
    definitions = [
        _function(writer, fitting, needed, templates),
        _main(writer, fitting, needed, folder if read.reads_files or method.start_from else None, templates),
    ]
    start, mirrored = [Piece("main()")], writer.mirrored
    if mirrored is not None:
        start = [Piece("with {}.scope():", strategy(mirrored.devices)), *indented(start)]
    used = carried([*definitions, lines_of(start)], templates, _CARRIED)
    helpers = [_based(helper, writer.base) for helper in used if helper not in read.body]
    return TrainText(
        script(templates, f"Trains the model {state.name}.", [*helpers, *definitions], start),
        writer.constructors,
        _arguments(method, writer.batch_size),
        needed,
        writer.model,
        fitting.models,
        method.keep,
        mirrored is not None,
        mirrored.devices if mirrored is not None else None,
        fitting.saves_more,
    )


def _function(writer: FittingWriter, fitting: Fitting, needed: tuple[str, ...], templates: jinja2.Environment) -> Code:
    """The function ``train()``; `needed` are the searched parameters that it takes."""
    keeps = "it has the weights of its best epoch, and comes" if fitting.keep == "best" else "it comes"
    return framed(
        templates,
        "train/train",
        parameters=[
            *(Code(parameter) for parameter in ("parts: dict[str, Part]", "output: Path")),
            *(Code(f"{param}: {kind}") for param, kind in _given(writer).items()),
            *(Code(writer.searched.parameter(param).source()) for param in needed),
        ],
        models=Code(", ".join("keras.Model" for _ in fitting.models)),
        comes=Code(keeps),
        lines=[*fitting.lines(templates)],
        returned=fitting.returned,
    )


def _given(writer: FittingWriter) -> dict[str, str]:
    """The types of the arguments of ``train()`` that are not searched, besides parts and folder."""
    types = {} if writer.method.phases else {"epochs": "int"}
    types |= {"data": "Path"} if writer.method.start_from else {}
    types |= {} if writer.batch_size is None else {"batch_size": "int"}
    return {**types, "seed": "int"}


def _main(
    writer: FittingWriter,
    fitting: Fitting,
    needed: tuple[str, ...],
    folder: str | None,
    templates: jinja2.Environment,
) -> Code:
    """The function ``main()``; `folder` is that of the data, None where no file is read."""
    read, searched = writer.read, writer.searched
    options = [_searched_option(searched, param) for param in searched.needed([*needed, *read.prepared_with])]
    handed = {param: Code(f"arguments.{param}") for param in map(searched.identifier, needed)}
    given = [Code(f"arguments.{argument}") for argument in ("output", *_given(writer))]
    return framed(
        templates,
        "train/main",
        options=[*folder_options(folder), *_options(writer), *options],
        loaded=Code("parts, preparation" if read.prepared else "parts"),
        load=_load(read, searched),
        received=Code(", ".join([*fitting.models, "_"])),
        trained=call("train", Code("parts"), *given, **handed).by_lines(),
        fitted=Code(fitting.fitted),
        batch_size=Code(f"arguments.{writer.batch}") if writer.batch.isidentifier() else writer.batch_size,
        saving=[*_saving(writer, fitting)],
    )


def _saving(writer: FittingWriter, fitting: Fitting) -> Iterator[Piece]:
    """Statements that save the model, and all weights that were trained where these are more."""
    saved = whole_model(writer.read.units, prepared=writer.read.saved)
    # The optimizer knows the adapters, which the model has no longer.
    how = ", include_optimizer=False" if fitting.adapters is not None else ""
    yield Piece("{}.save(arguments.output / 'model.keras'" + how + ")", saved)
    if fitting.saves_more:
        yield Piece(f"{fitting.everything}.save_weights(arguments.output / 'training.weights.h5')")


def _based(source: Code, base: str) -> Code:
    """A class with another class than ``keras.Model`` to build upon."""
    return Code(source.replace("(keras.Model):", f"({base}):", 1))


def _arguments(method: Supervised, batch_size: int | None) -> dict[str, Code]:
    """What a trial gives for the arguments of ``train()`` that are not searched."""
    arguments = {} if method.phases else {"epochs": Code("epochs")}
    arguments |= {"data": Code("data")} if method.start_from else {}
    arguments |= {"batch_size": Code(str(batch_size))} if batch_size is not None else {}
    return {**arguments, "seed": Code(str(method.seed))}


def _load(read: DataText, searched: Searched) -> Code:
    """The call that reads the data, in ``main()``."""
    given = [*(["arguments.data"] if read.reads_files else [])]
    given += [f"{param}=arguments.{param}" for param in map(searched.identifier, searched.needed(read.prepared_with))]
    return Code(f"load({', '.join(given)})")


def _options(writer: FittingWriter) -> list[Piece]:
    """What every command line can change."""
    method, read, batch_size = writer.method, writer.read, writer.batch_size
    orders = read.training and read.seeded and writer.state.data_section.seed is None
    seeded = "of weights, dropout and the order of examples" if orders else "of weights and dropout"
    return [
        *([] if method.phases else [option("--epochs", "int", method.epochs, "passes over the training examples")]),
        *([] if batch_size is None else [option("--batch-size", "int", batch_size, "examples per step")]),
        option("--seed", "int", method.seed, seeded),
    ]


def _searched_option(searched: Searched, param: str) -> Piece:
    """A searched parameter on the command line."""
    space = searched.spaces[param]
    flag, shown = f"--{searched.identifier(param).replace('_', '-')}", _help(space)
    if space.each_time:
        return option(flag, "json.loads", json.dumps(space.default), shown)
    kind = "" if space.head == "bool" else type(space.default).__name__
    choices = {"choices": listed(space.values)} if space.head == "choice" else {}
    return option(flag, kind, space.default, shown, **choices)


def _help(space: Space) -> str:
    """What a space holds, in words."""
    if space.each_time:
        return f"a value for each use, {_help(replace(space, each_time=False))}"
    if space.head in ("bool", "choice"):
        return "searched"
    low, high = (f"{value:g}" if isinstance(value, float) else str(value) for value in space.values)
    step = "" if space.step is None else f", times {space.step:g}" if space.log else f" in steps of {space.step:g}"
    return f"searched from {low} to {high}{step}"
