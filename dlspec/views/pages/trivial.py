"""The answers that need no model, kept in the run folder: those of the training split, whatever is measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.files import write_atomically
from dlspec.views.pages.linear import Linear, from_arrays, to_arrays

if TYPE_CHECKING:
    import numpy as np

    from dlspec.views.pages.scores import Score

    Array = np.ndarray[Any, Any]

TRIVIAL_FILE = "baseline.npz"
# No output may be taken for an argument of numpy's function.
_OF = "of "


def write_trivial(folder: Path, scores: Mapping[str, Score], linear: Linear | None = None) -> None:
    """Keeps the linear model and the trivial answers: a class number, yes or no by question, means, or labels."""
    import numpy as np

    known = {_OF + name: score.trivial for name, score in scores.items() if score.trivial is not None}
    known |= to_arrays(linear) if linear is not None else {}
    if known:
        write_atomically(folder / TRIVIAL_FILE, lambda path: np.savez(path, **known))


def read_trivial(folder: Path) -> dict[str, Array]:
    """The trivial answers of a run by output; {} where none are kept, as in runs of an earlier dlspec."""
    kept = _read(folder)
    return {name.removeprefix(_OF): values for name, values in kept.items() if name.startswith(_OF)}


def read_linear(folder: Path) -> Linear | None:
    """The linear model that is kept, or None."""
    return from_arrays(_read(folder))


def _read(folder: Path) -> dict[str, Array]:
    import numpy as np

    try:
        with np.load(folder / TRIVIAL_FILE, allow_pickle=False) as kept:
            return dict(kept)
    except (OSError, ValueError):
        return {}
