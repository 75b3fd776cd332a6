"""Requirements on several machines that run the trials of one search, and the shares of each."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from dlspec.core.errors import Problem
from dlspec.core.workspace import Workspace
from dlspec.data.checks.dependence import files
from dlspec.passes import compile_spec
from dlspec.passes.state import Checked
from dlspec.syntax.dumping import dump
from dlspec.training.run.locking import lock_file
from dlspec.views.pages.index import MODELS_FOLDER

# In the search's folder: what only a search on several machines has.
FOLDER = "cluster"
_TOKEN = "token"
_PACKAGES = ("dlspec", "keras", "tensorflow", "numpy")


@dataclass(frozen=True)
class Job:
    """The search as all machines must see it: spec, data, versions, folder.

    Attributes:
        spec: The file, as every machine sees it.
        text: The resolved spec.
        folder: The search's folder.
        files: Names and sizes of the files that data are read from.
        token: Content of a file there that the search holds the lock of.
        versions: Of the packages that decide what comes out.
    """

    spec: Path
    overrides: tuple[str, ...]
    text: str
    allow_outside: bool
    allow_code: bool
    folder: Path
    files: Sequence[tuple[str, int]]
    versions: Mapping[str, str]
    token: str = ""


class Share(NamedTuple):
    """Trials at a time, and what each has for itself."""

    trials: int
    cores: int
    gpus: int


def versions() -> dict[str, str]:
    """Versions of the packages that decide the result of a trial, without importing them."""
    installed = {}
    for name in _PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = "none"
    return installed


def job_of(state: Checked, text: str, folder: Path) -> Job:
    """The job of a search that begins on this machine.

    Args:
        text: The resolved spec.
        folder: The search's folder.
    """
    spec, allowed = state.path.absolute(), (state.allow_outside, state.allow_code)
    return Job(spec, state.overrides, text, *allowed, folder.absolute(), _files(state), versions())


def _files(state: Checked) -> list[tuple[str, int]]:
    data, folder = state.data_section, state.path.absolute().parent
    return files(data, folder, allow_outside=state.allow_outside) if data is not None else []


@contextmanager
def offered(folder: Path) -> Iterator[str]:
    """Makes the token by which machines recognize the search's folder, and holds its lock meanwhile.

    Raises:
        Problem: E513 another machine searches there, E534 the folder cannot be written.
    """
    path, token = folder / FOLDER / _TOKEN, secrets.token_hex(8)
    try:
        path.parent.mkdir(exist_ok=True)
        handle = lock_file(path)
        if handle is None:
            text = f"another machine searches in `{folder}`, or its file system knows no locks"
            raise Problem("E513", text, "wait for it or stop it, or choose another folder")
        path.write_text(token, encoding="utf-8")
    except OSError as error:
        raise Problem("E534", f"`{path}` cannot be written: {error.strerror or error}") from error
    try:
        yield token
    finally:
        os.close(handle)


def check(job: Job, host: str) -> None:
    """Holds this machine against what the search needs.

    Raises:
        Problem: E534, what is wrong with it.
    """
    ours = versions()
    others = [
        f"{name} {ours[name]} instead of {wanted}" for name, wanted in job.versions.items() if ours[name] != wanted
    ]
    if others:
        raise Problem("E534", f"`{host}` has {', '.join(others)}", "install the same versions on all machines")
    _check_folder(job, host)
    copies = job.folder / MODELS_FOLDER
    workspace = Workspace(allow_outside=job.allow_outside, allow_code=job.allow_code, spare_models=copies)
    state = compile_spec(job.spec, job.overrides, workspace)
    help = "all machines must see the spec and its data under the same paths, in a shared folder"
    if not isinstance(state, Checked):
        first = state.diagnostics.errors[0]
        raise Problem("E534", f"on `{host}` the spec has an error, {first.code}: {first.message}", help)
    if dump(state.data) != job.text:
        raise Problem("E534", f"`{host}` sees another spec under `{job.spec}`", help)
    if (present := set(_files(state))) != set(job.files):
        name, _ = min(present ^ set(job.files))
        raise Problem("E534", f"`{host}` sees other data: `{name}` is not the same there", help)


def _check_folder(job: Job, host: str) -> None:
    path = job.folder / FOLDER / _TOKEN
    help = "give a folder that all machines share under the same path: `--runs FOLDER` or `--search FOLDER`"
    try:
        token = path.read_text(encoding="utf-8")
        handle = lock_file(path)
        trial = job.folder / "trials" / f".{secrets.token_hex(4)}"
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        text = f"`{host}` cannot use the search's folder `{job.folder}`: {error.strerror or error}"
        raise Problem("E534", text, help) from error
    if token != job.token:
        raise Problem("E534", f"`{host}` sees another folder under `{job.folder}`", help)
    if handle is not None:
        os.close(handle)
        text = f"`{host}` does not see locks on files of `{job.folder}` that another machine holds"
        raise Problem("E534", text, "mount it so that locks are shared: two machines could train in one folder")


def shares(machines: Sequence[tuple[int, int]], wanted: int | None) -> Share:
    """Divides machines among trials, so that each trial has as many cores as there are for all.

    Args:
        machines: Cores and GPUs of each. Where there are GPUs, every trial has a whole one.
        wanted: Trials at a time; None for one on each GPU, or machine.

    Raises:
        Problem: E533, there is no room for so many.
    """
    gpus = any(count for _, count in machines)

    def room(cores: int) -> int:
        return sum(min(mine, count // cores) if gpus else count // cores for count, mine in machines)

    trials = wanted or max(1, room(1) if gpus else sum(cores > 0 for cores, _ in machines))
    if trials > room(1):
        each = "a GPU and a core" if gpus else "a core"
        limit = f"{room(1)} trial{'s' if room(1) != 1 else ''} at a time"
        text = f"the cluster has room for {limit} with {each} each, not for {trials}"
        raise Problem("E533", text, "ask for fewer `--workers`, or join more machines to it")
    most = max(count for count, _ in machines)
    return Share(trials, max(cores for cores in range(1, most + 1) if room(cores) >= trials), int(gpus))
