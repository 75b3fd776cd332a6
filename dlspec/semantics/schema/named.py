"""The JSON schema of one spec: the language's, with the names that the spec brings along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from dlspec.components.registry import JSON
from dlspec.core.tree import Map, Seq
from dlspec.semantics.schema.keywords import schema


def schema_of_spec(data: Map, definitions: Mapping[str, JSON] | None) -> JSON:
    """The schema with which an editor completes a spec's own names.

    Args:
        data: The spec, with what it extends.
        definitions: Those of the components in its own Python files, in place of others of the same name.
    """
    own: JSON = deepcopy(schema())
    known = own["$defs"]
    known.update(deepcopy(dict(definitions or {})))
    body = known["layer_body"]
    (call,) = body["patternProperties"].values()
    names: list[str] = []
    for section, title in (("blocks", "A block of this spec."), ("models", "A model of this spec.")):
        for name, declared in _entries(data, section):
            params = {key: _param(value) for key, value in _entries(declared, "params")}
            body["properties"][name] = {"description": title, "properties": {**call["properties"], **params}}
            names.append(name)
    if names:
        body["anyOf"] = [{"enum": names}, *body["anyOf"]]
    tensors = [name for name, _ in _entries(data, "inputs")] + sorted(set(_names(data.get("layers"))))
    if tensors:
        known["step.from"] = {**known["step.from"], "examples": tensors}
    params = {name: _param(value) for name, value in _entries(data, "params")}
    if params:
        own["properties"]["params"] = {**own["properties"]["params"], "properties": params}
    return own


def _entries(value: Any, key: str) -> list[tuple[str, Any]]:
    inner = value.get(key) if isinstance(value, Map) else None
    return list(inner.items()) if isinstance(inner, Map) else []


def _param(value: Any) -> JSON:
    """A parameter with the value that it has unless another is given."""
    return {"description": "A parameter of this spec.", **({} if value is None else {"default": value})}


def _names(value: Any) -> Iterator[str]:
    """Every name that a step gives to its output."""
    if isinstance(value, Map):
        written = value.get("name")
        if isinstance(written, str):
            yield written
        elif isinstance(written, Seq):
            yield from (name for name in written if isinstance(name, str))
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
