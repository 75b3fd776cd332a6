"""The data sets of keras.datasets, fetched once and kept in Keras's own cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.components.registry import choice, example, integer, optional
from dlspec.core.errors import Problem, leave_out
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece, call
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Labels, Source, Table

if TYPE_CHECKING:
    import numpy as np


class _Set(NamedTuple):
    """Static facts of one set, so that `check` need not import Keras.

    Attributes:
        parts: Training and test examples.
        prefix: How the names of its files in the cache begin.
        shape: Of one example; () for sequences.
        members: Examples of each class, over both parts; () where numbers are predicted.
    """

    parts: tuple[int, int]
    prefix: str
    shape: tuple[int, ...]
    dtype: str = "uint8"
    members: tuple[int, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """Its files and their checksums."""
        return {name: expected for name, expected in _FILES.items() if name.startswith(self.prefix)}


_DIGITS = (6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958)
_TOPICS = (67, 537, 94, 3972, 2423, 22, 62, 19, 177, 126, 154, 473, 62, 209, 28, 29, 543, 51, 86, 682, 339, 127, 22,
           53, 81, 123, 32, 19, 58, 23, 57, 52, 42, 16, 57, 16, 60, 21, 22, 29, 46, 38, 16, 27, 17, 19)  # fmt: skip
# What Keras keeps in its cache, with the SHA-256 that it expects; of Fashion-MNIST it expects none.
_FILES = {
    "mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    "fashion-mnist/train-images-idx3-ubyte.gz": "",
    "fashion-mnist/train-labels-idx1-ubyte.gz": "",
    "fashion-mnist/t10k-images-idx3-ubyte.gz": "",
    "fashion-mnist/t10k-labels-idx1-ubyte.gz": "",
    "cifar-10-batches-py-target_archive": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    "cifar-100-python-target_archive": "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    "imdb.npz": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    "reuters.npz": "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    "boston_housing.npz": "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    "california_housing.npz": "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
}
SETS = {
    "mnist": _Set((60000, 10000), "mnist.", (28, 28), members=_DIGITS),
    "fashion_mnist": _Set((60000, 10000), "fashion-mnist/", (28, 28), members=(7000,) * 10),
    "cifar10": _Set((50000, 10000), "cifar-10-", (32, 32, 3), members=(6000,) * 10),
    "cifar100": _Set((50000, 10000), "cifar-100-", (32, 32, 3), members=(600,) * 100),
    "imdb": _Set((25000, 25000), "imdb.", (), members=(25000,) * 2),
    "reuters": _Set((8982, 2246), "reuters.", (), members=_TOPICS),
    "boston_housing": _Set((404, 102), "boston_housing.", (13,), "float64"),
    "california_housing": _Set((16512, 4128), "california_housing.", (8,), "float64"),
}
_SEQUENCES = ("imdb", "reuters")


class Keras(Source):
    """A data set of ``keras.datasets``, which Keras fetches when a training first needs it.

    Columns: ``image``, ``tokens`` (numbers of words, 0 where nothing stands) or ``data`` (all features); ``label`` or
    ``value``; and ``part``, which is ``train`` or ``test`` as in Keras.
    """

    shorthand = "set"
    set = choice(*SETS, doc="Which set.")
    length = optional(
        integer(min=1), doc="Words of each text of `imdb` and `reuters`: the last ones, with zeros before short texts."
    )
    num_words = optional(
        integer(min=4), doc="Only this many numbers, of the most frequent words; all others become 2. Default: all."
    )
    label = choice("fine", "coarse", default="fine", doc="Whether `cifar100` has its 100 or its 20 classes.")
    examples = (example("mnist"), example("{set: imdb, num_words: 10000, length: 200}"))

    def validate(self) -> None:
        """Options go with the set that has them."""
        sequences = self.set in _SEQUENCES
        if sequences and self.length is None:
            message = f"texts of {self.set} differ in length"
            raise Problem("E207", message, f"say how long they shall be: `{{set: {self.set}, length: 200}}`", "set")
        for option in ("length", "num_words"):
            if not sequences and getattr(self, option) is not None:
                raise Problem("E207", f"`{option}` has no effect on {self.set}", leave_out(option), option)
        if self.label == "coarse" and self.set != "cifar100":
            raise Problem("E207", f"`label` has no effect on {self.set}", leave_out("label"), "label")

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """Template values: the call that loads the set, padding of texts, and expressions of its columns."""
        values, target, *_ = table.columns
        options: dict[str, Any] = {"num_words": self.num_words} if self.num_words else {}
        if self.label == "coarse":
            options["label_mode"] = "coarse"
        flat = "[:, 0]" if self.set.startswith("cifar") else ""
        arrays = {
            values: Piece("np.concatenate([x_train, x_test])"),
            target: Piece(f"np.concatenate([y_train, y_test]){flat}"),
            "part": Piece("np.repeat(['train', 'test'], [len(x_train), len(x_test)])"),
        }
        return {
            "loaded": call(f"keras.datasets.{self.set}.load_data", **options),
            "lines": [
                Piece(f"{part} = keras.utils.pad_sequences({part}, maxlen={{}})", self.length)
                for part in ("x_train", "x_test")
                if self.length
            ],
            "arrays": {name: made for name, made in arrays.items() if name in columns},
        }

    def open(self, folder: Path, *, allow_outside: bool = False) -> KerasTable:
        """Finds nothing, since Keras has its cache wherever the spec is; but what is cached is whole.

        Raises:
            DataProblem: E608, it is not the file that Keras expects. Keras would delete it.
        """
        for name, expected in SETS[self.set].files.items():
            path = cache_folder() / name
            if expected and path.is_file() and _sha256(path) != expected:
                message = f"`{path.name}` in Keras's cache is not the file that Keras expects"
                raise DataProblem("E608", message, "remove it, and Keras fetches it anew", "set", str(path))
        return KerasTable(self)


class KerasTable(Table):
    """Training and test examples of one set, one after the other."""

    fetches = True

    def __init__(self, source: Keras) -> None:
        self._source = source
        self._facts = SETS[source.set]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Columns of the set, from the table in this module."""
        facts, count = self._facts, sum(self._facts.parts)
        if self._source.set in _SEQUENCES:
            columns = {"tokens": Column(Tensor((self._source.length,), "int32"), count)}
        else:
            name = "data" if len(facts.shape) == 1 else "image"
            largest = 255 if name == "image" else 0
            columns = {name: Column(Tensor(facts.shape, facts.dtype), count, largest=largest)}
        target = ("label", "int64") if facts.members else ("value", "float64")
        columns[target[0]] = Column(Tensor((), target[1]), count, label=True)
        return columns | {"part": Column(Tensor((), TEXT), count)}

    def read(self, names: Iterable[str]) -> Arrays:
        """Loads the set through Keras, which fetches it unless it is cached."""
        import numpy as np

        loaded = self._loaded
        arrays: Arrays = {}
        for name in names:
            if name == "part":
                arrays[name] = np.repeat(np.array(["train", "test"], object), self._facts.parts)
            else:
                column = 1 if self.columns[name].label else 0
                values = np.concatenate([part[column] for part in loaded])
                values = values.reshape(len(values), *self.columns[name].tensor.shape)
                arrays[name] = values.astype(self.columns[name].tensor.dtype, copy=False)
        return arrays

    def where(self, index: int) -> str:
        """Set, part and number of an example."""
        train = self._facts.parts[0]
        part, number = ("train", index) if index < train else ("test", index - train)
        return f"Keras's {self._source.set}, {part} {number}"

    def where_is(self, name: str, value: Any) -> str:
        """The set alone: finding the example would load Keras."""
        return f"Keras's {self._source.set}"

    def not_a_number(self, name: str) -> tuple[str, str] | None:
        """The first value of the one column of text."""
        return "train", self.where(0)

    def labels(self, name: str) -> Labels:
        """Classes are known without loading."""
        if name == "part":
            return Labels(("test", "train"), self._facts.parts[::-1])
        if name == "label":
            members = self._facts.members if self._source.label == "fine" else (3000,) * 20
            return Labels(tuple(range(len(members))), members)
        return super().labels(name)

    def check(self, names: Sequence[str]) -> None:
        """Nothing to check: the values of the sets are sound."""

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """One group: the first column."""
        return [(next(iter(self.columns)),)]

    @cached_property
    def _loaded(self) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        import keras

        source = self._source
        options: dict[str, Any] = {}
        if source.set in _SEQUENCES:
            options["num_words"] = source.num_words
        if source.set == "cifar100":
            options["label_mode"] = source.label
        try:
            parts = getattr(keras.datasets, source.set).load_data(**options)
        except Exception as error:  # Keras raises Exception itself where it cannot fetch a file
            raise self._missing(error) from error
        if source.set in _SEQUENCES:
            pad = keras.utils.pad_sequences
            return [(pad(texts, maxlen=source.length), labels) for texts, labels in parts]
        return list(parts)

    def _missing(self, error: Exception) -> DataProblem:
        folder = cache_folder()
        absent = [name for name in self._facts.files if not (folder / name).is_file()]
        if not absent:
            return DataProblem("E608", f"Keras cannot read {self._source.set}: {error}", "", "set", str(folder))
        names = " and ".join(f"`{name}`" for name in absent)
        message = f"{names} is not in Keras's cache, and cannot be fetched: {error}"
        return DataProblem("E601", message, f"place it in `{folder}`", "set", str(folder))


def cache_folder() -> Path:
    """The folder in which Keras keeps downloaded files."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
