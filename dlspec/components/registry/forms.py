"""The forms in which a spec writes a component: JSON schema and documentation, from its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.components.registry.component import Component, describe
from dlspec.components.registry.fields import EXPRESSION, JSON, Field
from dlspec.components.registry.index import names


def value_schema(owner: type[Component], common: Mapping[str, JSON] | None = None) -> JSON:
    """JSON schema of what stands after ``name:``: the options, or a value for the shorthand option.

    Every keyword speaks only of its own type, so that one flat schema takes both forms and each mistake gives one
    plain error (an ``anyOf`` of the two would report both).

    Args:
        owner: The component.
        common: Further keys allowed among the options (a step's ``name``, ``from`` …).
    """
    properties: JSON = {}
    for name, field in owner.fields.items():
        properties[name] = {**field.schema(owner), "markdownDescription": document(field)}
    schema: JSON = {"type": ["object"]}
    required = [name for name, field in owner.fields.items() if field.required]
    wanted = {field.unless: name for name, field in owner.fields.items() if field.unless}
    if owner.shorthand and set(required) <= {owner.shorthand}:
        schema = _merge_shorthand(owner.fields[owner.shorthand], owner)
    if not required and not wanted:
        schema["type"] = [*schema["type"], "null"]
        if "anyOf" in schema:
            schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    schema["properties"] = {**properties, **(common or {})}
    if required:
        schema["required"] = required
    for other, name in wanted.items():
        schema["if"] = {"required": [other]}
        schema["else"] = {"required": [name], "title": owner.registered_name, "x-unless": [other]}
    schema["additionalProperties"] = False
    return schema


def _merge_shorthand(field: Field[Any], owner: type[Component]) -> JSON:
    schema = dict(field.schema(owner))
    if field.container == "number":
        # `adam: 1e-3`; a map there is the options of the component itself.
        bounds = {key: value for key, value in schema.items() if key in ("pattern", "exclusiveMinimum")}
        return {"type": ["object", "number", "string"], **bounds}
    if field.kind and field.container == "one":
        names_or_expression = [{"enum": list(names(field.kind))}, {"pattern": EXPRESSION}]
        return {"type": ["object", "string"], "anyOf": [*names_or_expression, {"type": "object"}]}
    types = schema.get("type", "object")
    types = types if isinstance(types, list) else [types]
    if "anyOf" in schema:
        schema["anyOf"] = [*schema["anyOf"], {"type": "object"}]
    return {**schema, "type": ["object", *(t for t in types if t != "null")]}


def document(field: Field[Any]) -> str:
    """A field's sentence with its default."""
    default = "Required." if field.required or field.unless else f"Default: `{describe(field.default)}`."
    return f"{field.doc} {default}".strip()
