"""Remarks of a source on columns of an unexpected content, and on what it left out."""

from __future__ import annotations

from typing import NamedTuple


class Contents(NamedTuple):
    """The content of a column that should be numeric: a description, a help, and a location."""

    what: str
    help: str
    where: str


class LeftOut(NamedTuple):
    """Something of a source that is used by none of its columns, though it may have been meant to be.

    Attributes:
        message: What it is and where, with how many there are of the kind.
        help: What makes it count, or ends the warning.
        option: The option of the source that names it.
        of_frame: Whether it is the index of a frame, which nobody misses who names what enters the model.
    """

    message: str
    help: str
    option: str = "path"
    of_frame: bool = False
