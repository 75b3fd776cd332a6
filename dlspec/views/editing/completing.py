"""What may be written where a cursor stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.registry import JSON
from dlspec.core.tree import Map, Seq
from dlspec.graph.lower.program import COMMON
from dlspec.views.editing import grammar
from dlspec.views.editing.analysis import Analysis
from dlspec.views.editing.columns import columns_of
from dlspec.views.editing.cursor import ITEM, Cursor, cursor_at
from dlspec.views.editing.names import BLOCK, PARAMETER, TENSOR, Name, names_of
from dlspec.views.editing.reading import tolerant
from dlspec.views.editing.text import Text

_SIZE = re.compile(r"\$(?:channels|shape)\($")  # the name of a tensor follows
_REFERRING = {"step.from", "references"}
_MINIMIZED = "option.minimize"
# Keys whose values are columns of the data.
_COLUMNS = ("column", "columns", "weight", "group", "time")


class Completion(NamedTuple):
    """Something that may be written.

    Attributes:
        label: The text that is offered.
        kind: ``option``, ``value``, ``tensor``, ``parameter``, ``block``, ``column``, ``code`` or a kind of component.
        insert: What is written.
        detail: What stands beside it.
        meaning: Its description as Markdown.
        rank: Those of a smaller one stand further up.
    """

    label: str
    kind: str
    insert: str
    detail: str = ""
    meaning: str = ""
    rank: int = 1


def completions(
    path: Path, text: Text, line: int, column: int, last: Analysis | None = None
) -> tuple[Cursor, list[Completion]]:
    """What may be written before a column of a line, and where that is.

    Args:
        path: The file of the spec, at whose folder paths start.
        text: The text as it is, finished or not.
        last: The last analysis of an earlier state, which knows shapes.
    """
    cursor = cursor_at(text, line, column)
    if cursor.comment:
        return cursor, list(_codes(cursor))
    data = tolerant(text, line)
    if data is None:
        data = last.data if last is not None and last.data is not None else Map()
    offers = _Offers(cursor, data, names_of(data, text), line, last, path)
    if _SIZE.search(text.line(line)[: cursor.start - 1]):
        return cursor, list({offer.label: offer for offer in offers.tensors() if offer.label != "prev"}.values())
    return cursor, list({offer.label: offer for offer in reversed(list(offers.all()))}.values())[::-1]


def _codes(cursor: Cursor) -> Iterator[Completion]:
    """Codes of warnings, which a comment may leave out."""
    from dlspec.core.codes import CODES

    if "dlspec:" in cursor.comment:
        if "ignore" not in cursor.comment:
            yield Completion("ignore", "value", "ignore ", meaning="Leaves warnings of the line out, with a reason.")
            return
        for name, entry in CODES.items():
            if name.startswith("W"):
                yield Completion(name, "code", name, entry.title, entry.rule)


class _Offers:
    def __init__(
        self, cursor: Cursor, data: Map, names: list[Name], line: int, last: Analysis | None, file: Path
    ) -> None:
        self.file = file
        self.cursor = cursor
        self.data = data
        self.names = names
        self.line = line
        self.last = last
        self.nodes = grammar.nodes_at(cursor.path)
        self.references = grammar.reference_at(cursor.path)

    def all(self) -> Iterator[Completion]:
        """Everything that fits, the most likely first."""
        if "$" in self.cursor.before:
            yield from self.parameters()
            return
        path = self.cursor.path
        if self.refers():
            yield from self.tensors()
            return
        if path[:1] == ("data",) and not {*path[-1:], *path[-2:-1]}.isdisjoint(_COLUMNS):
            yield from self.columns()
        if self.cursor.is_key:
            yield from self.keys()
        if not self.cursor.is_key or path[-1:] == (ITEM,):
            yield from self.values()
        if not self.cursor.is_key and grammar.takes_expressions(self.nodes):
            yield from self.parameters()

    def refers(self) -> bool:
        """Whether names of tensors stand there: in a `from`, among `outputs`, or in what a layer merges."""
        path = [key for key in self.cursor.path if key != ITEM]
        if self.references & (_REFERRING | {_MINIMIZED}) or path[-1:] == ["outputs"]:
            return True
        if len(self.cursor.path) < 3 or self.cursor.path[-1] != ITEM or self.cursor.path[-3] != ITEM:
            return False
        owner = registry.find("layer", path[-1])
        return owner is not None and issubclass(owner, Layer) and owner.value_names_inputs()

    def parameters(self) -> Iterator[Completion]:
        scope = self.scope()
        for name in self.names:
            if name.kind == PARAMETER and name.gives and (name.scope == "" or name.scope.split(" ")[0] == scope):
                yield Completion(f"${name.text}", "parameter", f"${name.text}", "parameter", rank=2)
        for known in ("channels", "shape", "index") if self.cursor.path[:1] != ("params",) else ():
            yield Completion(f"${known}", "parameter", f"${known}", "of the graph", rank=3)

    def tensors(self) -> Iterator[Completion]:
        """Names given above, the nearest first."""
        scope = self.scope()
        names = {
            name.text: name
            for name in self.names
            if name.kind == TENSOR and name.gives and name.scope == scope and "$" not in name.text
        }
        above = [name for name in names.values() if name.span.line < self.line or not self.steps()]
        for rank, name in enumerate(sorted(above, key=lambda name: -name.span.line)):
            detail = self.shape(name) if scope == "" else ""
            yield Completion(name.text, "tensor", name.text, detail, rank=10 + rank)
        if self.steps():
            yield Completion("prev", "tensor", "prev", "the output before", rank=1)
            if scope and "inputs" not in _map(_map(self.data.get(self.cursor.path[0])).get(scope)):
                yield Completion("input", "tensor", "input", "what enters the block", rank=2)

    def steps(self) -> bool:
        """Whether the cursor stands in a list of layers."""
        return "layers" in self.cursor.path

    def shape(self, name: Name) -> str:
        """The shape of a tensor by its name, as the last analysis knows it."""
        for graph in self.last.graphs[:1] if self.last is not None else ():
            for node in graph.nodes:
                if node.name == name.text or name.text in node.names:
                    return str(node.outputs[node.names.index(name.text) if name.text in node.names else 0])
        return ""

    def scope(self) -> str:
        """The block or model in which the cursor stands; "" for the spec itself."""
        path = self.cursor.path
        return path[1] if len(path) > 1 and path[0] in ("blocks", "models") else ""

    def columns(self) -> Iterator[Completion]:
        for name, detail in columns_of(self.data, self.file):
            yield Completion(name, "column", quoted(name), detail, rank=0)

    def keys(self) -> Iterator[Completion]:
        called = self.called()
        keys = grammar.keys_of(self.nodes)
        kind = grammar.kind_of(self.nodes)
        components = (self.cursor.path[-1:] == (ITEM,) and bool(kind)) or self.takes_layers()
        required = {key for node in self.nodes for key in node.get("required", ())}
        if called is not None:
            for name in _map(called.get("params")):
                if name not in self.cursor.keys:
                    yield Completion(name, "option", f"{name}: ", "parameter of the block", rank=0)
            keys = grammar.keys_of(grammar.nodes_at((*self.cursor.path[:-1], "flatten")))
            keys = {key: node for key, node in keys.items() if key in COMMON}
        for name, node in keys.items():
            if name in self.cursor.keys:
                continue
            if components:
                yield self.component(name, node, kind or "layer")
                continue
            rank = 0 if name in required else 3 if name in COMMON else 1
            detail = "required" if name in required else kind
            yield Completion(name, "option", f"{name}: ", detail, grammar.meaning(node), rank)
        if self.takes_layers():
            yield from self.blocks()
        yield from self.outputs(kind)

    def outputs(self, kind: str) -> Iterator[Completion]:
        """Names of inputs and outputs where a section has them as keys."""
        path = self.cursor.path
        if path in (("data", "inputs"), ("data", "targets")) or (path[:1] == ("train",) and kind in ("loss", "metric")):
            wanted = _map(self.data.get("inputs")) if path[-1] == "inputs" else self.written_outputs()
            for name in wanted:
                if name not in self.cursor.keys:
                    yield Completion(name, "tensor", f"{name}: ", path[-1].removesuffix("s"), rank=0)

    def written_outputs(self) -> Sequence[str]:
        if self.last is not None and self.last.graphs:
            return [name for name, _ in self.last.graphs[0].outputs]
        outputs = self.data.get("outputs")
        return [outputs] if isinstance(outputs, str) else [*map(str, outputs)] if isinstance(outputs, Seq) else []

    def takes_layers(self) -> bool:
        """Whether steps stand there."""
        return self.cursor.path[-1:] == (ITEM,) and "layer" in grammar.reference_at(self.cursor.path)

    def component(self, name: str, node: JSON, kind: str) -> Completion:
        """A component with the options that it must have."""
        needed = grammar.required_of(node)
        owner = registry.find(kind, name) if kind in registry.kinds() else None
        if not needed:
            insert = name
        elif owner is not None and needed == [owner.shorthand]:
            insert = f"{name}: "
        else:
            insert = f"{name}: {{{', '.join(f'{key}: ' for key in needed)}}}"
        return Completion(name, kind, insert, kind, grammar.meaning(node), rank=1 if "." not in name else 2)

    def blocks(self) -> Iterator[Completion]:
        for name in self.names:
            if name.kind == BLOCK and name.gives and name.text != self.scope():
                yield Completion(name.text, "block", name.text, "block or model", rank=0)

    def called(self) -> Map | None:
        """The block that is called where options stand."""
        name = self.cursor.path[-1] if self.cursor.path else ""
        for section in ("blocks", "models"):
            declared = _map(self.data.get(section)).get(name) if self.cursor.path[-2:-1] == (ITEM,) else None
            if isinstance(declared, Map):
                return declared
        return None

    def values(self) -> Iterator[Completion]:
        kind = grammar.kind_of(self.nodes)
        if self.takes_layers():
            return  # those stand there as keys
        described = grammar.keys_of(self.nodes)
        for value in grammar.choices_of(self.nodes):
            meaning = grammar.meaning(described[value]) if value in described else ""
            yield Completion(value, "value", value, kind, meaning, rank=0)


def quoted(name: str) -> str:
    """A name as YAML text that reads as that name."""
    plain = name.replace("_", "").replace(" ", "").isalnum() and name[:1].isalpha() and name == name.strip()
    return (
        name if plain and name.lower() not in ("true", "false", "null") else f"'{name.replace(chr(39), chr(39) * 2)}'"
    )


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Map) else {}
