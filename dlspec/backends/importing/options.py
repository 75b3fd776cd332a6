"""Saved configs of components → the values that a spec writes for them."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dlspec.components.registry import BUILT_IN, Component, Field, snake_case
from dlspec.components.training.activations import Activation

# Options that Keras saves and dlspec has none of, with the values that say nothing.
_UNSAID: Mapping[str, tuple[Any, ...]] = {
    "data_format": ("channels_last",),
    "oov_method": ("floormod",),
    "reduction": ("sum_over_batch_size",),
    "fn": (),
}
# What follows from other options, or belongs to the object alone.
_FOLLOWS = (
    "name",
    "trainable",
    "dtype",
    "build_config",
    "batch_input_shape",
    "batch_shape",
    "vocabulary_size",
    "is_legacy_optimizer",
)
_FLOAT32 = "float32"
_CODE = ("__lambda__", "function")


class Lacking(NamedTuple):
    """What a spec cannot say of a saved component.

    Attributes:
        what: The option, class or argument, as a message says it.
    """

    what: str


class Written(NamedTuple):
    """A component as a spec writes it.

    Attributes:
        owner: Its declaration; None where there is none.
        options: Those that are not their defaults.
        lacking: What is lost.
    """

    owner: type[Component] | None
    options: dict[str, Any]
    lacking: list[Lacking]


def options_of(owner: type[Component], config: Mapping[str, Any], axes: int | None = None) -> Written:
    """The options of a component in a saved config.

    Args:
        owner: Its declaration.
        config: As Keras saved it.
        axes: How many axes the tensor that enters has, with the batch; None where that is not known.
    """
    options: dict[str, Any] = {}
    lacking: list[Lacking] = []
    config = owner.as_given(config)
    for name, field in owner.fields.items():
        if name in config:
            value = _value(field, config[name], lacking)
            if name == "dtype" and isinstance(value, Mapping | str):
                value = policy(config[name])
            value = None if value == [] and field.nullable else _shortest(field, value, owner)
            if not _is_default(owner, name, field, value, config, axes):
                options[name] = value
    for name, value in config.items():
        if name not in owner.fields and name not in _FOLLOWS and not _says_nothing(name, value):
            lacking.append(Lacking(f"its option `{name}: {short(value)}`"))
    return Written(owner, options, lacking)


def policy(value: Any) -> str:
    """The name of a saved dtype policy."""
    if isinstance(value, Mapping):
        config = value.get("config")
        return str(config.get("name", _FLOAT32)) if isinstance(config, Mapping) else _FLOAT32
    return str(value)


def component_of(kind: str, value: Any, catalogue_name: str = "") -> Written:
    """A saved component of a kind: by its name, or as ``class_name`` and ``config``.

    Args:
        kind: ``initializer``, say.
        value: As Keras saved it.
        catalogue_name: Its name in dlspec, where it is known.
    """
    if isinstance(value, str):
        owner = BUILT_IN.find(kind, catalogue_name or value) or BUILT_IN.find(kind, snake_case(value))
        return Written(owner, {}, [] if owner else [Lacking(f"the {kind} `{value}`")])
    name, config = (value.get("class_name"), value.get("config")) if isinstance(value, Mapping) else (None, None)
    if name in _CODE:
        if name == "function" and isinstance(config, str):
            return component_of(kind, config)
        return Written(None, {}, [Lacking(f"the {kind} that is Python code")])
    if not isinstance(name, str):
        return Written(None, {}, [Lacking(f"the {kind} `{short(value)}`")])
    owner = BUILT_IN.find(kind, catalogue_name or snake_case(name)) or BUILT_IN.find(kind, name)
    if owner is None:
        return Written(None, {}, [Lacking(f"the {kind} `{name}`")])
    return options_of(owner, config if isinstance(config, Mapping) else {})


def as_written(written: Written) -> Any:
    """A component in the shortest of the three forms: ``name``, ``name: value`` or ``name: {options}``."""
    owner, options = written.owner, written.options
    if owner is None:
        return None
    name = owner.registered_name
    if not options:
        return name
    if list(options) == [owner.shorthand] and not isinstance(options[owner.shorthand], dict):
        return {name: options[owner.shorthand]}
    return {name: options}


def shortest_float(value: float) -> float:
    """The shortest decimal of the same float32, for a number that was kept as one."""
    if not math.isfinite(value) or abs(value) > 3e38 or struct.unpack("f", struct.pack("f", value))[0] != value:
        return value
    for digits in range(1, 9):
        shorter = float(f"{value:.{digits}g}")
        if struct.pack("f", shorter) == struct.pack("f", value):
            return shorter
    return value


def short(value: Any) -> str:
    """A value for a message, cut where it is long."""
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _says_nothing(name: str, value: Any) -> bool:
    # By identity: 0 equals False, and says something.
    return value is None or value is False or value in ([], {}, "") or value in _UNSAID.get(name, ())


def _value(field: Field[Any], value: Any, lacking: list[Lacking]) -> Any:
    """A saved value as a spec writes it."""
    if field.kind and value is not None and (isinstance(value, Mapping | str) or field.container == "many"):
        if field.container == "many":
            items = [component_of(field.kind, item) for item in value] if isinstance(value, list) else []
            lacking += [lack for item in items for lack in item.lacking]
            return [as_written(item) for item in items]
        written = component_of(field.kind, value)
        lacking += written.lacking
        return as_written(written)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Numbers, texts and lists, without what Keras wraps them in."""
    if isinstance(value, Mapping):
        if value.get("class_name") in ("__tensor__", "__numpy__"):
            config = value.get("config")
            return _plain(config.get("value")) if isinstance(config, Mapping) else None
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return shortest_float(value) if isinstance(value, float) else value


def _shortest(field: Field[Any], value: Any, owner: type[Component]) -> Any:
    """One number in place of a list of equal ones, where both mean the same."""
    if not isinstance(value, list) or not value or any(item != value[0] for item in value[1:]):
        return value
    single = value[0]
    types = field.literal(owner).get("type", ())
    scalar = "integer" in types or "number" in types
    if isinstance(single, list):
        return _shortest_pairs(field, single, value, owner, scalar)
    same = (
        scalar
        and isinstance(single, int | float)
        and _converted(field, single, owner) == _converted(field, value, owner)
    )
    return single if same else value


def _shortest_pairs(field: Field[Any], pair: list[Any], value: Any, owner: type[Component], scalar: bool) -> Any:
    for candidate in (pair[0] if scalar and pair and pair.count(pair[0]) == len(pair) else None, pair):
        if candidate is not None and _converted(field, candidate, owner) == _converted(field, value, owner):
            return candidate
    return value


def _converted(field: Field[Any], value: Any, owner: type[Component]) -> Any:
    try:
        return field.convert(value, owner)
    except (TypeError, ValueError, AttributeError, IndexError):
        return value


def _is_default(
    owner: type[Component], name: str, field: Field[Any], value: Any, config: Mapping[str, Any], axes: int | None
) -> bool:
    """Whether leaving the option out means the same."""
    if field.required:
        return False
    if (name == "dtype" and value == _FLOAT32) or (name == "name" and value in (owner.registered_name, *owner.aliases)):
        return True
    if value is None:
        return field.default is None or not field.nullable
    implied = owner.implied(name, config, axes)
    if implied is not None and (config[name] == implied or _same(field, value, implied, owner)):
        return True
    if field.kind and isinstance(value, str) and isinstance(field.default, str):
        default = BUILT_IN.find(field.kind, field.default)
        return default is not None and default.registered_name == value
    if field.kind and isinstance(value, str) and field.default is None:
        component = BUILT_IN.find(field.kind, value)
        return component is not None and issubclass(component, Activation) and component.identity
    if any(value == [default] or _same(field, value, default, owner) for default in _defaults(name, field, axes)):
        return True
    return field.default is None and value in _UNSAID.get(name, ())


def _defaults(name: str, field: Field[Any], axes: int | None) -> Iterator[Any]:
    """What the option may say without changing anything."""
    yield field.default
    if name == "axis" and field.default == -1 and axes is not None:
        yield axes - 1


def _same(field: Field[Any], value: Any, default: Any, owner: type[Component]) -> bool:
    if default is None:
        return value is None
    given, other = _converted(field, value, owner), _converted(field, default, owner)
    return bool(given == other) or (isinstance(given, tuple) and len(given) == 1 and given[0] == other)
