"""Which files a command line means: files, folders, globs, and what changed in a Git repository."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

_SUFFIXES = (".yaml", ".yml")
# Folders in which nobody keeps specs of their own; a run folder holds a copy of the spec beside one of these files.
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "site-packages"})
_RUN_FILES = ("identity.json", "study.json", "search.json", "pyvenv.cfg")
_KEY = re.compile(r"^([A-Za-z_]+)[ \t]*:(.*)", re.M)
_LAYERS = re.compile(r"layers?\Z", re.I)
# Of a file, so much is looked at to tell whether it is a spec.
_HEAD = 256 * 1024


def specs_of(paths: Sequence[Path]) -> list[Path]:
    """The files that paths mean, each once, in the order of the command line.

    A file is taken as it is, there or not. A folder stands for all specs in and below it (:func:`is_spec`), a pattern
    that is no file (``specs/**/*.yaml``) for what fits it.

    Raises:
        click.UsageError: A folder or pattern stands for no file.
    """
    files: dict[Path, None] = {}
    for path in paths:
        meant = [path]
        if path.is_dir():
            meant = list(_below(path))
        elif any(sign in str(path) for sign in "*?[") and not os.path.lexists(path):
            meant = list(_matches(path))
        if not meant:
            raise click.UsageError(f"no spec in `{path}`: a spec is a YAML file with a section `layers` or `extends`")
        files.update(dict.fromkeys(meant))
    return list(files)


def is_spec(path: Path) -> bool:
    """Whether a YAML file is taken for a spec where nobody named it: by its keys at the left margin.

    It has ``layers``, or ``extends`` with the name of a YAML file; a text that is not YAML may be a spec all the same.
    """
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return False
    with path.open("rb") as stream:
        text = stream.read(_HEAD).decode("utf-8", "replace")
    for key, rest in _KEY.findall(text):
        if _LAYERS.match(key) or (key == "extends" and any(suffix in rest for suffix in _SUFFIXES)):
            return True
    return False


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        if any(name in files for name in _RUN_FILES):
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT)
        yield from (path for name in sorted(files) if not name.startswith(".") and is_spec(path := Path(root, name)))


def _matches(pattern: Path) -> Iterator[Path]:
    start = Path(pattern.anchor)
    for path in sorted(start.glob(str(pattern.relative_to(start)))):
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def changed(specs: Iterable[Path], since: str) -> list[Path]:
    """Those of the specs that changed since a commit, are not committed yet, or extend a file of which that is so.

    Raises:
        click.UsageError: There is no Git, no repository, or no such commit.
    """
    top = Path(_git("rev-parse", "--show-toplevel").removesuffix("\n"))
    names = _git("diff", "--name-only", "-z", "--end-of-options", since, cwd=top).split("\0")
    names += _git("ls-files", "--others", "--exclude-standard", "-z", cwd=top).split("\0")
    touched = {(top / name).resolve() for name in names if name}
    return [spec for spec in specs if any(path in touched for path in _chain(spec))]


def _chain(spec: Path) -> Iterator[Path]:
    """The real path of a file, and of those that it extends."""
    seen: set[Path] = set()
    while (path := spec.resolve()) not in seen and path.is_file():
        seen.add(path)
        yield path
        text = path.read_bytes()[:_HEAD].decode("utf-8", "replace")
        target = next((rest for key, rest in _KEY.findall(text) if key == "extends"), "")
        spec = path.parent / target.partition(" #")[0].strip().strip("'\"")


def _git(*arguments: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, check=True)
    except OSError as error:
        raise click.UsageError("`git` is not installed, which tells what changed") from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise click.UsageError(f"Git cannot tell what changed: {reason[0] if reason else 'it failed'}") from error
    return os.fsdecode(done.stdout)
