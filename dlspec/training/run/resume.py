"""The choice of the run folder of a training: a new one, or one that is there and unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlspec.core.documents.reading import read_report
from dlspec.core.documents.report import REPORT_FILE, Report
from dlspec.core.errors import Problem
from dlspec.core.files import read_json
from dlspec.training.run.checkpoint import Checkpoint, Checkpoints
from dlspec.training.run.identity import IDENTITY_FILE, differences, spec_differences
from dlspec.training.run.locking import Lock
from dlspec.training.run.run_folder import RunFolder

SPEC_FILE = "spec.yaml"


@dataclass(slots=True)
class RunLocation:
    """The folder of a run, and how it may be continued.

    Attributes:
        folder: A run folder that is there, locked unless the run is finished; None for a new one.
        wanted: The folder that a new one shall be; None for one named by the time.
        finished: What ``report.json`` of a finished run says; there is nothing left to do.
        damage: What is wrong with that file, which is written anew when the run ends; "" where nothing is.
        chosen: Whether a user named the folder, who then wants to know why it cannot go on.
        force: Whether to go on although something changed.
    """

    folder: RunFolder | None = None
    wanted: Path | None = None
    finished: Report | None = None
    damage: str = ""
    chosen: bool = False
    force: bool = False


def find(runs: Path, name: str, spec_text: str, *, run: Path | None, new: bool, force: bool) -> RunLocation:
    """The place for a spec's training. Nothing heavy is imported.

    Args:
        runs: The folder of all runs.
        name: Of the spec.
        spec_text: The resolved spec.
        run: The run folder that the user wants; else the newest unfinished run of the same spec, else a new one.
        new: Whether it must be a new one.
        force: Whether to go on although the spec changed.

    Raises:
        Problem: E507 the folder is none of a run, E511 it cannot be written, E512 it is of another spec, E513 another
            process trains there.
    """
    if run is not None:
        return _chosen(run, spec_text, new=new, force=force)
    if not new:
        for folder in sorted((runs / name).glob("[!.]*/"), reverse=True):
            if _same_spec(folder, spec_text):
                return _unfinished(folder, spec_text) or RunLocation()  # only the newest of this spec
    return RunLocation()


def _chosen(run: Path, spec_text: str, *, new: bool, force: bool) -> RunLocation:
    if not run.exists() or (run.is_dir() and not any(run.iterdir())):
        return RunLocation(wanted=run, chosen=True)
    if not (run / SPEC_FILE).is_file():
        raise Problem("E507", f"`{run}` holds something else than a run", "name a folder that does not exist yet")
    if new:
        raise Problem("E507", f"`{run}` holds a run already, and `--new` wants a new one", "leave out `--new`")
    changed = spec_differences((run / SPEC_FILE).read_text(encoding="utf-8"), spec_text)
    if changed and not force:
        raise _refusal(run, changed)
    report, damage = read_report(run / REPORT_FILE)
    if report is not None and report.get("status") == "finished" and not changed:
        return RunLocation(RunFolder(run), finished=report)
    return RunLocation(RunFolder(run, Lock(run)), chosen=True, force=force, damage=damage)


def _same_spec(folder: Path, spec_text: str) -> bool:
    try:
        return not spec_differences((folder / SPEC_FILE).read_text(encoding="utf-8"), spec_text)
    except (Problem, OSError):
        return False


def _unfinished(folder: Path, spec_text: str) -> RunLocation | None:
    """The place where a run was interrupted or killed, and the spec is the same."""
    spec = folder / SPEC_FILE
    report, damage = read_report(folder / REPORT_FILE)
    if not spec.is_file() or (report is not None and report.get("status", "interrupted") != "interrupted"):
        return None
    try:
        if spec_differences(spec.read_text(encoding="utf-8"), spec_text):
            return None
        return RunLocation(RunFolder(folder, Lock(folder)), damage=damage)
    except (Problem, OSError):
        return None  # in use, or not ours to write: a new run disturbs nobody


def check_unchanged(folder: RunFolder, now: Mapping[str, Any], *, force: bool) -> list[str]:
    """Compares what a run began with to what is there now.

    Args:
        force: Whether to go on although something changed.

    Returns:
        What changed, where that was forced.

    Raises:
        Problem: E512, something changed, and the user did not force it.
    """
    path = folder.path / IDENTITY_FILE
    try:
        before = read_json(path)
    except (OSError, ValueError):
        before = {}
    changed = differences(before, now)
    if changed and not force:
        raise _refusal(folder.path, changed)
    return changed


def _refusal(run: Path, changed: list[str]) -> Problem:
    shown = "; ".join(changed[:5]) + (f"; and {len(changed) - 5} more" if len(changed) > 5 else "")
    help = "make it as it was, go on all the same with `--force`, or start another run with `--new`"
    return Problem("E512", f"the run `{run}` cannot go on to the result it would have had: {shown}", help)


def checkpoint_of(folder: RunFolder, *, force: bool) -> tuple[Checkpoint | None, list[str]]:
    """The newest sound checkpoint of a run, and what to tell about damaged ones.

    Args:
        force: Whether the run may begin again where none is sound.

    Returns:
        None for the checkpoint where none was written yet: the run begins again in its folder.

    Raises:
        Problem: E514, all of them are damaged.
    """
    checkpoint, damages = Checkpoints(folder.path).load()
    if checkpoint is None and damages and not force:
        help = "`--force` begins the run again in its folder, `--new` in another one"
        raise Problem("E514", f"no checkpoint of `{folder.path}` is sound: {'; '.join(damages)}", help)
    return checkpoint, damages
