"""The data sets that come inside scikit-learn: real data without a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.components.registry import choice, example
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import Arrays, Column, Labels, Source, Table


class _Set(NamedTuple):
    """Static facts of one set, so that `check` need not import scikit-learn; a test compares them with it."""

    examples: int
    features: tuple[str, ...]
    members: tuple[int, ...] = ()
    images: tuple[int, ...] = ()
    targets: tuple[str, ...] = ()


_CELLS = ("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave_points",
          "symmetry", "fractal_dimension")  # fmt: skip
_WINE = ("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
         "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315_of_diluted_wines",
         "proline")  # fmt: skip
_PIXELS = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
_CANCER = tuple(pattern.format(name) for pattern in ("mean_{}", "{}_error", "worst_{}") for name in _CELLS)
# Pixels of the digits count how many of 16 dots are black.
_LARGEST_PIXEL = 16
SETS = {
    "digits": _Set(1797, _PIXELS, (178, 182, 177, 183, 181, 182, 181, 179, 174, 180), (8, 8)),
    "iris": _Set(150, ("sepal_length", "sepal_width", "petal_length", "petal_width"), (50, 50, 50)),
    "wine": _Set(178, _WINE, (59, 71, 48)),
    "breast_cancer": _Set(569, _CANCER, (212, 357)),
    "diabetes": _Set(442, ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")),
    "linnerud": _Set(20, ("chins", "situps", "jumps"), targets=("weight", "waist", "pulse")),
}


class Sklearn(Source):
    """A data set bundled with scikit-learn; those that it would fetch from the network are none.

    Columns: ``data`` (all features), ``target``, ``images`` where there are some, and each feature by its name (of
    ``linnerud`` each target too).
    """

    shorthand = "set"
    set = choice(
        *SETS,
        doc="Which set.",
        others="sets that scikit-learn downloads are not read: keep such a set in a file, as for `csv` or `npz`",
    )
    examples = (example("digits"), example("diabetes"))

    def open(self, folder: Path, *, allow_outside: bool = False) -> SklearnTable:
        """The table of the set; its files are part of scikit-learn."""
        return SklearnTable(self.set)

    def emitted(self, columns: Sequence[str], table: Table) -> dict[str, Any]:
        """Template values: expressions of the columns in what the set's loader returns."""
        return {"arrays": {name: self._array(name) for name in columns}}

    def _array(self, name: str) -> Piece:
        facts = SETS[self.set]
        for part, members in (("data", facts.features), ("target", facts.targets)):
            if name in members:
                return Piece("bunch[{}][:, {}]", part, members.index(name))
        return Piece("bunch[{}]", name)


class SklearnTable(Table):
    """One bundled set."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._facts = SETS[name]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Columns of the set, from the table in this module."""
        facts = self._facts
        columns = {"data": Column(Tensor((len(facts.features),), "float64"), facts.examples, parts=facts.features)}
        if facts.images:
            columns["images"] = Column(Tensor(facts.images, "float64"), facts.examples, largest=_LARGEST_PIXEL)
        shape = (len(facts.targets),) if facts.targets else ()
        kind, classes = ("int64", len(facts.members)) if facts.members else ("float64", 0)
        columns["target"] = Column(Tensor(shape, kind), facts.examples, label=True, indices=classes)
        named = (*facts.features, *facts.targets)
        # Some pixels at the border of pictures are always black.
        varies = not facts.images
        return columns | {name: Column(Tensor((), "float64"), facts.examples, varies=varies) for name in named}

    def read(self, names: Iterable[str]) -> Arrays:
        """Loads the set through scikit-learn."""
        from sklearn import datasets

        bunch: Any = getattr(datasets, f"load_{self._name}")()
        arrays: Arrays = {}
        for name in names:
            if name in self._facts.features:
                arrays[name] = bunch.data[:, self._facts.features.index(name)]
            elif name in self._facts.targets:
                arrays[name] = bunch.target[:, self._facts.targets.index(name)]
            else:
                values = bunch[name]
                arrays[name] = values.astype(self.columns[name].tensor.dtype)
        return arrays

    def where(self, index: int) -> str:
        """Set and row of an example."""
        return f"scikit-learn's {self._name}, row {index}"

    def labels(self, name: str) -> Labels:
        """Classes are known without loading."""
        if name == "target" and self._facts.members:
            return Labels(tuple(range(len(self._facts.members))), self._facts.members)
        return super().labels(name)

    def check(self, names: Sequence[str]) -> None:
        """Nothing to check: the values of the sets are sound."""

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """The images, or the rows of features: whichever fits the model."""
        return [(name,) for name in ("images", "data") if name in self.columns and name not in taken]
