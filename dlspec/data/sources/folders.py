"""Files sorted into a folder per class: what the sources of texts and sounds share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path

from dlspec.data.sources.base import DataProblem, Labels
from dlspec.data.sources.limits import check_links


class ClassFolders:
    """The files of some kinds below one folder, in the order of class and file name.

    Args:
        path: The folder; its subfolders are the classes. Without subfolders, its own files have no class.
        shown: The folder as the spec writes it.
        suffixes: Endings of the files that count, in lower case.
        what: What they hold, in the plural: ``texts``.
        inside: Where links must lead; None lets them lead anywhere.
        option: The option of the source that names the folder.
    """

    def __init__(
        self,
        path: Path,
        shown: str,
        suffixes: Collection[str],
        what: str,
        inside: Path | None = None,
        option: str = "path",
    ) -> None:
        self._path = path
        self._shown = shown
        self._suffixes = suffixes
        self._what = what
        self._inside = inside
        self._option = option

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the subfolders, sorted; () where there are none."""
        try:
            folders = [entry.name for entry in self._path.iterdir() if entry.is_dir()]
        except OSError as error:
            raise self._unreadable(error) from error
        return tuple(sorted(name for name in folders if not name.startswith(".")))

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """All files.

        Raises:
            Problem: E108, a link leads out of the spec's folder.
            DataProblem: E601 the folder cannot be read; E608 a class is empty, or a file stands beside the classes.
        """
        try:
            found = {name: self._files_in(self._path / name) for name in self.classes or ("",)}
            stray = self._files_in(self._path) if self.classes else []
        except OSError as error:
            raise self._unreadable(error) from error
        self._check_whole(found, stray)
        files = tuple(file for members in found.values() for file in members)
        check_links(files, self._inside, {file: self.show(file) for file in files if self._inside}, self._option)
        return files

    @property
    def labels(self) -> tuple[str, ...]:
        """The class of every file."""
        return tuple(file.parent.name for file in self.files)

    def counts(self) -> Labels:
        """Classes and how many files each has, without reading any."""
        counts = dict.fromkeys(self.classes, 0)
        for label in self.labels:
            counts[label] += 1
        return Labels(tuple(counts), tuple(counts.values()))

    def show(self, file: Path) -> str:
        """A file's path as the spec would write it."""
        return f"{self._shown.rstrip('/')}/{file.relative_to(self._path).as_posix()}"

    def problem(self, message: str, file: Path, help: str = "") -> DataProblem:
        """E608 at one file."""
        return DataProblem("E608", message, help, self._option, self.show(file))

    def _check_whole(self, found: Mapping[str, Iterable[Path]], stray: list[Path]) -> None:
        endings = ", ".join(sorted(self._suffixes))
        for name, files in found.items():
            if not files:
                what, folder = ("class folder", name) if name else ("folder", self._path.name)
                where = self.show(self._path / name) if name else self._shown
                message = f"{what} `{folder}` holds no {self._what} ({endings})"
                raise DataProblem("E608", message, "", self._option, where)
        if stray:
            message = f"`{stray[0].name}` stands beside the class folders of `{self._shown}`"
            raise self.problem(message, stray[0], "move it into the folder of its class")

    def _files_in(self, folder: Path) -> list[Path]:
        entries = (entry for entry in folder.iterdir() if entry.suffix.lower() in self._suffixes)
        return sorted(entry for entry in entries if not entry.name.startswith(".") and entry.is_file())

    def _unreadable(self, error: OSError) -> DataProblem:
        reason = error.strerror or error
        return DataProblem("E601", f"cannot read `{self._shown}`: {reason}", "", self._option, self._shown)
