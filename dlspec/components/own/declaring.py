"""Classes of a spec's Python files as components, with fields made from the arguments of their constructors."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dlspec.components.own.base import Own
from dlspec.components.own.kinds import KINDS, OWN_FACTS, checked_fact
from dlspec.components.own.reading import OwnClass, Parameter
from dlspec.components.registry import JSON, Catalogue, Component, Field, find, number_or_component, snake_case
from dlspec.core.errors import Problem

# What annotations say of a value, as JSON schema.
_TYPES: Mapping[str, JSON] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
    "list": {"type": "array"},
    "tuple": {"type": "array"},
    "Sequence": {"type": "array"},
    "Iterable": {"type": "array"},
    "dict": {"type": "object"},
    "Mapping": {"type": "object"},
}
# A default is taken for its type, but that whole numbers may stand for others.
_OF_DEFAULTS: Mapping[type, JSON] = {
    bool: {"type": "boolean"},
    int: {"type": "number"},
    float: {"type": "number"},
    str: {"type": "string"},
    list: {"type": "array"},
}
_ANYTHING: JSON = {"type": ["boolean", "integer", "number", "string", "array", "object", "null"]}


def declare(classes: Iterable[OwnClass], catalogue: Catalogue) -> list[type[Component]]:
    """The components of some classes, for one catalogue.

    Raises:
        Problem: E104, two components have one name; E111, a class cannot be used from a spec.
    """
    made: dict[tuple[str, str], type[Own]] = {}
    for own in classes:
        component = _component(own, catalogue)
        key = (own.kind, component.registered_name)
        other = made.get(key)
        if other is not None or component.registered_name in catalogue.names(own.kind):
            whose = f"{other.own.module}.py" if other is not None else "dlspec itself"
            message = f"{_location(own)} declares the {own.kind} `{key[1]}`, which {whose} has as well"
            raise Problem("E104", message, "rename the class")
        made[key] = component
    return list(made.values())


def _location(own: OwnClass) -> str:
    return f"`{own.module}.py`, line {own.line},"


def _component(own: OwnClass, catalogue: Catalogue) -> type[Own]:
    """One class as a component.

    Raises:
        Problem: E111, dlspec cannot give it its name, or one of its options has a name that dlspec uses.
    """
    if own.kind in ("layer", "metric") and not own.takes_name:
        message = f"{_location(own)} cannot be named: `__init__` of the {own.kind} `{own.name}` takes no `name`"
        raise Problem("E111", message, "let `__init__` take `**kwargs`, and hand them on: `super().__init__(**kwargs)`")
    base = _described(own)
    bases = (KINDS[own.kind], base) if base is not None else (KINDS[own.kind],)
    body: dict[str, Any] = {
        "__doc__": own.doc or f"The {own.kind} `{own.name}` of `{own.module}.py`.",
        "home": own.module,
        "own": own,
        "catalogue": catalogue,
        "keras": f"{own.module}.{own.name}",
        "wrapped_in": "",
        "aliases": (),
        "examples": (),
        "shorthand": own.parameters[0].name if own.parameters else "",
    }
    if own.kind == "layer" and (own.call or base is None):
        body["arguments"] = own.call or ("inputs",)
        body["positional"] = 0
    body |= {name: _fact(own, name) for name in OWN_FACTS.get(own.kind, ()) if name in own.constants}
    body |= {} if own.takes_others else _hidden(bases)
    body |= {parameter.name: _field(own, parameter, bases) for parameter in own.parameters}
    return types.new_class(own.name, bases, exec_body=lambda space: space.update(body))


def _described(own: OwnClass) -> type[Component] | None:
    """The component that the class of Keras is which the class descends from, if it is one."""
    component = find(own.kind, snake_case(own.keras.rpartition(".")[2]))
    return component if component is not None and component.keras == own.keras else None


def _fact(own: OwnClass, name: str) -> Any:
    try:
        return checked_fact(own.kind, name, own.constants[name])
    except Problem as problem:
        raise Problem(problem.code, f"{_location(own)} has {problem.message}", problem.help) from None


def _hidden(bases: tuple[type[Component], ...]) -> dict[str, Any]:
    """Options of the bases, for a class that takes none of them: their defaults, as plain attributes."""
    inherited = {name: field for base in reversed(bases) for name, field in base.fields.items()}
    return {name: None if field.required else field.default for name, field in inherited.items()}


def _field(own: OwnClass, parameter: Parameter, bases: tuple[type[Component], ...]) -> Field[Any]:
    """One option.

    Raises:
        Problem: E111, its name has a meaning for dlspec.
    """
    taken = next((getattr(base, parameter.name) for base in bases if hasattr(base, parameter.name)), None)
    if callable(taken) or isinstance(taken, property) or hasattr(Own, parameter.name):
        message = f"{_location(own)} has an option `{parameter.name}`, a name that dlspec uses itself"
        raise Problem("E111", message, "give the argument of `__init__` another name")
    doc = _documented(own.doc).get(parameter.name, "")
    if own.kind == "optimizer" and parameter.name == "learning_rate":
        default = {} if parameter.required else {"default": parameter.default}
        return number_or_component("schedule", above=0, doc=doc, **default)
    schema = _schema(parameter)
    given = {} if parameter.required else {"default": parameter.default}
    return Field(schema, doc=doc, **given)


def _schema(parameter: Parameter) -> JSON:
    """JSON schema of what an argument may be, from its annotation, else from its default."""
    parts = [part.strip() for part in parameter.annotation.split("|")] if parameter.annotation else []
    if len(parts) == 1 and (optional := re.fullmatch(r"(?:typing\.)?Optional\[(.+)\]", parts[0])):
        parts = [optional[1], "None"]
    nullable = "None" in parts or (parameter.default is None and not parameter.computed)
    schemas = [_TYPES.get(re.split(r"[\[.]", part)[0]) for part in parts if part != "None"]
    if not schemas and not parameter.required and parameter.default is not None:
        schemas = [_OF_DEFAULTS.get(type(parameter.default))]
    if not schemas or None in schemas:
        return _ANYTHING
    names = list(dict.fromkeys(str(schema["type"]) for schema in schemas if schema is not None))
    names += ["null"] if nullable or parameter.computed else []
    return {"type": names if len(names) > 1 else names[0]}


def _documented(doc: str) -> dict[str, str]:
    """Descriptions of the arguments in a docstring of Google's style, by argument."""
    return dict(_arguments(doc))


def _arguments(doc: str) -> Iterator[tuple[str, str]]:
    section = re.search(r"^\s*(?:Args|Arguments):\s*\n(.*)", doc, re.MULTILINE | re.DOTALL)
    name, description = "", list[str]()
    for line in section[1].splitlines() if section else ():
        begins = re.match(r"\s+(\w+)(?: \([^)]*\))?:\s*(.*)", line)
        if not line.strip():
            break
        if begins:
            if name:
                yield name, " ".join(description)
            name, description = begins[1], [begins[2].strip()]
        else:
            description.append(line.strip())
    if name:
        yield name, " ".join(description)
