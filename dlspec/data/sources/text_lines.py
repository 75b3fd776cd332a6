"""Texts of one line each: a file per column, as parallel corpora come, or one file with a separator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.components.registry import example, optional, text, texts
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Source, Table
from dlspec.data.sources.limits import check_memory
from dlspec.data.sources.paths import locate

if TYPE_CHECKING:
    import numpy as np


class _File(NamedTuple):
    path: Path
    shown: str


class TextLines(Source):
    """Text files in UTF-8 with an example a line: a column per file, or several in one file with a `separator`."""

    shorthand = "path"
    path = texts(doc="The file or files, from the spec's folder; line n of each belongs to example n.")
    names = optional(texts(), doc="Names of the columns in order; those of the files unless given.")
    separator = optional(text(), doc='Separator of the columns of a line, such as `"\\t"`.')
    examples = (
        example("[talks.de, talks.en]"),
        example('{path: deu.txt, separator: "\\t", names: [english, german]}'),
    )

    def validate(self) -> None:
        """Every column has a name of its own."""
        if self.separator is not None and (len(self.path) != 1 or len(self.names or ()) < 2):
            help = '`{path: pairs.txt, separator: "\\t", names: [english, german]}`'
            raise Problem("E207", "`separator` takes one file and at least two `names`", help, "separator")
        if self.separator is None and self.names is not None and len(self.names) != len(self.path):
            message = f"{_count(len(self.path), 'file')} and {_count(len(self.names), 'name')}"
            raise Problem("E207", message, "each file is a column; `separator` splits the lines of one file", "names")
        names = self._names()
        for position, name in enumerate(names):
            if name in names[:position]:
                raise Problem("E207", f"two columns would be named `{name}`", "give `names`", "path")

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """Template values: expressions that make columns of the lines of the files."""
        if not self.separator:
            files = {name: file for name, file in zip(self._names(), self.path, strict=True) if name in columns}
            lines = [Piece("files = {}", files)]
            each = Piece("np.array(lines(folder / file), object) for name, file in files.items()")
        else:
            rows = Piece("[line.split({}) for line in lines(folder / {})]", self.separator, self.path[0])
            made = Piece("columns = dict(zip({}, zip(*rows, strict=True), strict=True))", self._names())
            lines = [Piece("rows = {}", rows), made]
            each = Piece("np.array(columns[name], object) for name in {}", tuple(columns))
        return {"lines": lines, "arrays": Piece("{{name: {}}}", each)}

    def open(self, folder: Path, *, allow_outside: bool = False) -> TextLinesTable:
        """Finds the files."""
        files = [_File(locate(path, folder, allow_outside=allow_outside), path) for path in self.path]
        return TextLinesTable(files, self._names(), self.separator)

    def _names(self) -> tuple[str, ...]:
        """The names given, else the files' names, else their endings: ``talks.de`` and ``talks.en`` are de and en."""
        if self.names is not None:
            return self.names
        paths = [Path(path) for path in self.path]
        stems = tuple(path.stem for path in paths)
        return stems if len(set(stems)) == len(stems) else tuple(path.suffix.lstrip(".") for path in paths)


class TextLinesTable(Table):
    """Lines of one or several files; all are read at once, since only then their number is known."""

    def __init__(self, files: Sequence[_File], names: Sequence[str], separator: str | None) -> None:
        self._files = files
        self._names = names
        self._separator = separator

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """A column of text per name."""
        return {name: Column(Tensor((), TEXT), len(lines)) for name, lines in self._lines.items()}

    def read(self, names: Iterable[str]) -> Arrays:
        """Lines without their ends."""
        import numpy as np

        return {name: np.array(self._lines[name], dtype=object) for name in names}

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The lines `indices`, in that order."""
        import numpy as np

        return {name: np.array([self._lines[name][index] for index in indices], dtype=object) for name in names}

    def where(self, index: int) -> str:
        """Files and line of an example."""
        return f"{' and '.join(file.shown for file in self._files)}, line {index + 1}"

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """Each column on its own, in written order."""
        return [(name,) for name in self.columns if name not in taken]

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        if self._separator is not None:
            return self._split(self._files[0], self._separator)
        columns = [read_lines(*file) for file in self._files]
        for file, lines in zip(self._files, columns, strict=True):
            if len(lines) != len(columns[0]):
                first = f"`{self._files[0].shown}` has {_count(len(columns[0]), 'line')}"
                shorter = min(len(lines), len(columns[0]))
                message = f"{first}, `{file.shown}` {len(lines)}: line {shorter + 1} has no partner"
                raise _problem(message, file.shown, "give both as many lines", shorter + 1)
        return dict(zip(self._names, columns, strict=True))

    def _split(self, file: _File, separator: str) -> dict[str, list[str]]:
        columns: list[list[str]] = [[] for _ in self._names]
        for number, line in enumerate(read_lines(*file), 1):
            values = line.split(separator)
            if len(values) != len(columns):
                message = f"line {number} of `{file.shown}` has {_count(len(values), 'value')}, expected {len(columns)}"
                raise _problem(message, file.shown, f"the separator is {separator!r}", number)
            for column, name, value in zip(columns, self._names, values, strict=True):
                if not value.strip():
                    message = f"line {number} of `{file.shown}` has no text for `{name}`"
                    raise _problem(message, file.shown, "remove the line", number)
                column.append(value)
        return dict(zip(self._names, columns, strict=True))


def read_lines(path: Path, shown: str) -> list[str]:
    """The lines of a file in UTF-8, without their ends; none is blank.

    Raises:
        DataProblem: E601 it cannot be read; E608 it is empty, has a blank line or is not UTF-8; E609 it is too large.
    """
    try:
        check_memory(path.stat().st_size, f"`{shown}`", shown)
        content = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"cannot read `{shown}`: {error.strerror or error}"
        raise DataProblem("E601", message, "", "path", shown) from error
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise _problem(f"line {number} of `{shown}` is not UTF-8", shown, "save the file as UTF-8", number) from error
    # Not `splitlines`: other programs do not take the separators of Unicode for the ends of lines.
    lines = content.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines == [""]:
        raise _problem(f"`{shown}` is empty", shown, "it holds an example a line")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise _problem(f"line {number} of `{shown}` is blank", shown, "remove the line in every file", number)
    return lines


def _problem(message: str, shown: str, help: str, line: int = 0) -> DataProblem:
    return DataProblem("E608", message, help, "path", f"{shown}, line {line}" if line else shown)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
