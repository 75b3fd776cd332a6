"""The files and folders that a spec names, by a path or a pattern."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.sources.base import DataProblem

# What a run folder holds of weights; the second only where more was trained than is saved.
RUN_MODEL, RUN_WEIGHTS = "model.keras", "training.weights.h5"


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


def locate(path: str, folder: Path, *, allow_outside: bool, want: str = "file", option: str = "path") -> Path:
    """The existing file or folder behind a spec's `path`.

    Args:
        path: As the spec writes it, with forward slashes.
        folder: The spec's folder.
        allow_outside: Whether it may stand outside of `folder`.
        want: ``file`` or ``folder``.
        option: The option of the source that holds `path`.

    Raises:
        Problem: E108, the path leads outside of `folder`, or is a URL.
        DataProblem: E601, there is no such file or folder.
    """
    if "://" in path:
        raise Problem("E108", f"`{path}` is a URL", "download it, and name the file", option)
    outside = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    target = (folder / path).resolve()
    if not allow_outside and (outside or not target.is_relative_to(folder.resolve())):
        help = "move the data beside the spec, or pass `--allow-outside`"
        raise Problem("E108", f"`{path}` leads out of the spec's folder", help, option)
    if (want == "file" and target.is_file()) or (want == "folder" and target.is_dir()):
        return target
    raise _missing(path, target, want, option)


def weights_file(path: str, folder: Path, *, allow_outside: bool) -> Path:
    """The file with the weights that `start_from` names by a file, or by the folder of a run or of a study.

    Raises:
        Problem: As :func:`locate`; E516, the folder holds no model.
    """
    if not (folder / path).is_dir():
        return locate(path, folder, allow_outside=allow_outside, option="file")
    run = locate(path, folder, allow_outside=allow_outside, want="folder", option="file")
    from dlspec.core.documents.reading import read_study  # most checks do without documents
    from dlspec.core.documents.study import STUDY_FILE

    study, _ = read_study(run / STUDY_FILE)
    if study is not None and study["model"] is not None:
        path = os.path.normpath(Path(path, study["model"]))
        run = locate(path, folder, allow_outside=allow_outside, want="folder", option="file")
    if not (run / RUN_MODEL).is_file():
        message = f"`{path}` is no run with a model: it holds no `{RUN_MODEL}`"
        raise Problem("E516", message, "name the folder of a finished run, or a file", "file")
    # Where more was trained than the model has that is saved, all of it stands beside it.
    more = run / RUN_WEIGHTS
    return more if more.is_file() else run / RUN_MODEL


def _missing(path: str, target: Path, want: str, option: str) -> DataProblem:
    if target.exists():
        other = "folder" if want == "file" else "file"
        return DataProblem("E601", f"`{path}` is a {other}, expected a {want}", option=option, where=path)
    parent = target.parent
    neighbours = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
    help = did_you_mean(target.name, neighbours, guess=True)
    if not help.startswith("did"):
        help = "paths start at the folder of the spec"
    return DataProblem("E601", f"there is no {want} `{path}`", help, option, path)
