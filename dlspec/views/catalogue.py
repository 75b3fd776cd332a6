"""The registry as people read it: lists of components, and all about one of them, as facts or as text.

Everything here comes from the declarations. Only the modules that declare what is asked for are imported.
"""

from __future__ import annotations

import inspect
import sys
from string import ascii_lowercase
from textwrap import wrap
from typing import Any, Literal

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.registry import JSON, Component, Example, Field
from dlspec.core.documents.printed_components import (
    ComponentExample,
    ComponentFacts,
    ComponentList,
    LayerInputs,
    Option,
)
from dlspec.core.errors import suggestions
from dlspec.graph.lower.program import COMMON
from dlspec.semantics.schema.wording import plain

VERSION: Literal[1] = 1  # of the JSON form; raised when a key changes its meaning or goes
WIDTH = 100

# A method is the section `train` that its study or solver makes of it.
_BEHIND = ("method", "section")
_PLURALS = {"integer": "whole numbers", "number": "numbers", "string": "texts", "object": "maps"}
_SINGULARS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true | false"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


# --- finding ---------------------------------------------------------------------------------------------------------


def kind_of(written: str) -> str:
    """The kind that `written` names in the singular or plural (``loss``, ``losses``), or ""."""
    known = registry.kinds()
    return next(
        (kind for kind in (written, written.removesuffix("s"), written.removesuffix("es")) if kind in known), ""
    )


def homes(name: str, first: str = "layer") -> list[str]:
    """The kinds that have a component called `name`, `first` before all others, and what nobody writes as such last."""
    kinds = [kind for kind in registry.kinds() if name in registry.names(kind)]
    return sorted(kinds, key=lambda kind: (kind != first, kind in _BEHIND))


def similar(name: str, kind: str = "") -> list[str]:
    """Names that a misspelt `name` may mean: of one kind, or else of layers and then of all kinds."""
    everything = [other for each in registry.kinds() for other in registry.names(each)]
    places = [registry.names(kind)] if kind else [registry.names("layer"), everything]
    return list(dict.fromkeys(match for names in places for match in suggestions(name, names)))


def components(kind: str) -> list[type[Component]]:
    """All components of `kind`, each once, sorted by name."""
    owners = {registry.find(kind, name) for name in registry.names(kind)}
    return sorted((owner for owner in owners if owner is not None), key=lambda owner: owner.registered_name)


# --- facts -----------------------------------------------------------------------------------------------------------


def listing(kind: str) -> ComponentList:
    """All components of `kind` as plain data."""
    return {"version": VERSION, "kind": kind, "components": [facts(owner) for owner in components(kind)]}


def facts(owner: type[Component]) -> ComponentFacts:
    """All facts of a component's declaration, as plain data."""
    meaning, _, more = inspect.cleandoc(owner.__doc__ or "").replace("``", "`").partition("\n")
    return {
        "kind": owner.kind,
        "name": owner.registered_name,
        "aliases": list(owner.aliases),
        "family": owner.__module__.rpartition(".")[2],
        "meaning": meaning,
        "description": more.strip(),
        "keras": owner.keras,
        "shorthand": owner.shorthand,
        "options": [_option(name, field, owner) for name, field in owner.fields.items()],
        "inputs": _inputs(owner),
        "examples": [_example(item, owner) for item in owner.examples],
    }


def _option(name: str, field: Field[Any], owner: type[Component]) -> Option:
    return {
        "name": name,
        "required": field.required,
        "default": None if field.required else field.default,
        "value": value_text(field, owner),
        "component": field.kind or None,
        "meaning": field.doc,
        "schema": field.literal(owner),
    }


def _inputs(owner: type[Component]) -> LayerInputs | None:
    if not issubclass(owner, Layer):
        return None
    arguments = owner.arguments
    optional = [name.removesuffix("?") for name in arguments if name.endswith("?")]
    takes_list = owner.takes_list
    return {
        "arguments": [name.removesuffix("?") for name in arguments],
        "optional": optional,
        "list": takes_list,
        "listed": list(owner.listed),
        "minimum": owner.minimum_inputs if takes_list else len(arguments) - len(optional),
        "maximum": (owner.maximum_inputs or None) if takes_list else len(arguments),
    }


def _example(example: Example, owner: type[Component]) -> ComponentExample:
    value = _from(example, owner) if len(example.inputs) > 1 else example.value
    name = owner.registered_name
    shapes = [list(shape) for shape in example.inputs]
    return {"yaml": f"{name}: {value}" if value else name, "inputs": shapes, "dtype": example.dtype}


def _from(example: Example, owner: type[Component]) -> str:
    """The value of an example of several inputs, completed by their names a, b, c …"""
    sources = flow(list(ascii_lowercase[: len(example.inputs)]))
    if not example.value:
        return sources if issubclass(owner, Layer) and owner.value_names_inputs() else f"{{from: {sources}}}"
    options = example.value[1:-1] if example.value.startswith("{") else f"{owner.shorthand}: {example.value}"
    return f"{{{options}, from: {sources}}}"


def value_text(field: Field[Any], owner: type[Component]) -> str:
    """Description of the values that an option accepts; that it may be null is said by the default."""
    literal = field.literal(owner)
    if not field.kind:
        return _schema_text(literal)
    if field.container == "number":
        return f"number{_bounds(literal)}, or {_article(field.kind)}"
    if field.container == "many":
        return f"list of {field.kind}s"
    if field.container == "per_output":
        single = _article(field.kind) if "$ref" in literal["anyOf"][0] else f"list of {field.kind}s"
        return f"{single}, or a map from outputs to such"
    if field.container in ("options", "map"):
        return (
            f"options of {field.target}"
            if field.container == "options"
            else f"map from names to {field.target or field.kind}s"
        )
    return _article(field.kind)


def _schema_text(schema: JSON) -> str:
    if "enum" in schema:
        return " | ".join(plain(value) for value in schema["enum"] if value is not None)
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    bounds = _bounds(schema)
    texts = [
        _SINGULARS[name] + (bounds if name in ("integer", "number") else "") for name in types if name in _SINGULARS
    ]
    if "object" in types:
        texts.append(_map_words(schema))
    if "array" in types:
        texts.append(_list_words(schema, bool(texts)))
    return ", or ".join(texts)


def _list_words(schema: JSON, alone: bool) -> str:
    """Words for a list; after a single value (`alone`), one of such values is just a list."""
    item = schema["items"]
    least, most = schema.get("minItems"), schema.get("maxItems")
    count = f" of {least}" if least is not None and least == most else ""
    if "enum" in item:
        return f"a list of {_schema_text(item)}"
    types = item["type"] if isinstance(item["type"], list) else [item["type"]]
    if "array" in types:
        return (
            f"a list{count}, each {_schema_text(item)}"
            if "type" in item.get("items", ())
            else f"nested lists of {_PLURALS[types[0]]}"
        )
    if alone:
        return f"a list{count}"
    null = " or null" if "null" in types else ""
    return f"list{count or ' of'} {_PLURALS[types[0]]}{_bounds(item)}{null}"


def _map_words(schema: JSON) -> str:
    if "properties" in schema:
        return "map of " + ", ".join(schema["properties"])
    if "additionalProperties" not in schema:
        return "map"
    patterns = schema.get("patternProperties", {})
    item = schema["additionalProperties"] or next(iter(patterns.values()))  # nothing beside names that fit
    types = item["type"] if isinstance(item["type"], list) else [item["type"]]
    return f"map from names to {' or '.join(_PLURALS[name] for name in types)}{_bounds(item)}"


def _bounds(schema: JSON) -> str:
    bounds = [f"{sign} {plain(schema[key])}" for key, sign in _BOUNDS.items() if key in schema]
    return f" {' and '.join(bounds)}" if bounds else ""


def _article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


# --- text ------------------------------------------------------------------------------------------------------------


def list_text(kind: str) -> str:
    """All components of `kind` by family, each with its meaning."""
    owners = components(kind)
    labels = {owner: ", ".join((owner.registered_name, *owner.aliases)) for owner in owners}
    width = max((len(label) for label in labels.values() if len(label) <= 30), default=0)
    lines: list[str] = []
    for module in sorted({owner.__module__ for owner in owners}):
        lines += [*_fold(title(module)), ""]
        for owner in owners:
            if owner.__module__ == module:
                lines += _entry(labels[owner], facts(owner)["meaning"], width)
        lines.append("")
    others = ", ".join(other for other in registry.kinds() if other != kind)
    return "\n".join(
        [*lines, "`dlspec layers NAME` documents one of them.", *_fold(f"Other kinds (--kind): {others}.")]
    )


def title(module: str) -> str:
    """Heading of the components that a module declares: the first paragraph of its docstring, without its full stop."""
    paragraph = inspect.cleandoc(sys.modules[module].__doc__ or "").split("\n\n")[0]
    return " ".join(paragraph.split()).rstrip(".")


def text(owner: type[Component]) -> str:
    """The page of a component in the terminal."""
    entry = facts(owner)
    origin = f"  ({entry['keras']})" if entry["keras"] else ""
    lines = [*_fold(f"{entry['kind']} {entry['name']}{origin}", "", "  "), "", *_fold(entry["meaning"])]
    for paragraph in filter(None, entry["description"].split("\n\n")):
        lines += ["", *_fold(" ".join(paragraph.split()))]
    if entry["aliases"]:
        lines += ["", *_fold("Also called " + ", ".join(entry["aliases"]) + ".")]
    if entry["inputs"]:
        lines += ["", "Input", *_fold(_input_text(entry["inputs"]), "  ")]
    if entry["options"]:
        lines += ["", "Options"]
        width = max(len(option["name"]) for option in entry["options"])
        for option in entry["options"]:
            lines += _option_text(option, width)
    if entry["shorthand"]:
        lines += [
            "",
            *_fold(f"`{entry['name']}: VALUE` is short for `{entry['name']}: {{{entry['shorthand']}: VALUE}}`."),
        ]
    if entry["kind"] == "layer":
        common = ", ".join(f"`{name}`" for name in COMMON)
        lines += ["", f"As every item of `layers` it also takes {common}."]
    lines += ["", "Examples"]
    for example in entry["examples"]:
        lines += _example_text(example, entry["kind"])
    others = [kind for kind in homes(entry["name"]) if kind != entry["kind"]]
    see = sorted({option["component"] for option in entry["options"] if option["component"]} - {"section"})
    if others:
        lines += ["", *_fold("Of the same name: " + ", ".join(f"{kind} (--kind {kind})" for kind in others) + ".")]
    if see:
        lines += ["", *_fold("`dlspec layers --kind KIND` lists what these options take: " + ", ".join(see) + ".")]
    return "\n".join(lines)


def _option_text(option: Option, width: int) -> list[str]:
    default = "required" if option["required"] else f"default {flow(option['default'])}"
    return _entry(option["name"], f"{option['value']}; {default}", width) + _entry("", option["meaning"], width)


def _input_text(inputs: LayerInputs) -> str:
    if inputs["list"]:
        least, most = inputs["minimum"], inputs["maximum"]
        count = f"{least}" if least == most else f"{least} to {most}" if most else f"at least {least}"
        order = f", in this order: {', '.join(inputs['listed'])}" if inputs["listed"] else ""
        return f"a list of {count} tensors{order}: `from: [a, b]`"
    if not inputs["minimum"]:
        return "none; the model's first input tells the number of examples, unless `from: a` does"
    required = inputs["arguments"][: inputs["minimum"]]
    named = ", ".join(f"{name}: {letter}" for name, letter in zip(required, ascii_lowercase, strict=False))
    listed = ", ".join(ascii_lowercase[: len(required)])
    single = "one tensor: the previous output, or `from: a`"
    sentence = single if len(required) == 1 else f"{len(required)} tensors: `from: [{listed}]` or `from: {{{named}}}`"
    if inputs["optional"]:
        sentence += f"; `from: {{{named}, …}}` also takes " + ", ".join(f"`{name}`" for name in inputs["optional"])
    return sentence


def _example_text(example: ComponentExample, kind: str) -> list[str]:
    takes = ", ".join(flow(shape) for shape in example["inputs"])
    dtype = f" {example['dtype']}" if example["dtype"] != "float32" else ""
    lines = [f"  # takes {takes}{dtype}"] if takes else []
    bullet = "- " if kind == "layer" else ""
    return [*lines, *_fold(example["yaml"], "  " + bullet, "      ")]


def flow(value: Any) -> str:
    """A plain value as YAML writes it on one line."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    return plain(value) if value != "" else '""'


def _entry(name: str, content: str, width: int) -> list[str]:
    """A name and what it is, in two columns; a name too long for its column has a line of its own."""
    margin = " " * (width + 4)
    if len(name) > width:
        return [f"  {name}", *_fold(content, margin)]
    return _fold(content, f"  {name:<{width}}  ", margin)


def _fold(content: str, first: str = "", rest: str | None = None) -> list[str]:
    indent = first if rest is None else rest
    return wrap(content, WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
