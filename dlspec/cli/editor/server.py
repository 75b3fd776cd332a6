"""The language server: what it answers to which request."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dlspec import __version__
from dlspec.cli.editor.checking import Checks
from dlspec.cli.editor.converting import diagnostics_of, path_of
from dlspec.passes.state import Parsed
from dlspec.views.editing.analysis import Analysis, is_spec


class Server(LanguageServer):
    """A language server over the open specs of an editor.

    Attributes:
        checks: Texts and analyses of all open files.
        uris: The name by which the editor knows each file.
        versions: Number of the newest text of each, as the editor counts.
    """

    def __init__(self) -> None:
        # Whole texts: pygls splits lines at characters that the protocol does not, and would misplace changes.
        super().__init__("dlspec", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.checks = Checks(self.show, self.failed)
        self.uris: dict[Path, str] = {}
        self.versions: dict[Path, int | None] = {}
        self.specs: set[Path] = set()

    @property
    def encoding(self) -> str:
        """The unit in which this editor counts."""
        encoding = self.server_capabilities.position_encoding or types.PositionEncodingKind.Utf16
        return encoding.value if isinstance(encoding, types.PositionEncodingKind) else encoding

    def opened(self, path: Path, uri: str, version: int | None, text: str, *, spec: bool = False) -> None:
        """Takes the newest text of a file and checks whatever depends on it.

        Args:
            spec: Whether the editor says that it is one; otherwise the text does.
        """
        self.uris[path], self.versions[path] = uri, version
        self.checks.texts[path] = text
        if spec or is_spec(text):
            self.specs.add(path)
        if path in self.specs:  # the same text as well: an editor may wait for problems of its newest number
            self.checks.ask(path, now=False)
        self.check_dependents(path)

    def check_dependents(self, path: Path) -> None:
        """Checks the open specs that extend a file, or take Python code from it."""
        changed = path.resolve()
        for other, analysis in list(self.checks.last.items()):
            files = [*map(Path, analysis.state.texts), *_code(analysis)]
            if other != path and any(file.resolve() == changed for file in files):
                self.checks.ask(other)

    def closed(self, path: Path) -> None:
        """Forgets a file, and takes its problems away."""
        uri = self.uris.pop(path, None)
        self.versions.pop(path, None)
        self.specs.discard(path)
        self.checks.forget(path)
        if uri is not None:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
        self.check_dependents(path)

    def show(self, analysis: Analysis) -> None:
        """Sends the problems of a text."""
        path = analysis.path
        if path in self.uris:
            problems = diagnostics_of(analysis)
            sent = types.PublishDiagnosticsParams(self.uris[path], problems, self.versions[path])
            self.text_document_publish_diagnostics(sent)

    def failed(self, path: Path, error: Exception) -> None:
        """Says that dlspec itself failed; the spec is not to blame."""
        text = f"internal error in `{path.name}`: {type(error).__name__}: {error}"
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, text))


def _code(analysis: Analysis) -> list[Path]:
    """Python files that a spec names, whether or not they exist."""
    written = analysis.state.data.get("extensions") if isinstance(analysis.state, Parsed) else None
    names = [written] if isinstance(written, str) else written if isinstance(written, list) else []
    return [analysis.path.parent / name for name in names if isinstance(name, str)]


def register_texts(made: Server) -> None:
    """Registers what happens to texts."""

    @made.feature(types.INITIALIZED)
    def initialized(_parameters: types.InitializedParams) -> None:
        made.checks = Checks(made.show, made.failed, made.encoding)

    @made.feature(types.SHUTDOWN)
    def shutdown(_parameters: None) -> None:
        made.checks.close()

    @made.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(parameters: types.DidOpenTextDocumentParams) -> None:
        document = parameters.text_document
        spec = document.language_id == "dlspec"
        made.opened(path_of(document.uri), document.uri, document.version, document.text, spec=spec)

    @made.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(parameters: types.DidChangeTextDocumentParams) -> None:
        document = parameters.text_document
        text = made.workspace.get_text_document(document.uri).source
        made.opened(path_of(document.uri), document.uri, document.version, text)

    @made.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(parameters: types.DidSaveTextDocumentParams) -> None:
        path = path_of(parameters.text_document.uri)
        if path in made.specs:
            made.checks.ask(path)
        made.check_dependents(path)

    @made.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(parameters: types.DidCloseTextDocumentParams) -> None:
        made.closed(path_of(parameters.text_document.uri))

    @made.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(_parameters: types.DidChangeWatchedFilesParams) -> None:
        for path in made.specs:  # data, code or a spec that is extended: to compile again costs less than to ask which
            made.checks.ask(path)
