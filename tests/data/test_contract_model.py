"""The data section against model, loss and split, and what a spec may leave out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import DIGITS, HOUSES, SOLD, checked, graph, houses, only, picture, supervised, write

from dlspec.components.layers.core import Dense
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Split, Stratified, Target
from dlspec.components.sections.splitters import Column
from dlspec.components.training import accuracy_metrics
from dlspec.components.training.callbacks import EarlyStopping
from dlspec.components.training.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from dlspec.core.errors import Problem, SpecError
from dlspec.core.ir import Tensor
from dlspec.data.checks.contract import Known, check, feature_tensors
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.data.sources.npz import Npz
from dlspec.data.sources.sklearn import Sklearn
from dlspec.passes import compile_spec


def test_data_that_do_not_fit_the_input(folder: Path) -> None:
    model = graph({"features": Tensor((20,))}, {"sold": Tensor((1,))})
    found = only(checked(houses(), folder, model, supervised()))
    assert (found.code, found.message) == (
        "E605", "input `features` has shape [20], the data (`rooms`, `area`) give [2]",
    )  # fmt: skip
    assert found.notes[0].span is not None and found.notes[0].message == "input `features` is [20]"


def test_numbers_with_fractions_do_not_enter_an_integer_input(folder: Path) -> None:
    model = graph({"features": Tensor((2,), "int32")}, {"sold": Tensor((1,))})
    assert checked(houses(), folder, model, supervised()) == []  # rooms and area are whole
    path = folder / "houses.csv"
    path.write_text(path.read_text().replace("3,70,", "3,70.5,"))
    found = only(checked(houses(), folder, model, supervised()))
    assert found.message == "input `features` takes int32, and column `area` holds 70.5"
    path.write_text(path.read_text().replace("70.5", "70.0"))
    assert checked(houses(), folder, model, supervised()) == []


def test_an_array_column_cannot_be_stacked(tmp_path: Path) -> None:
    data = Data(source=Sklearn(set="digits"), inputs={"a": Feature(columns=("images", "pixel_0_0"))}, targets=DIGITS)
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


def test_stratified_without_targets(folder: Path) -> None:
    for by in (Stratified(), Stratified(target="sold")):
        data = houses(targets={}, split=Split(test=0.25, by=by))
        found = next(item for item in checked(data, folder) if item.code == "E606")
        assert found.message == "`stratified` spreads classes, and there are no targets"
        assert found.help == "write `by: random`"


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
    assert found.span is not None and found.span[1:5] == (4, 5, 4, 10)


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
    method = supervised(metrics=(accuracy_metrics.Accuracy(), accuracy_metrics.SparseCategoricalAccuracy()))
    text = "data: {}\ntrain:\n  metrics: [accuracy, sparse_categorical_accuracy]\n"
    found = only(checked(houses(), folder, SOLD, method, text))
    assert found.code == "E503"
    assert found.message.startswith("sparse_categorical_accuracy needs an output of at least 2 classes")
    assert found.span is not None and found.span[1:3] == (3, 23)


def test_weights_of_losses_belong_to_outputs(folder: Path) -> None:
    text = (
        "data: {source: {csv: houses.csv}, inputs: {x: {columns: [rooms, area]}}, targets: {sold: sold}}\n"
        "train:\n  loss_weights: {sodl: 2.0}\n  loss: binary_crossentropy\n"
        "inputs: {x: [2]}\nlayers: [{dense: {units: 1, activation: sigmoid, name: sold}}]\noutputs: [sold]\n"
    )
    found = only(compile_spec(folder / write(folder, "spec.yaml", text)).diagnostics.sorted())
    assert (found.code, found.message) == ("E607", "`loss_weights` names `sodl`, no output of the model")
    assert found.help == "did you mean `sold`?"
    assert found.span is not None and found.span[1:3] == (3, 18)


def test_monitors_name_what_will_be_measured(folder: Path) -> None:
    split = Split(validation=0.25)
    method = supervised(monitor="val_acuracy", metrics=(accuracy_metrics.Accuracy(),))
    found = only(checked(houses(split=split), folder, SOLD, method))
    assert (found.code, found.message, found.help) == (
        "E509", "training measures no `val_acuracy`", "did you mean `val_accuracy`?",
    )  # fmt: skip
    stopping = supervised(callbacks=(EarlyStopping(),))
    found = only(checked(houses(), folder, SOLD, stopping))
    assert (found.code, found.message) == ("E509", "`val_loss` needs a validation split, and `data` has none")
    assert checked(houses(split=split), folder, SOLD, stopping) == []


def test_what_was_found_right_is_not_read_again_and_judges_monitors(folder: Path) -> None:
    write(folder, "houses.csv", HOUSES.replace("price\n", "price,part\n", 1).replace("0\n", "0,train\n"))
    data = houses(split=Split(by=Column(column="part")))
    stopping = supervised(callbacks=(EarlyStopping(),))
    sound: dict[str, Known] = {}
    for read in (True, False):
        found = check(data, {}, SOLD, stopping, folder, sound=sound)
        message = "`val_loss` needs a validation split, and column `part` gives no example to it"
        assert [(one.code, one.message) for one in found.diagnostics] == [("E509", message)]
        assert found.known == Known(4, frozenset({"train"}))
        assert (found.binding is not None) is read


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
