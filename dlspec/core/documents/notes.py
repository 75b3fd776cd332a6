"""``notes.json`` of a run, search or study: what a person says of it."""

from __future__ import annotations

from typing import TypedDict

NOTES_FILE = "notes.json"


class Notes(TypedDict):
    """What a person says of a folder.

    Attributes:
        tags: Words by which it is found again, in the order in which they were given; `dlspec runs prune` leaves
            what has one.
        note: A sentence; "" for none.
    """

    tags: list[str]
    note: str
