"""The data section against files, columns and labels: every mistake with its code, words, place and row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import HOUSES, SOLD, checked, graph, houses, only, supervised, write

from dlspec.components.layers.preprocessing import Normalization
from dlspec.components.sections.data import Data, Feature, Target
from dlspec.components.training.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Crossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from dlspec.core.ir import Tensor
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.npz import Npz


def test_nothing_to_say_about_sound_data(folder: Path) -> None:
    assert checked(houses(), folder, SOLD, supervised()) == []


def test_a_missing_file_is_one_problem_at_its_path(tmp_path: Path) -> None:
    text = "data:\n  source: {csv: {path: houses.csv}}\n  targets: {sold: {column: sold}}\n"
    found = only(checked(houses(), tmp_path, SOLD, supervised(), text))
    assert (found.code, found.message) == ("E601", "there is no file `houses.csv`")
    assert found.span is not None and found.span[:3] == ("spec.yaml", 2, 24)


def test_the_shorthand_of_a_source_has_a_place_too(tmp_path: Path) -> None:
    found = only(checked(houses(), tmp_path, text="data:\n  source: {csv: houses.csv}\n"))
    assert found.span is not None and found.span[:3] == ("spec.yaml", 2, 17)


def test_outside_paths(tmp_path: Path) -> None:
    data = houses(source=Csv(path="../houses.csv"))
    spec = tmp_path / "spec"
    spec.mkdir()
    write(tmp_path, "houses.csv", HOUSES)
    assert only(checked(data, spec, SOLD)).code == "E108"
    assert checked(data, spec, SOLD, allow_outside=True) == []


def test_unknown_columns_are_all_reported(folder: Path) -> None:
    data = houses(inputs={"features": Feature(columns=("rooms", "aera"))}, targets={"sold": Target(column="sodl")})
    text = "data:\n  inputs:\n    features: {columns: [rooms, aera]}\n  targets: {sold: {column: sodl}}\n"
    target, feature = checked(data, folder, SOLD, supervised(), text)
    assert (feature.code, feature.message, feature.help) == (
        "E602", "the source has no column `aera`", "did you mean `area`?",
    )  # fmt: skip
    assert feature.span is not None and feature.span[1:3] == (3, 33)
    assert (target.code, target.help) == ("E602", "did you mean `sold`?")
    assert target.span is not None and target.span[1:3] == (4, 28)


def test_text_among_numbers_is_shown_with_its_line(folder: Path) -> None:
    write(folder, "houses.csv", HOUSES.replace("2,50", "2,fifty"))
    text = "data:\n  inputs:\n    features: {columns: [rooms, area]}\n"
    found = only(checked(houses(), folder, SOLD, supervised(), text))
    assert (found.code, found.message) == ("E603", "column `area` holds text (`fifty`), expected numbers")
    assert found.notes[0].message == "found in houses.csv, line 4"
    assert found.span is not None and found.span[1:3] == (3, 33)


def test_text_among_numbers_of_a_prepared_column(folder: Path) -> None:
    write(folder, "houses.csv", HOUSES.replace("2,50", "2,fifty"))
    model = graph({"features": Tensor((1,))}, {"sold": Tensor((1,))})
    for feature in (
        Feature(column="area", prepare=(Normalization(),)),
        Feature(columns=("area",), prepare=(Normalization(),)),
    ):
        found = only(checked(houses(inputs={"features": feature}), folder, model, supervised()))
        assert (found.code, found.message) == ("E603", "column `area` holds text (`fifty`), expected numbers")
        assert found.notes[0].message == "found in houses.csv, line 4"


def test_a_preparation_that_does_not_fit(folder: Path) -> None:
    inputs = {
        "features": Feature(columns=("rooms", "area"), prepare=(Normalization(mean=[1.0] * 3, variance=[1.0] * 3),))
    }
    text = "data:\n  inputs:\n    features: {columns: [rooms, area], prepare: [normalization]}\n"
    found = only(checked(houses(inputs=inputs), folder, SOLD, supervised(), text))
    assert (found.code, found.message) == ("E402", "normalization has 3 numbers in `mean`, but the axis has size 2")
    assert found.span is not None and found.span[1:3] == (3, 50)


def test_a_missing_whole_number(folder: Path) -> None:
    write(folder, "houses.csv", HOUSES.replace("2,50", ",50"))
    found = only(checked(houses(), folder, SOLD, supervised()))
    assert (found.code, found.message) == ("E608", "column `rooms` has 1 missing value")
    assert found.notes[0].message == "found in houses.csv, line 4"


def test_text_for_a_loss_that_compares_numbers(folder: Path) -> None:
    data = houses(targets={"sold": Target(column="city")})
    found = only(checked(data, folder, SOLD, supervised(MeanSquaredError())))
    assert (found.code, found.message) == ("E603", "column `city` holds text (`Cork`), the loss compares numbers")


@pytest.mark.parametrize(
    ("loss", "units", "values", "message", "help"),
    [
        (
            SparseCategoricalCrossentropy(), 3, "0 1 2 3",
            "target `sold` has label 3, the output has 3 classes, 0 to 2", "4 classes need 4 units in the last layer",
        ),
        (
            SparseCategoricalCrossentropy(), 3, "1 2 3 1",
            "target `sold` has label 3, the output has 3 classes, 0 to 2", "labels start at 0: these run from 1 to 3",
        ),
        (
            SparseCategoricalCrossentropy(), 3, "0 1 -1 1",
            "target `sold` has label -1, the output has 3 classes, 0 to 2",
            "say which values stand for class 0, 1, …: `classes: [-1, 0, 1]`",
        ),
        (
            SparseCategoricalCrossentropy(), 3, "0 1 0.5 1",
            "target `sold` has label 0.5, classes are whole numbers", "a loss for numbers, such as `mse`",
        ),
        (
            CategoricalCrossentropy(), 3, "a b c d",
            "target `sold` has 4 classes, the output has 3: `a`, `b`, `c`, `d`",
            "4 classes need 4 units in the last layer",
        ),
        (
            BinaryCrossentropy(), 1, "0 1 2 1",
            "target `sold` has label 2, a binary output takes 0 and 1", "3 classes need 3 units",
        ),
        (
            BinaryCrossentropy(), 1, "a b c a",
            "target `sold` has 3 classes, a binary output tells 2 apart: `a`, `b`, `c`", "3 classes need 3 units",
        ),
        (
            BinaryCrossentropy(), 1, "1 1 1 1",
            "target `sold` has a single class, `1`: there is nothing to learn", "",
        ),
    ],
)  # fmt: skip
def test_labels_outside_the_head(tmp_path: Path, loss: Any, units: int, values: str, message: str, help: str) -> None:
    rows = [f"{number},{value}" for number, value in enumerate(values.split())]
    write(tmp_path, "houses.csv", "\n".join(["rooms,sold", *rows]) + "\n")
    data = houses(inputs={"features": Feature(columns=("rooms",))})
    model = graph({"features": Tensor((1,))}, {"sold": Tensor((units,))})
    found = only(checked(data, tmp_path, model, supervised(loss)))
    assert (found.code, found.message) == ("E604", message)
    assert found.help.startswith(help)
    assert any(note.span is not None and note.span.line == 9 for note in found.notes), "the output's line is shown"


def test_the_row_of_a_label_outside_the_head(tmp_path: Path) -> None:
    write(tmp_path, "houses.csv", "rooms,sold\n1,0\n2,1\n3,7\n")
    data = houses(inputs={"features": Feature(columns=("rooms",))})
    found = only(checked(data, tmp_path, graph({"features": Tensor((1,))}, {"sold": Tensor((1,))}), supervised()))
    assert found.notes[0].message == "found in houses.csv, line 4"


def test_an_ignored_class_may_stand_outside(tmp_path: Path) -> None:
    write(tmp_path, "houses.csv", "rooms,sold\n1,0\n2,1\n3,-1\n")
    data = houses(inputs={"features": Feature(columns=("rooms",))})
    model = graph({"features": Tensor((1,))}, {"sold": Tensor((2,))})
    assert checked(data, tmp_path, model, supervised(SparseCategoricalCrossentropy(ignore_class=-1))) == []


def test_labels_of_masks_are_checked_too(tmp_path: Path) -> None:
    masks = np.zeros((3, 4, 4), int)
    masks[1, 2, 3] = 5
    np.savez(tmp_path / "a.npz", image=np.zeros((3, 4, 4, 1)), mask=masks)
    data = Data(source=Npz(path="a.npz"), targets={"mask": Target(column="mask")})
    model = graph({"image": Tensor((4, 4, 1))}, {"mask": Tensor((4, 4, 2))})
    found = only(checked(data, tmp_path, model, supervised(SparseCategoricalCrossentropy())))
    assert found.message == "target `mask` has label 5, the output has 2 classes, 0 to 1"
    assert found.notes[0].message == "found in a.npz, row 1"


def test_keras_word_crossentropy_takes_binary_and_classes(folder: Path) -> None:
    assert checked(houses(), folder, SOLD, supervised(Crossentropy())) == []
    two = graph({"features": Tensor((2,))}, {"sold": Tensor((2,))})
    assert checked(houses(), folder, two, supervised(Crossentropy())) == []


@pytest.mark.slow
def test_tensorflow_stays_away(folder: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import builders as t
assert t.checked(t.houses(), Path({str(folder)!r}), t.SOLD, t.supervised()) == []
assert not {{"tensorflow", "keras", "sklearn"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
