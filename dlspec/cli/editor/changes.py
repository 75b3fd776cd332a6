"""Answers of the language server that lead elsewhere, or change the text: definitions, uses, names, mends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from dlspec.cli.editor.converting import path_of, range_of
from dlspec.cli.editor.server import Server
from dlspec.core.errors import Diagnostic, Edit, Span, SpecError
from dlspec.core.tree import span_of
from dlspec.syntax.formatting import formatted
from dlspec.syntax.source import load
from dlspec.views.editing.analysis import Analysis
from dlspec.views.editing.names import Name, name_at, names_of, same
from dlspec.views.editing.renaming import Refused, renamable, renamed
from dlspec.views.editing.text import Text

_REQUEST_FAILED = -32803
_FIX_ALL = types.CodeActionKind.SourceFixAll


def register_changes(server: Server) -> None:
    """Registers what the server answers about names, and the changes that it offers."""
    _leading(server)
    _naming(server)
    _formatting(server)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, _FIX_ALL]),
    )
    async def actions(parameters: types.CodeActionParams) -> list[types.CodeAction]:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        if analysis is None:
            return []
        wanted = parameters.context.only or [types.CodeActionKind.QuickFix, _FIX_ALL]
        made = list(_mends(server, analysis, parameters.range)) + list(_all_safe(server, analysis))
        # Kinds are texts, `source` that of all that begin so.
        return [action for action in made if any((action.kind or "").startswith(kind) for kind in map(_text, wanted))]


def _text(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind


def _leading(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(parameters: types.DefinitionParams) -> list[types.Location]:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        if analysis is None or analysis.data is None:
            return []
        line, column = _position(analysis, parameters.position)
        extended = _extended(analysis, line, column)
        if extended is not None:
            return [types.Location(extended.as_uri(), range_of(Span("", 1, 1, 1, 1), Text("")))]
        name = name_at(names_of(analysis.data, analysis.text), line, column)
        return [_location(server, span, text) for span, text in _given(analysis, name)] if name is not None else []

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def references(parameters: types.ReferenceParams) -> list[types.Location]:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        names, name = _name(analysis, parameters.position)
        if analysis is None or name is None:
            return []
        given = parameters.context.include_declaration
        return [_location(server, other.span, analysis.text) for other in same(names, name) if given or not other.gives]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlights(parameters: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        names, name = _name(analysis, parameters.position)
        if analysis is None or name is None:
            return []
        kinds = types.DocumentHighlightKind
        return [
            types.DocumentHighlight(range_of(other.span, analysis.text), kinds.Write if other.gives else kinds.Read)
            for other in same(names, name)
        ]


def _naming(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare(parameters: types.PrepareRenameParams) -> types.Range | None:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        name = renamable(analysis, *_position(analysis, parameters.position)) if analysis is not None else None
        return range_of(name.span, analysis.text) if name is not None and analysis is not None else None

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def rename(parameters: types.RenameParams) -> types.WorkspaceEdit | None:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        name = renamable(analysis, *_position(analysis, parameters.position)) if analysis is not None else None
        if analysis is None or name is None:
            return None
        texts = dict(server.checks.texts)
        try:
            edits = await asyncio.to_thread(renamed, analysis, texts, name, parameters.new_name)
        except Refused as error:
            raise JsonRpcException(str(error), _REQUEST_FAILED) from error
        return _change(server, analysis, edits)


def _formatting(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def formatting(parameters: types.DocumentFormattingParams) -> list[types.TextEdit]:
        path = path_of(parameters.text_document.uri)
        if path not in server.specs:
            return []
        text = Text(server.checks.texts[path], server.encoding)
        try:
            made = await asyncio.to_thread(formatted, text.source, str(path))
        except SpecError:  # a text that is no YAML, which its problems say
            return []
        return list(_differences(text, Text(made)))


def _differences(text: Text, made: Text) -> Iterator[types.TextEdit]:
    """The lines that change, so that a cursor stays where it is."""
    for kind, start, end, first, last in SequenceMatcher(None, text.lines, made.lines, False).get_opcodes():
        if kind == "equal":
            continue
        lines = made.lines[first:last]
        if end < len(text.lines):
            span = Span("", start + 1, 1, end + 1, 1)
            yield types.TextEdit(range_of(span, text), "".join(f"{line}\n" for line in lines))
        else:  # the last line has no end: the one before it gives its own
            before = min(start, 1)
            column = len(text.line(start)) + 1 if before else 1
            span = Span("", start + 1 - before, column, end, len(text.line(end)) + 1)
            yield types.TextEdit(range_of(span, text), "\n" * bool(before and lines) + "\n".join(lines))


def _position(analysis: Analysis, position: types.Position) -> tuple[int, int]:
    line = position.line + 1
    return line, analysis.text.column(line, position.character)


def _name(analysis: Analysis | None, position: types.Position) -> tuple[list[Name], Name | None]:
    """All names of a text, and the one at a position."""
    if analysis is None or analysis.data is None:
        return [], None
    names = names_of(analysis.data, analysis.text)
    return names, name_at(names, *_position(analysis, position))


def _given(analysis: Analysis, name: Name) -> Iterator[tuple[Span, Text]]:
    """Where a name is given: in this text, or else in a file that it extends."""
    for file, source in analysis.state.texts.items():
        text = analysis.text if file == analysis.name else Text(source, analysis.text.encoding)
        data = analysis.data if file == analysis.name else load(source, file).data
        places = [other.span for other in same(names_of(data, text), name) if other.gives] if data is not None else []
        if places:
            yield from ((span, text) for span in places)
            return


def _extended(analysis: Analysis, line: int, column: int) -> Path | None:
    """The file that `extends` names, where a position lies on its name."""
    written = analysis.data.get("extends") if analysis.data is not None else None
    span = span_of(analysis.data, "extends") if isinstance(written, str) else None
    if span is None or span.line != line or not span.column <= column <= span.end_column:
        return None
    return (analysis.path.parent / str(written)).resolve()


def _location(server: Server, span: Span, text: Text) -> types.Location:
    return types.Location(_uri(server, span.file), range_of(span, text))


def _uri(server: Server, file: str) -> str:
    """The name by which the editor knows a file, if it does."""
    return server.uris.get(Path(file)) or Path(file).resolve().as_uri()


def _change(server: Server, analysis: Analysis, edits: Iterable[Edit]) -> types.WorkspaceEdit:
    changes: dict[str, list[types.TextEdit]] = {}
    for edit in dict.fromkeys(edits):
        file = edit.span.file
        text = analysis.text if file == analysis.name else Text(analysis.state.texts[file], analysis.text.encoding)
        changes.setdefault(_uri(server, file), []).append(types.TextEdit(range_of(edit.span, text), edit.text))
    return types.WorkspaceEdit(changes=changes)


def _mends(server: Server, analysis: Analysis, wanted: types.Range) -> Iterator[types.CodeAction]:
    """The change that each problem of a range names."""
    for item in analysis.diagnostics:
        if item.edits and item.span is not None and _touches(item, wanted):
            yield types.CodeAction(
                title=f"{item.code}: {item.help.rstrip('?')}",
                kind=types.CodeActionKind.QuickFix,
                edit=_change(server, analysis, item.edits),
                is_preferred=all(edit.safe for edit in item.edits),
            )


def _touches(item: Diagnostic, wanted: types.Range) -> bool:
    return (
        item.span is not None and item.span.line - 1 <= wanted.end.line and wanted.start.line <= item.span.end_line - 1
    )


def _all_safe(server: Server, analysis: Analysis) -> Iterator[types.CodeAction]:
    """All changes at once with which nothing else can have been meant."""
    edits = [edit for item in analysis.diagnostics for edit in item.edits if edit.safe]
    if edits:
        edit = _change(server, analysis, _apart(edits))
        yield types.CodeAction(title="dlspec: make all safe changes", kind=_FIX_ALL, edit=edit)


def _apart(edits: Iterable[Edit]) -> Iterator[Edit]:
    """Edits in order, without those that overlap one before them."""
    last: Edit | None = None
    for edit in sorted(set(edits), key=lambda edit: edit.span):
        if last is None or last.span.file != edit.span.file or last.span[3:5] <= edit.span[1:3]:
            yield edit
            last = edit
