"""The text of a CSV file as pyarrow and Python's own reader take it: unpacked, and divided by a single character."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from dlspec.data.sources.limits import check_unfolded
from dlspec.data.sources.stated import MISSING
from dlspec.data.sources.written import Numerals

if TYPE_CHECKING:
    import pyarrow as pa

# How packed files begin, in pyarrow's words.
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
# The delimiter that stands for one or more blanks or tabs; what stands in place of one of several characters.
WHITESPACE, _UNIT = "whitespace", "\x1f"
_PIECE = 1 << 20


class Dialect(NamedTuple):
    """Encoding, delimiter, names and words of a CSV file.

    Attributes:
        names: The names of the columns where no row holds them; () where the first row does.
        skip_rows: Lines before all others that are left out.
        missing: What stands for a value that is missing.
        true_words: Words that stand for `true`, beside the usual ones.
        numbers: Columns of numbers that are written with signs of money, percent and thousands.
        texts: Columns of text, although they may hold digits only.
        used: The columns that are read; () for all.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    names: tuple[str, ...] = ()
    skip_rows: int = 0
    missing: tuple[str, ...] = MISSING
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    numerals: Numerals = Numerals()
    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    used: tuple[str, ...] = ()

    @property
    def character(self) -> str:
        """The separator between values after :class:`CsvText` has divided them."""
        return _UNIT if self.divided else self.delimiter

    @property
    def divided(self) -> bool:
        """Whether values are divided by more than one character."""
        return len(self.delimiter) > 1

    @property
    def utf8(self) -> bool:
        """Whether the file is in UTF-8."""
        return codecs.lookup(self.encoding).name in ("utf-8", "ascii")

    def rewrites(self, name: str) -> bool:
        """Whether values of a column may be numbers that are written in a way which Arrow does not read."""
        return name in self.numbers or (bool(self.numerals.thousands) and name not in self.texts)

    def plain(self, name: str, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """The texts of a column with its numbers as Arrow reads them."""
        if self.numerals.decimal == "." and not self.rewrites(name):
            return texts
        return self.numerals.plain(texts, signs=name in self.numbers)


def by_own_names(path: Path, dialect: Dialect, shown: str) -> Dialect:
    """The dialect of one file: where the last line that is skipped names columns of the spec, each once, these count.

    A file for `predict` or `evaluate` may have fewer columns than the training's, and in another order.

    Args:
        dialect: That of the spec, or of the run.
        shown: The file as the spec writes it.
    """
    if not dialect.names or not dialect.skip_rows:
        return dialect
    lines = CsvText(path, dialect, shown).lines(dialect.skip_rows - 1)
    try:
        row = next(csv.reader(lines, delimiter=dialect.character), [])
    except (OSError, ValueError, csv.Error):
        return dialect  # who reads the file says what is wrong
    named = len(row) == len(set(row)) > 1 and set(row) <= set(dialect.names)
    return dialect._replace(names=(), skip_rows=dialect.skip_rows - 1) if named else dialect


class CsvText:
    """A file and how it is written."""

    def __init__(self, path: Path, dialect: Dialect, shown: str) -> None:
        self._path = path
        self._dialect = dialect
        self._shown = shown

    @cached_property
    def packed(self) -> str:
        """pyarrow's name of the compression; "" without one."""
        with self._path.open("rb") as stream:
            start = stream.read(4)
        return next((kind for mark, kind in _PACKED.items() if start.startswith(mark)), "")

    @cached_property
    def size(self) -> int:
        """Size in bytes, uncompressed.

        Raises:
            DataProblem: E609, it claims what no data do.
        """
        packed_size = self._path.stat().st_size
        if not self.packed:
            return packed_size
        size = 0
        for piece in self.pieces():
            size += len(piece)
            check_unfolded(size, packed_size, f"`{self._shown}`", self._shown)
        return size

    def raw(self) -> Any:
        """The uncompressed bytes as a stream."""
        if not self.packed:
            return self._path.open("rb")
        import pyarrow as pa

        return pa.input_stream(str(self._path), compression=self.packed)

    def pieces(self) -> Iterator[bytes]:
        """The uncompressed bytes in pieces."""
        with self.raw() as stream:
            yield from iter(lambda: stream.read(_PIECE), b"")

    def start(self, size: int) -> bytes:
        """The first `size` uncompressed bytes."""
        with self.raw() as stream:
            return cast("bytes", stream.read(size))

    @cached_property
    def quoted(self) -> bool:
        """Whether it holds quotes, between which lines may end."""
        return any(b'"' in piece for piece in self.pieces())

    def count_lines(self) -> int | None:
        """Number of lines; None where line ends differ."""
        newlines = returns = pairs = 0
        last = b""
        for piece in self.pieces():
            newlines += piece.count(b"\n")
            returns += piece.count(b"\r")
            pairs += piece.count(b"\r\n") + (last == b"\r" and piece[:1] == b"\n")
            last = piece[-1:]
        return newlines + (last != b"\n") if returns == pairs else None

    def is_utf8(self) -> bool:
        """Whether all bytes are UTF-8."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for piece in self.pieces():
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return True

    def not_utf8(self) -> tuple[int, bytes]:
        """The first line, from 1, that is not UTF-8, and what it holds; 0 where all are."""
        with io.TextIOWrapper(self.raw(), "latin-1", newline="\n") as stream:  # streams of pyarrow give no lines
            for number, text in enumerate(stream, 1):
                line = text.encode("latin-1")
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    return number, line
        return 0, b""

    def source(self) -> Any:
        """The input for pyarrow: the path, or a stream of the text."""
        if self._dialect.divided:
            return _Stream(line.encode() for line in self.lines(0))
        return self.raw() if self.packed else self._path

    def encoding(self) -> str:
        """The encoding of :meth:`source`."""
        return "utf8" if self._dialect.divided or self._dialect.utf8 else self._dialect.encoding

    def lines(self, skip: int) -> Iterator[str]:
        """Its lines with their ends, without the first ones, values divided by :attr:`Dialect.character`."""
        encoding = "utf-8-sig" if self._dialect.utf8 else self._dialect.encoding
        with io.TextIOWrapper(self.raw(), encoding, errors="replace", newline="") as stream:
            for number, line in enumerate(stream):
                if number >= skip:
                    yield self.divide(line)

    def divide(self, line: str) -> str:
        """A line with a single character between values."""
        dialect = self._dialect
        if not dialect.divided:
            return line
        if dialect.delimiter != WHITESPACE:
            return _outside_quotes(re.escape(dialect.delimiter)).sub(_unit, line)
        bare = line.rstrip("\r\n")
        return _outside_quotes("[ \t]+").sub(_unit, bare.strip(" \t")) + line[len(bare) :]


def _outside_quotes(pattern: str) -> re.Pattern[str]:
    return re.compile(rf'("(?:[^"]|"")*")|{pattern}')


def _unit(match: re.Match[str]) -> str:
    return match[1] or _UNIT


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file that is read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills `buffer` as far as it goes."""
        parts, size = [self._rest], len(self._rest)
        while size < len(buffer) and (piece := next(self._pieces, b"")):
            parts.append(piece)
            size += len(piece)
        content = b"".join(parts)
        count = min(len(buffer), len(content))
        buffer[:count] = content[:count]
        self._rest = content[count:]
        return count
