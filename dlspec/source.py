"""YAML text to plain data with an exact span for every key and value; knows no meaning.

A strict YAML 1.2 core loader over libyaml's *events*: the composer of libyaml recurses and crashes on deep nesting,
events do not. What PyYAML reads wrongly (``1e-3`` as text, ``yes`` as true, ``012`` as ten, a later duplicate key
silently winning) is read right here or refused with a code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dlspec.errors import Diagnostic, Diagnostics, Note, Span

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 500_000
MAX_NUMBER = 64

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_RADIX = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?\Z")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?\Z")
_NUMBER_START = frozenset("-+.0123456789")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Blanks that look like a space and are none: YAML takes them as text, so a key silently changes its name.
_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]")


class Map(dict[str, Any]):
    """A YAML mapping that knows where each key and value stands.

    Attributes:
        tainted: A key was removed because nobody knows what it means; whatever depends on this mapping is uncertain.
    """

    __slots__ = ("key_spans", "span", "tainted", "value_spans")

    def __init__(self, span: Span | None = None) -> None:
        super().__init__()
        self.span = span
        self.tainted = False
        self.key_spans: dict[str, Span] = {}
        self.value_spans: dict[str, Span] = {}

    def put(self, key: str, value: Any, key_span: Span | None, value_span: Span | None) -> None:
        """Sets `key` together with both spans."""
        self[key] = value
        if key_span is not None:
            self.key_spans[key] = key_span
        if value_span is not None:
            self.value_spans[key] = value_span

    def drop(self, key: str) -> None:
        """Removes `key` and its spans."""
        del self[key]
        self.key_spans.pop(key, None)
        self.value_spans.pop(key, None)

    def rename(self, old: str, new: str) -> None:
        """Gives the entry `old` the key `new`, spans kept; its place in the order becomes the last."""
        key_span, value_span, value = self.key_spans.get(old), self.value_spans.get(old), self[old]
        self.drop(old)
        self.put(new, value, key_span, value_span)


class Seq(list[Any]):
    """A YAML sequence that knows where each item stands."""

    __slots__ = ("item_spans", "span")

    def __init__(self, span: Span | None = None) -> None:
        super().__init__()
        self.span = span
        self.item_spans: list[Span] = []


@dataclass(frozen=True, slots=True)
class Invalid:
    """Stands where a value was that is already reported as wrong; `value` is what was written."""

    value: Any = None


def place(container: Any, key: str | int | None = None) -> Span | None:
    """The span of ``container[key]``, or of the container itself; None for data that did not come from a file."""
    if isinstance(container, Map):
        if isinstance(key, str) and key in container.value_spans:
            return container.value_spans[key]
        return container.span
    if isinstance(container, Seq):
        if isinstance(key, int) and key < len(container.item_spans):
            return container.item_spans[key]
        return container.span
    return None


def key_place(container: Any, key: str) -> Span | None:
    """The span of a mapping's key itself, or what :func:`place` gives."""
    if isinstance(container, Map) and key in container.key_spans:
        return container.key_spans[key]
    return place(container, key)


def is_empty(container: Map, key: str) -> bool:
    """Whether a key was written without a value (``{filters}``), which differs from an explicit ``null``."""
    span = container.value_spans.get(key)
    return container[key] is None and span is not None and span[1:3] == span[3:5]


@dataclass(slots=True)
class Document:
    """One loaded file.

    Attributes:
        file: The name used in spans.
        text: Its text, for showing source lines.
        data: The root mapping, or None when the file could not be read at all.
    """

    file: str
    text: str = ""
    data: Map | None = None
    diagnostics: Diagnostics = field(default_factory=Diagnostics)


def read_file(path: Path, name: str | None = None) -> Document:
    """Reads and loads one file; every problem becomes a diagnostic.

    Args:
        path: The file.
        name: What spans call it; the path as given unless named.
    """
    document = Document(file=name or str(path))
    start = Span(document.file, 1, 1, 1, 1)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        document.diagnostics.add(Diagnostic("Y001", f"cannot read `{document.file}`: {reason}", None))
        return document
    if len(raw) > MAX_BYTES:
        document.diagnostics.add(Diagnostic("Y003", f"the file is larger than {MAX_BYTES // 2**20} MiB", start))
        return document
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        span = Span(document.file, line, column, line, column + 1)
        document.diagnostics.add(Diagnostic("Y002", message, span, "save the file as UTF-8"))
        return document
    return load(text, document.file)


def load(text: str, file: str = "<text>") -> Document:
    """Loads YAML text.

    Returns:
        The document. After a syntax error or a limit ``data`` is None; smaller mistakes leave usable data behind.
    """
    document = Document(file=file, text=text.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        document.data = _Loader(document).root()
    except _StopError:
        document.data = None
    except yaml.YAMLError as error:
        document.diagnostics.add(_syntax_error(error, document))
    return document


class _StopError(Exception):
    """Reading cannot go on; the diagnostic stands in the document."""


_INVALID_KEY = object()


class _Loader:
    """Builds spanned data from events, with an explicit stack so that depth is ours to limit."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.file = document.file
        self.anchors: dict[str, tuple[Any, Span, int]] = {}
        self.open_anchors: set[str] = set()
        self.nodes = 0

    def root(self) -> Map | None:
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        root: Any = None
        root_span: Span | None = None
        documents = 0
        stream: Iterator[Any] = iter(yaml.parse(self.document.text, Loader=loader))
        for event in stream:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop("Y011", "a second document starts here", self.span(event), "write one spec per file")
                root, root_span = self.tree(stream)
        if documents and isinstance(root, Map):
            return root
        if not self.document.diagnostics.errors:
            what = "the file is empty" if root is None else f"the file holds {describe(root)}"
            span = root_span or Span(self.file, 1, 1, 1, 1)
            help = "start with `name:`, `inputs:` and `layers:`"
            self.add("Y017", f"{what}, expected a mapping of sections", span, help)
        return None

    def tree(self, stream: Iterator[Any]) -> tuple[Any, Span]:
        """Builds one document's tree."""
        # A frame is [container, pending key or None, its span, anchor, node count at its start].
        stack: list[list[Any]] = []
        for event in stream:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                value, span = self.scalar(event, is_key=self.wants_key(stack))
                self.count(1, span)
                if event.anchor:
                    self.anchors[event.anchor] = (value, span, 1)
            elif kind is yaml.AliasEvent:
                span = self.span(event)
                value = self.alias(event.anchor, span)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self.enter(event, stack)
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                value, span = self.leave(event, stack)
            else:
                continue
            if not stack:
                return value, span
            self.attach(stack[-1], value, span)
        raise AssertionError("libyaml ended the stream inside a document")

    def wants_key(self, stack: list[list[Any]]) -> bool:
        return bool(stack) and type(stack[-1][0]) is Map and stack[-1][2] is None

    def enter(self, event: Any, stack: list[list[Any]]) -> None:
        span = self.span(event)
        if event.tag is not None:
            self.add("Y009", f"tag `{event.tag}` is not allowed", span, "remove it: a spec is plain YAML")
        if len(stack) >= MAX_DEPTH:
            self.stop("Y012", f"nested deeper than {MAX_DEPTH} levels", span, "flatten the spec, or use blocks")
        if self.wants_key(stack):
            self.stop("Y016", "a key must be a plain name", span, "quote an expression that contains `{`, `[` or `,`")
        self.count(1, span)
        if event.anchor:
            self.open_anchors.add(event.anchor)
        container = Map(span) if type(event) is yaml.MappingStartEvent else Seq(span)
        stack.append([container, None, None, event.anchor, self.nodes])

    def leave(self, event: Any, stack: list[list[Any]]) -> tuple[Any, Span]:
        container, _, _, anchor, before = stack.pop()
        start = container.span
        if event.start_mark.index == event.end_mark.index:
            # A block collection "ends" at the next token; the last child's end is what a reader would point at.
            spans = container.item_spans if type(container) is Seq else list(container.value_spans.values())
            last = spans[-1] if spans else start
            span = Span(self.file, start.line, start.column, last.end_line, last.end_column)
        else:
            span = Span(self.file, start.line, start.column, event.end_mark.line + 1, event.end_mark.column + 1)
        container.span = span
        if anchor:
            self.open_anchors.discard(anchor)
            self.anchors[anchor] = (container, span, self.nodes - before + 1)
        return container, span

    def attach(self, frame: list[Any], value: Any, span: Span) -> None:
        container = frame[0]
        if type(container) is Seq:
            container.append(value)
            container.item_spans.append(span)
        elif frame[2] is None:
            if not isinstance(value, str):
                self.stop("Y016", "a key must be a plain name", span)
            frame[1], frame[2] = self.check_key(container, value, span), span
        else:
            key, key_span, frame[1], frame[2] = frame[1], frame[2], None, None
            if key is not _INVALID_KEY:
                container.put(key, value, key_span, span)

    def check_key(self, container: Map, key: str, span: Span) -> Any:
        if key == "<<":
            self.add("Y010", "merge key `<<` is not allowed", span, "use `extends:`, or a block with parameters")
            return _INVALID_KEY
        if key in container:
            first = Note(f"first `{key}` stands here", container.key_spans[key])
            self.add("Y007", f"duplicate key `{key}`", span, "remove one of them", (first,))
            return _INVALID_KEY
        return key

    def alias(self, anchor: str, span: Span) -> Any:
        if anchor in self.open_anchors:
            self.stop("Y014", f"alias `*{anchor}` refers to what it stands in", span)
        if anchor not in self.anchors:
            self.stop("Y004", f"alias `*{anchor}` has no anchor `&{anchor}` before it", span)
        value, _, size = self.anchors[anchor]
        self.count(size, span)
        return value

    def count(self, nodes: int, span: Span) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self.stop("Y013", f"more than {MAX_NODES:,} values, aliases written out", span)

    def scalar(self, event: Any, is_key: bool) -> tuple[Any, Span]:
        start, end = event.start_mark, event.end_mark
        span = Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        text: str = event.value
        if event.tag is not None:
            self.add("Y009", f"tag `{event.tag}` is not allowed", span, "remove it: a spec is plain YAML")
            return text, span
        if not event.implicit[0]:  # quoted, or a block scalar
            return text, span
        if not text.isascii() and (blank := _BLANKS.search(text)):
            message = f"character U+{ord(blank.group()):04X} looks like a blank and is none"
            self.add("Y006", message, span, "type an ordinary space, or quote the text")
        if is_key:
            return text, span
        return self.resolve(text, span), span

    def resolve(self, text: str, span: Span) -> Any:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] not in _NUMBER_START:
            return text
        if len(text) > MAX_NUMBER and (_INT.match(text) or _FLOAT.match(text) or _RADIX.match(text)):
            self.add("Y015", f"a number of {len(text)} characters", span, f"at most {MAX_NUMBER}")
            return 0
        if _INT.match(text):
            return int(text)
        if _LEADING_ZERO.match(text):
            plain = text.lstrip("+-0") or "0"
            self.add("Y008", f"`{text}` has a leading zero", span, f"write `{plain}`, or quote it if it is text")
        elif _FLOAT.match(text):
            return self.number(text, span)
        elif _RADIX.match(text):
            return int(text, 0)
        elif _SPECIAL_FLOAT.match(text):
            return float(text.replace(".", "", 1))
        elif _DATE.match(text):
            self.add("Y008", f"`{text}` reads as a date in some YAML programs", span, f'quote it: "{text}"')
        elif _SEXAGESIMAL.match(text):
            message = f"`{text}` reads as a base-60 number in some YAML programs"
            self.add("Y008", message, span, f'quote it: "{text}"')
        return text

    def number(self, text: str, span: Span) -> float:
        value = float(text)
        if math.isinf(value):
            self.add("Y015", f"`{text}` is too large for a float", span, "write `.inf` if infinity is meant")
        return value

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def add(self, code: str, message: str, span: Span, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.document.diagnostics.add(Diagnostic(code, message, span, help, notes))

    def stop(self, code: str, message: str, span: Span, help: str = "") -> None:
        self.add(code, message, span, help)
        raise _StopError


def _syntax_error(error: yaml.YAMLError, document: Document) -> Diagnostic:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if isinstance(error, yaml.reader.ReaderError):
        before = document.text[: error.position]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        message = (
            f"character U+{error.character:04X} is not allowed in YAML" if isinstance(error.character, int) else problem
        )
        return Diagnostic("Y004", message, Span(document.file, line, column, line, column + 1))
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    span = Span(document.file, line, column, line, column + 1)
    lines = document.text.split("\n")
    source_line = lines[line - 1] if line <= len(lines) else ""
    if "'\\t'" in problem or "\t" in source_line[: column + 1]:
        return Diagnostic("Y005", "a tab is used for indentation", span, "indent with spaces")
    help = ""
    if "mapping values are not allowed" in problem:
        help = "quote text that contains `: `"
    elif "expected ',' or" in problem or "flow" in str(getattr(error, "context", "")):
        help = "close every `[` and `{`, and quote an expression that contains `, [ ] { }`"
    elif "expected <block end>" in problem:
        help = "check the indentation of this line"
    return Diagnostic("Y004", f"not valid YAML: {problem}", span, help)


def describe(value: Any) -> str:
    """A value as messages name it: ``a mapping``, ``a list``, ``text `yes` ``, ``the number 3``."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    if isinstance(value, str):
        short = value if len(value) <= 40 else value[:37] + "…"
        return f"text `{short}`" if short else "empty text"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"a {type(value).__name__}"


class _Dumper(yaml.SafeDumper):
    """Writes what :func:`load` reads back unchanged; PyYAML's own dumper follows YAML 1.1."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.yaml_implicit_resolvers = {}
for _pattern, _first in (
    (re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    (
        re.compile(r"(?:true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)\Z"),
        list("tTfFyYnNoO"),
    ),
    (
        re.compile(
            "|".join(p.pattern for p in (_INT, _RADIX, _FLOAT, _SPECIAL_FLOAT, _LEADING_ZERO, _DATE, _SEXAGESIMAL))
        ),
        sorted(_NUMBER_START),
    ),
):
    _Dumper.add_implicit_resolver("tag:dlspec,2026:quoted", _pattern, _first)


def _represent_float(dumper: Any, value: float) -> Any:
    text = repr(value)
    if math.isinf(value) or math.isnan(value):
        text = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}[text]
    return dumper.represent_scalar("tag:dlspec,2026:quoted", text)


def _represent_plain(dumper: Any, value: Any) -> Any:
    text = (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if not isinstance(value, int) or isinstance(value, bool)
        else str(value)
    )
    return dumper.represent_scalar("tag:dlspec,2026:quoted", text)


_Dumper.add_representer(float, _represent_float)
for _type in (int, bool, type(None)):
    _Dumper.add_representer(_type, _represent_plain)
_Dumper.add_representer(Map, lambda dumper, value: dumper.represent_dict(value.items()))
_Dumper.add_representer(Seq, lambda dumper, value: dumper.represent_list(value))
_Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_list(value))


def dump(data: Any) -> str:
    """Plain data as YAML text; ``load(dump(data)).data == data``."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    return text
