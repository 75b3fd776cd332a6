"""The content of a first spec for a table, before it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dlspec.core.errors import Problem, did_you_mean
from dlspec.drafting import leaks
from dlspec.drafting.arrays import Examples, in_words
from dlspec.drafting.roles import Judgement, Role, judge, judge_arrays, left_out, texts_of
from dlspec.drafting.sample import Sample, Values
from dlspec.drafting.splitting import Split, choose_split

# Whole numbers with at most so many distinct values are classes.
_CLASSES = 10
# Rows that a class has at least on average, where classes are written as numbers.
_PER_CLASS = 12
# Skewness from which on a target is learnt by its logarithm.
_HEAVY = 3
# Different numbers that are classes where somebody says so.
_MOST_CLASSES = 200
# Words for yes: the class whose probability a model gives.
_YES = ("yes", "y", "true", "t", "1", "positive", "pos", "1.0")
# A word in fewer rows than this is one of the others.
_RARE = 5
_MOST_WORDS = 500


@dataclass(frozen=True)
class Target:
    """A column that is to be predicted.

    Attributes:
        name: Its word in the spec.
        values: The column.
        labelled: Whether it is a class.
        shape: Of one example, whose numbers are all to be predicted; () for a single one.
    """

    name: str
    values: Values
    labelled: bool
    shape: tuple[int, ...] = ()

    @property
    def classes(self) -> list[Any]:
        """The classes as the file writes them, that of "yes" or the rarer of two last; [] for numbers."""
        if not self.labelled:
            return []
        labels = [int(value) if self.values.whole else value for value in self.values.distinct.tolist()]
        if len(labels) != 2:
            return labels
        yes = [label for label in labels if str(label).lower() in _YES]
        last = yes[0] if len(yes) == 1 else labels[int(self.values.counts.argmin())]
        if not self.values.text:
            last = max(labels)
        return sorted(labels, key=lambda label: bool(label == last))

    @property
    def heavy_tailed(self) -> bool:
        """Whether a few numbers are so much larger than the others that their logarithm is learnt: skewness above 3.

        Below that, a logarithm makes the squared errors of the numbers themselves larger.
        """
        known = self.values.known
        if self.labelled or self.shape or known.min() < 0:
            return False
        off = known.astype("float64") - known.mean()
        return bool((off**3).mean() > _HEAVY * (off**2).mean() ** 1.5)

    @property
    def binary(self) -> bool:
        """Whether the target is one of two classes."""
        return len(self.classes) == 2 and not self.shape

    @property
    def units(self) -> int:
        """Numbers that a model gives for it; of classes of pixels, for each of them."""
        if self.labelled:
            return 1 if self.binary else len(self.classes)
        return self.shape[0] if self.shape else 1


class Draft:
    """A first spec for a table.

    Args:
        name: The name of the spec.
        sample: The table.
        targets: The columns to predict.
        labelled: Whether they are classes; None for whatever their values say.

    Raises:
        Problem: E602, there is no such column, or none is left that can enter; E604, a target has nothing to predict.
    """

    def __init__(self, name: str, sample: Sample, targets: Sequence[str], labelled: bool | None = None) -> None:
        self.name = name
        self.sample = sample
        self._labelled = labelled
        self._names: dict[str, str] = {}  # by column
        self._taken = dict.fromkeys(_TAKEN, 1)  # how often a word was asked for
        self.targets = [self._target(target) for target in targets]
        self._taken |= {f"{target.name}_{part}": 1 for target in self.targets for part in ("deep", "linear")}
        self.judged = self._judged()
        first = self.targets[0]
        smallest = int(first.values.counts.min()) if first.labelled and not first.shape else 0
        self.split: Split = choose_split(sample, self.judged, smallest)
        if self.split.groups:
            self.judged[self.split.groups] = left_out("names the groups of the split")
        if all(judgement.role is Role.LEFT_OUT for judgement in self.judged.values()):
            raise Problem("E602", f"no column is left to predict `{first.values.name}` from{self._why()}")

    def _target(self, column: str) -> Target:
        if column in self.sample.arrays:
            return self._target_of_arrays(self.sample.arrays[column])
        if column not in self.sample.columns:
            known = [*self.sample.columns, *self.sample.arrays]
            help = did_you_mean(column, known) or f"its columns are {', '.join(known)}"
            raise Problem("E602", f"the table has no column `{column}`", help)
        values = self.sample.columns[column]
        if len(values.distinct) < 2:
            raise Problem("E604", f"`{column}` has the same value in all rows: there is nothing to predict")
        labelled = is_class(values) if self._labelled is None else self._labelled
        if values.text and not labelled:
            raise Problem("E604", f"`{column}` holds words: these are classes", "leave `--task regression` out")
        if labelled and not values.text and len(values.distinct) > _MOST_CLASSES:
            raise Problem("E604", f"`{column}` has {len(values.distinct):,} different numbers: these are no classes")
        if values.text and len(values.distinct) > 0.5 * len(values.known):
            raise Problem("E604", f"`{column}` has {len(values.distinct):,} different words: these are no classes")
        return Target(self.name_of(column), values, labelled)

    def _target_of_arrays(self, examples: Examples) -> Target:
        """Rows of numbers, or the class of each pixel.

        Raises:
            Problem: E604, other arrays, or pixels of none or several columns of images.
        """
        name, shape = examples.name, examples.shape
        values = Values(name, examples.values.astype("float64").ravel(), text=False)
        if len(shape) == 1 and not examples.gaps:
            return Target(self.name_of(name), values, labelled=False, shape=shape)
        pictures = [other for other in self.sample.arrays.values() if other.kind == "image" and other.name != name]
        if examples.classes and [picture.size for picture in pictures] == [shape]:
            import numpy as np

            whole = Values(name, np.array(examples.classes, np.float64), text=False)
            return Target(self.name_of(name), whole, labelled=True, shape=shape)
        help = "a first spec predicts classes, numbers, rows of numbers, or classes (0, 1, …) of the pixels of an image"
        raise Problem("E604", f"`{name}` holds {in_words(examples)}", help)

    def name_of(self, column: str) -> str:
        """A name in the spec for a column: letters, digits and `_`, none twice."""
        if column not in self._names:
            self._names[column] = self.new_name(column)
        return self._names[column]

    def new_name(self, column: str) -> str:
        """A name like another one that nothing in the spec has yet."""
        stem = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_").lower()
        stem = stem if re.match(r"[a-z]", stem) else f"column_{stem}".rstrip("_")
        name = stem = stem[:50]
        while name in self._taken:
            self._taken[stem] += 1
            name = f"{stem}_{self._taken[stem]}"
        self._taken[name] = 1
        return name

    def _judged(self) -> dict[str, Judgement]:
        """Judgement of each column but the targets; those that reveal a target are left out."""
        taken = {predicted.values.name for predicted in self.targets}
        columns = {name: column for name, column in self.sample.columns.items() if name not in taken}
        judged = {name: judge(column, self.sample) for name, column in columns.items()}
        for target in self.targets:
            if not target.shape:
                self._leave_leaks(judged, target)
        arrays = {name: judge_arrays(some) for name, some in self.sample.arrays.items() if name not in taken}
        if all(judgement.role is Role.LEFT_OUT for judgement in (*judged.values(), *arrays.values())):
            judged |= texts_of(judged, self.sample)
        return judged | arrays

    def _leave_leaks(self, judged: dict[str, Judgement], target: Target) -> None:
        columns, quoted = self.sample.columns, f"`{target.values.name}`"
        for name in leaks.follow_up({name: columns[name] for name in judged}, target.values):
            judged[name] = left_out(f"known only when {quoted} is")
        for name, judgement in judged.items():
            if judgement.role is Role.LEFT_OUT:
                continue
            if leaks.alone(columns[name], target.values, labelled=target.labelled):
                judged[name] = left_out(f"{quoted} follows from it")
            elif leaks.missing_with(columns[name], target.values):
                judged[name] = left_out(f"missing just where {quoted} is: known only then")
        if target.labelled:
            return
        while parts := leaks.together([columns[name] for name in _of(judged, Role.NUMBER)], target.values):
            judged |= dict.fromkeys(parts, left_out(f"{quoted} follows from it and others together"))

    def _why(self) -> str:
        """Reasons for a few columns that are left out, as text."""
        reasons = [f"`{name}` {judgement.reason}" for name, judgement in self.judged.items()]
        return f": {'; '.join(reasons[:4])}" if reasons else ""

    def of(self, role: Role) -> list[Values]:
        """The columns with this role."""
        return [self.sample.columns[name] for name in _of(self.judged, role)]

    def arrays(self, *roles: Role) -> list[Examples]:
        """The columns of arrays with these roles."""
        return [self.sample.arrays[name] for role in roles for name in _of(self.judged, role)]

    @property
    def learns_features(self) -> bool:
        """Whether layers that learn what to look at, in images or sequences, are all that there is of inputs."""
        used = {judgement.role for judgement in self.judged.values()} - {Role.LEFT_OUT}
        return used <= {Role.IMAGE, Role.SEQUENCE}

    @cached_property
    def numbers(self) -> tuple[list[str], list[str]]:
        """Columns of numbers: those without a gap in the sample, and those with some."""
        full: list[str] = []
        gaps: list[str] = []
        for column in self.of(Role.NUMBER):
            (gaps if column.missing.any() else full).append(column.name)
        return full, gaps

    @property
    def rows(self) -> int:
        """Rows for training: those with a target, 70 % of them."""
        known = min((~target.values.missing).mean() for target in self.targets)
        return max(1, int(self.sample.total * known * 0.7))


def _of(judged: Mapping[str, Judgement], role: Role) -> list[str]:
    return [name for name, judgement in judged.items() if judgement.role is role]


# Words that mean something else in a spec.
_TAKEN = frozenset(("prev", "numbers", "incomplete", "row", "trunk", "deep", "linear"))


def is_class(values: Values) -> bool:
    """Whether a column to predict holds classes: words, or a few whole numbers."""
    if values.text:
        return True
    distinct = len(values.distinct)
    if not values.whole or distinct > _CLASSES:
        return False
    return distinct == 2 or (
        len(values.known) >= _PER_CLASS * distinct and values.distinct[-1] - values.distinct[0] < 2 * distinct
    )


def frequent_words(column: Values, total: int) -> int:
    """Number of words of a column that occur in enough rows to be learnt, at most 500."""
    least = _RARE if total >= 700 else 2
    return min(_MOST_WORDS, int((column.counts >= least).sum()))
