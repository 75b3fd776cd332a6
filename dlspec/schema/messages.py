"""Wording: a raw JSON-schema error as a code, one line of text and a help line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from jsonschema.exceptions import ValidationError

from dlspec import registry
from dlspec.errors import did_you_mean, suggestions
from dlspec.layers.refused import REFUSED
from dlspec.registry import JSON
from dlspec.schema.context import Context
from dlspec.schema.validate import definition, resolve
from dlspec.schema.wording import (
    NAME_RULE,
    SPACE_HELP,
    SPACES,
    TYPE_NAMES,
    article,
    dollar_help,
    example,
    first_of,
    is_value_pattern,
    listed,
    name_help,
    plain,
    shorthand_of,
    shown,
    subject,
    title_of,
    type_help,
    type_name,
)
from dlspec.tree import Map

# What a mistake is called depends on where it stands. Columns: unknown key, unknown component, missing, type, bounds,
# choice.
_CODES = {
    "structure": ("E101", "E101", "E105", "E102", "E102", "E102"),
    "layer": ("E202", "E201", "E203", "E204", "E205", "E206"),
    "train": ("E501", "E502", "E505", "E504", "E506", "E506"),
    "data": ("E611", "E612", "E613", "E614", "E615", "E615"),
}
_UNKNOWN_KEY, _UNKNOWN_COMPONENT, _MISSING, _TYPE, _BOUNDS, _CHOICE = range(6)
# What other languages and libraries call a data type.
_DTYPES = {"int": "int32", "integer": "int32", "long": "int64", "half": "float16", "float": "float32",
           "double": "float64", "str": "string", "text": "string", "boolean": "bool"}  # fmt: skip
# How Keras's layers are told the shape of what enters.
_SHAPES = ("input_shape", "batch_input_shape", "input_dim", "input_length")
# What Keras's `fit` calls options of the data.
_OF_FIT = {"class_weight": "class_weights", "validation_split": "validation"}
_PARTS_OF_DATA = {
    "section.feature": "inputs: {{NAME: {{{}: …}}}}",
    "section.target": "targets: {{NAME: {{{}: …}}}}",
    "section.split": "split: {{{}: …}}",
}
STEP_KEYS = ("name", "from", "repeat", "if")


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
        return _missing(error, node, codes, context, container)
    if error.validator in ("maxProperties", "minProperties") and node.get("maxProperties") == 1:
        return _one_key(error.instance, node)
    if error.validator == "anyOf":
        return _choice(error.instance, node, codes, context)
    if error.validator == "enum":
        return _not_among(error.instance, list(cast("list[Any]", error.validator_value)), codes, context)
    if error.validator == "pattern" and NAME_RULE in node["pattern"]:
        return _bad_name(error.instance, node, context)
    if error.validator == "pattern" and not is_value_pattern(node):
        return Message(codes[_BOUNDS], f"{subject(node, context)} cannot be {shown(error.instance)}")
    if error.validator in ("type", "pattern"):
        return _wrong_type(error.instance, node, codes, context)
    return _bound(error, node, codes, context)


def schema_of(error: ValidationError) -> JSON:
    """The schema that the error's instance violates, with what it refers to."""
    return resolve(cast("JSON", error.schema))


# --- one kind of mistake each ----------------------------------------------------------------------------------------


def _unknown(key: str, node: JSON, codes: tuple[str, ...], context: Context, container: Any) -> Message:
    what = node.get("x-names", "")
    if what in ("parameter", "block", "model", "input", "branch"):
        help = name_help(key, True if what in ("block", "model") else None)
        return Message("E103", f"`{key}` cannot name {article(what)}", help)
    if what:
        return _unknown_component(key, what, node, codes, context)
    if not context.path:
        return Message(codes[_UNKNOWN_KEY], f"unknown section `{key}`", _section_help(key, node, container))
    who = title_of(node, context)
    known = [name for name in node["properties"] if not isinstance(container, dict) or name not in container]
    if elsewhere := part_of_data(key, context.path):
        help = f"it belongs further in: `{elsewhere}`"
    elif suggestions(key, known):
        help = did_you_mean(key, known)
    elif missing := [name for name in node.get("required", []) if name not in (container or ())]:
        help = f"{who} needs {listed(missing)}"
    else:
        help = _elsewhere(key, context) or f"{who} takes {listed(first_of(node['properties']))}"
    if key in SPACES and context.family == "layer":
        help = SPACE_HELP
    return Message(codes[_UNKNOWN_KEY], f"unknown option of {who} `{key}`", help)


def _section_help(key: str, node: JSON, container: Any) -> str:
    inner = container.get(key) if isinstance(container, dict) else None
    if isinstance(inner, dict) and any(name in node["properties"] for name in inner):
        return f"write {listed(name for name in inner if name in node['properties'])} without `{key}:` around it"
    free = [name for name in node["properties"] if name not in (container or ())]
    if found := suggestions(key, free):
        return f"did you mean `{found[0]}`?"
    for section in ("train", "data", "tune", "expect"):
        options = resolve(node["properties"][section]).get("properties", {})
        if found := suggestions(key, options):
            return f"`{found[0]}` belongs in `{section}:`"
    return "sections: " + listed(node["properties"])


def part_of_data(key: str, path: Sequence[Any]) -> str:
    """Where an option belongs that stands in `data` or `train`, but belongs to a part of `data`; "" for others."""
    if tuple(path) not in (("data",), ("train",)):
        return ""
    key = _OF_FIT.get(key, key)
    inside = [where for section, where in _PARTS_OF_DATA.items() if key in definition(section)["properties"]]
    around = "{}" if path[0] == "data" else "data: {{{}}}"
    return around.format(inside[0].format(key)) if inside else ""


def _elsewhere(key: str, context: Context) -> str:
    """Where an option belongs that other libraries, or other parts of a spec, have here."""
    if context.family == "layer" and key in _SHAPES:
        return "`inputs:` at the top of the spec says the shape of what comes in"
    if context.path != ("train",):
        return ""
    if key in definition("section.data")["properties"]:
        return f"`{key}` belongs in `data:`"
    takers = [
        name
        for name, node in resolve(definition("optimizer"))["properties"].items()
        if key in resolve(node)["properties"]
    ]
    name = "adam" if "adam" in takers else takers[0] if takers else ""
    return f"it belongs to the optimizer: `optimizer: {{{name}: {{{key}: …}}}}`" if name else ""


def _missing(error: ValidationError, node: JSON, codes: tuple[str, ...], context: Context, container: Any) -> Message:
    missing = [name for name in cast("list[str]", error.validator_value) if name not in (container or ())]
    missing = missing or [error.message]
    who = title_of(node, context)
    help = example(str(context.path[-1]) if context.path else who, *missing)
    return Message(codes[_MISSING], f"{who} needs {listed(missing)}", help, at_key=True)


def _unknown_component(name: str, kind: str, node: JSON, codes: tuple[str, ...], context: Context) -> Message:
    code = codes[_UNKNOWN_COMPONENT]
    if kind == "layer" and name in REFUSED:
        return Message("E208", f"`{name}` is no layer of a spec: {REFUSED[name].reason}", REFUSED[name].help)
    if kind in ("activation", "initializer", "regularizer", "constraint"):
        code = "E206"
    return Message(code, f"unknown {kind} `{name}`", _meant(name, kind, node, context))


def _meant(name: str, kind: str, node: JSON, context: Context) -> str:
    known = [*node["properties"], *(context.names.calls if kind == "layer" else ())]
    if kind == "layer":
        if name in (*STEP_KEYS, "type", "layer", "class_name"):
            return "the layer's name is the key: `- dense: {units: 10}`"
        if "$" in name:
            return "the name of a layer cannot be an expression: `if:` on two layers chooses between them"
        head = name.split(":")[0]
        if ":" in name and head in known:
            return f"write `{head}: {name[len(head) + 1 :].strip()}`, with a blank after the colon"
        if name.lower() in resolve(definition("activation"))["properties"]:
            return _activation(name, known)
    if kind == "layer" and f"ops.{name}" in known:
        return f"did you mean the operation `ops.{name}`?"
    if kind == "source" and (form := name.rpartition(".")[2].lower()) in known:
        return f"write `source: {{{form}: {name}}}`"
    if name == "None" and kind != "layer":
        return "leave the option out"
    name = name.replace("avg", "average") if kind == "layer" else name
    found = [name] if name in known else suggestions(name, known)
    if found:
        return did_you_mean(name, found)
    if name in context.names.params:
        return f"write `${name}` for the parameter"
    if kind == "layer":
        return "`dlspec explain E201` tells how layers are named"
    return "one of " + listed(first_of(known, 12))


def _activation(name: str, known: Sequence[str]) -> str:
    layer = next((found for found in known if found.replace("_", "") == name.lower()), "")
    also = f", or the layer `{layer}`" if layer else ""
    return f"`{name.lower()}` is an activation: write `activation: {name.lower()}`{also}"


def _one_key(instance: Any, node: JSON) -> Message:
    what = node.get("x-names", "item")
    if not instance:
        return Message(
            "E106", f"an empty mapping where {article(what)} is expected", "write `name` or `name: {options}`"
        )
    first = main_key(instance, node)
    others = [key for key in instance if key != first]
    text = f"{article(what)} is one key, but here stand {listed(instance)}"
    if first in STEP_KEYS and "repeat" in instance:
        return Message("E106", text, "a group is repeated by `repeat: {times: 3, layers: […]}`")
    if first in (*STEP_KEYS, "type", "layer", "class_name"):
        return Message("E106", text, "the layer's name is the key: `- dense: {units: 10}`")
    if instance[first] is None and not set(others) & set(node["properties"]) - set(STEP_KEYS):
        return Message("E106", text, f"indent {listed(others)} deeper than `{first}:`")
    if folded := fold(instance, node):
        head = f"`{first}: {{" + ("…, " if len(folded[first]) > len(others) else "")
        return Message("E106", text, f"put {listed(others)} among the options: {head}{others[0]}: …}}`")
    return Message("E106", text, f"start each {what} with its own `-`" if what == "layer" else "keep one of them")


def main_key(instance: dict[str, Any], node: JSON) -> str:
    """The key that names the component where several keys stand."""
    known = [key for key in instance if key in node["properties"] and key not in STEP_KEYS]
    called = [key for key in instance if key[:1].isupper()]
    return (known + called + list(instance))[0]


def fold(instance: Any, node: JSON) -> Map | None:
    """An item whose options stand beside its name, as it was meant; None where that is not what happened."""
    first = main_key(instance, node)
    inner = resolve(node["properties"].get(first, {})).get("properties", {})
    others = [key for key in instance if key != first]
    if not all(key in STEP_KEYS or key in inner for key in others):
        return None
    value = instance[first]
    options = Map(instance.span)
    if isinstance(value, Map):
        for key in value:
            options.put(key, value[key], value.key_spans.get(key), value.value_spans.get(key))
    elif value is not None:
        owner = registry.find(node.get("x-names", ""), first)
        if owner is None or not owner.shorthand:
            return None
        options.put(owner.shorthand, value, instance.key_spans.get(first), instance.value_spans.get(first))
    for key in others:
        if key not in options:
            options.put(key, instance[key], instance.key_spans.get(key), instance.value_spans.get(key))
    folded = Map(instance.span)
    folded.put(first, options, instance.key_spans.get(first), instance.span)
    return folded


def _choice(instance: Any, node: JSON, codes: tuple[str, ...], context: Context) -> Message:
    choices: list[Any] = next((branch["enum"] for branch in node["anyOf"] if "enum" in branch), [])
    kind = node.get("x-names", "")
    owner, option = shorthand_of(node)
    if owner is not None and owner.fields[option].kind and isinstance(instance, str):
        kind = owner.fields[option].kind
        return _unknown_component(instance, kind, resolve(definition(kind)), codes, context)
    if not isinstance(instance, str) and kind:
        return _wrong_type(instance, node, codes, context)
    if not kind:
        return _not_among(instance, choices, codes, context, node)
    if instance in node["properties"]:
        required = resolve(node["properties"][instance]).get("required", [])
        return Message(codes[_MISSING], f"{instance} needs {listed(required)}", example(instance, *required))
    return _unknown_component(str(instance), kind, node, codes, context)


def _not_among(
    instance: Any, choices: list[Any], codes: tuple[str, ...], context: Context, node: JSON | None = None
) -> Message:
    names = [plain(choice) for choice in choices]
    received = f"`{plain(instance)}`" if isinstance(instance, str | int | float | bool | None) else shown(instance)
    text = f"{subject(node or {}, context)} cannot be {received}"
    if isinstance(instance, str) and (dollar := dollar_help(instance, context)):
        return Message(codes[_CHOICE], text, dollar)
    if isinstance(instance, str) and _DTYPES.get(instance.lower()) in names:
        return Message(codes[_CHOICE], text, f"write `{_DTYPES[instance.lower()]}`")
    if isinstance(instance, str) and suggestions(instance, names):
        return Message(codes[_CHOICE], text, did_you_mean(instance, names))
    others = f"; {node['x-others']}" if node and "x-others" in node else ""
    return Message(codes[_CHOICE], text, "one of " + listed(first_of(names, 16)) + others)


def _wrong_type(instance: Any, node: JSON, codes: tuple[str, ...], context: Context) -> Message:
    types = node.get("type", "object")
    types = types if isinstance(types, list) else [types]
    choices = next((branch["enum"] for branch in node.get("anyOf", ()) if "enum" in branch), None)
    kind = node.get("x-names", "")
    if node.get("title", "") not in ("", "dlspec", "input") and not kind and types[0] == "object":
        return _needs_options(instance, node, codes, types, context)
    if choices and not kind:
        return _not_among(instance, choices, codes, context)
    who = subject(node, context)
    component = node.get("maxProperties") == 1 and kind
    words = _type_words([name for name in types if not component or name not in ("object", "string")], node)
    help = type_help(instance, types, node, context)
    if component:
        words.append(article(kind))
        help = help or f"write the {kind}'s name, or `name: {{options}}`"
    return Message(codes[_TYPE], f"{who} must be {' or '.join(words)}, got {shown(instance)}", help)


def _type_words(types: list[str], node: JSON) -> list[str]:
    pattern = node.get("pattern", "")
    if is_value_pattern(node) and len(types) > 1:
        types = [name for name in types if name != "string"]
    words = [type_name(name, types) for name in types if name != "null" or len(types) == 1]
    if NAME_RULE in pattern:
        words = ["a name" if word == "text" else "a list of names" if word == "a list" else word for word in words]
    return list(dict.fromkeys(words))


def _needs_options(instance: Any, node: JSON, codes: tuple[str, ...], types: list[str], context: Context) -> Message:
    title = title_of(node, context)
    required = node.get("required", [])
    key = str(context.path[-1]) if context.path else title
    if required and (instance is None or len(required) > 1):
        return Message(codes[_MISSING], f"{title} needs {listed(required)}", example(key, *required), at_key=True)
    takes = [name for name in types if name not in ("object", "string", "null")]
    alternatives = " or ".join([TYPE_NAMES[name] for name in takes] + ["its options"])
    owner, option = shorthand_of(node)
    help = dollar_help(instance, context) if isinstance(instance, str) else ""
    help = help or (type_help(instance, types, node, context) if owner is not None else "")
    if len(context.path) == 1:
        help = f"write its options below `{key}:`, or delete it"
    elif required or option or node.get("x-kind") == "section":
        help = help or example(key, *(required or [option or next(iter(node["properties"]))]))
    else:
        help = help or f"write `{key}` alone, or `{key}: {{{next(iter(node.get('properties', {})), '…')}: …}}`"
    return Message(codes[_TYPE], f"{title} takes {alternatives}, got {shown(instance)}", help)


def _bound(error: ValidationError, node: JSON, codes: tuple[str, ...], context: Context) -> Message:
    value = error.validator_value
    who = subject(node, context)
    if error.validator in ("minLength", "minProperties"):
        return Message(codes[_BOUNDS], f"{who} must not be empty")
    words = {
        "minimum": f"must be at least {value}",
        "maximum": f"must be at most {value}",
        "exclusiveMinimum": f"must be greater than {value}",
        "exclusiveMaximum": f"must be less than {value}",
        "minItems": f"needs at least {value} item{'s' if value != 1 else ''}",
        "maxItems": f"takes at most {value} items",
    }
    text = words.get(str(error.validator), f"breaks the rule `{error.validator}`")
    if error.validator in ("minItems", "maxItems") and node.get("minItems") == node.get("maxItems"):
        text = f"needs exactly {value} items"
    help = "write `null` for an unknown size" if "inputs" in context.path and error.validator == "minimum" else ""
    return Message(codes[_BOUNDS], f"{who} {text}, got {shown(error.instance)}", help)


def _bad_name(instance: Any, node: JSON, context: Context) -> Message:
    pattern, types = node["pattern"], node.get("type", ())
    if "," in str(instance) and "array" in types and context.path:
        return Message(
            "E103", f"`{instance}` cannot be a name ({context.option})", f"write `{context.path[-1]}: [{instance}]`"
        )
    capital = True if pattern.startswith("^[A-Z][") else False if pattern.startswith("^[a-z][") else None
    return Message("E103", f"`{instance}` cannot be a name ({context.option})", name_help(str(instance), capital))
