"""Answers of the language server that are about one position, or one text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from lsprotocol import types

from dlspec.cli.editor.converting import path_of, range_of
from dlspec.cli.editor.server import Server
from dlspec.core.errors import Span
from dlspec.views.editing.analysis import Analysis
from dlspec.views.editing.completing import Completion, completions
from dlspec.views.editing.cursor import Cursor
from dlspec.views.editing.figures import figures_by_line
from dlspec.views.editing.hovering import explanation
from dlspec.views.editing.outline import Entry, foldings, outline
from dlspec.views.editing.text import Text

_SYMBOLS = {
    "section": types.SymbolKind.Module,
    "input": types.SymbolKind.Interface,
    "parameter": types.SymbolKind.Constant,
    "block": types.SymbolKind.Class,
    "layer": types.SymbolKind.Method,
}
_COMPLETIONS = {
    "option": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.EnumMember,
    "tensor": types.CompletionItemKind.Variable,
    "parameter": types.CompletionItemKind.Constant,
    "block": types.CompletionItemKind.Class,
    "column": types.CompletionItemKind.Field,
    "code": types.CompletionItemKind.Text,
}


def register_answers(server: Server) -> None:
    """Registers what the server answers about places and texts."""
    _looking(server)
    _writing(server)


def _looking(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hints(parameters: types.InlayHintParams) -> list[types.InlayHint]:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        first, last = parameters.range.start.line + 1, parameters.range.end.line + 1
        return list(_hints(analysis, first, last)) if analysis is not None else []

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(parameters: types.HoverParams) -> types.Hover | None:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        if analysis is None:
            return None
        line = parameters.position.line + 1
        shown = explanation(analysis, line, analysis.text.column(line, parameters.position.character))
        if shown is None:
            return None
        span = Span(analysis.name, line, shown.start, line, shown.end)
        markdown = types.MarkupContent(types.MarkupKind.Markdown, shown.text)
        return types.Hover(markdown, range_of(span, analysis.text))

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(parameters: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        if analysis is None or analysis.data is None:
            return []
        return [_symbol(entry, analysis.text) for entry in outline(analysis.data)]

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def folds(parameters: types.FoldingRangeParams) -> list[types.FoldingRange]:
        analysis = await server.checks.newest(path_of(parameters.text_document.uri))
        if analysis is None or analysis.data is None:
            return []
        parts = foldings(analysis.data, analysis.text.lines)
        return [types.FoldingRange(first - 1, last - 1, kind=kind or None) for first, last, kind in parts]


def _writing(server: Server) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[" ", "$", "{", "[", ",", "-"])
    )
    async def complete(parameters: types.CompletionParams) -> types.CompletionList:
        path = path_of(parameters.text_document.uri)
        if path not in server.specs:
            return types.CompletionList(is_incomplete=False, items=[])
        text = Text(server.checks.texts[path], server.encoding)
        line = parameters.position.line + 1
        column = text.column(line, parameters.position.character)
        last = server.checks.last.get(path)
        # In a thread: the columns of the data may be asked for.
        cursor, offers = await asyncio.to_thread(completions, path, text, line, column, last)
        items = [_item(offer, cursor, text, line) for offer in offers]
        return types.CompletionList(is_incomplete=False, items=items)


def _hints(analysis: Analysis, first: int, last: int) -> Iterator[types.InlayHint]:
    for line, figures in figures_by_line(analysis).items():
        label = figures.hint() if first <= line <= last else ""
        if label:
            written = analysis.text.line(line).rstrip()
            position = types.Position(line - 1, analysis.text.units(line, len(written) + 1))
            tooltip = types.MarkupContent(types.MarkupKind.Markdown, figures.table())
            yield types.InlayHint(position, f"→ {label}", types.InlayHintKind.Type, tooltip=tooltip, padding_left=True)


def _symbol(entry: Entry, text: Text) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        name=entry.name or "…",
        kind=_SYMBOLS[entry.kind],
        range=range_of(entry.span, text),
        selection_range=range_of(entry.label, text),
        detail=entry.detail or None,
        children=[_symbol(inner, text) for inner in entry.inner] or None,
    )


def _item(offer: Completion, cursor: Cursor, text: Text, line: int) -> types.CompletionItem:
    position = range_of(Span("", line, cursor.start, line, cursor.end), text)
    return types.CompletionItem(
        label=offer.label,
        kind=_COMPLETIONS.get(offer.kind, types.CompletionItemKind.Function),
        detail=offer.detail or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, offer.meaning) if offer.meaning else None,
        sort_text=f"{offer.rank:04}{offer.label}",
        filter_text=offer.label,
        text_edit=types.TextEdit(position, offer.insert),
    )
