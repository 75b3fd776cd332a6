"""The folder of a search: ``runs/<name>/search-<time>/``, new or unfinished, and what is written into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlspec.core.documents.reading import read_search
from dlspec.core.documents.search import SEARCH_FILE
from dlspec.core.errors import Problem
from dlspec.core.files import write_atomically
from dlspec.core.tree import Map
from dlspec.syntax.dumping import dump
from dlspec.training.run.locking import Lock
from dlspec.training.run.run_folder import RunFolder, new_identifier
from dlspec.tuning.search.record import FILE, Record

BEST_FILE, SPEC_FILE = "best.yaml", "spec.yaml"


def find(runs: Path, name: str, spec_text: str, *, search: Path | None, new: bool) -> tuple[Path, bool]:
    """The folder for a spec's search, and whether a search is in it already.

    Args:
        runs: The folder of all runs.
        name: Of the spec.
        spec_text: The resolved spec; an unfinished search of another one is left alone.
        search: The folder that the user wants.
        new: Whether it must be a new one.

    Raises:
        Problem: E507 the folder holds something else, E512 a search of another spec.
    """
    if search is not None:
        if (search / FILE).is_file():
            if new:
                raise Problem("E507", f"`{search}` holds a search already, and `--new` wants a new one", "choose one")
            if _spec(search) != spec_text:
                text = f"the search `{search}` was begun with another spec"
                raise Problem("E512", text, "begin another one with `--new`, or make the spec as it was")
            return search, True
        if search.exists() and any(search.iterdir()):
            raise Problem("E507", f"`{search}` holds something else than a search", "name a new folder")
        return search, False
    for folder in sorted((runs / name).glob("search-*/"), reverse=True):
        if not new and _spec(folder) == spec_text and not finished(folder)[0]:
            return folder, True
        break  # only the newest
    return runs / name / f"search-{new_identifier()}", False


def _spec(folder: Path) -> str:
    try:
        return (folder / SPEC_FILE).read_text(encoding="utf-8")
    except OSError:
        return ""


def finished(folder: Path) -> tuple[bool, str]:
    """Whether a search is over, as ``search.json`` says; and what is wrong with that file, "" where nothing is.

    The record of the search is another file: from it, ``search.json`` is written anew when the search goes on.
    """
    search, damage = read_search(folder / SEARCH_FILE)
    return search is not None and search.get("finished", False), damage


def opened(folder: Path, files: Mapping[str, str | Path]) -> tuple[Record, Lock]:
    """The record of a search, locked for this process.

    Args:
        folder: Of the search.
        files: The first files in it, by name: texts, and files to copy.

    Raises:
        Problem: E507 the folder cannot be made, E513 another process searches there, E531.
    """
    try:
        (folder / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem("E507", f"cannot make the folder `{folder}`: {error.strerror or error}") from error
    lock = Lock(folder)
    if not (folder / SPEC_FILE).is_file():
        for name in sorted(files, key=lambda name: name == SPEC_FILE):  # the spec is last: with it, all are there
            RunFolder(folder).put(name, files[name])
    return Record(folder), lock


def write_text(path: Path, text: str) -> None:
    """Writes a file in one step."""
    write_atomically(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def best_spec(data: Map, values: Mapping[str, Any], epochs: int | None) -> str:
    """An ordinary spec: the searched parameters have the values of the best trial, and nothing is searched.

    Args:
        data: The spec that was searched, as it was loaded.
        values: Of the searched parameters.
        epochs: Epochs of the trial where they are not those of `train`; None otherwise.
    """
    spec = {key: value for key, value in data.items() if key != "tune"}
    spec["params"] = {**data["params"], **values}
    if epochs is not None and isinstance(spec.get("train"), dict) and not spec["train"].get("phases"):
        spec["train"] = {**spec["train"], "epochs": epochs}
    return dump(spec)
