"""The answers that need no model, kept in the run folder: those of the training split, whatever is measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dlspec.core.files import write_atomically
from dlspec.data.checks.baselines import LINEAR
from dlspec.views.pages.linear import Linear, from_arrays, to_arrays

if TYPE_CHECKING:
    import numpy as np

    from dlspec.views.pages.scores import Score

    Array = np.ndarray[Any, Any]

TRIVIAL_FILE = "baseline.npz"
NOTHING: Mapping[str, Any] = MappingProxyType({})
# No output may be taken for an argument of numpy's function.
_OF, _USUAL = "of ", "usual of "


def write_trivial(folder: Path, scores: Mapping[str, Score], models: Mapping[str, Linear] = NOTHING) -> None:
    """Keeps models that are linear in the inputs, by name, and the trivial answers with what they follow from.

    These are a class number, yes or no by question, means, or labels; they follow from shares of classes.
    """
    import numpy as np

    known = {_OF + name: score.trivial for name, score in scores.items() if score.trivial is not None}
    known |= {_USUAL + name: score.usual for name, score in scores.items() if score.usual is not None}
    for name, model in models.items():
        known |= to_arrays(model, name)
    if known:
        write_atomically(folder / TRIVIAL_FILE, lambda path: np.savez(path, **known))


def read_trivial(folder: Path) -> dict[str, Array]:
    """The trivial answers of a run by output; {} where none are kept, as in runs of an earlier dlspec."""
    kept = _read(folder)
    return {name.removeprefix(_OF): values for name, values in kept.items() if name.startswith(_OF)}


def read_usual(folder: Path) -> dict[str, Array]:
    """What the trivial answers of a run follow from, by output: shares of classes or of yes, or means."""
    kept = _read(folder)
    return {name.removeprefix(_USUAL): values for name, values in kept.items() if name.startswith(_USUAL)}


def read_model(folder: Path, name: str = LINEAR) -> Linear | None:
    """The model of this name that is kept, or None."""
    return from_arrays(_read(folder), name)


def _read(folder: Path) -> dict[str, Array]:
    import numpy as np

    try:
        with np.load(folder / TRIVIAL_FILE, allow_pickle=False) as kept:
            return dict(kept)
    except (OSError, ValueError):
        return {}
