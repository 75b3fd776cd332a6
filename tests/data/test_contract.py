"""The data section against files, model and loss: every mistake with its code, words, place and row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import checked, graph, only, picture, write

from dlspec.components import metrics
from dlspec.components.callbacks import EarlyStopping
from dlspec.components.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Crossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from dlspec.data.contract import feature_tensors
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.data.sources.npz import Npz
from dlspec.data.sources.sklearn import Sklearn
from dlspec.errors import Problem, SpecError
from dlspec.ir import Tensor
from dlspec.layers.core import Dense
from dlspec.layers.preprocessing import Normalization
from dlspec.sections.data import Data, Feature, Split, Stratified, Target
from dlspec.sections.train import Supervised

HOUSES = "rooms,area,city,sold,price\n3,70,Cork,1,100\n5,120,Graz,0,210\n2,50,Cork,1,80\n4,90,Graz,0,150\n"
DIGITS = {"digit": Target(column="target")}
SOLD = graph({"features": Tensor((2,))}, {"sold": Tensor((1,))})


def houses(**options: Any) -> Data:
    given = {"inputs": {"features": Feature(columns=("rooms", "area"))}, "targets": {"sold": Target(column="sold")}}
    return Data(**{"source": Csv(path="houses.csv"), **given, **options})


def supervised(loss: Any = None, **options: Any) -> Supervised:
    return Supervised(loss=loss or BinaryCrossentropy(), **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "houses.csv", HOUSES)
    return tmp_path


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
    found = only(checked(houses(), folder, SOLD, supervised()))
    assert (found.code, found.message) == ("E603", "column `area` holds text (`fifty`), expected numbers")
    assert found.notes[0].message == "found in houses.csv, line 4"


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
            "target `sold` has label -1, the output has 3 classes, 0 to 2", "2 classes need 2 units",
        ),
        (
            SparseCategoricalCrossentropy(), 3, "0 1 0.5 1",
            "target `sold` has label 0.5, classes are whole numbers", "a loss for numbers, such as `mse`",
        ),
        (
            CategoricalCrossentropy(), 3, "a b c d",
            "target `sold` has 4 classes, the output has 3", "4 classes need 4 units in the last layer",
        ),
        (
            BinaryCrossentropy(), 1, "0 1 2 1",
            "target `sold` has label 2, a binary output takes 0 and 1", "3 classes need 3 units",
        ),
        (
            BinaryCrossentropy(), 1, "a b c a",
            "target `sold` has 3 classes, a binary output tells 2 apart", "3 classes need 3 units",
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


def test_data_that_do_not_fit_the_input(folder: Path) -> None:
    model = graph({"features": Tensor((20,))}, {"sold": Tensor((1,))})
    found = only(checked(houses(), folder, model, supervised()))
    assert (found.code, found.message) == (
        "E605", "input `features` has shape [20], the data (`rooms`, `area`) give [2]",
    )  # fmt: skip
    assert found.notes[0].span is not None and found.notes[0].message == "input `features` is [20]"


def test_numbers_with_fractions_do_not_enter_an_integer_input(folder: Path) -> None:
    model = graph({"features": Tensor((2,), "int32")}, {"sold": Tensor((1,))})
    found = only(checked(houses(), folder, model, supervised()))
    assert found.message == "input `features` takes int32, the data (`rooms`, `area`) give float32"


def test_an_array_column_cannot_be_stacked(tmp_path: Path) -> None:
    data = Data(source=Sklearn(set="digits"), inputs={"a": Feature(columns=("images", "data"))}, targets=DIGITS)
    found = only(checked(data, tmp_path))
    assert (found.code, found.message) == (
        "E605",
        "column `images` is [8, 8] float64, only single numbers can be stacked",
    )


def test_columns_of_different_length(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 2)), y=np.arange(4.0))
    data = Data(source=Npz(path="a.npz"), targets={"y": Target(column="y")})
    found = only(
        checked(data, tmp_path, graph({"x": Tensor((2,))}, {"y": Tensor((1,))}), supervised(MeanSquaredError()))
    )
    assert (found.code, found.message) == ("E605", "column `x` has 5 examples, `y` has 4")


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.full((5, 2), np.inf), y=np.arange(5.0))
    data = Data(source=Npz(path="a.npz"), targets={"y": Target(column="y")})
    found = only(
        checked(data, tmp_path, graph({"x": Tensor((2,))}, {"y": Tensor((1,))}), supervised(MeanSquaredError()))
    )
    assert (found.code, found.message) == ("E608", "column `x` holds a value that is not a finite number")


def test_truncated_image(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        picture(tmp_path / "pets" / name / "0.png")
    path = picture(tmp_path / "pets" / "dog" / "1.png")
    path.write_bytes(path.read_bytes()[:-9])
    data = Data(source=ImageFolder(path="pets"), targets={"pet": Target(column="label")})
    found = only(checked(data, tmp_path))
    assert found.code == "E608"
    assert found.notes[0].message == "found in pets/dog/1.png"


def test_split_without_anything_left(folder: Path) -> None:
    found = only(checked(houses(split=Split(validation=0.45, test=0.5)), folder))
    assert (found.code, found.message) == ("E606", "nothing of 4 examples is left to train on")


def test_an_empty_part(folder: Path) -> None:
    text = "data:\n  split: {validation: 0.01}\n"
    found = only(checked(houses(split=Split(validation=0.01)), folder, text=text))
    assert (found.code, found.message, found.help) == ("E606", "0.01 of 4 examples is none", "make `validation` larger")
    assert found.span is not None and found.span[1:3] == (2, 23)


def test_a_class_too_small_to_be_spread(folder: Path) -> None:
    write(folder, "houses.csv", HOUSES.replace("Graz,0", "Graz,1", 1))
    data = houses(split=Split(validation=0.25, test=0.25, by=Stratified()))
    found = only(checked(data, folder))
    assert found.code == "E606"
    assert found.message == "class `0` of column `sold` has 1 example, a stratified split into 3 parts needs 3"


def test_stratified_by_which_target(folder: Path) -> None:
    targets = {"sold": Target(column="sold"), "price": Target(column="price")}
    found = only(checked(houses(targets=targets, split=Split(test=0.25, by=Stratified())), folder))
    assert found.message == "`stratified` does not say which of `sold`, `price` counts"
    assert found.help == "write `by: {stratified: sold}`"
    found = only(checked(houses(targets=targets, split=Split(test=0.25, by=Stratified(target="prize"))), folder))
    assert (found.message, found.help) == ("`prize` is no target", "did you mean `price`?")


TWO = graph({"features": Tensor((2,))}, {"sold": Tensor((1,)), "price": Tensor((1,))})


def test_an_output_without_target(folder: Path) -> None:
    found = only(
        checked(houses(), folder, TWO, supervised({"sold": BinaryCrossentropy(), "price": MeanSquaredError()}))
    )
    assert (found.code, found.message) == ("E607", "the model's output `price` has no target")
    assert checked(houses(), folder, TWO, supervised({"sold": BinaryCrossentropy()})) == [], "no loss, no target needed"


def test_a_misspelt_target_is_one_mistake(folder: Path) -> None:
    targets = {"sold": Target(column="sold"), "prize": Target(column="price")}
    method = supervised({"sold": BinaryCrossentropy(), "price": MeanSquaredError()})
    text = "data:\n  targets:\n    sold: {column: sold}\n    prize: {column: price}\n"
    found = only(checked(houses(targets=targets), folder, TWO, method, text))
    assert (found.code, found.message, found.help) == (
        "E607", "target `prize` is no output of the model", "did you mean `price`?",
    )  # fmt: skip
    assert found.span is not None and found.span[1:] == (4, 5, 4, 10)


def test_a_target_without_loss(folder: Path) -> None:
    targets = {"sold": Target(column="sold"), "price": Target(column="price")}
    found = only(checked(houses(targets=targets), folder, TWO, supervised({"sold": BinaryCrossentropy()})))
    assert (found.code, found.message, found.help) == ("E607", "target `price` has no loss", "add `price` to `loss`")


def test_inputs_by_name(folder: Path) -> None:
    model = graph({"numbers": Tensor((2,)), "extra": Tensor((1,))}, {"sold": Tensor((1,))})
    found = only(checked(houses(inputs=None), folder, model, supervised()))
    assert (found.code, found.message) == ("E607", "the model has 2 inputs (`numbers`, `extra`)")
    feature = Feature(columns=("rooms", "area"))
    found = only(checked(houses(inputs={"numbers": feature}), folder, model, supervised()))
    assert found.message == "the model's input `extra` gets no data"
    inputs = {"number": feature, "extra": Feature(column="area")}
    found = only(checked(houses(inputs=inputs), folder, model, supervised()))
    assert (found.message, found.help) == ("`number` is no input of the model", "did you mean `numbers`?")


def test_a_loss_that_does_not_suit_the_output(folder: Path) -> None:
    text = "data:\n  targets: {sold: {column: sold}}\ntrain:\n  loss: sparse_categorical_crossentropy\n"
    found = only(checked(houses(), folder, SOLD, supervised(SparseCategoricalCrossentropy()), text))
    assert found.code == "E503"
    assert found.message.startswith("sparse_categorical_crossentropy needs an output of at least 2 classes")
    assert found.span is not None and found.span[1:3] == (4, 9)


def test_a_metric_that_does_not_suit_the_output(folder: Path) -> None:
    method = supervised(metrics=(metrics.Accuracy(), metrics.SparseCategoricalAccuracy()))
    text = "data: {}\ntrain:\n  metrics: [accuracy, sparse_categorical_accuracy]\n"
    found = only(checked(houses(), folder, SOLD, method, text))
    assert found.code == "E503"
    assert found.message.startswith("sparse_categorical_accuracy needs an output of at least 2 classes")
    assert found.span is not None and found.span[1:3] == (3, 23)


def test_weights_of_losses_belong_to_outputs(folder: Path) -> None:
    text = "data: {}\ntrain:\n  loss_weights: {sodl: 2.0}\n"
    found = only(checked(houses(), folder, SOLD, supervised(loss_weights={"sodl": 2.0}), text))
    assert (found.code, found.message) == ("E607", "`loss_weights` names `sodl`, no output of the model")
    assert found.help == "did you mean `sold`?"
    assert found.span is not None and found.span[1:3] == (3, 18)


def test_monitors_name_what_will_be_measured(folder: Path) -> None:
    split = Split(validation=0.25)
    method = supervised(monitor="val_acuracy", metrics=(metrics.Accuracy(),))
    found = only(checked(houses(split=split), folder, SOLD, method))
    assert (found.code, found.message, found.help) == (
        "E505", "training measures no `val_acuracy`", "did you mean `val_accuracy`?",
    )  # fmt: skip
    stopping = supervised(callbacks=(EarlyStopping(),))
    found = only(checked(houses(), folder, SOLD, stopping))
    assert (found.code, found.message) == ("E505", "`val_loss` needs a validation split, and `data` has none")
    assert checked(houses(split=split), folder, SOLD, stopping) == []


# --- what a spec may leave out ------------------------------------------------------------------------------------


def test_obvious_inputs_follow_the_model(tmp_path: Path) -> None:
    data = Data(source=Sklearn(set="digits"), targets=DIGITS)
    method = supervised(SparseCategoricalCrossentropy())
    head = {"digit": Tensor((10,))}
    for shape in ((8, 8), (8, 8, 1), (64,), (None, 8, 1)):
        assert checked(data, tmp_path, graph({"x": Tensor(shape)}, head), method) == []
    found = only(checked(data, tmp_path, graph({"x": Tensor((28, 28, 1))}, head), method))
    assert found.message == "input `x` has shape [28, 28, 1], the data (`images`) give [8, 8]"


def test_a_single_target_may_have_any_name(tmp_path: Path) -> None:
    data = Data(source=Sklearn(set="iris"), targets={"species": Target(column="target")})
    model = graph({"x": Tensor((4,))}, {"dense_2": Tensor((3,))})
    assert checked(data, tmp_path, model, supervised(CategoricalCrossentropy())) == []


def test_feature_tensors(folder: Path) -> None:
    inputs = {
        "both": Feature(columns=("rooms", "area")),
        "one": Feature(column="area"),
        "count": Feature(column="rooms"),
    }
    write(folder, "houses.csv", HOUSES.replace("3,70", "3,70.5"))
    tensors = feature_tensors(houses(inputs=inputs), folder)
    assert {name: str(tensor) for name, tensor in tensors.items()} == {
        "both": "[2]",
        "one": "[1]",
        "count": "[1] int64",
    }
    assert {k: str(v) for k, v in feature_tensors(houses(inputs=None, targets=DIGITS | {"p": Target(column="city")},
            source=Sklearn(set="digits")), folder).items()} == {"features": "[8, 8]"}  # fmt: skip


def test_feature_tensors_report_with_places(folder: Path) -> None:
    data = houses(inputs={"a": Feature(column="aera")})
    with pytest.raises(SpecError) as caught:
        feature_tensors(data, folder, raw=None)
    assert [d.code for d in caught.value.diagnostics] == ["E602"]


def test_options_that_exclude_each_other() -> None:
    with pytest.raises(Problem, match="has both `column` and `columns`, expected one of them"):
        Feature(column="a", columns=("b",)).validate()
    with pytest.raises(Problem, match="has neither `column` nor `columns`"):
        Feature().validate()
    with pytest.raises(Problem, match="`dense` does not prepare data"):
        Feature(column="a", prepare=(Dense(units=3),)).validate()
    with pytest.raises(Problem, match=r"validation and test take all examples \(0\.5 \+ 0\.5\)"):
        Split(validation=0.5, test=0.5).validate()
    with pytest.raises(Problem, match="`loss_weights` names `x`, which has no loss"):
        Supervised(loss={"y": MeanSquaredError()}, loss_weights={"x": 1.0}).validate()


@pytest.mark.slow
def test_tensorflow_stays_away(folder: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import test_contract as t
assert t.checked(t.houses(), Path({str(folder)!r}), t.SOLD, t.supervised()) == []
assert not {{"tensorflow", "keras", "sklearn"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
