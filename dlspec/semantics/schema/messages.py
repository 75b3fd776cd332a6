"""Wording: a raw JSON-schema error as a code, one line of text and a help line."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import JSON
from dlspec.core.errors import Replacement, did_you_mean, suggestions, write
from dlspec.semantics.schema.context import Context
from dlspec.semantics.schema.foreign import DTYPES, FOR_NUMBERS
from dlspec.semantics.schema.keywords import definition, resolve
from dlspec.semantics.schema.meant import as_called, component_meant, wrapped
from dlspec.semantics.schema.unknown import Message, one_key, unknown_component, unknown_key, unnameable
from dlspec.semantics.schema.validate import Violation, iterate_errors
from dlspec.semantics.schema.wording import (
    NAME_RULE,
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

# What a mistake is called depends on where it stands. Columns: unknown key, unknown component, missing, type, bounds,
# choice.
_CODES = {
    "structure": ("E101", "E101", "E105", "E102", "E102", "E102"),
    "layer": ("E202", "E201", "E203", "E204", "E205", "E206"),
    "train": ("E501", "E502", "E505", "E504", "E506", "E506"),
    "data": ("E611", "E612", "E613", "E614", "E615", "E615"),
}
_UNKNOWN_KEY, _UNKNOWN_COMPONENT, _MISSING, _TYPE, _BOUNDS, _CHOICE = range(6)


def describe_error(error: Violation, context: Context, container: Any = None) -> Message:
    """The message for one raw error.

    Args:
        error: As :mod:`dlspec.semantics.schema.validate` yields them.
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
        return one_key(error.instance, node, context)
    if error.validator == "anyOf":
        return _choice(error.instance, node, codes, context)
    if error.validator == "enum":
        return _not_among(error.instance, list(error.validator_value), codes, context)
    if error.validator == "pattern" and NAME_RULE in node["pattern"]:
        return _bad_name(error.instance, node, context)
    if error.validator == "pattern" and not is_value_pattern(node):
        return Message(codes[_BOUNDS], f"{subject(node, context)} cannot be {shown(error.instance)}")
    if error.validator in ("type", "pattern"):
        return _wrong_type(error.instance, node, codes, context)
    return _bound(error, node, codes, context, computed=container is None)


def schema_of(error: Violation) -> JSON:
    """The schema that the error's instance violates, with what it refers to."""
    return resolve(error.schema)


# --- one kind of mistake each ----------------------------------------------------------------------------------------


def _unknown(key: str, node: JSON, codes: tuple[str, ...], context: Context, container: Any) -> Message:
    what = node.get("x-names", "")
    if what in ("parameter", "block", "model", "input", "branch", "member"):
        return unnameable(key, what)
    if what:
        options = container.get(key) if isinstance(container, dict) else None
        return unknown_component(key, what, node, codes[_UNKNOWN_COMPONENT], context, options)
    return unknown_key(key, node, codes[_UNKNOWN_KEY], context, container, describe_error)


def _missing(error: Violation, node: JSON, codes: tuple[str, ...], context: Context, container: Any) -> Message:
    missing = [name for name in error.validator_value if name not in (container or ())]
    missing = missing or [error.message]
    who = title_of(node, context)
    help = example(str(context.path[-1]) if context.path else who, *missing)
    return Message(codes[_MISSING], f"{who} needs {listed(missing)}", help, at_key=True)


def _choice(instance: Any, node: JSON, codes: tuple[str, ...], context: Context) -> Message:
    choices: list[Any] = next((branch["enum"] for branch in node["anyOf"] if "enum" in branch), [])
    kind = node.get("x-names", "")
    owner, option = shorthand_of(node)
    if owner is not None and owner.fields[option].kind and isinstance(instance, str):
        kind = owner.fields[option].kind
        return unknown_component(instance, kind, resolve(definition(kind)), codes[_UNKNOWN_COMPONENT], context)
    if not isinstance(instance, str) and kind:
        return _wrong_type(instance, node, codes, context)
    if not kind:
        return _not_among(instance, choices, codes, context, node)
    if instance in node["properties"]:
        inner = resolve(node["properties"][instance])
        required = inner.get("required", [])
        help = example(instance, *required, node=inner)
        return Message(codes[_MISSING], f"{instance} needs {listed(required)}", help)
    if not {*choices} <= node["properties"].keys():
        return _not_among(instance, choices, codes, context, node)
    return unknown_component(str(instance), kind, node, codes[_UNKNOWN_COMPONENT], context)


def _not_among(
    instance: Any, choices: list[Any], codes: tuple[str, ...], context: Context, node: JSON | None = None
) -> Message:
    names = [plain(choice) for choice in choices]
    received = f"`{plain(instance)}`" if isinstance(instance, str | int | float | bool | None) else shown(instance)
    text = f"{subject(node or {}, context)} cannot be {received}"
    if isinstance(instance, str) and (dollar := dollar_help(instance, context)):
        return Message(codes[_CHOICE], text, dollar)
    dtype = DTYPES.get(instance.lower(), "") if isinstance(instance, str) else ""
    for name in (dtype, f"mixed_{dtype}") if dtype else ():
        if name in names:
            return Message(codes[_CHOICE], text, write(instance, name))
    if isinstance(instance, str) and suggestions(instance, names):
        return Message(codes[_CHOICE], text, did_you_mean(instance, names))
    if isinstance(instance, str) and instance.lower() in ("none", "null") and None in choices:
        return Message(codes[_CHOICE], text, write(instance, "null"))
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
    wanted = _type_words([name for name in types if not component or name not in ("object", "string")], node)
    help = _in_from(instance, node, context) or type_help(instance, types, node, context)
    if component:
        wanted.append(article(kind))
        help = help or _component_help(instance, kind, node)
    return Message(codes[_TYPE], f"{who} must be {' or '.join(wanted)}, got {shown(instance)}", help)


def _in_from(instance: Any, node: JSON, context: Context) -> str:
    """Where the name of a tensor belongs that stands in place of a constant."""
    if "x-tensor" not in node or not isinstance(instance, str) or not context.path:
        return ""
    return (
        f"tensors stand in `from`: write `from: {{{context.path[-1]}: {instance}, …}}`, with the other one by its name"
    )


def _component_help(instance: Any, kind: str, node: JSON) -> str:
    """What to write where a component is expected and none stands."""
    if isinstance(instance, str) and len(names := component_meant(instance, kind, list(node["properties"])).names) == 1:
        required = resolve(node["properties"][names[0]]).get("required", [])
        inner = ", ".join(f"{option}: …" for option in required)
        if required:
            return f"write `{{{names[0]}: {{{inner}}}}}`"
        return write(instance, f"{{{names[0]}: {{}}}}")
    if isinstance(instance, int | float) and kind in FOR_NUMBERS:
        return write(instance, f"{{{FOR_NUMBERS[kind]}: {plain(instance)}}}", safe=False)
    return f"write the {kind}'s name, or `name: {{options}}`"


def _type_words(types: list[str], node: JSON) -> list[str]:
    pattern = node.get("pattern", "")
    if is_value_pattern(node) and len(types) > 1:
        types = [name for name in types if name != "string"]
    texts = [type_name(name, types) for name in types if name != "null" or len(types) == 1]
    if NAME_RULE in pattern:
        texts = ["a name" if text == "text" else "a list of names" if text == "a list" else text for text in texts]
    return list(dict.fromkeys(texts))


def _needs_options(instance: Any, node: JSON, codes: tuple[str, ...], types: list[str], context: Context) -> Message:
    title = title_of(node, context)
    required = node.get("required", node.get("else", {}).get("required", []))
    key = str(context.path[-1]) if context.path else title
    if in_order := _in_order(instance, node, key):
        wanted = "its options" if len(required) > 1 else "its options, or one value"
        return Message(codes[_TYPE], f"{title} takes {wanted}, got {shown(instance)}", f"write `{in_order}`")
    if required and (instance is None or len(required) > 1):
        help = example(key, *required, node=node)
        return Message(codes[_MISSING], f"{title} needs {listed(required)}", help, at_key=True)
    takes = [name for name in types if name not in ("object", "string", "null")]
    alternatives = " or ".join([TYPE_NAMES[name] for name in takes] + ["its options"])
    owner, option = shorthand_of(node)
    help = dollar_help(instance, context) if isinstance(instance, str) else ""
    help = help or (type_help(instance, types, node, context) if owner is not None else "")
    if len(context.path) == 1:
        help = f"write its options below `{key}:`, or delete it"
    elif inner := wrapped(instance, node) or _as_first(instance, node, required):
        help = f"write `{key}: {{{inner}}}`"
    elif required or option or node.get("x-kind") == "section":
        help = help or example(key, *(required or [option or next(iter(node["properties"]))]), node=node)
    else:
        help = help or f"write `{key}` alone, or `{key}: {{{next(iter(node.get('properties', {})), '…')}: …}}`"
    return Message(codes[_TYPE], f"{title} takes {alternatives}, got {shown(instance)}", help)


def _as_first(instance: Any, node: JSON, required: list[str]) -> str:
    """A bare value as the first option, where that takes it: ``split: 0.2``."""
    first = next(iter(node.get("properties", {})), "")
    if required or not isinstance(instance, int | float) or shorthand_of(node)[1] or node.get("x-kind") != "section":
        return ""
    fits = next(iterate_errors(instance, node["properties"][first]), None) is None
    return f"{first}: {plain(instance)}" if fits else ""


def _in_order(instance: Any, node: JSON, key: str) -> str:
    """Values without the names of their options, as calls in Python have them: ``conv2d: [32, 3]``."""
    if node.get("x-kind") != "layer" or "x-names" in node or not isinstance(instance, str | list):
        return ""
    text = instance if isinstance(instance, str) else ", ".join(plain(item) for item in instance)
    called = as_called(f"{key}({text.strip('()')})", "layer", resolve(definition("layer")))
    return called if "," in text and called else ""


def _bound(error: Violation, node: JSON, codes: tuple[str, ...], context: Context, computed: bool) -> Message:
    value = error.validator_value
    who = subject(node, context)
    if error.validator in ("minLength", "minProperties"):
        return Message(codes[_BOUNDS], f"{who} must not be empty")
    if error.validator == "uniqueItems":
        return Message(codes[_BOUNDS], f"{who} lists something twice, got {shown(error.instance)}", "list each once")
    rules = {
        "minimum": f"must be at least {value}",
        "maximum": f"must be at most {value}",
        "exclusiveMinimum": f"must be greater than {value}",
        "exclusiveMaximum": f"must be less than {value}",
        "minItems": f"needs at least {value} item{'s' if value != 1 else ''}",
        "maxItems": f"takes at most {value} items",
    }
    text = rules.get(error.validator, f"breaks the rule `{error.validator}`")
    if error.validator in ("minItems", "maxItems") and node.get("minItems") == node.get("maxItems"):
        help = "one number stands for all axes" if "integer" in node.get("type", ()) else ""
        return Message(codes[_BOUNDS], f"{who} needs exactly {value} items, got {shown(error.instance)}", help)
    given: Any = error.instance
    share = error.validator in ("maximum", "exclusiveMaximum") and value == 1 and given in range(5, 100)
    if share and not computed:
        return Message(codes[_BOUNDS], f"{who} {text}, got {shown(given)}", _share(given))
    help = "write `null` for an unknown size" if "inputs" in context.path and error.validator == "minimum" else ""
    return Message(codes[_BOUNDS], f"{who} {text}, got {shown(error.instance)}", help)


def _share(percent: float) -> str:
    share = plain(round(percent / 100, 10))
    return Replacement(f"it is a share: `{share}` for {plain(percent)} %", percent, share, safe=False)


def _bad_name(instance: Any, node: JSON, context: Context) -> Message:
    pattern, types = node["pattern"], node.get("type", ())
    if "," in str(instance) and "array" in types and context.path:
        return Message(
            "E103", f"`{instance}` cannot be a name ({context.option})", f"write `{context.path[-1]}: [{instance}]`"
        )
    capital = True if pattern.startswith("^[A-Z][") else False if pattern.startswith("^[a-z][") else None
    return Message("E103", f"`{instance}` cannot be a name ({context.option})", name_help(str(instance), capital))
