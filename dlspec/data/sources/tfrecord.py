"""TFRecord files of ``tf.train.Example`` messages, read without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import example, map_of, texts
from dlspec.core.errors import did_you_mean
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Source, Table
from dlspec.data.sources.layouts import Layouts, Wanted
from dlspec.data.sources.limits import STREAMED_FROM, check_memory
from dlspec.data.sources.parsing import parsed
from dlspec.data.sources.paths import locate_all
from dlspec.data.sources.protos import Feature, feature_names, read_example
from dlspec.data.sources.record_feature import RecordFeature, convert, convert_all
from dlspec.data.sources.records import BrokenRecord, Records, open_records

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 1024
# Bytes of records that are read at once.
_AT_ONCE = 4 << 20


class Tfrecord(Source):
    """TFRecord files: each record is a `tf.train.Example`, each of its declared features a column.

    Files whose names end in ``.gz`` are unpacked into memory; others are read where they lie.
    """

    path = texts(doc="The file or files, from the spec's folder; `*` stands for anything, as in `train-*.tfrecord`.")
    features = map_of("section", "record_feature", doc="Name, data type and shape of the features to read.")
    examples = (
        example("{path: train.tfrecord, features: {label: int64, signal: {shape: [100, 3]}}}"),
        example(
            "{path: 'cats-*.tfrecord.gz', "
            "features: {label: string, image: {dtype: uint8, shape: [32, 32, 3], decode: image}}}"
        ),
    )

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """The files, what TensorFlow parses for each column, and how that becomes its values."""
        assert isinstance(table, TfrecordTable)
        asked = {name: feature for name, feature in self.features.items() if name in columns}
        packed = ", 'GZIP' if file.endswith('.gz') else ''" if any(file.endswith(".gz") for file in table.files) else ""
        return {
            "files": table.files,
            "records": Piece(f"tf.data.TFRecordDataset(str(folder / file){packed})"),
            "features": {name: feature.emitted_type() for name, feature in asked.items()},
            "arrays": {name: feature.emitted_values(name) for name, feature in asked.items()},
        }

    def open(self, folder: Path, *, allow_outside: bool = False) -> TfrecordTable:
        """Finds the files."""
        files = [file for path in self.path for file in locate_all(path, folder, allow_outside=allow_outside)]
        return TfrecordTable(files, self.features)


def _kind(feature: RecordFeature) -> str:
    """The list of a message that holds the numbers of a feature."""
    if feature.decode:
        return "bytes"
    return "floats" if feature.tensor.floating else "integers"


class TfrecordTable(Table):
    """The records of some files, one after the other."""

    def __init__(self, files: Sequence[tuple[Path, str]], features: Mapping[str, RecordFeature]) -> None:
        self._files = files
        self._features = features
        self._alike_by: dict[tuple[str, ...], Layouts | None] = {}

    @property
    def files(self) -> tuple[str, ...]:
        """The files as the spec would write them."""
        return tuple(shown for _, shown in self._files)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The declared features. Walks over all records, and reads the first of them."""
        if not self.tolerant:
            self._values(0, self._features)
        return {name: Column(feature.tensor, len(self._index)) for name, feature in self._features.items()}

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether the examples are too large to be kept."""
        return sum(column.tensor.bytes for column in self.columns.values()) * len(self._index) > STREAMED_FROM

    def read(self, names: Iterable[str]) -> Arrays:
        """Arrays of shape [records, …] in the declared types."""
        import numpy as np

        return self.take(names, np.arange(len(self._index)))

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`, in that order; no other records are read."""
        import numpy as np

        features = {name: self._features[name] for name in names}
        size = sum(feature.tensor.bytes for feature in features.values()) * len(indices)
        check_memory(size, f"{len(indices):,} records of `{self._files[0][1]}`", self._files[0][1])
        arrays: Arrays = {
            name: np.full((len(indices), *feature.shape), "", object)
            if feature.dtype == TEXT
            else np.zeros((len(indices), *feature.shape), str(feature.dtype))
            for name, feature in features.items()
        }
        left = self._alike(features, indices, arrays)
        together = self._together(features, indices[left])
        if together is not None:
            for name, some in together.items():
                arrays[name][left] = some
            return arrays
        for row in left:
            try:
                values = self._values(int(indices[row]), features)
            except DataProblem:
                if not self.tolerant:
                    raise
                continue  # of a broken record nothing is used
            for name, value in values.items():
                arrays[name][row] = value
        return arrays

    def where(self, index: int) -> str:
        """File and record (from 0) of an example."""
        file, number = self._index[index]
        return f"{self._files[file][1]}, record {number}"

    def check(self, names: Sequence[str]) -> None:
        """Every record is whole and holds what is declared; numbers are finite. A block at a time is in memory."""
        import numpy as np

        for start in range(0, len(self._index), _BLOCK):
            block = self.take(names, np.arange(start, min(start + _BLOCK, len(self._index))))
            for name, values in block.items():
                if not self.columns[name].tensor.floating:
                    continue
                finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
                if not finite.all():
                    message = f"column `{name}` holds a value that is not a finite number"
                    where = self.where(start + int(finite.argmin()))
                    raise DataProblem("E608", message, "fill or drop such examples", where=where)

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Records that are damaged, or do not hold what is declared."""
        features = {name: self._features[name] for name in names}
        faults = {}
        for index in range(len(self._index)):
            try:
                self._values(index, features)
            except DataProblem as problem:
                faults[index] = problem.message
        return faults

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """Each feature on its own, in written order."""
        return [(name,) for name in self._features if name not in taken]

    def _alike(
        self, features: Mapping[str, RecordFeature], indices: np.ndarray[Any, Any], arrays: Arrays
    ) -> np.ndarray[Any, Any]:
        """Fills in what is laid out alike in many records; returns the places of records for which that fails."""
        import numpy as np

        layouts = self._layouts(features)
        if layouts is None:
            return np.arange(len(indices))
        files, numbers, sizes = (facts[indices] for facts in self._facts)
        kinds, kind = np.unique(files + len(self._files) * sizes, return_inverse=True)
        left = []
        for position, code in enumerate(kinds.tolist()):
            size, file = divmod(code, len(self._files))
            same = np.flatnonzero(kind == position)
            step = max(1, _AT_ONCE // max(1, size))
            for places in np.split(same, range(step, len(same), step)):
                block, whole = self._records[file].alike(numbers[places], size)
                left += [places[~whole], places[whole][layouts.read(block[whole], arrays, places[whole])]]
        return np.sort(np.concatenate(left)) if left else np.arange(0)

    def _layouts(self, features: Mapping[str, RecordFeature]) -> Layouts | None:
        """Known byte layouts of records with these features; None where not all are numbers."""
        key = tuple(sorted(features))
        if key not in self._alike_by:
            numbers = all(feature.dtype != TEXT and feature.decode != "image" for feature in features.values())
            wanted = {
                name: Wanted(_kind(feature), tuple(size or 0 for size in feature.shape), str(feature.dtype))
                for name, feature in features.items()
            }
            self._alike_by[key] = Layouts(wanted) if numbers else None
        return self._alike_by[key]

    def _together(self, features: Mapping[str, RecordFeature], indices: np.ndarray[Any, Any]) -> Arrays | None:
        """Values by TensorFlow's parser; None where that is not loaded, or refuses a record."""
        places = [self._index[index] for index in indices.tolist()]
        wanted = {name: (feature.parsed_dtype, feature.parsed_shape) for name, feature in features.items()}
        try:
            arrays = parsed([self._records[file].read(number) for file, number in places], wanted)
            return arrays and {name: convert_all(features[name], values) for name, values in arrays.items()}
        except ValueError:
            return None

    @cached_property
    def _records(self) -> list[Records]:
        files = []
        for path, shown in self._files:
            try:
                files.append(open_records(path, shown))
            except BrokenRecord as error:
                raise _problem(
                    f"record {error.number} of `{shown}` {error}", f"{shown}, record {error.number}"
                ) from error
            except OSError as error:
                raise _problem(f"cannot read `{shown}`: {error.strerror or error}", shown) from error
            if not len(files[-1].starts):
                raise _problem(f"`{shown}` holds no records", shown)
        return files

    @cached_property
    def _index(self) -> list[tuple[int, int]]:
        """File and number of every record."""
        return [(file, number) for file, records in enumerate(self._records) for number in range(len(records.starts))]

    @cached_property
    def _facts(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """File, number and size of every record."""
        import numpy as np

        files, numbers = np.array(self._index, np.int64).T
        return files, numbers, np.concatenate([records.sizes for records in self._records])

    def _values(self, index: int, features: Mapping[str, RecordFeature]) -> dict[str, Any]:
        """The values of one record."""
        file, number = self._index[index]
        shown = self._files[file][1]
        record = f"record {number} of `{shown}`"
        try:
            message = self._records[file].read(number)
            values = read_example(message, features)
            missing = [name for name in features if name not in values]
            if missing:
                known = feature_names(message)
                help = did_you_mean(missing[0], known, guess=True) or f"it has {len(known)} others"
                raise _problem(f"{record} has no feature `{missing[0]}`", self.where(index), help, "features")
        except ValueError as error:
            raise _problem(f"{record} {error}", self.where(index)) from error
        return {name: self._value(name, features[name], values[name], index) for name in features}

    def _value(self, name: str, declared: RecordFeature, feature: Feature, index: int) -> Any:
        try:
            return convert(declared, feature)
        except ValueError as error:
            file, number = self._index[index]
            message = f"feature `{name}` of record {number} of `{self._files[file][1]}` {error}"
            raise _problem(message, self.where(index), "correct `features`, or the file", "features") from error


def _problem(message: str, where: str, help: str = "", option: str = "path") -> DataProblem:
    return DataProblem("E608", message, help, option, where)
