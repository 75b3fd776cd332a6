"""Files sorted into a folder per class: what the sources of images, texts and sounds share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from dlspec.core.pieces import Piece
from dlspec.data.sources.base import DataProblem, Labels, Table
from dlspec.data.sources.limits import check_link
from dlspec.data.sources.remarks import LeftOut
from dlspec.standalone.files import hidden

# Endings that a message lists.
_SHOWN = 8


def emitted(table: Table, columns: Sequence[str], suffixes: Sequence[str], **values: Piece) -> Mapping[str, Any]:
    """Template values of a source of class folders: the listing of its files, and expressions of its columns.

    Args:
        values: The column besides ``label``, made of the list ``files``.
    """
    files = "files_by_class" if "label" in table.columns else "files_in"
    labels = Piece("np.array([file.relative_to(root).parts[0] for file in files], object)")
    arrays = {name: made for name, made in {**values, "label": labels}.items() if name in columns}
    return {"files": Piece(f"{files}(root, {{}})", tuple(suffixes)), "arrays": arrays}


class ClassFolders:
    """The files of some kinds below one folder, in the order of class and path.

    Args:
        path: The folder; its subfolders are the classes, and what lies deeper belongs to them. Without subfolders, its
            own files have no class.
        shown: The folder as the spec writes it.
        suffixes: Endings of the files that count, in lower case, the usual ones first.
        what: What they hold, in the plural: ``texts``.
        inside: Where links must lead; None lets them lead anywhere.
        option: The option of the source that names the folder.
        flat: Whether subfolders are no classes, but merely hold files.
    """

    def __init__(
        self,
        path: Path,
        shown: str,
        suffixes: Sequence[str],
        what: str,
        inside: Path | None = None,
        option: str = "path",
        *,
        flat: bool = False,
    ) -> None:
        self._path = path
        self._shown = shown
        self._shown_suffixes = ", ".join(suffixes[:_SHOWN]) + (", …" if len(suffixes) > _SHOWN else "")
        self._suffixes = frozenset(suffixes)
        self._what = what
        self._inside = inside
        self._option = option
        self._flat = flat
        self._strange: list[Path] = []

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the subfolders, sorted; () where there are none."""
        if self._flat:
            return ()
        try:
            with os.scandir(self._path) as entries:
                folders = [entry.name for entry in entries if entry.is_dir()]
        except OSError as error:
            raise self._unreadable(error) from error
        return tuple(sorted(name for name in folders if not hidden(name)))

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Paths of all files, sorted by class.

        Raises:
            Problem: E108, a link leads out of the spec's folder.
            DataProblem: E601 the folder cannot be read; E608 a class is empty, or a file stands beside the classes.
        """
        try:
            by_class = {name: self._below(self._path / name) for name in self.classes or ("",)}
            stray = self._beside() if self.classes else []
        except OSError as error:
            raise self._unreadable(error) from error
        self._check_whole(by_class, stray)
        self._check_depth(by_class)
        return tuple(file for members in by_class.values() for file in members)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Files in these folders that are no examples, since another ending says that they hold something else."""
        count = len(self.files) and len(self._strange)
        if not count:
            return ()
        first = self.show(min(self._strange))
        files, are = ("file", "is") if count == 1 else ("files", "are")
        which = f": `{first}`" if count == 1 else f", `{first}` first"
        message = f"{count:,} {files} of `{self._shown}` {are} left out{which}"
        help = f"{self._what} end in {self._shown_suffixes}: convert such files, or move them away"
        return (LeftOut(message, help, self._option),)

    def label(self, file: Path) -> str:
        """The class of a file: the folder at the top."""
        return self.inner(file).partition("/")[0]

    def counts(self) -> Labels:
        """Classes and how many files each has, without reading any."""
        counts = dict.fromkeys(self.classes, 0)
        for file in self.files:
            counts[self.label(file)] += 1
        return Labels(tuple(counts), tuple(counts.values()))

    def inner(self, file: Path) -> str:
        """A file's path inside of the folder, with forward slashes."""
        return str(file)[self._start :].replace(os.sep, "/")  # `relative_to` takes ten times as long

    def show(self, file: Path) -> str:
        """A file's path as the spec would write it."""
        return f"{self._shown.rstrip('/')}/{self.inner(file)}"

    def problem(self, message: str, file: Path, help: str = "") -> DataProblem:
        """A problem (E608) with one file."""
        return DataProblem("E608", message, help, self._option, self.show(file))

    @cached_property
    def _start(self) -> int:
        return len(str(self._path).rstrip(os.sep)) + 1

    def _check_whole(self, by_class: Mapping[str, Sequence[Path]], stray: list[Path]) -> None:
        for name, files in by_class.items():
            if not files:
                what, folder = ("class folder", name) if name else ("folder", self._path.name)
                where = self.show(self._path / name) if name else self._shown
                message = f"{what} `{folder}` holds no {self._what} ({self._shown_suffixes})"
                raise DataProblem("E608", message, self._instead(name), self._option, where)
        if stray:
            message = f"`{stray[0].name}` stands beside the class folders of `{self._shown}`"
            raise self.problem(message, stray[0], "move it into the folder of its class")

    def _instead(self, name: str) -> str:
        """Help that names a file of another kind in an empty folder."""
        others = [file for file in self._strange if file.is_relative_to(self._path / name)]
        return f"`{self.show(min(others))}` is none of them: convert such files" if others else ""

    def _check_depth(self, by_class: Mapping[str, Sequence[Path]]) -> None:
        """The folders at the top are the classes, rather than the parts of a split that hold the classes.

        Raises:
            DataProblem: E608, all of them hold folders of the same names, and nothing else.
        """
        if len(by_class) < 2:
            return
        deeper = [{_second(self.inner(file)) for file in files} for files in by_class.values()]
        if len(deeper[0]) > 1 and "" not in deeper[0] and all(names == deeper[0] for names in deeper):
            first, second = sorted(deeper[0])[:2]
            parts = list(by_class)
            message = f"the folders `{parts[0]}` and `{parts[1]}` of `{self._shown}` both hold `{first}` and `{second}`"
            help = f"name the folder of the classes: `{self._option}: {self._shown.rstrip('/')}/{parts[-1]}`"
            raise DataProblem("E608", f"{message}, which seem to be the classes", help, self._option, self._shown)

    def _below(self, folder: Path) -> list[Path]:
        """The files of a folder and of those inside of it, sorted."""
        if folder.is_symlink():
            self._check_inside(folder)
        return sorted(Path(file) for file in self._walk(str(folder), (os.path.realpath(folder),)))

    def _walk(self, folder: str, above: tuple[str, ...]) -> Iterator[str]:
        """Files that count; others are noted. `above` are the folders that lead here: a link back to one is no way."""
        with os.scandir(folder) as entries:
            for entry in entries:
                if hidden(entry.name):
                    continue
                if entry.is_dir():
                    self._check_link(entry)
                    real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                    if real not in above:
                        yield from self._walk(entry.path, (*above, real))
                elif self._counts(entry):
                    self._check_link(entry)
                    yield entry.path

    def _beside(self) -> list[Path]:
        """Files that count, but stand beside the folders of the classes."""
        with os.scandir(self._path) as entries:
            files = [entry for entry in entries if not entry.is_dir() and not hidden(entry.name)]
        return sorted(Path(file.path) for file in files if self._ends_well(file.name))

    def _counts(self, entry: os.DirEntry[str]) -> bool:
        if self._ends_well(entry.name) and entry.is_file():
            return True
        self._strange.append(Path(entry.path))
        return False

    def _ends_well(self, name: str) -> bool:
        return os.path.splitext(name)[1].lower() in self._suffixes  # noqa: PTH122 - a `Path` takes ten times as long

    def _check_link(self, entry: os.DirEntry[str]) -> None:
        if entry.is_symlink():
            self._check_inside(Path(entry.path))

    def _check_inside(self, link: Path) -> None:
        if self._inside is not None:
            check_link(link, self._inside, self.show(link), self._option)

    def _unreadable(self, error: OSError) -> DataProblem:
        reason = error.strerror or error
        return DataProblem("E601", f"cannot read `{self._shown}`: {reason}", "", self._option, self._shown)


def _second(path: str) -> str:
    """The second folder of a path; "" where a file stands there."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""
