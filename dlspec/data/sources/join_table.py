"""The rows of one table with the columns of their partners in another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Tensor
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Table
from dlspec.data.sources.remarks import Contents, LeftOut
from dlspec.data.sources.stated import Stated

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# What becomes of rows without a partner.
ERROR, DROP, MISSING = "error", "drop", "missing"
# Rows that a message names.
_NAMED = 3


class Joined(Table):
    """A table whose rows are those on the left, in their order.

    Args:
        left: The examples.
        right: One row for each key.
        keys: Columns of the key: that on the left → that on the right.
        unmatched: What becomes of rows without a partner: `ERROR`, `DROP` or `MISSING`.
        prefix: Prefix of the names of the columns from the right.
    """

    def __init__(self, left: Table, right: Table, keys: Mapping[str, str], unmatched: str, prefix: str) -> None:
        self._left, self._right, self._keys = left, right, dict(keys)
        self._unmatched, self._prefix = unmatched, prefix

    # --- both sides ---------------------------------------------------------------------------------------------

    @cached_property
    def _sides(self) -> tuple[Table, Table]:
        """Both tables, opened: what was stated of columns holds on their side, and a key has one type on both."""
        self._right.tolerant, self._right.stated = self.tolerant, self._stated_right
        self._left.tolerant = self.tolerant
        known = {mine: _column(self._right, name, "right") for mine, name in self._keys.items()}
        texts = frozenset(name for name, column in known.items() if column.text)
        self._left.stated = self.stated.also(texts)
        for mine, other in known.items():
            own = _column(self._left, mine, "left")
            _check_key(mine, self._keys[mine], own, other)
        return self._left, self._right

    @property
    def _stated_right(self) -> Stated:
        """The stated columns of the right table, by its own names."""

        def inner(names: Iterable[str]) -> dict[str, str]:
            return {name.removeprefix(self._prefix): name for name in names if name.startswith(self._prefix)}

        stated = self.stated
        gaps = {name: stated.gaps[given] for name, given in inner(stated.gaps).items()}
        return Stated(frozenset(inner(stated.texts)), frozenset(inner(stated.numbers)), gaps)

    @cached_property
    def _from_right(self) -> dict[str, str]:
        """Columns from the right by the names that they have here.

        Raises:
            Problem: E207, one has the name of a column on the left.
        """
        left, right = self._sides
        names = {self._prefix + name: name for name in right.columns if name not in self._keys.values()}
        both = next((name for name in names if name in left.columns), "")
        if both:
            message = f"column `{both}` stands on both sides of the join"
            help = f"write `prefix: {_free(names, left.columns)}`: it stands before the names from the right"
            raise Problem("E207", message, help, "right")
        return names

    @cached_property
    def _partners(self) -> Array:
        """The number of the row on the right for each row on the left; -1 where there is none.

        Raises:
            DataProblem: E608, a key stands twice on the right, or has no partner there.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        left, right = self._sides
        mine, others = _codes([(left.whole(key), right.whole(other)) for key, other in self._keys.items()])
        _check_single(others, right, self._keys)
        places = pc.index_in(pa.array(mine), value_set=pa.array(others)).fill_null(-1)
        partners: Array = places.to_numpy().astype("int64")
        partners[mine < 0] = -1
        if self._unmatched == ERROR and (partners < 0).any():
            raise _alone(partners < 0, left, self._keys)
        return partners

    @cached_property
    def _kept(self) -> Array | None:
        """The numbers of the rows on the left that are here; None for all."""
        import numpy as np

        return np.flatnonzero(self._partners >= 0) if self._unmatched == DROP else None

    # --- the table ----------------------------------------------------------------------------------------------

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Columns of the left table, then those of the right one without the key."""
        left, right = self._sides
        count = len(self._partners) if self._kept is None else len(self._kept)
        columns = {name: replace(column, count=count) for name, column in left.columns.items()}
        lacking = bool((self._partners < 0).any()) and self._kept is None
        for name, inner in self._from_right.items():
            column = right.columns[inner]
            tensor = _with_gaps(name, column.tensor) if lacking else column.tensor
            columns[name] = replace(column, count=count, tensor=tensor)
        return columns

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether either table is streamed."""
        return any(side.streamed for side in self._sides)

    @property
    def blocks(self) -> Sequence[int] | None:  # type: ignore[override]
        """Numbers of rows of the blocks of the left table, without rows that are left out."""
        import numpy as np

        blocks = self._sides[0].blocks
        if blocks is None or self._kept is None:
            return blocks
        ends = np.searchsorted(self._kept, np.cumsum(blocks))
        return [int(size) for size in np.diff(ends, prepend=0)]

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether either table draws its values."""
        return self._left.draws or self._right.draws

    @property
    def fetches(self) -> bool:  # type: ignore[override]
        """Whether either table may download files."""
        return self._left.fetches or self._right.fetches

    @property
    def skipped(self) -> Sequence[str]:  # type: ignore[override]
        """Rows that either table has skipped, as text."""
        return [*self._left.skipped, *self._right.skipped]

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Remarks of both tables, and on rows without a partner."""
        sides = (("left", self._left), ("right", self._right))
        remarks = [remark._replace(option=option) for option, side in sides for remark in side.left_out]
        lost = len(self._partners) - len(self._kept) if self._kept is not None else 0
        if lost:
            message = f"{lost} of {len(self._partners)} rows have no partner, and are left out"
            remarks.append(LeftOut(message, "", "unmatched", of_frame=True))
        return remarks

    def read(self, names: Iterable[str]) -> Arrays:
        """Whole columns of either table."""
        import numpy as np

        return self.take(names, np.arange(len(self._partners) if self._kept is None else len(self._kept)))

    def take(self, names: Iterable[str], indices: Array) -> Arrays:
        """The rows `indices` of either side."""
        names = list(names)
        rows = indices if self._kept is None else self._kept[indices]
        left, right = self._sides
        own = left.take([name for name in names if name not in self._from_right], rows)
        partners = self._partners[rows]
        inner = {name: self._from_right[name] for name in names if name in self._from_right}
        others = right.take(list(inner.values()), partners.clip(0))
        joined = {
            name: _filled(others[own_name], partners < 0, self.columns[name].tensor) for name, own_name in inner.items()
        }
        return {name: own[name] if name in own else joined[name] for name in names}

    def forget(self) -> None:
        """Forgets the kept values of both tables."""
        super().forget()
        for side in (self._left, self._right):
            side.forget()

    def where(self, index: int) -> str:
        """Location of a row in the left table."""
        return self._left.where(index if self._kept is None else int(self._kept[index]))

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Broken rows by number: those of the left table, and those whose partner is broken."""
        import numpy as np

        left, right = self._sides
        rows = np.arange(len(self._partners)) if self._kept is None else self._kept
        mine = left.faults([name for name in names if name not in self._from_right])
        others = right.faults([self._from_right[name] for name in names if name in self._from_right])
        faults: dict[int, str] = {}
        for row in np.flatnonzero(np.isin(rows, list(mine)) | np.isin(self._partners[rows], list(others))).tolist():
            faults[row] = mine.get(int(rows[row])) or others[int(self._partners[rows[row]])]
        return faults

    def check(self, names: Sequence[str]) -> None:
        """No number is missing, on either side or for want of a partner, and all are finite."""
        import numpy as np

        for name in (name for name in names if self.columns[name].tensor.floating):
            values = self.whole(name)
            lacking = np.isnan(values).reshape(len(values), -1).any(axis=1)
            if lacking.any():
                many = int(lacking.sum())
                message = f"column `{name}` has {many} missing value{'s' if many > 1 else ''}"
                help = "say what becomes of such examples, as in `missing: median` or `missing: drop`"
                raise DataProblem("E608", message, help, where=self.where(int(lacking.argmax())))
        super().check(names)

    def check_named(self) -> None:
        """Checks the columns named by options in both tables."""
        for option, side in zip(("left", "right"), self._sides, strict=True):
            try:
                side.check_named()
            except Problem as problem:
                problem.option = option
                raise

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """All columns but the key, which is a name."""
        return super().obvious([*taken, *self._keys])

    # --- what is said of single columns ---------------------------------------------------------------------------

    def _owner(self, name: str) -> tuple[Table, str]:
        """The side that has a column, and its name there."""
        left, right = self._sides
        return (right, self._from_right[name]) if name in self._from_right else (left, name)

    def not_a_number(self, name: str) -> tuple[str, str] | None:
        """The first value of a column that is no number, and its location, in the table it comes from."""
        side, inner = self._owner(name)
        return side.not_a_number(inner)

    def gap(self, name: str) -> str:
        """The first word for a missing value in a column, in the table it comes from."""
        side, inner = self._owner(name)
        return side.gap(inner)

    def contents(self, name: str, help: str) -> Contents:
        """The content of a text column, as the table it comes from describes it."""
        side, inner = self._owner(name)
        return side.contents(inner, help)

    def as_numbers(self, name: str) -> bool:
        """Whether the table that a column comes from can read it as numbers."""
        side, inner = self._owner(name)
        done = side.as_numbers(inner)
        self.__dict__.pop("columns", None)
        return done


def _free(names: Iterable[str], taken: Iterable[str]) -> str:
    """Something that makes names differ from all that are taken."""
    return next(
        start for start in ("right_", "right_2_", "right_3_") if not {start + name for name in names} & set(taken)
    )


def _column(table: Table, name: str, side: str) -> Column:
    """A column of the key; what is wrong with its side is told at the side's option.

    Raises:
        Problem: E602, there is none.
    """
    try:
        columns = table.columns
    except Problem as problem:
        problem.option = side
        raise
    if name not in columns:
        help = did_you_mean(name, columns) or table.known_columns
        raise Problem("E602", f"the {side} side of the join has no column `{name}`", help, "on")
    return columns[name]


def _check_key(mine: str, name: str, own: Column, other: Column) -> None:
    """A key holds single values of one kind.

    Raises:
        Problem: E603, E605.
    """
    for column, called in ((own, mine), (other, name)):
        if column.tensor.shape:
            raise Problem("E605", f"a key is one value for each row, and `{called}` gives {column.tensor}", "", "on")
    if own.text != other.text:
        kinds = ("text" if own.text else "numbers", "text" if other.text else "numbers")
        message = f"key `{mine}` holds {kinds[0]} on the left, and {kinds[1]} on the right"
        raise Problem("E603", message, f"name it in `texts` of both sources: `texts: [{name}]`", "on")


def _codes(pairs: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """A number for each row of both sides that equal keys share; -1 where a value is missing, or not on the right."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    mine, others = (np.zeros(len(values), np.int64) for values in pairs[0])
    for left, right in pairs:
        first, two = (pa.array(values, from_pandas=True) for values in _alike(left, right))
        known = pc.unique(two).drop_null()
        for codes, values in ((mine, first), (others, two)):
            indices = pc.index_in(values, value_set=known).fill_null(-1).to_numpy().astype(np.int64)
            codes[:] = np.where((codes < 0) | (indices < 0), -1, codes * len(known) + indices)
    return mine, others


def _alike(left: Array, right: Array) -> tuple[Array, Array]:
    """Values in a type of both; an empty text is a missing one."""
    import numpy as np

    if left.dtype == object or right.dtype == object:
        first, two = (np.array([value if value != "" else None for value in side], object) for side in (left, right))
        return first, two
    dtype = np.result_type(left.dtype, right.dtype)
    return left.astype(dtype), right.astype(dtype)


def _check_single(codes: Array, right: Table, keys: Mapping[str, str]) -> None:
    """No key stands twice on the right.

    Raises:
        DataProblem: E608.
    """
    import numpy as np

    order = np.argsort(codes, kind="stable")
    again = np.flatnonzero((np.diff(codes[order]) == 0) & (codes[order][1:] >= 0))
    if not len(again):
        return
    first, second = (int(row) for row in order[again[0] : again[0] + 2])
    names = list(keys.values())
    message = f"key {_shown(right, names, second)} stands twice on the right, first in {right.where(first)}"
    message += f"; so do {len(again) - 1} more" if len(again) > 1 else ""
    raise DataProblem("E608", message, "leave one row for each key", "right", right.where(second))


def _alone(lost: Array, left: Table, keys: Mapping[str, str]) -> DataProblem:
    """Rows on the left have no partner."""
    import numpy as np

    rows = np.flatnonzero(lost)
    shown = dict.fromkeys(_shown(left, list(keys), int(row)) for row in rows[: 10 * _NAMED])
    some = ", ".join(list(shown)[:_NAMED]) + (", …" if len(shown) > _NAMED else "")
    message = f"{len(rows)} of {len(lost)} rows on the left have no partner on the right: {some}"
    help = "write `unmatched: drop` to leave them out, or `unmatched: missing` for missing values"
    return DataProblem("E608", message, help, "on", left.where(int(rows[0])))


def _shown(table: Table, names: Sequence[str], row: int) -> str:
    """The key of a row: `film 7`."""
    values = ((name, table.whole(name)[row]) for name in names)
    return f"`{', '.join(f'{name} {value}' for name, value in values)}`"


def _with_gaps(name: str, tensor: Tensor) -> Tensor:
    """The type of a column of which some values are missing.

    Raises:
        Problem: E605, it holds arrays, of which none can be missing.
    """
    if tensor.shape:
        message = f"column `{name}` holds {tensor}, which rows without a partner cannot lack"
        raise Problem("E605", message, "write `unmatched: drop`", "unmatched")
    return tensor if tensor.dtype == TEXT or tensor.floating else Tensor((), "float64")


def _filled(values: Array, lacking: Array, tensor: Tensor) -> Array:
    """Values of partners, missing where there is none."""
    import numpy as np

    if not lacking.any():
        return values if tensor.dtype == TEXT or values.dtype.name == tensor.dtype else values.astype(tensor.dtype)
    if tensor.dtype == TEXT:
        return np.where(lacking, "", values).astype(object)
    return np.where(lacking, np.nan, values.astype(tensor.dtype))
