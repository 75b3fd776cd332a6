"""Arguments of ``model.compile`` in ``train.py`` of a generated project."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from dlspec.components.methods.supervised import SUMMED_ROWS, Supervised
from dlspec.components.registry import Component
from dlspec.components.training.update_rules import Optimizer
from dlspec.export.project.grouping import GroupsWriter
from dlspec.export.project.searched import Searched
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported, call, constant, item, name, sequence, text
from dlspec.export.python.templates import Code

NOTHING: Mapping[str, ast.expr] = MappingProxyType({})


def optimizer(raw: Any, made: Optimizer, method: Supervised, groups: GroupsWriter, *, rows_of: str) -> Code:
    """How the weights are changed; where they are computed in float16, with a loss that is scaled.

    Args:
        raw: As it is written; None where it is not.
        made: What it became with the defaults.
        groups: Writes the groups of weights that it keeps apart.
        rows_of: The model that is compiled, where the gradient of some weight of it comes by rows; else "".
    """
    constructors = groups.constructors
    written = groups.searched.component("optimizer", raw, made, constructors)
    if method.precision == "mixed_float16" and not made.scales_loss:
        written = call("keras.optimizers.LossScaleOptimizer", [_object(written)])
    if made.rule.groups:
        written = groups.around(_object(written), raw, made)
    if rows_of and method.sums_rows(made):
        written = call(constructors.path(SUMMED_ROWS), [_object(written), name(rows_of)])
    return Code(text(_object(written) if method.turns else written))


def _object(written: ast.expr) -> ast.expr:
    """An optimizer that is written as a plain name, as an object."""
    return call("keras.optimizers.get", [written]) if isinstance(written, ast.Constant | ast.Name) else written


def compile_arguments(
    method: Supervised,
    trained: list[str],
    searched: Searched,
    constructors: Constructors,
    examples: int,
    units: Collection[str],
    *,
    weighed: bool,
) -> list[tuple[Code, Code]]:
    """Arguments of ``model.compile`` besides the optimizer.

    Args:
        examples: How many an epoch visits at most.
        units: The outputs whose targets are prepared.
        weighed: Whether examples count differently.
    """
    raw = searched.train
    if method.turns:
        return [(Code(name), Code(text(value))) for name, value in _compiled(method, searched).items()]
    arguments: dict[str, ast.expr] = {"loss": _each(losses_of(method, trained, searched, constructors, units))}
    if method.loss_weights:
        given = raw.get("loss_weights", {})
        weights = {
            name: searched.value(given[name])
            if searched.used(given.get(name))
            else constant(float(method.loss_weights.get(name, 1.0)))
            for name in trained
        }
        arguments["loss_weights"] = ast.Dict([constant(name) for name in weights], list(weights.values()))
        if len(trained) == 1:
            arguments["loss_weights"] = sequence(list(weights.values()), as_list=True)
    if any(method.chosen_metrics(name) for name in trained):
        metrics = metrics_of(method, trained, searched, constructors, examples, units, weighed=weighed)
        arguments["weighted_metrics" if weighed else "metrics"] = _each(
            {name: sequence(some, True) for name, some in metrics.items()}
        )
    arguments |= _compiled(method, searched)
    return [(Code(name), Code(text(value))) for name, value in arguments.items()]


def _compiled(method: Supervised, searched: Searched) -> dict[str, ast.expr]:
    """Whether XLA compiles the steps, where the spec says so."""
    if method.jit is None:
        return {}
    raw = searched.train.get("jit")
    return {"jit_compile": searched.value(raw) if searched.used(raw) else constant(method.jit)}


def _written(method: Supervised, searched: Searched, key: str, output: str) -> Any:
    """An option of one output as it is written, where it may be one for all."""
    raw = searched.train
    by_output = isinstance(getattr(method, key), dict)
    return raw[key][output] if by_output and key in raw else raw.get(key)


def losses_of(
    method: Supervised,
    trained: list[str],
    searched: Searched,
    constructors: Constructors,
    units: Collection[str],
) -> dict[str, ast.expr]:
    """The loss of each output; with learners as an object, but for the word `crossentropy`."""
    losses = {
        name: searched.component("loss", _written(method, searched, "loss", name), method.loss_of(name), constructors)
        for name in trained
    }
    if method.turns:
        losses = {
            name: made_object(loss, method.loss_of(name), constructors) if method.loss_of(name).keras else loss
            for name, loss in losses.items()
        }
    return losses | {name: _prepared(losses[name], method.loss_of(name), name, constructors) for name in units}


def metrics_of(
    method: Supervised,
    trained: list[str],
    searched: Searched,
    constructors: Constructors,
    examples: int,
    units: Collection[str],
    *,
    weighed: bool,
) -> dict[str, list[ast.expr]]:
    """The metrics of each output; `weighed` says whether examples count differently.

    Raises:
        Unsupported: Projects do not support what they would have to measure.
    """
    chosen = {name: method.metrics_of(name, examples, weighed=weighed) for name in trained}
    metrics = {
        name: searched.components("metric", _written(method, searched, "metrics", name), some, constructors)
        for name, some in chosen.items()
    }
    for output in trained:
        if method.loss_of(output).answer is not None and metrics[output]:
            raise Unsupported("metrics beside `quantile`")
    for output in units:
        made = zip(metrics[output], chosen[output], strict=True)
        metrics[output] = [_undone(expression, metric, output, constructors) for expression, metric in made]
    return metrics


def _prepared(written: ast.expr, loss: Component, output: str, constructors: Constructors) -> ast.expr:
    """A loss that compares the target of an output as it is prepared."""
    return call("PreparedLoss", [made_object(written, loss, constructors), item(name("units"), constant(output))])


def _undone(written: ast.expr, metric: Component, output: str, constructors: Constructors) -> ast.expr:
    """A metric of an output in the units of the data."""
    label = {"name": constant(metric.name)} if isinstance(written, ast.Constant) else {}
    return call(
        "UndoneMetric", [made_object(written, metric, constructors, label), item(name("units"), constant(output))]
    )


def made_object(
    written: ast.expr, component: Component, constructors: Constructors, label: Mapping[str, ast.expr] = NOTHING
) -> ast.expr:
    """A loss or metric as an object, where a plain name was written."""
    if not isinstance(written, ast.Constant):
        return written
    return call(constructors.path(component.constructor()), [], dict(label))


def _each(values: dict[str, ast.expr]) -> ast.expr:
    """The single value, or a dictionary by output."""
    if len(values) == 1:
        return next(iter(values.values()))
    return ast.Dict([constant(name) for name in values], list(values.values()))
