"""Diagnostics as text, JSON, GitHub annotations or SARIF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlspec import __version__
from dlspec.core.errors import Diagnostic, Edit, Span
from dlspec.core.terminal import cells, printable

if TYPE_CHECKING:
    from dlspec.core.documents.printed import Change, Check, Finding, Range

FORMATS = ("text", "json", "github", "sarif")
CAP = 50

_STYLES = {"error": "1;31", "warning": "1;33", "frame": "1;34", "help": "1;32", "bold": "1"}


def render(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], form: str, colour: bool = False) -> str:
    """All diagnostics in one of :data:`FORMATS`; ``text`` shows at most :data:`CAP` of them.

    Args:
        diagnostics: In the order to show them.
        texts: Text of each file that a span may name.
        form: The format.
        colour: Whether ``text`` carries ANSI colours.
    """
    if form == "json":
        document: Check = {"version": 1, "diagnostics": [as_json(item) for item in diagnostics]}
        return json.dumps(document, indent=2, ensure_ascii=False)
    if form == "github":
        return "\n".join(_github(item) for item in diagnostics)
    if form == "sarif":
        return json.dumps(_sarif(diagnostics), indent=2, ensure_ascii=False)
    shown = [_Text(texts, colour).diagnostic(item) for item in diagnostics[:CAP]]
    if len(diagnostics) > CAP:
        shown.append(f"… and {len(diagnostics) - CAP} more")
    return "\n\n".join(shown)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """``2 errors, 1 warning``, or ""."""
    errors = sum(item.severity == "error" for item in diagnostics)
    warnings = len(diagnostics) - errors
    parts = [
        f"{count} {noun}{'s' if count > 1 else ''}"
        for count, noun in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return ", ".join(parts)


def as_json(diagnostic: Diagnostic) -> Finding:
    """One diagnostic in the stable JSON form (version 1)."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "notes": [
            {"message": note.message, "file": note.span.file if note.span else None, "range": _range(note.span)}
            for note in diagnostic.notes
        ],
        "edits": [_edit(edit) for edit in diagnostic.edits],
        "file": diagnostic.span.file if diagnostic.span else None,
        "range": _range(diagnostic.span),
    }


def _edit(edit: Edit) -> Change:
    return {"file": edit.span.file, "range": _lines(edit.span), "text": edit.text, "safe": edit.safe}


def _range(span: Span | None) -> Range | None:
    return _lines(span) if span is not None else None


def _lines(span: Span) -> Range:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }


class _Text:
    def __init__(self, texts: Mapping[str, str], colour: bool) -> None:
        self.texts = texts
        self.colour = colour

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour else text

    def diagnostic(self, item: Diagnostic) -> str:
        head = self.paint(f"{item.severity}[{item.code}]", item.severity) + self.paint(
            f": {printable(item.message)}", "bold"
        )
        lines = [head]
        width = len(str(item.span.line)) if item.span else 1
        if item.span:
            lines += self.excerpt(item.span, width, item.severity, "-->")
        for note in item.notes:
            lines += self.note(note.message, note.span, width)
        if item.help:
            lines.append(self.paint(" " * width + " = help: ", "help") + printable(item.help))
        return "\n".join(lines)

    def note(self, message: str, span: Span | None, width: int) -> list[str]:
        where = f" ({printable(span.file)}:{span.line}:{span.column})" if span else ""
        return [self.paint(" " * width + " = ", "frame") + f"note: {printable(message)}{where}"]

    def excerpt(self, span: Span, width: int, style: str, arrow: str) -> list[str]:
        location = f"{printable(span.file)}:{span.line}:{span.column}"
        lines = [self.paint(" " * width + arrow, "frame") + f" {location}"]
        source = self.texts.get(span.file, "").split("\n")
        if not 1 <= span.line <= len(source) or not source[span.line - 1].strip():
            return lines
        text = source[span.line - 1]
        end = span.end_column if span.end_line == span.line else len(text) + 1
        start, text = _clip(text, span.column - 1)
        length = max(1, min(end - span.column, len(text) - start))
        bar = self.paint(" " * width + " |", "frame")
        caret = " " * cells(text[:start]) + "^" * max(1, cells(text[start : start + length]))
        numbered = self.paint(f"{span.line} |", "frame")
        return [*lines, bar, f"{numbered} {printable(text)}", f"{bar} {self.paint(caret, style)}"]


def _clip(text: str, start: int, limit: int = 120) -> tuple[int, str]:
    """The position in, and the text of, a window of a long line that holds position `start`."""
    if len(text) <= limit:
        return start, text
    cut = max(0, start - 40)
    window = text[cut : cut + limit]
    if cut:
        window = "…" + window[1:]
    return start - cut, window


def _github(item: Diagnostic) -> str:
    properties = ""
    if item.span:
        span = item.span
        properties = f" file={_property(span.file)},line={span.line},col={span.column},endLine={span.end_line}"
        properties += f",endColumn={span.end_column},"
    title = f"{properties or ' '}title={item.code}"
    message = printable(item.message) + (f"\nhelp: {printable(item.help)}" if item.help else "")
    message += f"\nmore: dlspec explain {item.code}"
    return f"::{item.severity}{title}::{_data(message)}"


def _data(text: str) -> str:
    lines = text.replace("%", "%25").split("\n")
    return "%0A".join(printable(line) for line in lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    rules = sorted({item.code for item in diagnostics})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "dlspec",
                        "version": __version__,
                        "rules": [_sarif_rule(code) for code in rules],
                    }
                },
                "results": [_sarif_result(item) for item in diagnostics],
            }
        ],
    }


def _sarif_rule(name: str) -> dict[str, Any]:
    """A code with its page, which a viewer shows beside the results: nothing has to be fetched for it."""
    from dlspec.core.codes import CODES, page

    entry = CODES[name]
    return {
        "id": name,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.rule},
        "help": {"text": f"{entry.rule} `dlspec explain {name}` shows examples.", "markdown": page(name)},
    }


def _sarif_result(item: Diagnostic) -> dict[str, Any]:
    message = item.message + (f" Help: {item.help}" if item.help else "")
    result: dict[str, Any] = {"ruleId": item.code, "level": item.severity, "message": {"text": message}}
    if item.span:
        location = {"artifactLocation": {"uri": item.span.file}, "region": _region(item.span)}
        result["locations"] = [{"physicalLocation": location}]
    if item.edits:
        result["fixes"] = [{"description": {"text": item.help}, "artifactChanges": _changes(item.edits)}]
    return result


def _changes(edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """The changes of a fix, file by file."""
    files: dict[str, list[dict[str, Any]]] = {}
    for edit in edits:
        change = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        files.setdefault(edit.span.file, []).append(change)
    return [{"artifactLocation": {"uri": name}, "replacements": changes} for name, changes in files.items()]


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
