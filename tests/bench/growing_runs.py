"""What becomes long while something is trained: epochs of a run, trials of a search, files, exported projects."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dlspec.training.run.run_folder import RunFolder
from dlspec.tuning.search.page import page
from dlspec.views.pages.page import METRICS_FILE, publish
from tests.bench.dimensions import Dimension, Work, command
from tests.bench.growing_specs import joined, lines

_PROJECT = """inputs: {x: [2]}
layers:
%s  - dense: {units: 1, name: y}
data: {source: {csv: d.csv}, inputs: {x: {columns: [a, b]}}, targets: {y: c}}
train: {loss: mse%s}
"""
_PICTURES = """inputs: {x: [8, 8, 3]}
layers: [flatten, dense: {units: 2, activation: softmax, name: y}]
data: {source: {image_folder: {path: pictures, size: [8, 8]}}, inputs: {x: image}, targets: {y: label}}
train: {loss: sparse_categorical_crossentropy}
"""


def _facts(epochs: int) -> dict[str, Any]:
    """What `report.json` says of a run, as far as its page needs it."""
    return {
        "name": "a", "id": "20260101T000000Z-00000", "status": "finished", "epochs": epochs, "seconds": 1.0,
        "started": "2026-01-01T00:00:00+00:00", "seed": 0, "versions": {}, "stages": {}, "command": "dlspec train",
        "machine": {"platform": "Linux", "cpus": 2, "environment": {}}, "parameters": {"total": 5},
        "planned": {"epochs": epochs, "steps_per_epoch": 9, "scheduled": False},
        "best": {"epoch": epochs, "value": 0.5, "monitor": "loss"}, "epoch_seconds": [1.0] * epochs,
        "data": {"source": {"csv": {"path": "d.csv"}}, "examples": {"train": 9}, "inputs": {}, "targets": {}},
    }  # fmt: skip


def _history(epochs: int) -> list[dict[str, float]]:
    return [{"epoch": number, "loss": 1 / number, "val_loss": 1.1 / number} for number in range(1, epochs + 1)]


def _page_of_a_run(folder: Path, size: int) -> Work:
    """The page of a run of many epochs."""
    RunFolder(folder).write_rows(METRICS_FILE, _history(size + 2))
    facts = _facts(size + 2)
    return lambda: publish(folder, facts, None, None)


def _rows_of_metrics(folder: Path, size: int) -> Work:
    """The file of measures, to which every epoch adds a row."""
    rows = _history(size + 2)

    def work() -> None:
        (folder / METRICS_FILE).unlink(missing_ok=True)
        for row in rows:
            RunFolder(folder).append_row(METRICS_FILE, row)

    return work


def _page_of_a_search(_folder: Path, size: int) -> Work:
    """The page of a search of many trials."""
    trials = [
        {
            "number": number, "values": {"units": number % 7, "rate": 1 / number}, "epochs": 2, "before": None,
            "status": "completed", "score": 1 / number, "reason": "", "epoch": 2, "parameters": 5, "flops": 5,
            "seconds": 1.0, "history": [{"val_loss": 2 / number}, {"val_loss": 1 / number}],
        }
        for number in range(1, size + 3)
    ]  # fmt: skip
    facts = {
        "finished": True, "algorithm": "random", "objective": "val_loss", "direction": "min", "seed": 0,
        "planned": len(trials), "counts": {"completed": len(trials), "failed": 0, "pruned": 0}, "best": 1,
        "conditions": {}, "trials": trials,
    }  # fmt: skip
    return lambda: page("a", facts, "name: a\n", "dlspec tune a.yaml")


def _pictures(name: str) -> Callable[[Path, int], Work]:
    """A folder of many small pictures in two classes."""

    def prepare(folder: Path, size: int) -> Work:
        from PIL import Image

        for label in ("cat", "dog"):
            (folder / "pictures" / label).mkdir(parents=True)
        for number in range(size + 9):
            picture = Image.new("RGB", (8, 8), (number % 256, number // 256, 7))
            picture.save(folder / "pictures" / ("cat", "dog")[number % 2] / f"{number}.png")
        (folder / "spec.yaml").write_text(_PICTURES)
        return command(name, folder / "spec.yaml")

    return prepare


def _project(text: Callable[[int], str]) -> Callable[[Path, int], Work]:
    """A whole project of plain Python."""

    def prepare(folder: Path, size: int) -> Work:
        (folder / "d.csv").write_text("a,b,c\n" + "".join(f"{row},{row % 3},{row % 5}\n" for row in range(30)))
        (folder / "spec.yaml").write_text(text(size))
        export = command("export", "--project", folder / "out", folder / "spec.yaml")

        def work() -> None:
            shutil.rmtree(folder / "out", ignore_errors=True)
            export()

        return work

    return prepare


def _layers(n: int) -> str:
    return _PROJECT % (lines("  - dense: {units: 4, activation: relu}", n), "")


def _branches(n: int) -> str:
    branches = lines("  - dense: {units: 4, from: x, name: b#}", n + 2)
    return _PROJECT % (f"{branches}  - concatenate: [{joined('b#', n + 2)}]\n", "")


def _phases(n: int) -> str:
    layers = lines("  - dense: {units: 4, name: n#}", n + 1)
    phases = joined("p#: {epochs: 1, freeze: n#}", n + 1)
    return _PROJECT % (layers, f", phases: {{{phases}}}")


def run_dimensions() -> Iterator[Dimension]:
    """What may grow in runs, searches, folders and projects."""
    yield Dimension("the page of a run: epochs", _page_of_a_run, 2000, 200)
    yield Dimension("metrics.csv: epochs", _rows_of_metrics, 1000, 20)
    yield Dimension("the page of a search: trials", _page_of_a_search, 300, 30)
    yield Dimension("check: files in folders", _pictures("check"), 1000, 20)
    yield Dimension("data: files in folders", _pictures("data"), 500, 20)
    yield Dimension("export --project: layers", _project(_layers), 1000, 20)
    yield Dimension("export --project: branches", _project(_branches), 600, 20)
    yield Dimension("export --project: phases", _project(_phases), 150, 10)
