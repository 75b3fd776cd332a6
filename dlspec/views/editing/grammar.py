"""The schema along a path of keys: what may stand there, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dlspec.components.registry import JSON
from dlspec.semantics.schema.keywords import compile_pattern, resolve, schema
from dlspec.views.editing.cursor import ITEM


def nodes_at(path: Sequence[str]) -> list[JSON]:
    """The parts of the schema that describe what stands at a path, references followed; [] where nothing may."""
    nodes = list(_alternatives(schema()))
    for key in path:
        nodes = [inner for node in nodes for below in _below(node, key) for inner in _alternatives(below)]
    return nodes


def reference_at(path: Sequence[str]) -> set[str]:
    """Names of the definitions that describe what stands at a path, such as ``step.from``."""
    nodes = list(_alternatives(schema()))
    names: set[str] = set()
    for key in path:
        below = [inner for node in nodes for inner in _below(node, key)]
        names = {str(inner["$ref"]).removeprefix("#/$defs/") for inner in below if "$ref" in inner}
        nodes = [inner for node in below for inner in _alternatives(node)]
    return names


def _alternatives(node: JSON) -> Iterator[JSON]:
    """A node with its reference followed, and the branches that it may be."""
    node = resolve(node)
    yield node
    for branch in node.get("anyOf", ()):
        yield from _alternatives(branch)
    for keyword in ("then", "else"):
        if isinstance(node.get(keyword), dict):
            yield from _alternatives(node[keyword])


def _below(node: JSON, key: str) -> Iterator[JSON]:
    """The schemas of the value of a key, or of the items of a list."""
    if key == ITEM:
        if isinstance(node.get("items"), dict):
            yield node["items"]
        return
    properties = node.get("properties", {})
    if key in properties:
        yield properties[key]
        return
    for pattern, inner in node.get("patternProperties", {}).items():
        if compile_pattern(pattern).search(key):
            yield inner
    if isinstance(node.get("additionalProperties"), dict):
        yield node["additionalProperties"]


def meaning(node: JSON) -> str:
    """The description of a part of the schema, as Markdown; "" where it has none."""
    node = resolve(node)
    return str(node.get("markdownDescription") or node.get("description") or "")


def keys_of(nodes: Sequence[JSON]) -> dict[str, JSON]:
    """All keys that a mapping there may have by name, with their schemas."""
    keys: dict[str, JSON] = {}
    for node in nodes:
        for key, inner in node.get("properties", {}).items():
            keys.setdefault(key, inner)
    return keys


def choices_of(nodes: Sequence[JSON]) -> list[str]:
    """All plain values that are listed for a place, as YAML writes them."""
    values: dict[str, None] = {}
    for node in nodes:
        for value in node.get("enum", ()):
            values["null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)] = None
        types = node.get("type", ())
        if "boolean" in ([types] if isinstance(types, str) else types):
            values |= dict.fromkeys(("true", "false"))
    return list(values)


def takes_expressions(nodes: Sequence[JSON]) -> bool:
    """Whether a `$name` may stand there."""
    return not nodes or any("\\$" in str(node.get("pattern", "")) or not node for node in nodes)


def required_of(node: JSON) -> list[str]:
    """Keys that a mapping there must have."""
    return [str(key) for inner in _alternatives(node) for key in inner.get("required", ())]


def kind_of(nodes: Sequence[JSON]) -> str:
    """The kind of component that stands there, such as ``layer`` or ``optimizer``; "" where none does."""
    kinds = [str(node[key]) for node in nodes for key in ("x-names", "x-per-output", "x-kind") if key in node]
    return kinds[0] if kinds else ""
