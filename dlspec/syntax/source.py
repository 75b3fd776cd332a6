"""YAML text to plain data with an exact span for every key and value; knows no meaning.

A strict YAML 1.2 core loader over libyaml's *events*: the composer of libyaml recurses and crashes on deep nesting,
events do not. What PyYAML reads wrongly (``1e-3`` as text, ``yes`` as true, ``012`` as ten, a later duplicate key
silently winning) is read right here or refused with a code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dlspec.core.errors import Diagnostic, Diagnostics, Note, Span
from dlspec.core.tree import Invalid, Map, Seq, describe

# libyaml's parser where PyYAML has it, which is ten times as fast.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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
_TEMPLATE = re.compile(r"\{\{ ?([A-Za-z][A-Za-z0-9_]*)?")
_NUMBER_START = frozenset("-+.0123456789")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Blanks that look like a space and are none: YAML takes them as text, so a key silently changes its name.
BLANKS = re.compile("[\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]")


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
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        document.diagnostics.add(Diagnostic("Y001", f"cannot read `{document.file}`: {reason}", None))
        return document
    return decoded(raw, document.file)


def decoded(raw: bytes, name: str) -> Document:
    """Loads the bytes of a file.

    Args:
        name: What spans call it.
    """
    document = Document(file=name)
    if len(raw) > MAX_BYTES:
        return _too_large(document)
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


def read_unsaved(text: str, name: str) -> Document:
    """Loads a text that an editor holds, under the limit of a file."""
    large = len(text) > MAX_BYTES // 4 and len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES
    return _too_large(Document(file=name)) if large else load(text, name)


def _too_large(document: Document) -> Document:
    start = Span(document.file, 1, 1, 1, 1)
    document.diagnostics.add(Diagnostic("Y003", f"the file is larger than {MAX_BYTES // 2**20} MiB", start))
    return document


def load(text: str, file: str = "<text>") -> Document:
    """Parses YAML text with the span of every key and value.

    Returns:
        The document. After a syntax error or a limit ``data`` is None; smaller mistakes leave usable data behind.
    """
    document = Document(file=file, text=text.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        document.data = _Loader(document).root()
    except _StopError:
        document.data = None
    except yaml.YAMLError as error:
        from dlspec.syntax.syntax import explain

        document.diagnostics.add(explain(error, document.file, document.text))
    except UnicodeEncodeError:  # bytes of a command line that are not UTF-8 become halves of characters
        document.diagnostics.add(Diagnostic("Y002", "it holds bytes that are not UTF-8", Span(file, 1, 1, 1, 1)))
    return document


class _StopError(Exception):
    """Reading cannot go on; the diagnostic stands in the document."""


_INVALID_KEY = object()
_SCALAR = yaml.ScalarEvent
_new_tuple = tuple.__new__


class _Loader:
    """Builds spanned data from events, with an explicit stack so that depth is ours to limit."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.file = document.file
        self.anchors: dict[str, tuple[Any, Span, int]] = {}
        self.open_anchors: set[str] = set()
        self.nodes = 0

    def root(self) -> Map | None:
        root: Any = None
        root_span: Span | None = None
        documents = 0
        stream: Iterator[Any] = iter(yaml.parse(self.document.text, Loader=LOADER))
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
            if kind is _SCALAR:  # most events: what each of them takes is what a file takes
                span = self.span(event)
                frame = stack[-1] if stack else None
                is_key = frame is not None and frame[2] is None and type(frame[0]) is Map
                text = event.value
                if event.tag is None and event.implicit[0] and text.isascii():
                    value = text if is_key else self.resolve(text, span)
                else:
                    value = self.unusual(event, span, is_key)
                self.nodes += 1
                if self.nodes > MAX_NODES:
                    self.count(0, span)
                if event.anchor:
                    self.anchors[event.anchor] = (value, span, 1)
                if frame is None:
                    return value, span
                self.attach(frame, value, span)
                continue
            if kind is yaml.AliasEvent:
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
            self.add("Y009", f"tag `{_tag(event.tag)}` is not allowed", span, "remove it: a spec is plain YAML")
        if len(stack) >= MAX_DEPTH:
            self.stop("Y012", f"nested deeper than {MAX_DEPTH} levels", span, "flatten the spec, or use blocks")
        if self.wants_key(stack):
            self.stop("Y016", "a key must be a plain name", span, self.key_help(event))
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
            key = frame[1]
            if key is not _INVALID_KEY:
                container[key] = value
                container.key_spans[key] = frame[2]
                container.value_spans[key] = span
            frame[1] = frame[2] = None

    def check_key(self, container: Map, key: str, span: Span) -> Any:
        if key == "<<":
            self.add("Y010", "merge key `<<` is not allowed", span, "use `extends:`, or a block with parameters")
            container.tainted = True
            return _INVALID_KEY
        if key in container:
            first = Note(f"first `{key}` stands here", container.key_spans[key])
            self.add("Y007", f"duplicate key `{key}`", span, "remove one of them", (first,))
            container.doubled = True
            return _INVALID_KEY
        return key

    def alias(self, anchor: str, span: Span) -> Any:
        if anchor in self.open_anchors:
            self.stop("Y014", f"alias `*{anchor}` refers to what it stands in", span, "use `repeat:`, or a block")
        if anchor not in self.anchors:
            help = f"name a value with `&{anchor}` above it; text that starts with `*` is quoted"
            self.stop("Y018", f"alias `*{anchor}` has no anchor `&{anchor}` before it", span, help)
        value, _, size = self.anchors[anchor]
        self.count(size, span)
        # A copy: what `--set` changes at one place must not change at another.
        return deepcopy(value) if isinstance(value, Map | Seq) else value

    def count(self, nodes: int, span: Span) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            help = "use `repeat:` or a block in place of aliases"
            self.stop("Y013", f"more than {MAX_NODES:,} values, aliases written out", span, help)

    def unusual(self, event: Any, span: Span, is_key: bool) -> Any:
        """The value of a scalar that has a tag, is quoted, or holds more than ASCII."""
        text: str = event.value
        if event.tag is not None:
            self.add("Y009", f"tag `{_tag(event.tag)}` is not allowed", span, "remove it: a spec is plain YAML")
            return text if is_key else Invalid(text)
        if not event.implicit[0]:  # quoted, or a block scalar
            return text
        if blank := BLANKS.search(text):
            message = f"character U+{ord(blank.group()):04X} looks like a blank and is none"
            at = Span(self.file, span.line, span.column + blank.start(), span.line, span.column + blank.end())
            single = span.line == span.end_line
            self.add("Y006", message, at if single else span, "type an ordinary space, or quote the text")
            return BLANKS.sub(" ", text).strip() if is_key else Invalid(text)
        return text if is_key else self.resolve(text, span)

    def resolve(self, text: str, span: Span) -> Any:
        """The value of a plain scalar; invalid where programs read it differently."""
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] not in _NUMBER_START:
            return text
        if len(text) > MAX_NUMBER and (_INT.match(text) or _FLOAT.match(text) or _RADIX.match(text)):
            return self.refuse("Y015", text, f"a number of {len(text)} characters", span, f"at most {MAX_NUMBER}")
        if _INT.match(text):
            return int(text)
        if _LEADING_ZERO.match(text):
            plain = text.lstrip("+-0") or "0"
            help = f"write `{plain}`, or quote it if it is text"
            return self.refuse("Y008", text, f"`{text}` has a leading zero", span, help)
        if _FLOAT.match(text):
            return self.number(text, span)
        if _RADIX.match(text):
            return int(text, 0)
        if _SPECIAL_FLOAT.match(text):
            return float(text.replace(".", "", 1))
        if _DATE.match(text):
            message = f"`{text}` reads as a date in some YAML programs"
            return self.refuse("Y008", text, message, span, f'quote it: "{text}"')
        if _SEXAGESIMAL.match(text):
            message = f"`{text}` reads as a base-60 number in some YAML programs"
            return self.refuse("Y008", text, message, span, f'quote it: "{text}"')
        return text

    def number(self, text: str, span: Span) -> Any:
        value = float(text)
        if math.isinf(value):
            message = f"`{text}` is too large for a float"
            return self.refuse("Y015", text, message, span, "write `.inf` if infinity is meant")
        return value

    def refuse(self, code: str, text: str, message: str, span: Span, help: str) -> Invalid:
        self.add(code, message, span, help)
        return Invalid(text)

    def key_help(self, event: Any) -> str:
        """Help for a list or mapping as a key; most are Jinja or an expression without quotes."""
        start = event.start_mark
        line = self.document.text.split("\n")[start.line]
        if template := _TEMPLATE.search(line, max(0, start.column - 1)):
            return f"specs have no `{{{{ }}}}`: write `${template.group(1) or 'name'}` for a parameter"
        return "quote an expression that contains `{`, `[` or `,`"

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        # Half of the time that calling the class takes.
        return _new_tuple(Span, (self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1, 0))

    def add(self, code: str, message: str, span: Span, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.document.diagnostics.add(Diagnostic(code, message, span, help, notes))

    def stop(self, code: str, message: str, span: Span, help: str = "") -> None:
        self.add(code, message, span, help)
        raise _StopError


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
