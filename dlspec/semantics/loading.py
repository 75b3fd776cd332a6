"""A spec file with what it extends and what the command line overrides, as one mapping."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlspec.components.registry import JSON
from dlspec.core.errors import Diagnostic, Diagnostics, Span, did_you_mean
from dlspec.core.tree import Map, Seq, span_of, span_of_key
from dlspec.core.workspace import Workspace
from dlspec.semantics.schema.keywords import resolve, schema
from dlspec.semantics.schema.validate import iterate_errors
from dlspec.syntax.source import load, read_file, read_unsaved

MAX_EXTENDS = 16


@dataclass(slots=True)
class Loaded:
    """The merged data of a spec.

    Attributes:
        path: The spec's file.
        data: None where a file could not be read or is not YAML.
        texts: Text of every file a span may name.
    """

    path: Path
    data: Map | None
    diagnostics: Diagnostics
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder in which relative paths of the spec start."""
        return self.path.parent


def load_spec(path: Path, overrides: tuple[str, ...] = (), workspace: Workspace | None = None) -> Loaded:
    """Reads a spec with the files that it extends, and settings of the command line.

    Args:
        path: The file.
        overrides: ``key=value`` settings in the order of the command line.
        workspace: Whether ``extends`` may leave the spec's folder, and which texts are not saved yet.
    """
    loaded = Loaded(path, None, Diagnostics())
    loaded.data = _read(path, str(path), loaded, (), workspace or Workspace())
    if loaded.data is not None:
        for number, setting in enumerate(overrides):
            _override(loaded, loaded.data, setting, number)
    return loaded


def _read(path: Path, name: str, loaded: Loaded, chain: tuple[Path, ...], workspace: Workspace) -> Map | None:
    unsaved = workspace.text(path)
    document = read_file(path, name) if unsaved is None else read_unsaved(unsaved, name)
    loaded.texts[document.file] = document.text
    loaded.diagnostics.extend(document.diagnostics.items)
    data = document.data
    if data is None or "extends" not in data:
        return data
    target = data["extends"]
    span = span_of(data, "extends")
    if not isinstance(target, str) or not target:
        return data  # the schema reports it
    base_path = path.parent / target
    problem = _refuse(target, base_path, (*chain, path.resolve()), loaded.path.parent, workspace.allow_outside)
    if problem is not None:
        loaded.diagnostics.add(Diagnostic(problem[0], problem[1], span, problem[2]))
        data.drop("extends")
        return None
    before = len(loaded.diagnostics.errors)
    base = _read(base_path, str(base_path), loaded, (*chain, path.resolve()), workspace)
    if base is None:
        if len(loaded.diagnostics.errors) > before:
            last = loaded.diagnostics.errors[-1]
            if last.code == "Y001":
                loaded.diagnostics.items.remove(last)
                help = f"paths start at the folder of `{name}`"
                loaded.diagnostics.add(Diagnostic("E107", last.message, span, help))
        return None
    data.drop("extends")
    return merge(base, data, schema())


def _refuse(
    target: str, path: Path, chain: tuple[Path, ...], folder: Path, allow_outside: bool
) -> tuple[str, str, str] | None:
    if "://" in target:
        return "E108", f"`{target}` is a URL; a spec reads local files only", "download it first"
    inside = path.resolve().is_relative_to(folder.resolve())
    if not inside and not allow_outside:
        return "E108", f"`{target}` lies outside the spec's folder", "allow it with `--allow-outside`"
    if path.resolve() in chain:
        return "E107", f"`{target}` extends itself", "delete one of the `extends:`"
    if len(chain) > MAX_EXTENDS:
        return "E107", f"more than {MAX_EXTENDS} files extend each other", "merge some of them"
    return None


def merge(base: Map, child: Map, node: JSON) -> Map:
    """`child` laid over `base`: maps are merged key by key, everything else (lists too) is replaced.

    A `null` takes an inherited key away, unless `null` is a value that may stand there. A component
    (``optimizer: {adam: …}``) is merged with one of the same name and replaced by one of another.
    """
    node = resolve(node)
    one_key = node.get("maxProperties") == 1
    if one_key and set(base) != set(child):
        return child
    merged = Map(child.span or base.span)
    for source in (base, child):
        for key, value in source.items():
            before = merged.get(key)
            if source is child and value is None and key in base and _takes_away(node, key):
                merged.drop(key)
                continue
            if source is child and isinstance(before, Map) and isinstance(value, Map) and "x-per-output" not in node:
                value = merge(before, value, _subschema(node, key))
            merged.put(key, value, span_of_key(source, key), span_of(source, key))
    return merged


def _takes_away(node: JSON, key: str) -> bool:
    """Whether a `null` cannot be the value of `key`."""
    inner = resolve(_subschema(node, key))
    return "x-per-output" in inner or next(iterate_errors(None, inner), None) is not None


def _subschema(node: JSON, key: str) -> JSON:
    properties = node.get("properties", {})
    if key in properties:
        declared: JSON = properties[key]
        return declared
    for subschema in node.get("patternProperties", {}).values():
        pattern: JSON = subschema
        return pattern
    extra = node.get("additionalProperties", {})
    return extra if isinstance(extra, dict) else {}


def _override(loaded: Loaded, data: Map, setting: str, number: int) -> None:
    file = f"--set {setting}"
    key, separator, text = setting.partition("=")
    span = Span(file, 1, 1, 1, max(2, len(key) + 1))
    loaded.texts[file] = setting
    parts = key.split(".")
    if parts == ["extends"]:
        help = "extend the other spec in a file of its own"
        loaded.diagnostics.add(Diagnostic("E109", "`extends` is read before anything is set", span, help))
        return
    if not separator or not all(parts):
        problem = Diagnostic("E109", f"`{setting}` is no setting", span, "write `--set train.epochs=5`")
        loaded.diagnostics.add(problem)
        return
    document = load(f"value: {text}", file)
    if document.data is None or document.diagnostics.items or set(document.data) != {"value"}:
        reason = document.diagnostics.items[0].message if document.diagnostics.items else "it is more than one value"
        loaded.diagnostics.add(Diagnostic("E109", f"the value of `{key}` is not YAML: {reason}", span))
        return
    value_span = Span(file, 1, len(key) + 2, 1, len(setting) + 1)
    _put(loaded, data, parts, _respan(document.data["value"], value_span), span, value_span)


def _put(loaded: Loaded, data: Map, parts: list[str], value: Any, span: Span, value_span: Span) -> None:
    declared = data.get("params")
    if parts[0] == "params" and len(parts) == 2 and parts[1] not in (declared or ()):
        help = did_you_mean(parts[1], declared) if isinstance(declared, Map) else "the spec has no `params`"
        loaded.diagnostics.add(Diagnostic("E109", f"the spec has no parameter `{parts[1]}`", span, help))
        return
    node: Any = data
    kind: JSON = schema()
    for depth, part in enumerate(parts[:-1]):
        path = ".".join(parts[: depth + 1])
        kind = resolve(kind)
        kind = kind.get("items", {}) if isinstance(node, Seq) else _subschema(kind, part)
        if isinstance(node, Seq) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, Map):
            if not isinstance(node.get(part), Map | Seq):
                node.put(part, _as_options(node.get(part), span), span, span)
            node = node[part]
        else:
            loaded.diagnostics.add(Diagnostic("E109", f"there is no `{path}` to set something in", span))
            return
    last = parts[-1]
    if isinstance(node, Map) and value is None and last in node and _takes_away(resolve(kind), last):
        node.drop(last)
    elif isinstance(node, Map):
        node.put(last, value, span, value_span)
    elif isinstance(node, Seq) and last.isdecimal() and int(last) < len(node):
        node[int(last)] = value
        node.item_spans[int(last)] = value_span
    else:
        loaded.diagnostics.add(Diagnostic("E109", f"there is no `{'.'.join(parts)}` to set", span))


def _as_options(value: Any, span: Span) -> Map:
    """A bare component name opened to options: ``adam`` becomes ``{adam: {}}``."""
    options = Map(span)
    if isinstance(value, str):
        options.put(value, Map(span), span, span)
    return options


def _respan(value: Any, span: Span) -> Any:
    """A copy of a value with all spans set to `span`, the setting on the command line."""
    if isinstance(value, Map):
        moved = Map(span)
        for key, item in value.items():
            moved.put(key, _respan(item, span), span, span)
        return moved
    if isinstance(value, Seq):
        items = Seq(span)
        items.extend(_respan(item, span) for item in value)
        items.item_spans = [span] * len(value)
        return items
    return value
