"""CSV files: text with an example a row."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlspec.components.registry import Field, choice, example, integer, optional, plain, text, texts
from dlspec.core.errors import Problem
from dlspec.core.pieces import Piece, call
from dlspec.data.sources.base import Source, Table
from dlspec.data.sources.csv_conversion import FALSE, TRUE
from dlspec.data.sources.csv_files import CsvFiles
from dlspec.data.sources.csv_table import CsvTable
from dlspec.data.sources.csv_text import Dialect
from dlspec.data.sources.paths import locate_all
from dlspec.data.sources.stated import MISSING
from dlspec.data.sources.written import Numerals

_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": True}


def _paths() -> Field[Any]:
    schema = {"type": ["string", "array"], "items": {"type": "string", "minLength": 1}, "minLength": 1, "minItems": 1}
    doc = "The file from the spec's folder, or several with the same columns; `*` stands for anything."
    return Field(
        schema, doc=doc, textual=True, convert=lambda value, _: value if isinstance(value, str) else tuple(value)
    )


class Csv(Source):
    """A text file with one example a row and a first row of column names; it may be packed with gzip, zstd or bzip2."""

    shorthand = "path"
    suffixes = (".csv", ".tsv")
    unpacks = True
    path = _paths()
    delimiter = text(
        default=",",
        pattern=r"^[^\n\r\"]+$",
        doc="Delimiter between two values, one character or more; `whitespace` is one or more blanks or tabs.",
    )
    names = optional(plain(_NAMES), doc="Names of the columns in their order, where no row of the file holds them.")
    skip_rows = integer(min=0, default=0, doc="Lines at the start of the file that are left out.")
    encoding = text(default="utf-8", doc="How letters are encoded, such as `cp1252` or `utf-16`.")
    missing_words = optional(
        texts(),
        doc=f"Words that stand for a missing value, beside the empty cell, {', '.join(MISSING[1:-1])} and NULL.",
    )
    true_words = optional(texts(), doc="Words that stand for `true`, beside `true` itself.")
    false_words = optional(texts(), doc="Words that stand for `false`, beside `false` itself.")
    decimal = choice(".", ",", default=".", doc="Decimal mark of numbers.")
    thousands = optional(
        plain({"enum": [",", ".", " ", "'", "_"]}), doc="Sign between groups of three digits in numbers."
    )
    numbers = optional(
        texts(), doc="Columns of numbers with signs of money, percent or thousands: `$1,200` is 1200, `12 %` is 12."
    )
    texts = optional(texts(), doc="Columns of text that hold digits, such as `07`; others hold what all rows hold.")
    examples = (
        example("churn.csv"),
        example('{path: listing.csv, delimiter: ";", decimal: ",", encoding: cp1252}'),
        example("{path: shops.csv, texts: [postcode], numbers: [rent]}"),
        example("{path: 'sales-*.csv.gz', names: [day, amount], missing_words: [NA, '-']}"),
    )

    def validate(self) -> None:
        """An encoding that there is; signs in numbers that can be told apart."""
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            message = f"there is no encoding `{self.encoding}`"
            raise Problem("E207", message, "`utf-8`, `cp1252`, `latin-1` and `utf-16` are usual", "encoding") from error
        if self.thousands == self.decimal:
            message = f"`{self.decimal}` cannot stand both before the fraction and between thousands"
            other = "," if self.decimal == "." else "."
            raise Problem("E207", message, f'write `decimal: "{other}"`', "thousands")
        if both := set(self.texts or ()) & set(self.numbers or ()):
            message = f"column `{min(both)}` stands both in `texts` and in `numbers`"
            raise Problem("E207", message, "leave it out of one of them", "numbers")
        options = {"true_words": self.true_words, "false_words": self.false_words, "missing_words": self.missing_words}
        known: dict[str, str] = {}
        for option, listed in options.items():
            for written in listed or ():
                if known.setdefault(written, option) != option:
                    message = f"`{written}` stands both in `{known[written]}` and in `{option}`"
                    raise Problem("E207", message, "leave it out of one of them", option)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Words that stand for a missing value since the spec says so."""
        return tuple(self.missing_words or ())

    @property
    def usual_gaps(self) -> tuple[str, ...]:
        """A file of text has nothing but words for what is missing."""
        return MISSING

    @property
    def dialect(self) -> Dialect:
        """The dialect of the files, from the options."""
        return Dialect(
            "\t" if self.delimiter == "\\t" else self.delimiter,
            self.encoding,
            tuple(self.names or ()),
            self.skip_rows,
            (*self.usual_gaps, *self.gaps),
            tuple(self.true_words or ()),
            tuple(self.false_words or ()),
            Numerals(self.decimal, self.thousands or ""),
            tuple(self.numbers or ()),
            tuple(self.texts or ()),
        )

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """The table that pyarrow reads, and what is changed in its columns."""
        assert isinstance(table, CsvTable | CsvFiles)
        first = table if isinstance(table, CsvTable) else next(iter(table.tables.values()))
        if first.dialect.divided:
            return {"refused": "a delimiter of several characters"}
        changes = self._changes(columns, table, first)
        plain = Piece("{{name: table[name].to_numpy() for name in table.column_names}}")
        return {
            "table": self._read(columns, table, first),
            "lines": [Piece("columns = {}", plain), *changes] if changes else [],
            "arrays": Piece("columns") if changes else plain,
        }

    def _read(self, columns: Sequence[str], table: CsvTable | CsvFiles, first: CsvTable) -> Piece:
        """One file as a table of pyarrow, or several, one below the other."""
        files = [self.path] if isinstance(table, CsvTable) else list(table.tables)
        path = Piece("folder / {}", files[0] if len(files) == 1 else Piece("file"))
        reading = _given(column_names=tuple(first.dialect.names), skip_rows=self.skip_rows, encoding=first.encoding)
        converting = {
            "include_columns": _list(columns),
            "column_types": {**table.types(columns), **dict.fromkeys(first.rewritten(columns), "string")},
            "null_values": _list(first.dialect.missing),
            **_given(
                decimal_point="" if self.decimal == "." else self.decimal,
                true_values=self.true_words and (*TRUE, *self.true_words),
                false_values=self.false_words and (*FALSE, *self.false_words),
            ),
        }
        options = {
            **_given(read_options=reading and call("csv.ReadOptions", **reading)),
            **_given(parse_options=(parsing := first.parsing()) and call("csv.ParseOptions", **parsing)),
            "convert_options": call("csv.ConvertOptions", **converting).by_lines(),
        }
        packed = call("pa.input_stream", path, compression=first.packed) if first.packed else path
        table_of_file = call("csv.read_csv", packed, **options).by_lines()
        return (
            table_of_file
            if len(files) == 1
            else Piece("pa.concat_tables([{} for file in {}])", table_of_file, _list(files))
        )

    def _changes(self, columns: Sequence[str], table: CsvTable | CsvFiles, first: CsvTable) -> list[Piece]:
        """Numbers that are read as they are written, and words that stand for a missing value."""
        gaps = {name: table.stated.gaps[name] for name in columns if table.columns[name].text and table.gap(name)}
        lines = []
        if rewritten := first.rewritten(columns):
            lines += [
                Piece("for name in {}:", _list(rewritten)),
                Piece(
                    "    columns[name] = np.array([written_number(value, {}) for value in columns[name]])", self.decimal
                ),
            ]
        if gaps:
            lines += [
                Piece("for name, words in {}.items():  # words that stand for a missing value", gaps),
                Piece("    values = ['' if value in words else value for value in columns[name]]"),
                Piece("    columns[name] = np.array(values, 'object')"),
            ]
        return lines

    def open(self, folder: Path, *, allow_outside: bool = False) -> CsvTable | CsvFiles:
        """Finds the files."""
        paths = (self.path,) if isinstance(self.path, str) else self.path
        files = [file for path in paths for file in locate_all(path, folder, allow_outside=allow_outside)]
        if len(files) == 1:
            return CsvTable(*files[0], self.dialect)
        return CsvFiles(files, self.dialect)


def _list(values: Sequence[Any]) -> Piece | None:
    """Values as a list of Python, which pyarrow wants; None for none."""
    return Piece(f"[{', '.join('{}' for _ in values)}]", *values) if values else None


def _given(**options: Any) -> dict[str, Any]:
    """Options that are not what pyarrow assumes."""
    return {name: value for name, value in options.items() if value}
