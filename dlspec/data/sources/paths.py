"""Files that a spec names by a pattern."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dlspec.data.sources.base import DataProblem, locate


class File(NamedTuple):
    """A file, and how a spec would write it."""

    path: Path
    shown: str


def locate_all(path: str, folder: Path, *, allow_outside: bool) -> list[File]:
    """The file at `path`, or all that match its last part, sorted.

    Raises:
        Problem: E108, the path leads outside.
        DataProblem: E601, there is no such file.
    """
    parent, _, name = path.rpartition("/")
    if not set("*?[") & set(name) or (folder / path).is_file():
        return [File(locate(path, folder, allow_outside=allow_outside), path)]
    inside = locate(parent or ".", folder, allow_outside=allow_outside, want="folder")
    names = sorted(file.name for file in inside.glob(name) if file.is_file())
    if not names:
        raise DataProblem("E601", f"no file matches `{path}`", "paths start at the folder of the spec", "path", path)
    shown = [f"{parent}/{name}" if parent else name for name in names]
    return [File(locate(each, folder, allow_outside=allow_outside), each) for each in shown]
