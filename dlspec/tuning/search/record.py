"""The durable record of a search: every event in a row of a SQLite file, whole or absent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.core.errors import Problem

FILE = "search.sqlite"


class Event(NamedTuple):
    """One row.

    Attributes:
        kind: ``proposed`` or ``ended``.
        trial: Number of the trial, from 1.
        facts: What there is to know.
    """

    kind: str
    trial: int
    facts: dict[str, Any]


class Record:
    """The events of one search in their order."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        try:
            self._base = sqlite3.connect(self._path, isolation_level=None)
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
                " trial INTEGER NOT NULL, facts TEXT NOT NULL)"
            )
        except sqlite3.Error as error:
            raise self._problem(error) from error

    def _problem(self, error: sqlite3.Error) -> Problem:
        return Problem("E531", f"the record of the search `{self._path}` cannot be used: {error}")

    def close(self) -> None:
        """Closes the file; nothing is written from here on."""
        self._base.close()

    def facts(self) -> dict[str, Any]:
        """The facts that the search recorded when it began."""
        rows = self._query("SELECT name, value FROM facts")
        return {name: json.loads(value) for name, value in rows}

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Writes down what the search begins with."""
        self._query("BEGIN")
        for name, value in facts.items():
            self._query("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, json.dumps(value))
        self._query("COMMIT")

    def add(self, event: Event) -> None:
        """Adds an event; when this returns, the disk has it."""
        self._query(
            "INSERT INTO events (kind, trial, facts) VALUES (?, ?, ?)",
            event.kind, event.trial, json.dumps(event.facts),
        )  # fmt: skip

    def __iter__(self) -> Iterator[Event]:
        for kind, trial, facts in self._query("SELECT kind, trial, facts FROM events ORDER BY number"):
            yield Event(kind, trial, json.loads(facts))

    def _query(self, text: str, *values: Any) -> list[Any]:
        try:
            return self._base.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise self._problem(error) from error
