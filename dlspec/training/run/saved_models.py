"""The files that models of a spec were read from: a run, a study and a search keep copies of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from dlspec.passes.state import Compilation, Parsed, SavedModel
from dlspec.syntax.dumping import dump
from dlspec.training.run.identity import spec_differences
from dlspec.training.run.resume import SPEC_FILE
from dlspec.views.pages.index import MODELS_FOLDER


def files_of(models: Mapping[str, SavedModel]) -> dict[str, Path]:
    """The file that each model was read from, by the name of its copy in the folder of a run."""
    return {f"{MODELS_FOLDER}/{copy}": path for model in models.values() for copy, path in model.files.items()}


def hashes_of(models: Mapping[str, SavedModel]) -> dict[str, str]:
    """A hash of the contents of the files of each of them, by the model's name."""
    return {name: _hash(model.files.values()) for name, model in models.items() if model.files}


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def copies_for(state: Compilation, runs: Path, chosen: Path | None) -> Path | None:
    """The folder with copies of the files that a spec names, where its training may go on without them.

    Args:
        state: A compilation of the spec, which lacks a file.
        runs: The folder of all runs, studies and searches.
        chosen: The one that the user names; else it is the newest of the same spec that has copies.
    """
    if chosen is not None:
        return chosen / MODELS_FOLDER
    folders = sorted(runs.glob(f"*/[!.]*/{MODELS_FOLDER}"), key=lambda folder: folder.parent.name, reverse=True)
    if not folders or not isinstance(state, Parsed):
        return None
    text = dump(state.data)
    return next((folder for folder in folders if _is_of(folder.parent / SPEC_FILE, text)), None)


def _is_of(spec: Path, text: str) -> bool:
    try:
        return not spec_differences(spec.read_text(encoding="utf-8"), text)
    except OSError:
        return False
