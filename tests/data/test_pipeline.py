"""Arrays for training: encodings, the split, preparation fitted on the training split alone, the order of batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import picture, write

from dlspec.components.layers.lookup import IntegerLookup, StringLookup
from dlspec.components.layers.preprocessing import CategoryEncoding, Normalization, Rescaling
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Split, Stratified, Target
from dlspec.components.training.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from dlspec.core.errors import SpecError
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature
from dlspec.data.feeding.feed import Feed, in_order
from dlspec.data.feeding.pipeline import Prepared, prepare
from dlspec.data.order.order import order
from dlspec.data.order.splits import assign
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.data.sources.npz import Npz
from dlspec.data.sources.sklearn import Sklearn


def prepared(data: Data, folder: Path, inputs: dict[str, Tensor], outputs: dict[str, Tensor], loss: Any) -> Prepared:
    return prepare(data, folder, Signature(inputs, outputs), Supervised(loss=loss))


# --- targets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "shape", "expected", "dtype"),
    [
        (SparseCategoricalCrossentropy(), (3,), [2, 0, 1, 0], "int32"),
        (CategoricalCrossentropy(), (3,), [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]], "float32"),
    ],
)
def test_text_is_encoded_by_sorted_classes(
    tmp_path: Path, loss: Any, shape: tuple[int, ...], expected: list[Any], dtype: str
) -> None:
    write(tmp_path, "a.csv", "x,y\n1,oak\n2,ash\n3,elm\n4,ash\n")
    data = Data(source=Csv(path="a.csv"), targets={"tree": Target(column="y")})
    result = prepared(data, tmp_path, {"x": Tensor((1,))}, {"tree": Tensor(shape)}, loss)
    assert result.train.targets["tree"].tolist() == expected
    assert result.train.targets["tree"].dtype == dtype
    assert result.classes == {"tree": ("ash", "elm", "oak")}


@pytest.mark.parametrize(
    ("words", "expected"), [("0 1 1", [0, 1, 1]), ("no yes yes", [0, 1, 1]), ("true false true", [1, 0, 1])]
)
def test_binary_targets_take_the_outputs_shape(tmp_path: Path, words: str, expected: list[int]) -> None:
    write(tmp_path, "a.csv", "x,y\n" + "".join(f"1,{word}\n" for word in words.split()))
    data = Data(source=Csv(path="a.csv"), targets={"y": Target(column="y")})
    result = prepared(data, tmp_path, {"x": Tensor((1,))}, {"y": Tensor((1,))}, BinaryCrossentropy())
    assert result.train.targets["y"].tolist() == [[value] for value in expected]


def test_images_get_their_channel_axis_and_stay_bytes(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        picture(tmp_path / "pets" / name / "0.png", (8, 8))
    data = Data(source=ImageFolder(path="pets"), targets={"pet": Target(column="label")})
    result = prepared(data, tmp_path, {"x": Tensor((8, 8, 1))}, {"pet": Tensor((2,))}, SparseCategoricalCrossentropy())
    assert result.train.inputs["x"].shape == (2, 8, 8, 1)
    assert result.train.inputs["x"].dtype == np.uint8
    assert result.train.targets["pet"].tolist() == [0, 1]


def test_a_file_that_changed_after_the_check_is_reported(tmp_path: Path) -> None:
    data = Data(source=Csv(path="a.csv"), targets={"y": Target(column="y")})
    with pytest.raises(SpecError, match=r"E601: there is no file `a\.csv`"):
        prepared(data, tmp_path, {"x": Tensor((1,))}, {"y": Tensor((1,))}, MeanSquaredError())


# --- preparation ----------------------------------------------------------------------------------------------------


def test_preparation_never_sees_validation_or_test(tmp_path: Path) -> None:
    """Rows outside the training split hold values that would change every statistic and vocabulary."""
    count = 40
    split = Split(validation=0.2, test=0.2, seed=3)
    parts = assign(split, count, None)
    number, word = np.arange(count, dtype=float), np.array([f"w{i % 4}" for i in range(count)], dtype=object)
    for part, value in ((parts.validation, 1e6), (parts.test, -1e7)):
        number[part] = value
        word[part] = f"unseen{value:g}"
    rows = [f"{n},{w},{i % 2}" for i, (n, w) in enumerate(zip(number, word, strict=True))]
    write(tmp_path, "a.csv", "\n".join(["number,word,y", *rows]) + "\n")
    inputs = {
        "number": Feature(columns=("number",), prepare=(Normalization(),)),
        "word": Feature(column="word", prepare=(StringLookup(),)),
    }
    data = Data(source=Csv(path="a.csv"), inputs=inputs, targets={"y": Target(column="y")}, split=split)
    signature = {"number": Tensor((1,)), "word": Tensor((), "int64")}
    result = prepared(data, tmp_path, signature, {"y": Tensor((1,))}, BinaryCrossentropy())

    train = number[parts.train].astype(np.float32)
    layer = result.layers["number"][0]
    np.testing.assert_allclose(np.ravel(layer.mean), train.mean(), rtol=1e-5)
    np.testing.assert_allclose(np.ravel(layer.variance), train.var(), rtol=1e-5)
    assert sorted(result.layers["word"][0].get_vocabulary()) == ["[UNK]", "w0", "w1", "w2", "w3"]
    assert result.validation is not None and result.test is not None
    assert set(result.validation.inputs["word"]) == {0}, "words of other parts are unknown"
    np.testing.assert_allclose(result.train.inputs["number"].mean(), 0, atol=1e-5)


def test_layers_are_chained_and_each_is_fitted_on_what_reaches_it(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "size,y\n10,0\n30,1\n20,0\n30,1\n")
    prepare_ = (IntegerLookup(num_oov_indices=0), CategoryEncoding(num_tokens=3, output_mode="one_hot"))
    data = Data(
        source=Csv(path="a.csv"),
        inputs={"x": Feature(column="size", prepare=prepare_)},
        targets={"y": Target(column="y")},
    )
    result = prepared(data, tmp_path, {"x": Tensor((3,))}, {"y": Tensor((1,))}, BinaryCrossentropy())
    rows = result.train.inputs["x"]
    assert rows.shape == (4, 3)
    assert (rows.sum(axis=1) == 1).all()
    assert (rows[1] == rows[3]).all()
    assert (rows[0] != rows[2]).any()


def test_a_constant_column_stays_finite(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a,b,y\n1,5,0\n2,5,1\n")
    feature = Feature(columns=("a", "b"), prepare=(Normalization(),))
    data = Data(source=Csv(path="a.csv"), inputs={"x": feature}, targets={"y": Target(column="y")})
    result = prepared(data, tmp_path, {"x": Tensor((2,))}, {"y": Tensor((1,))}, BinaryCrossentropy())
    assert np.isfinite(result.train.inputs["x"]).all()


def test_rescaling_needs_no_fit(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.full((3, 2), 8.0), y=np.arange(3.0))
    feature = Feature(column="x", prepare=(Rescaling(scale=0.5),))
    data = Data(source=Npz(path="a.npz"), inputs={"x": feature}, targets={"y": Target(column="y")})
    result = prepared(data, tmp_path, {"x": Tensor((2,))}, {"y": Tensor((1,))}, MeanSquaredError())
    assert (result.train.inputs["x"] == 4).all()


# --- split ----------------------------------------------------------------------------------------------------------


def test_a_split_is_a_partition_that_its_seed_decides() -> None:
    first, again, other = (assign(Split(validation=0.2, test=0.1, seed=seed), 100, None) for seed in (1, 1, 2))
    assert [len(part) for part in first] == [70, 20, 10]
    assert sorted(np.concatenate(first)) == list(range(100))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first.test != other.test).any()


def test_a_stratified_split_keeps_the_shares() -> None:
    labels = np.array(["a"] * 80 + ["b"] * 17 + ["c"] * 3)
    parts = assign(Split(validation=0.2, test=0.2, by=Stratified()), 100, labels)
    assert sorted(np.concatenate(parts)) == list(range(100))
    for part in parts:
        assert set(labels[part]) == {"a", "b", "c"}
    assert (labels[parts.test] == "a").sum() == 16


def test_stratified_through_the_pipeline(tmp_path: Path) -> None:
    split = Split(validation=0.1, test=0.2, by=Stratified(target="species"))
    data = Data(source=Sklearn(set="iris"), targets={"species": Target(column="target")}, split=split)
    result = prepared(data, tmp_path, {"x": Tensor((4,))}, {"species": Tensor((3,))}, SparseCategoricalCrossentropy())
    assert result.test is not None
    assert np.bincount(result.test.targets["species"]).tolist() == [10, 10, 10]


# --- order and feed -------------------------------------------------------------------------------------------------


def test_the_order_is_a_permutation_from_seed_and_epoch_alone() -> None:
    assert order(8, 7, 0).tolist() == [4, 3, 6, 2, 1, 0, 5, 7], "a change here breaks every recorded run"
    assert sorted(order(1000, 3, 2)) == list(range(1000))
    assert (order(1000, 3, 2) == order(1000, 3, 2)).all()
    assert (order(1000, 3, 2) != order(1000, 3, 3)).any()
    assert (order(1000, 3, 2) != order(1000, 4, 2)).any()
    assert order(4, 3, 2, shuffle=False).tolist() == [0, 1, 2, 3]


def epochs(feed: Feed, numbers: range) -> list[list[int]]:
    seen = []
    for number in numbers:
        feed.set_epoch(number)
        seen.append([int(value) for x, _ in feed.dataset for value in x])
    return seen


def test_three_epochs_are_the_same_whatever_is_fetched_ahead_and_wherever_one_starts() -> None:
    examples = (np.arange(103), np.arange(103) * 2)
    reference = epochs(Feed(examples, 16, seed=5), range(3))
    for prefetch in (1, 7):
        assert epochs(Feed(examples, 16, seed=5, prefetch=prefetch), range(3)) == reference
    assert epochs(Feed(examples, 16, seed=5), range(2, 3)) == reference[2:], "as a resumed run would see it"
    assert [order(103, 5, epoch).tolist() for epoch in range(3)] == reference
    assert len({tuple(epoch) for epoch in reference}) == 3


def test_batches_hold_together_and_are_counted() -> None:
    feed = Feed(({"a": np.arange(10), "b": np.arange(10) + 100}, np.arange(10) * 2), 4, seed=1)
    assert (feed.steps, int(feed.dataset.cardinality())) == (3, 3)
    sizes = []
    for x, y in feed.dataset:
        assert (x["a"].numpy() + 100 == x["b"].numpy()).all()
        assert (x["a"].numpy() * 2 == y.numpy()).all()
        sizes.append(len(y))
    assert sizes == [4, 4, 2]


def test_no_shuffle_is_the_order_of_the_data() -> None:
    assert epochs(Feed((np.arange(9), np.arange(9)), 4, seed=1, shuffle=False), range(2)) == [list(range(9))] * 2


def test_evaluation_runs_in_order_and_is_counted() -> None:
    batches = in_order((np.arange(9), np.arange(9)), 4)
    assert int(batches.cardinality()) == 3
    assert [int(value) for x, _ in batches for value in x] == list(range(9))
