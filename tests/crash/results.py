"""What a finished run left, for comparison bit by bit."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from dlspec.training.run.checkpoint import Checkpoint, Checkpoints


def results(run: Path) -> dict[str, Any]:
    """Weights, optimizer, callbacks, best epoch, history and logs of a run."""
    checkpoint, damages = Checkpoints(run).load()
    assert checkpoint is not None and not damages, damages
    return {
        **{name: array.tobytes() for name, array in checkpoint.arrays.items()},
        **facts(checkpoint),
        **{path.name: path.read_bytes() for path in run.glob("*.csv")},
        "model.keras": weights(run / "model.keras"),
        **{path.name: stored(path) for path in run.glob("*.weights.h5")},
    }


def facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """All but the time that epochs took."""
    course = {name: value for name, value in checkpoint.facts["course"].items() if name != "seconds"}
    return {**checkpoint.facts, "course": course}


def weights(path: Path) -> list[bytes]:
    """The weights in a saved model."""
    import io
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return stored(io.BytesIO(archive.read("model.weights.h5")))


def stored(file: Any) -> list[bytes]:
    """The weights in a file of HDF5, or in its bytes."""
    import h5py

    found: list[bytes] = []
    with h5py.File(file) as archive:
        archive.visititems(lambda _, item: found.append(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
    return found


def different(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of what differs."""
    return sorted(name for name in {**one, **other} if one.get(name) != other.get(name))


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a log."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
