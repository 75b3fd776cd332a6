"""Weights of examples: the column that `weight` of `data` names."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.data.binding.findings import Findings
from dlspec.data.sources.base import DataProblem, Table
from dlspec.data.sources.paths import locate

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


# The only column of a file of weights.
_TITLE = "weight"


def bind_weight(data: Data, table: Table, method: Method | None, findings: Findings) -> str:
    """The column that says how much each example counts, which holds a number for each; "" where none does."""
    if data.weight is None:
        return ""
    before = len(findings.items)
    with findings.at("data", "weight"):
        _check(data.weight, table, method)
    return data.weight if len(findings.items) == before else ""


def bind_factors(
    data: Data, folder: Path, count: int, method: Method | None, findings: Findings, *, allow_outside: bool
) -> Array | None:
    """By how much the weight of each row is multiplied, float64 of shape [count]; None where no file says so."""
    if data.weight_file is None:
        return None
    with findings.at("data", "weight_file"):
        _require_weighing(method, "weight_file")
        if data.maker is not None or data.sources:
            raise Problem("E616", "`weight_file` is for the rows of a single source", "leave it out")
        path = locate(data.weight_file, folder, allow_outside=allow_outside, option="")
        return _factors(path, data.weight_file, count)
    return None


def _factors(path: Path, shown: str, count: int) -> Array:
    import numpy as np

    title, *lines = path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    if title.strip() != _TITLE:
        raise DataProblem("E616", f"`{shown}` has no column `weight` alone", "write `weight` into its first line")
    try:
        factors = np.array([float(line) for line in lines], float)
    except ValueError as error:
        raise DataProblem("E616", f"`{shown}` holds something else than numbers: {error}", "correct it") from error
    if len(factors) != count:
        message = f"`{shown}` has {len(factors)} weights, and the source {count} rows"
        raise DataProblem("E616", message, "write a weight for each row, also of those that do not train")
    if not (np.isfinite(factors) & (factors >= 0)).all() or not factors.any():
        raise DataProblem("E616", f"`{shown}` holds weights that are no numbers from 0 on", "correct them")
    return factors


def _check(name: str, table: Table, method: Method | None) -> None:
    column = table.find(name, "")
    if column.text and not table.as_numbers(name):
        contents = table.contents(name, "correct the value: weights are numbers")
        raise DataProblem("E603", f"column `{name}` holds {contents.what}", contents.help, where=contents.where)
    if column.tensor.shape:
        raise Problem("E605", f"a weight is one number for each example, and `{name}` gives {column.tensor}")
    _require_weighing(method, "weight")


def _require_weighing(method: Method | None, option: str) -> None:
    """Holds an option that makes examples count differently against the way of training.

    Raises:
        Problem: E616, it takes all alike.
    """
    if method is not None and not method.weighs_examples:
        message = f"training by `{method.name}` takes all examples alike: they cannot weigh differently"
        raise Problem("E616", message, f"leave `{option}` out")


def check_values(name: str, table: Table, bad: Collection[int] = ()) -> None:
    """Weights are numbers from 0 on, and not all of them 0; those of examples that are left out do not matter.

    Raises:
        DataProblem: E608, one is missing or infinite; E616, one is negative, or all are 0.
    """
    import numpy as np

    values = table.whole(name)
    used = np.ones(len(values), bool)
    used[list(bad)] = False
    unknown = used & ~np.isfinite(values)
    if unknown.any():
        many = int(unknown.sum())
        message = f"column `{name}` has {many} missing weight{'s' if many > 1 else ''}"
        where = table.where(int(unknown.argmax()))
        raise DataProblem("E608", message, "fill it in; 0 leaves an example out", where=where)
    negative = used & (values < 0)
    if negative.any():
        index = int(negative.argmax())
        message = f"column `{name}` holds the weight {values[index]:g}, expected numbers from 0 on"
        raise DataProblem("E616", message, "correct the value; 0 leaves an example out", where=table.where(index))
    if not values[used].any():
        raise Problem("E616", f"all weights in column `{name}` are 0: no example counts", "use another column")


def weights_of(name: str, table: Table, factors: Array | None = None) -> Array | None:
    """The weight of each example, float32; None where all count alike.

    Args:
        name: The column; "" for none.
        table: The source.
        factors: By how much each is multiplied.
    """
    import numpy as np

    own = table.whole(name).astype(np.float32) if name else None
    return own if factors is None else np.asarray(factors * (1.0 if own is None else own), np.float32)
