"""Small files and graphs for the tests of data: real files on disk, real layers in the graphs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Target
from dlspec.components.training.losses import BinaryCrossentropy
from dlspec.core.errors import Diagnostic, Span
from dlspec.core.ir import Edge, Graph, Node, Tensor
from dlspec.data.checks.contract import check
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.csv_table import CsvTable
from dlspec.syntax.source import load


def write(folder: Path, name: str, text: str | bytes) -> str:
    """Writes a file and returns its name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return name


def tolerant(folder: Path, text: str) -> CsvTable:
    """A CSV file whose broken rows are left out."""
    write(folder, "a.csv", text)
    table = Csv(path="a.csv").open(folder)
    table.tolerant = True
    return table


def picture(path: Path, shape: tuple[int, ...] = (8, 8, 3), seed: int = 0) -> Path:
    """Writes an image of random pixels."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def graph(inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> Graph:
    """A graph as the contract sees it: inputs on line 1, outputs on line 9."""
    nodes = [
        Node(i, name, None, (), (), (tensor,), span=Span("spec.yaml", 1, 1, 1, 2))
        for i, (name, tensor) in enumerate(inputs.items())
    ]
    ends = []
    for name, tensor in outputs.items():
        index = len(nodes)
        nodes.append(Node(index, name, None, (), (), (tensor,), span=Span("spec.yaml", 9, 1, 9, 2)))
        ends.append((name, Edge(index)))
    return Graph("test", tuple(nodes), tuple(range(len(inputs))), tuple(ends))


def checked(
    data: Data,
    folder: Path,
    model: Graph | None = None,
    method: Supervised | None = None,
    text: str = "",
    **options: Any,
) -> list[Diagnostic]:
    """The contract's diagnostics; `text` is the spec, for spans."""
    return check(data, load(text, "spec.yaml").data if text else {}, model, method, folder, **options).diagnostics


def only(diagnostics: list[Diagnostic]) -> Diagnostic:
    """The single diagnostic: no cascade."""
    assert len(diagnostics) == 1, [f"{d.code} {d.message}" for d in diagnostics]
    return diagnostics[0]


HOUSES = "rooms,area,city,sold,price\n3,70,Cork,1,100\n5,120,Graz,0,210\n2,50,Cork,1,80\n4,90,Graz,0,150\n"
DIGITS = {"digit": Target(column="target")}
SOLD = graph({"features": Tensor((2,))}, {"sold": Tensor((1,))})


def houses(**options: Any) -> Data:
    """Rooms and area tell whether a house is sold."""
    given = {"inputs": {"features": Feature(columns=("rooms", "area"))}, "targets": {"sold": Target(column="sold")}}
    return Data(**{"source": Csv(path="houses.csv"), **given, **options})


def supervised(loss: Any = None, **options: Any) -> Supervised:
    """A method with a loss; binary crossentropy unless given."""
    return Supervised(loss=loss or BinaryCrossentropy(), **options)
