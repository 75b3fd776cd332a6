"""Groups of weights in the optimizers of a compiled model: the variables that the names of a spec mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.weight_groups import members
from dlspec.components.training.update_rules import Optimizer, UpdateRule
from dlspec.core.documents.report import Fact
from dlspec.standalone.grouped import Group, grouped
from dlspec.standalone.learning import Learning


def with_groups(made: Any, optimizer: Optimizer, method: Method, model: Any) -> Any:
    """An optimizer of Keras that keeps the groups of the declared one apart.

    Args:
        made: The optimizer, which is changed.
        optimizer: As declared.
        model: The model that it trains.
    """
    rule = optimizer.rule
    if not isinstance(rule, UpdateRule) or not rule.groups:
        return made
    variables = variables_by_name(model.whole if isinstance(model, Learning) else model, method.weight_names)
    groups = {
        pattern: Group(
            [variables[name] for name in names if name in variables],
            rule.rate_of(pattern),
            rule.groups[pattern].weight_decay,
        )
        for pattern, names in members(rule.groups, all_names(method)).items()
    }
    return grouped(made, groups)


def group_facts(method: Any, model: Any) -> dict[str, Fact]:
    """For the report: how many weights belong to each group of the optimizers of a training.

    Args:
        method: The way of training, with optimizers.
        model: All that is trained.
    """
    learning = {name for name, weight in variables_by_name(model, method.weight_names).items() if weight.trainable}
    facts: dict[str, Fact] = {}
    optimizers = {id(optimizer): optimizer for optimizer in method.optimizers}
    for optimizer in optimizers.values():
        groups = optimizer.rule.groups or {}
        for pattern, names in members(groups, all_names(method)).items():
            count = len(learning & {*names})
            facts[f"group_{len(facts) + 1}"] = {
                "title": f"group `{pattern}`, {_own(groups[pattern])}",
                "value": count,
                "unit": "weight" if count == 1 else "weights",
            }
    return facts


def _own(group: Any) -> str:
    """What a group has of its own, in words."""
    options = (("learning rate", group.learning_rate), ("weight decay", group.weight_decay))
    return ", ".join(f"{title} {value:g}" for title, value in options if value is not None)


def all_names(method: Method) -> list[str]:
    """Names of all weights that the spec's model has."""
    return [name for names in method.weight_names.values() for name in names]


def variables_by_name(model: Any, named: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The variables of a model by the names of its weights.

    Args:
        model: A functional model, which may be a part of that of the spec.
        named: As :func:`dlspec.components.sections.weight_groups.weight_names` gives them.
    """
    variables: dict[str, Any] = {}
    for key, layer in layers_by_key(model).items():
        variables |= zip(named[key], layer.weights, strict=True) if key in named else ()
    return variables


def layers_by_key(model: Any) -> dict[str, Any]:
    """All layers of a model, those inside of models too, by the keys of :func:`weight_names`."""
    return dict(_layers(model, ""))


def _layers(model: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """All layers, those inside of models too, by the keys of :func:`weight_names`."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer, f"{layer.name}.")
        else:
            yield f"{prefix}{layer.name}", layer
