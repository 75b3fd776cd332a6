"""From a help that names exactly one change to the change itself: which characters of which file become what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from dlspec.core.errors import Diagnostic, Edit, Replacement, Span
from dlspec.core.tree import Map
from dlspec.syntax.source import load


def with_edits(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str]) -> list[Diagnostic]:
    """The diagnostics with their edits, where a help names a change and the file has what is to be changed.

    Args:
        diagnostics: All that was found in one compilation: each file is looked at once.
        texts: Text of each file that may be changed, by the name that spans give it.
    """
    files = {name: _File(name, text) for name, text in texts.items()}
    return [_with_edits(item, files) for item in diagnostics]


def _with_edits(diagnostic: Diagnostic, files: Mapping[str, _File]) -> Diagnostic:
    help = diagnostic.help
    if not isinstance(help, Replacement) or diagnostic.span is None:
        return diagnostic
    edits = [_edit(help, span, files[span.file]) for span in (diagnostic.span, *help.also) if span.file in files]
    known = tuple(edit for edit in edits if edit is not None)
    return diagnostic._replace(edits=known) if len(known) == 1 + len(help.also) else diagnostic


class _File:
    """A file that may be changed; what is asked of it often is made once."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def entries(self) -> dict[tuple[str, Span], tuple[Span, Span, bool]]:
        """By key and span of an entry's key or value: both spans, and whether it is the only entry."""
        entries: dict[tuple[str, Span], tuple[Span, Span, bool]] = {}
        for mapping in _maps(load(self.text, self.name).data):
            for key, value in mapping.value_spans.items():
                key_span = mapping.key_spans.get(key)
                if key_span is not None:
                    entry = (key_span, value, len(mapping) == 1)
                    entries.setdefault((key, key_span), entry)
                    entries.setdefault((key, value), entry)
        return entries


def applied(text: str, edits: Iterable[Edit]) -> str:
    """`text` after the edits; of two that overlap the later one is left out.

    Args:
        edits: Edits of one file.
    """
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def bounds(span: Span) -> tuple[int, int]:
        return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1

    parts: list[str] = []
    done = 0
    for (start, end), new in sorted((bounds(edit.span), edit.text) for edit in edits):
        if start >= done and end >= start:
            parts += [text[done:start], new]
            done = end
    return "".join([*parts, text[done:]])


def _edit(help: Replacement, span: Span, file: _File) -> Edit | None:
    if span.end_line > len(file.lines):
        return None
    if help.new is None:
        removed = _entry(help.old, span, file)
        return Edit(removed, "", help.safe and not _has_comment(removed, file)) if removed else None
    if span.line != span.end_line:
        return None
    before, written = span.column - 1, file.lines[span.line - 1][span.column - 1 : span.end_column - 1]
    if _reads_as(written, help.old):
        return Edit(span, help.new, help.safe)
    if not isinstance(help.old, str):
        return None
    matches = list(re.finditer(rf"(?<![\w.]){re.escape(help.old)}(?![\w.])", written))
    if len(matches) != 1:
        return None
    start, end = matches[0].span()
    edited = span._replace(column=before + start + 1, end_column=before + end + 1)
    return Edit(edited, help.new, help.safe)


def _has_comment(span: Span, file: _File) -> bool:
    """Whether a comment would go with a span, which somebody should look at first."""
    written = file.lines[span.line - 1][span.column - 1 :] if span.end_line > span.line else ""
    return "#" in written


def _reads_as(written: str, value: Any) -> bool:
    """Whether YAML text is that value, and nothing else beside it."""
    if written == value:
        return True
    document = load(f"value: {written}")
    if document.data is None or document.diagnostics.items or set(document.data) != {"value"}:
        return False
    read = document.data["value"]
    return type(read) is type(value) and bool(read == value)


def _entry(key: str, span: Span, file: _File) -> Span | None:
    """The span of the entry whose key or value is at `span`, with the separator to its neighbours.

    None where it is not on one line, or where nothing would be left of a block mapping.
    """
    key_span, value, alone = file.entries.get((key, span), (None, None, False))
    if key_span is None or value is None or value.end_line != key_span.line:
        return None
    return _without(key_span, value, file.lines[key_span.line - 1], alone)


def _without(key: Span, value: Span, line: str, alone: bool) -> Span | None:
    start, end = key.column - 1, value.end_column - 1
    if not line[:start].strip() and not line[end:].partition("#")[0].strip():
        return None if alone else key._replace(column=1, end_line=key.line + 1, end_column=1)
    if after := re.match(r"\s*,\s*", line[end:]):
        end += after.end()
    elif before := re.search(r"\s*,\s*\Z", line[:start]):
        start = before.start()
    elif not (line[:start].rstrip().endswith("{") and line[end:].lstrip().startswith("}")):
        return None
    return key._replace(column=start + 1, end_line=key.line, end_column=end + 1)


def _maps(value: Any) -> Iterator[Map]:
    if isinstance(value, Map):
        yield value
        for item in value.values():
            yield from _maps(item)
    elif isinstance(value, list):
        for item in value:
            yield from _maps(item)
