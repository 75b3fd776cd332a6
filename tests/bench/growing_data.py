"""Data and runs that grow in one dimension each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.dimensions import Dimension, Work, command
from tests.bench.growing_specs import joined

_SPEC = "layers: [dense: 4, dense: 1]\ndata: {source: {csv: d.csv}, %s}\ntrain: {loss: mse}\n"
_CLASSES = (
    "inputs: {x: [1]}\nlayers: [dense: {units: %d, activation: softmax}]\n"
    "data: {source: {csv: d.csv}, inputs: {x: a}, targets: {y: y}}\ntrain: {loss: sparse_categorical_crossentropy}\n"
)


def _wide(used: str) -> Callable[[Path, int], Work]:
    """A CSV file of many columns."""

    def prepare(folder: Path, size: int) -> Work:
        rows = [joined(f"{row}#", size).replace(" ", "") + f",{row}" for row in range(9)]
        (folder / "d.csv").write_text(joined("c#", size).replace(" ", "") + ",y\n" + "\n".join(rows) + "\n")
        (folder / "spec.yaml").write_text(_SPEC % used)
        return command("check", folder / "spec.yaml")

    return prepare


def _long(name: str) -> Callable[[Path, int], Work]:
    """A CSV file of many rows."""

    def prepare(folder: Path, size: int) -> Work:
        rows = "".join(f"{row * 7 % 1009},{row * 11 % 13},{row % 97}\n" for row in range(size + 9))
        (folder / "d.csv").write_text("a,b,y\n" + rows)
        (folder / "spec.yaml").write_text(_SPEC % "targets: {y: y}")
        return command(name, folder / "spec.yaml")

    return prepare


def _classes(name: str) -> Callable[[Path, int], Work]:
    """A column of many words to predict."""

    def prepare(folder: Path, size: int) -> Work:
        rows = "".join(f"{row},word{row % (size + 2)}\n" for row in range(3 * (size + 2)))
        (folder / "d.csv").write_text("a,y\n" + rows)
        (folder / "spec.yaml").write_text(_CLASSES % (size + 2))
        return command(name, folder / "spec.yaml")

    return prepare


def _runs(*arguments: str) -> Callable[[Path, int], Work]:
    """A folder of many finished runs."""

    def prepare(folder: Path, size: int) -> Work:
        for number in range(size + 2):
            run = folder / "runs" / "a" / f"20260101T000000Z-{number:05x}"
            run.mkdir(parents=True)
            (run / "spec.yaml").write_text("name: a\ninputs: {x: [4]}\nlayers: [dense: 1]\n")
            facts = {"name": "a", "status": "finished", "epochs": 3, "metrics": {"test": {"loss": 0.5}}}
            (run / "report.json").write_text(json.dumps(facts))
        return command("runs", "--runs", folder / "runs", *arguments)

    return prepare


def data_dimensions() -> Iterator[Dimension]:
    """What may grow in data, and in the folder of all runs."""
    yield Dimension("check: columns that a model takes", _wide("targets: {y: y}"), 1000, 30)
    yield Dimension("check: columns of which a model takes one", _wide("inputs: {x: c0}, targets: {y: y}"), 4000, 30)
    yield Dimension("check: rows", _long("check"), 200_000, 200)
    yield Dimension("data: rows", _long("data"), 50_000, 200)
    yield Dimension("check: classes", _classes("check"), 5000, 400)
    yield Dimension("data: classes", _classes("data"), 5000, 400)
    yield Dimension("runs: runs", _runs(), 400, 20)
    yield Dimension("runs show: runs", _runs("show", "latest"), 400, 20)
