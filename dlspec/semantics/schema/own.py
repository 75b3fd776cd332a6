"""The schema of a spec, opened to the components that its own Python files declare."""

from __future__ import annotations

from collections.abc import Mapping

from dlspec.components.layers.base import Layer
from dlspec.components.registry import JSON, Component, value_schema
from dlspec.semantics.schema.keywords import schema

Components = Mapping[tuple[str, str], type[Component]]


def definitions(own: Components) -> dict[str, JSON]:
    """The changed ``$defs`` of the schema that include the spec's own components, by name.

    Args:
        own: The components, by kind and name.
    """
    changed: dict[str, JSON] = {}
    for (kind, name), owner in own.items():
        # Steps have their names and properties in one definition, other kinds in two.
        places = ("layer_body", "layer_body") if kind == "layer" else (f"{kind}.form", kind)
        node, names = (changed.setdefault(key, _copied(key)) for key in places)
        node["properties"][name] = _described(owner)
        if not any(field.required for field in owner.fields.values()):
            names["anyOf"][0]["enum"].append(name)
    return changed


def _copied(key: str) -> JSON:
    """A definition with properties and names of its own."""
    node: JSON = schema()["$defs"][key]
    copy = dict(node)
    if "properties" in node:
        copy["properties"] = dict(node["properties"])
    if "anyOf" in node:
        first = {**node["anyOf"][0], "enum": list(node["anyOf"][0]["enum"])}
        copy["anyOf"] = [first, *node["anyOf"][1:]]
    return copy


def _described(owner: type[Component]) -> JSON:
    """Schema of a component's options, as the generated schema has it for others."""
    steps = {name: {"$ref": f"#/$defs/{name}"} for name in schema()["$defs"] if name.startswith("step.")}
    common = {name.removeprefix("step."): node for name, node in steps.items()} if owner.kind == "layer" else {}
    node = value_schema(owner, common)
    if issubclass(owner, Layer) and owner.takes_list:
        types = [*node["type"], "array", "string"]
        node = {**node, "type": list(dict.fromkeys(types))}
    summary = (owner.__doc__ or "").strip().split("\n")[0]
    return {**node, "title": owner.registered_name, "x-kind": owner.kind, "description": summary}
