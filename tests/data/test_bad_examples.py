"""Broken examples, left out with ``bad: skip`` or reported one by one; where examples are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import only, picture, write
from pyarrow import parquet as pq

from dlspec.components.layers.lookup import StringLookup
from dlspec.components.layers.preprocessing import Normalization
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Split, Target
from dlspec.components.training.losses import MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.core.errors import Diagnostic, SpecError
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature
from dlspec.data.feeding.facts import data_facts
from dlspec.data.feeding.feed import Feed, in_order
from dlspec.data.feeding.parts import Part
from dlspec.data.feeding.pipeline import Prepared, prepare, telling
from dlspec.data.sources import parquet
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.data.sources.parquet import Parquet
from dlspec.passes import compile_spec

HOUSES = """rooms,area,price
3,70,100
many,80,120
2
4,,90
5,inf,200
6,100,dear
2,60,80
3,65,85
4,75,95
5,85,105
6,95,115
7,90,125
"""
SPEC = """inputs: {x: [2]}
layers: [{dense: {units: 1, name: price}}]
data:
  source: {csv: houses.csv}
  inputs: {x: {columns: [rooms, area]}}
  targets: {price: {column: price}}
  bad: skip
train: {loss: mse}
"""


def houses(folder: Path, text: str = HOUSES, **options: Any) -> tuple[Data, Prepared]:
    write(folder, "houses.csv", text)
    inputs = {"x": Feature(columns=("rooms", "area"))}
    data = Data(source=Csv(path="houses.csv"), inputs=inputs, targets={"price": Target(column="price")}, **options)
    signature = Signature({"x": Tensor((2,))}, {"price": Tensor((1,))})
    return data, prepare(data, folder, signature, Supervised(loss=MeanSquaredError()))


def test_broken_rows_are_left_out_before_the_split_and_listed(tmp_path: Path) -> None:
    data, result = houses(tmp_path, bad="skip", split=Split(validation=0.25))
    assert sum(len(part) for part in result.parts) == 7
    facts = data_facts(data, result)
    assert facts["bad"] == {"count": 5, "first": result.binding.bad_places(5)}
    assert facts["dropped"] == 0
    assert result.validation is not None
    prices = np.concatenate([result.train.targets["price"], result.validation.targets["price"]])
    assert sorted(prices.ravel()) == [80, 85, 95, 100, 105, 115, 125]
    assert result.binding.bad_places(9) == [
        "houses.csv, line 4: 1 value, expected 3",
        "houses.csv, line 3: column `rooms` holds `many`, expected a number",
        "houses.csv, line 5: column `area` holds no finite number",
        "houses.csv, line 6: column `area` holds no finite number",
        "houses.csv, line 7: column `price` holds `dear`, expected a number",
    ]


def found(folder: Path, text: str, *changes: tuple[str, str]) -> list[Diagnostic]:
    write(folder, "houses.csv", text)
    spec = SPEC.replace("  bad: skip\n", "")
    for old, new in changes:
        spec = spec.replace(old, new)
    write(folder, "spec.yaml", spec)
    return compile_spec(folder / "spec.yaml").diagnostics.sorted()


@pytest.mark.parametrize(
    ("row", "code", "message", "where", "mark"),
    [
        ("many,80,120", "E603", "column `rooms` holds text (`many`), expected numbers", "line 3", "rooms"),
        ("2", "E608", "line 3 of `houses.csv` has 1 value, expected 3", "line 3", "houses.csv"),
        ("4,,90", "E608", "column `area` has 1 missing value", "line 3", "area"),
        ("5,inf,200", "E608", "column `area` holds a value that is not a finite number", "line 3", "area"),
        ("6,1,dear", "E603", "column `price` holds text (`dear`), the loss compares numbers", "line 3", "price"),
        ("6,1,", "E608", "column `price` has 1 missing value", "line 3", "price"),
    ],
)
def test_without_it_each_is_an_error_with_its_line(
    tmp_path: Path, row: str, code: str, message: str, where: str, mark: str
) -> None:
    one = only(found(tmp_path, f"rooms,area,price\n3,70,100\n{row}\n4,90,150\n"))
    assert (one.code, one.message) == (code, message)
    assert f"found in houses.csv, {where}" in [note.message for note in one.notes]
    assert one.span is not None
    line = (tmp_path / "spec.yaml").read_text().splitlines()[one.span.line - 1]
    assert line[one.span.column - 1 : one.span.end_column - 1] == mark


def test_a_check_with_skip_finds_nothing(tmp_path: Path) -> None:
    write(tmp_path, "houses.csv", HOUSES)
    write(tmp_path, "spec.yaml", SPEC)
    assert compile_spec(tmp_path / "spec.yaml").diagnostics.sorted() == []


def test_most_examples_are_no_exceptions(tmp_path: Path) -> None:
    text = "rooms,area,price\n" + "3,,100\n" * 6 + "4,50,60\n" * 4
    with pytest.raises(SpecError, match="`bad: skip` would leave out 6 of 10 examples"):
        houses(tmp_path, text, bad="skip")
    words = "rooms,area,price\n" + "a,1,100\n" * 6 + "4,50,60\n" * 4
    with pytest.raises(SpecError, match="column `rooms` holds text"):
        houses(tmp_path, words, bad="skip")


def test_broken_images_are_in_no_part(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(4):
            picture(tmp_path / "pets" / name / f"{number}.png", seed=number)
    for broken, cut in (("cat/2.png", True), ("dog/1.png", False)):
        path = tmp_path / "pets" / broken
        raw = bytearray(path.read_bytes())
        path.write_bytes(raw[:-20] if cut else raw[:60] + bytes(30) + raw[90:])
    data = Data(source=ImageFolder(path="pets"), targets={"pet": Target(column="label")}, bad="skip")
    signature = Signature({"x": Tensor((8, 8, 3))}, {"pet": Tensor((2,))})
    result = prepare(data, tmp_path, signature, Supervised(loss=SparseCategoricalCrossentropy()))
    assert result.train.targets["pet"].tolist() == [0, 0, 0, 1, 1, 1]
    assert [line.split(": ")[0] for line in result.binding.bad_places(9)] == ["pets/cat/2.png", "pets/dog/1.png"]


@pytest.mark.parametrize("after", [False, True])
def test_damage_inside_is_told_before_training_or_when_it_happens(tmp_path: Path, after: bool) -> None:
    for name in ("cat", "dog"):
        for number in range(4):
            picture(tmp_path / "pets" / name / f"{number}.png", seed=number)

    def damage() -> None:
        path = tmp_path / "pets" / "dog" / "1.png"
        raw = path.read_bytes()
        path.write_bytes(raw[:60] + bytes(30) + raw[90:])

    data = Data(source=ImageFolder(path="pets"), targets={"pet": Target(column="label")}, cache="none")
    signature = Signature({"x": Tensor((8, 8, 3))}, {"pet": Tensor((2,))})
    method = Supervised(loss=SparseCategoricalCrossentropy())
    if not after:
        damage()
        with pytest.raises(DataProblem, match=r"image `pets/dog/1\.png` cannot be read"):
            prepare(data, tmp_path, signature, method)
        return
    result = prepare(data, tmp_path, signature, method)
    damage()
    with pytest.raises(DataProblem, match=r"image `pets/dog/1\.png` cannot be read"), telling(result.binding.table):
        list(in_order(result.train.examples, 4))


# --- where examples are kept -----------------------------------------------------------------------------------------


def flights(folder: Path, cache: str) -> Prepared:
    """Numbers, words and a split, from a file of several row groups."""
    rng = np.random.default_rng(0)
    columns = {
        "x": rng.random(500) * 100,
        "y": rng.random(500),
        "word": np.array(["a", "b", "c"])[rng.integers(0, 3, 500)],
        "delay": rng.random(500),
    }
    pq.write_table(pa.table(columns), folder / "a.parquet", row_group_size=40)
    inputs = {
        "numbers": Feature(columns=("x", "y"), prepare=(Normalization(),)),
        "word": Feature(column="word", prepare=(StringLookup(),)),
    }
    data = Data(
        source=Parquet(path="a.parquet"),
        inputs=inputs,
        targets={"delay": Target(column="delay")},
        split=Split(validation=0.2),
        cache=cache,
    )
    signature = Signature({"numbers": Tensor((2,)), "word": Tensor((), "int64")}, {"delay": Tensor((1,))})
    return prepare(data, folder, signature, Supervised(loss=MeanSquaredError()))


def passed(dataset: Any) -> tuple[list[float], np.ndarray]:
    batches = list(dataset)
    rows = [np.column_stack([x["numbers"], x["word"][:, None], y["delay"]]) for x, y in batches]
    return np.concatenate(rows)[:, 3].tolist(), np.concatenate(rows)


def test_examples_and_their_order_are_the_same_wherever_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def epochs(part: Part, prefetch: int) -> list[Any]:
        feed = Feed(part.examples, 32, seed=4, prefetch=prefetch)
        seen = []
        for epoch in range(3):
            feed.set_epoch(epoch)
            seen.append(passed(feed.dataset))
        feed.set_position(2, 7)
        return [*seen, passed(feed.dataset)]

    held = flights(tmp_path, "auto")
    assert not held.train.streamed
    reference = epochs(held.train, 8)
    assert reference[3][0] == reference[2][0][7 * 32 :]
    read = flights(tmp_path, "none")
    assert read.train.streamed and read.validation is not None and read.validation.streamed
    monkeypatch.setattr(parquet, "STREAMED_FROM", 100)
    from_file = flights(tmp_path, "none")
    for other in (read, from_file):
        for (order, rows), (known, values) in zip(epochs(other.train, 2), reference, strict=True):
            assert order == known
            np.testing.assert_allclose(rows, values, rtol=1e-4, atol=1e-4)
    kept = flights(tmp_path, "memory")
    assert not kept.train.streamed
    assert [order for order, _ in epochs(kept.train, 1)] == [order for order, _ in reference]
    assert kept.validation is not None and from_file.validation is not None
    ours, theirs = (passed(in_order(part.validation.examples, 32)) for part in (kept, from_file))
    assert ours[0] == theirs[0]
    assert from_file.layers["word"][0].get_vocabulary() == held.layers["word"][0].get_vocabulary()
    np.testing.assert_allclose(from_file.layers["numbers"][0].mean, held.layers["numbers"][0].mean, rtol=1e-5)
