"""The folder of a study, ``runs/NAME/study-TIME/``: new, or one that is unfinished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dlspec.core.documents.reading import document_text, read_study
from dlspec.core.documents.study import STUDY_FILE, Study
from dlspec.core.errors import Problem
from dlspec.core.files import write_atomically
from dlspec.training.run.identity import spec_differences
from dlspec.training.run.resume import SPEC_FILE
from dlspec.training.run.run_folder import RunFolder, new_identifier


def find(
    runs: Path,
    name: str,
    spec_text: str,
    *,
    wanted: Path | None,
    new: bool,
    kind: str = "study",
    same: Callable[[Study], bool] = lambda _: True,
) -> tuple[Path, Study | None]:
    """The folder for the study of a spec, and what it holds already.

    Args:
        runs: The folder of all runs.
        name: Of the spec.
        spec_text: The resolved spec; an unfinished study of another one is left alone.
        wanted: The folder that the user wants; else the newest one of the same spec that is unfinished, or a new one.
        new: Whether it must be a new one.
        kind: With what its name begins.
        same: Whether an unfinished one of the same spec is the study that is wanted.

    Raises:
        Problem: E507 the folder holds something else, or its file is damaged; E512 a study of another spec.
    """
    if wanted is not None:
        return wanted, _chosen(wanted, spec_text, new=new)
    for folder in sorted((runs / name).glob(f"{kind}-*/"), reverse=True):
        facts, damage = read_study(folder / STUDY_FILE)
        if damage and not new:
            message = f"the study `{folder}` was changed: {damage}"
            raise Problem("E507", message, "put the file back as it was, or begin another study with `--new`")
        unfinished = not new and facts is not None and not facts["finished"]
        if unfinished and facts is not None and same(facts) and not _differences(folder, spec_text):
            return folder, facts
        break  # only the newest
    return runs / name / f"{kind}-{new_identifier()}", None


def _chosen(folder: Path, spec_text: str, *, new: bool) -> Study | None:
    """What a folder that a user named holds; None for nothing."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    facts, damage = read_study(folder / STUDY_FILE)
    if facts is None:
        message = f"`{folder}` holds something else than a study" + (f": {damage}" if damage else "")
        raise Problem("E507", message, "name a folder that does not exist yet")
    if new:
        raise Problem("E507", f"`{folder}` holds a study already, and `--new` wants a new one", "leave out `--new`")
    if changed := _differences(folder, spec_text):
        message = f"the study `{folder}` was begun with another spec: {'; '.join(changed[:5])}"
        raise Problem("E512", message, "make the spec as it was, or name a folder that does not exist yet")
    return facts


def _differences(folder: Path, spec_text: str) -> list[str]:
    try:
        return spec_differences((folder / SPEC_FILE).read_text(encoding="utf-8"), spec_text)
    except OSError as error:
        return [f"`{SPEC_FILE}` cannot be read: {error.strerror or error}"]


def make(folder: Path, files: Mapping[str, str | Path], facts: Study) -> None:
    """Makes the folder with its first files; nobody ever sees it without them.

    Args:
        folder: Of the study.
        files: Texts, and files to copy, by name.
        facts: What the study says of itself.

    Raises:
        Problem: E507, it cannot be made.
    """
    RunFolder.create_at(folder, {**files, STUDY_FILE: document_text(facts)}).release()


def write(folder: Path, name: str, text: str) -> None:
    """Writes a file of the study in one step."""
    write_atomically(folder / name, lambda draft: draft.write_text(text, encoding="utf-8"))
