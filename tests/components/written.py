"""Components from what a spec writes, without the rest of the language."""

from __future__ import annotations

from typing import Any

import yaml

from dlspec.components.registry import Component, Example, Field, declared

KINDS = {
    "activation": "keras.activations",
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
    "loss": "keras.losses",
    "metric": "keras.metrics",
    "optimizer": "keras.optimizers",
    "schedule": "keras.optimizers.schedules",
    "callback": "keras.callbacks",
}
COMPONENTS = [owner for owner in declared() if owner.kind in KINDS]
CATALOGUE = {(owner.kind, name): owner for owner in COMPONENTS for name in (owner.registered_name, *owner.aliases)}


def label(owner: type[Component]) -> str:
    """How a test calls a component."""
    return f"{owner.kind} {owner.registered_name}"


def of(*kinds: str) -> list[type[Component]]:
    """The components of some kinds."""
    return [owner for owner in COMPONENTS if owner.kind in kinds]


def load(text: str) -> Any:
    """YAML as dlspec reads it: PyYAML takes ``1e-3`` for text."""
    return _numbers(yaml.safe_load(text)) if text else None


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def component(kind: str, value: Any) -> Any:
    """The component that ``name`` or ``{name: value}`` stands for."""
    name, options = (value, None) if isinstance(value, str) else next(iter(value.items()))
    return instance(CATALOGUE[kind, name], options)


def instance(owner: type[Component], value: Any) -> Any:
    """An instance from what a spec writes after ``name:``."""
    made = owner(
        **{name: _converted(owner.fields[name], given, owner) for name, given in options(owner, value).items()}
    )
    made.validate()
    return made


def options(owner: type[Component], value: Any) -> dict[str, Any]:
    """The long form of what a spec writes after ``name:``."""
    return value if isinstance(value, dict) else {} if value is None else {owner.shorthand: value}


def _converted(field: Field[Any], value: Any, owner: type[Component]) -> Any:
    if field.kind and value is not None and not (field.container == "number" and isinstance(value, int | float)):
        return component(field.kind, value)
    return field.convert(value, owner)


def of_example(owner: type[Component], example: Example) -> Any:
    """The instance that an example shows."""
    return instance(owner, load(example.value))
