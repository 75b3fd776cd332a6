"""The data that trials of one process have in common, read and prepared once."""

from __future__ import annotations

from pathlib import Path

from dlspec.backends.keras.internals import forget_calls
from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.data.binding.signature import Signature
from dlspec.data.checks.dependence import dependence
from dlspec.data.feeding.pipeline import Prepared, prepare

# The last prepared data with what they depend on; one, so that memory is that of a single training.
_HELD: list[tuple[str, Prepared]] = []


def prepare_once(
    data: Data, folder: Path, signature: Signature, method: Method | None, *, allow_outside: bool = False
) -> Prepared:
    """Like :func:`dlspec.data.feeding.pipeline.prepare`; reuses the last trial's data where nothing has changed."""
    key = f"{allow_outside} {dependence(data, folder, signature, method, allow_outside=allow_outside)}"
    if not _HELD or _HELD[0][0] != key:
        forget()
        _HELD.append((key, prepare(data, folder, signature, method, allow_outside=allow_outside)))
    return _HELD[0][1]


def forget() -> None:
    """The next trial prepares its data itself."""
    _HELD.clear()


def detach() -> None:
    """Takes the layers of preparation out of the model that was saved with them, which they would keep in memory."""
    for _, prepared in _HELD:
        for layers in prepared.layers.values():
            for layer in layers:
                forget_calls(layer)
