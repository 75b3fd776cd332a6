"""Puts the language server together."""

from __future__ import annotations

from dlspec.cli.editor.answers import register_answers
from dlspec.cli.editor.changes import register_changes
from dlspec.cli.editor.server import Server, register_texts


def server() -> Server:
    """A server with all its answers."""
    made = Server()
    register_texts(made)
    register_answers(made)
    register_changes(made)
    return made
