"""Places and problems of dlspec as the protocol has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from dlspec.core.errors import Diagnostic, Edit, Note, Span
from dlspec.core.tree import span_of
from dlspec.views.editing.analysis import Analysis
from dlspec.views.editing.text import Text

_SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}


def path_of(uri: str) -> Path:
    """The file that a URI names; of a text that has none yet, one in the current folder."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return Path.cwd() / (Path(unquote(parts.path)).name or "untitled.yaml")
    path = unquote(parts.path)
    if path[:1] == "/" and path[2:3] == ":":  # /C:/specs
        path = path[1:]
    return Path(f"//{parts.netloc}{path}" if parts.netloc else path)


def range_of(span: Span, text: Text) -> types.Range:
    """A span as a range in the units of the editor."""
    return types.Range(
        types.Position(span.line - 1, text.units(span.line, span.column)),
        types.Position(span.end_line - 1, text.units(span.end_line, span.end_column)),
    )


def diagnostics_of(analysis: Analysis) -> list[types.Diagnostic]:
    """All problems of a spec. One in a file that it extends stands at its `extends`, and names that place."""
    return [_diagnostic(item, analysis) for item in analysis.diagnostics]


def _diagnostic(item: Diagnostic, analysis: Analysis) -> types.Diagnostic:
    here = item.span is not None and item.span.file == analysis.name
    notes = item.notes if here or item.span is None else (Note("it stands here", item.span), *item.notes)
    related = [_related(note, note.span, analysis) for note in notes if note.span is not None]
    remarks = [f"note: {note.message}" for note in notes if note.span is None]
    help = [f"help: {item.help}"] if item.help else []
    return types.Diagnostic(
        range=range_of(item.span if here and item.span is not None else _outside(item, analysis), analysis.text),
        message="\n".join([item.message, *remarks, *help]),
        severity=_SEVERITIES[item.severity],
        code=item.code,
        source="dlspec",
        related_information=related or None,
    )


def _outside(item: Diagnostic, analysis: Analysis) -> Span:
    """Where a problem is shown that stands nowhere in this text."""
    extends = span_of(analysis.data, "extends") if analysis.data is not None and "extends" in analysis.data else None
    if item.span is not None and extends is not None:
        return extends
    return Span(analysis.name, 1, 1, 1, len(analysis.text.line(1)) + 1)


def _related(note: Note, span: Span, analysis: Analysis) -> types.DiagnosticRelatedInformation:
    text = analysis.text if span.file == analysis.name else Text(analysis.state.texts.get(span.file, ""))
    uri = Path(span.file).resolve().as_uri()
    return types.DiagnosticRelatedInformation(types.Location(uri, range_of(span, text)), note.message)


def text_edits(edits: Iterable[Edit], text: Text) -> list[types.TextEdit]:
    """Changes of one file."""
    return [types.TextEdit(range_of(edit.span, text), edit.text) for edit in edits]
