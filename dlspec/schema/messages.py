"""Wording: a raw JSON-schema error as a code, one line of text and a help line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from jsonschema.exceptions import ValidationError

from dlspec.errors import did_you_mean, suggest
from dlspec.registry import JSON
from dlspec.schema.validate import resolve
from dlspec.tree import describe

# What a mistake is called depends on where it stands. Columns: unknown key, unknown component, missing, type, bounds,
# choice.
_CODES = {
    "structure": ("E101", "E101", "E105", "E102", "E102", "E102"),
    "layer": ("E202", "E201", "E203", "E204", "E205", "E206"),
    "train": ("E501", "E502", "E505", "E504", "E506", "E506"),
    "data": ("E611", "E612", "E613", "E614", "E615", "E615"),
}
_UNKNOWN_KEY, _UNKNOWN_COMPONENT, _MISSING, _TYPE, _BOUNDS, _CHOICE = range(6)
_STEP_KEYS = ("name", "from", "repeat", "if")
_TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
    "string": "text",
}


@dataclass(frozen=True)
class Context:
    """Where in a spec some data stand: the keys and indices from the root, and the component they belong to."""

    path: tuple[str | int, ...] = ()

    def inside(self, path: Iterable[str | int]) -> Context:
        """The place `path` further in."""
        return Context((*self.path, *path))

    @property
    def family(self) -> str:
        """Row of the table of codes."""
        sections = {"train": "train", "tune": "train", "data": "data"}
        if self.path and self.path[0] in sections:
            return sections[str(self.path[0])]
        return "layer" if "layers" in self.path else "structure"

    @property
    def option(self) -> str:
        """The last key, in words."""
        names = [part for part in self.path if isinstance(part, str)]
        if not names:
            return "the spec"
        item = f"item {self.path[-1] + 1} of " if isinstance(self.path[-1], int) else ""
        owner = names[-2] if len(names) > 1 else ""
        if owner and owner not in ("layers", "blocks", "models", "branches"):
            return f"{item}`{names[-1]}` of {owner}"
        return f"{item}`{names[-1]}`"


class Message(NamedTuple):
    """What to say. `at_key`: the caret belongs under the key rather than its value."""

    code: str
    text: str
    help: str = ""
    at_key: bool = False


def describe_error(error: ValidationError, context: Context, container: Any = None) -> Message:
    """The message for one raw error.

    Args:
        error: As :mod:`dlspec.schema.validate` yields them.
        context: Where the instance stands.
        container: The instance as it is now, after repairs.
    """
    codes = _CODES[context.family]
    node = schema_of(error)
    if error.validator == "additionalProperties":
        return _unknown(error.message, node, codes, context, container)
    if error.validator == "required":
        who = node.get("title") or context.option
        return Message(
            codes[_MISSING], f"{_code(who)} needs `{error.message}`", _example(who, error.message), at_key=True
        )
    if error.validator in ("maxProperties", "minProperties") and node.get("maxProperties") == 1:
        return _one_key(error.instance, node, codes)
    if error.validator == "anyOf":
        return _choice(error.instance, node, codes, context)
    if error.validator == "enum":
        return _not_among(error.instance, list(cast("list[Any]", error.validator_value)), codes, context)
    if error.validator == "pattern" and not _is_value_pattern(node):
        return _bad_name(error.instance, context)
    if error.validator in ("type", "pattern"):
        return _wrong_type(error.instance, node, codes, context)
    return Message(codes[_BOUNDS], f"{context.option} {_bound(error)}, not {_short(error.instance)}")


def schema_of(error: ValidationError) -> JSON:
    """The schema that the error's instance violates."""
    return cast("JSON", error.schema)


def _unknown(key: str, node: JSON, codes: tuple[str, ...], context: Context, container: Any) -> Message:
    what = node.get("x-names", "")
    if what in ("parameter", "block", "model", "input", "branch"):
        rule = "a capital letter" if what in ("block", "model") else "a letter"
        return Message(
            "E103", f"`{key}` is no name for {_article(what)}", f"ASCII letters, digits and `_`, starting with {rule}"
        )
    if what:
        return _unknown_component(key, what, node, codes)
    known = [name for name in node["properties"] if not isinstance(container, dict) or name not in container]
    title = node.get("title", "")
    help = did_you_mean(key, known)
    if title == "dlspec" or not context.path:
        return Message(
            codes[_UNKNOWN_KEY], f"unknown section `{key}`", help or "sections: " + _list(node["properties"])
        )
    if not help:
        help = f"{title} takes " + _list(name for name in known if name not in _STEP_KEYS) if known else ""
    return Message(codes[_UNKNOWN_KEY], f"unknown option of {title} `{key}`", help)


def _unknown_component(name: str, kind: str, node: JSON, codes: tuple[str, ...]) -> Message:
    code = codes[_UNKNOWN_COMPONENT]
    if kind in ("activation", "initializer", "regularizer", "constraint"):
        code = "E206"
    return Message(code, f"unknown {kind} `{name}`", _meant(name, kind, node))


def _meant(name: str, kind: str, node: JSON) -> str:
    if kind == "layer" and name in _STEP_KEYS:
        return f"`{name}` stands among the options of a layer: `dense: {{units: 10, {name}: …}}`"
    # `relu` as a layer is Keras's re_lu; the activation of that name is the likelier wish.
    help = did_you_mean(name, node["properties"])
    return help or (f"`dlspec explain E201` tells how {kind}s are named" if kind == "layer" else "")


def _one_key(instance: Any, node: JSON, codes: tuple[str, ...]) -> Message:
    what = node.get("x-names", "item")
    if not instance:
        return Message(
            codes[_MISSING], f"an empty mapping where a {what} is expected", "write `name` or `name: {options}`"
        )
    first = next(iter(instance))
    others = [key for key in instance if key != first]
    text = f"a {what} is one key, but here stand {_list(instance)}"
    if instance[first] is None:
        return Message("E106", text, f"indent {_list(others)} deeper than `{first}:`")
    if any(key in _STEP_KEYS for key in others):
        return Message("E106", text, f"put {_list(others)} among the options: `{first}: {{…, {others[0]}: …}}`")
    return Message("E106", text, f"start each {what} with its own `-`")


def _choice(instance: Any, node: JSON, codes: tuple[str, ...], context: Context) -> Message:
    choices: list[Any] = next((branch["enum"] for branch in node["anyOf"] if "enum" in branch), [])
    kind = node.get("x-names", "")
    if not kind:
        return _not_among(instance, choices, codes, context)
    node = resolve(node)
    if instance in node["properties"]:
        required = resolve(node["properties"][instance]).get("required", [])
        return Message(codes[_MISSING], f"{instance} needs {_list(required)}", _example(instance, *required))
    return _unknown_component(str(instance), kind, node, codes)


def _not_among(instance: Any, choices: list[Any], codes: tuple[str, ...], context: Context) -> Message:
    shown = [_plain(choice) for choice in choices]
    text = f"{context.option} cannot be {_short(instance)}"
    match = suggest(str(instance), shown) if isinstance(instance, str) else None
    if match is not None:
        return Message(codes[_CHOICE], text, f"did you mean `{match}`?")
    listed = shown if len(shown) <= 16 else [*shown[:16], "…"]
    return Message(codes[_CHOICE], text, "one of " + _list(listed))


def _wrong_type(instance: Any, node: JSON, codes: tuple[str, ...], context: Context) -> Message:
    types = node.get("type", "object")
    types = types if isinstance(types, list) else [types]
    title = node.get("title", "")
    if title and not node.get("x-names") and types[0] == "object" and title not in ("dlspec",):
        return _needs_options(instance, node, codes, title)
    if _is_value_pattern(node) or node.get("x-names"):
        types = [name for name in types if name != "string" or node.get("x-names")]
    if types == ["object", "string"]:
        return Message(codes[_TYPE], f"{context.option} must be a name or `name: {{options}}`, not {_short(instance)}")
    expected = " or ".join(
        dict.fromkeys(_type_name(name, types) for name in types if name != "null" or len(types) == 1)
    )
    text = f"{context.option} must be {expected}, not {_short(instance)}"
    return Message(codes[_TYPE], text, _type_help(instance, types))


def _needs_options(instance: Any, node: JSON, codes: tuple[str, ...], title: str) -> Message:
    required = node.get("required", [])
    if required and (instance is None or len(required) > 1):
        return Message(
            codes[_MISSING], f"{_code(title)} needs {_list(required)}", _example(title, *required), at_key=True
        )
    takes = [name for name in node["type"] if name not in ("object", "string", "null")]
    alternatives = " or ".join([_TYPE_NAMES[name] for name in takes] + ["its options"])
    help = _example(title, *(required or list(node.get("properties", {}))[:1]))
    return Message(codes[_TYPE], f"{_code(title)} takes {alternatives}, not {_short(instance)}", help)


def _type_name(name: str, types: list[str]) -> str:
    return "a number" if name == "integer" and "number" in types else _TYPE_NAMES[name]


def _type_help(instance: Any, types: list[str]) -> str:
    if "boolean" in types and isinstance(instance, str):
        if instance.lower() in ("yes", "on", "true", "y"):
            return "write `true`"
        if instance.lower() in ("no", "off", "false", "n"):
            return "write `false`"
    if "integer" in types and isinstance(instance, float):
        return f"write `{int(instance)}`; in an expression divide with `//`" if instance.is_integer() else ""
    if isinstance(instance, str) and ("integer" in types or "number" in types):
        digits = instance.replace("_", "").replace(",", "")
        if digits.isdigit():
            return f"write `{int(digits)}`"
        if instance.isidentifier():
            return f"write `${instance}` if the parameter is meant"
    return ""


def _bound(error: ValidationError) -> str:
    value = error.validator_value
    words = {
        "minimum": f"must be at least {value}",
        "maximum": f"must be at most {value}",
        "exclusiveMinimum": f"must be greater than {value}",
        "exclusiveMaximum": f"must be less than {value}",
        "minItems": f"needs at least {value} item{'s' if value != 1 else ''}",
        "maxItems": f"takes at most {value} items",
        "minLength": "must not be empty",
        "minProperties": "must not be empty",
    }
    node = schema_of(error)
    if error.validator in ("minItems", "maxItems") and node.get("minItems") == node.get("maxItems"):
        return f"needs exactly {value} items"
    return words.get(str(error.validator), f"breaks the rule `{error.validator}`")


def _bad_name(instance: Any, context: Context) -> Message:
    text = f"{context.option} cannot be {_short(instance)}"
    return Message("E103", text, "ASCII letters, digits and `_`, starting with a letter, at most 63")


def _is_value_pattern(node: JSON) -> bool:
    return "\\$" in node.get("pattern", "") and "a-z" not in node.get("pattern", "")


def _example(who: str, *options: str) -> str:
    return f"write `{who}: {{" + ", ".join(f"{option}: …" for option in options) + "}`"


def _short(value: Any) -> str:
    if isinstance(value, list) and len(str(value)) <= 40:
        return f"`{value}`"
    return describe(value)


def _plain(value: Any) -> str:
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if value in (None, True, False)
        else str(value)
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _code(title: str) -> str:
    return title if " " in title else f"{title}"


def _article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun
