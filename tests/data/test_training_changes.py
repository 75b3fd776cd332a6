"""Random changes of training examples, weights of classes, repetition: what an epoch of training sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import checked, graph, only, picture, supervised, write

from dlspec.components.layers.augmentation import RandomTimeShift, RandomTokenDrop
from dlspec.components.layers.image import RandomFlip, RandomTranslation
from dlspec.components.layers.image_mixing import MixUp, RandAugment
from dlspec.components.layers.regularization import GaussianNoise
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Target
from dlspec.components.training.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.weights import repeated
from dlspec.data.feeding.feed import Feed
from dlspec.data.feeding.pipeline import Prepared, prepare
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.data.sources.npz import Npz


def feed(found: Prepared, seed: int = 0, **options: Any) -> Feed:
    return Feed(found.fed, 4, seed=seed, transform=found.changes.transform(seed), **options)


def batches(source: Feed, epoch: int, start: int = 0) -> list[Any]:
    source.set_position(epoch, start)
    return list(source.dataset.as_numpy_iterator())


def images(folder: Path, loss: Any, shape: tuple[int, ...], augment: tuple[Any, ...]) -> Prepared:
    for name in ("cat", "dog"):
        for number in range(6):
            picture(folder / "pets" / name / f"{number}.png", (8, 8, 3), number + 6 * (name == "dog"))
    data = Data(source=ImageFolder(path="pets"), targets={"pet": Target(column="label")}, augment=augment)
    return prepare(data, folder, Signature({"x": Tensor((8, 8, 3))}, {"pet": Tensor(shape)}), Supervised(loss=loss))


def test_changes_follow_from_seed_epoch_and_examples(tmp_path: Path) -> None:
    augment = (RandomFlip(), RandomTranslation(height_factor=0.2, width_factor=0.2), RandAugment(num_ops=1))
    found = images(tmp_path, SparseCategoricalCrossentropy(), (2,), augment)
    first, again = feed(found), feed(found, prefetch=1)
    whole = batches(first, 0)
    batches(first, 1)
    for one, other in zip(whole, batches(again, 0), strict=True):
        np.testing.assert_array_equal(one[0]["x"], other[0]["x"])
    for one, other in zip(whole[1:], batches(again, 0, 1), strict=True):
        np.testing.assert_array_equal(one[0]["x"], other[0]["x"])
    np.testing.assert_array_equal(batches(first, 2)[0][0]["x"], batches(again, 2)[0][0]["x"])
    plain = {image.tobytes() for image in found.train.inputs["x"].astype(np.float32)}
    seen = [image.tobytes() for epoch in (0, 1) for batch in batches(first, epoch) for image in batch[0]["x"]]
    assert len(set(seen) - plain) > 12
    assert len(set(seen)) > 20, "each epoch has changes of its own"
    assert (batches(feed(found, seed=7), 0)[0][0]["x"] != whole[0][0]["x"]).any()


def test_masks_move_with_their_images(tmp_path: Path) -> None:
    pixels = np.zeros((12, 8, 8), np.uint8)
    for number, image in enumerate(pixels):
        image[number % 7, number % 5 : number % 5 + 2] = 200
    np.savez(tmp_path / "a.npz", image=pixels, mask=pixels // 200)
    data = Data(
        source=Npz(path="a.npz"),
        inputs={"x": Feature(column="image")},
        targets={"m": Target(column="mask")},
        augment=(RandomFlip(), RandomTranslation(height_factor=0.25, width_factor=0.25, interpolation="nearest")),
    )
    signature = Signature({"x": Tensor((8, 8, 1))}, {"m": Tensor((8, 8, 2))})
    found = prepare(data, tmp_path, signature, Supervised(loss=SparseCategoricalCrossentropy()))
    for inputs, targets in batches(feed(found), 0):
        assert targets["m"].dtype == np.int32
        np.testing.assert_array_equal(inputs["x"][..., 0] > 100, targets["m"] == 1)
    assert found.train.inputs["x"].dtype == np.uint8


def test_mixed_images_have_mixed_labels(tmp_path: Path) -> None:
    found = images(tmp_path, CategoricalCrossentropy(), (2,), (MixUp(alpha=1.0),))
    labels = np.concatenate([batch[1]["pet"] for epoch in range(3) for batch in batches(feed(found), epoch)])
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-5)
    assert ((labels > 0.05) & (labels < 0.95)).any()


def test_sounds_texts_and_tables(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    sound = random.normal(size=(8, 50)).astype("float32")
    np.savez(tmp_path / "a.npz", sound=sound, words=random.integers(1, 9, (8, 6)), y=np.arange(8.0))
    inputs = {
        "sound": Feature(column="sound", augment=(RandomTimeShift(factor=0.3), GaussianNoise(stddev=0.1))),
        "words": Feature(column="words", augment=(RandomTokenDrop(rate=0.5),)),
    }
    data = Data(source=Npz(path="a.npz"), inputs=inputs, targets={"y": Target(column="y")})
    signature = Signature({"sound": Tensor((50,)), "words": Tensor((6,), "int64")}, {"y": Tensor((1,))})
    found = prepare(data, tmp_path, signature, Supervised(loss=MeanSquaredError()))
    one, other = batches(feed(found), 0), batches(feed(found), 0)
    for (first, _), (second, _) in zip(one, other, strict=True):
        np.testing.assert_array_equal(first["sound"], second["sound"])
        np.testing.assert_array_equal(first["words"], second["words"])
    assert (np.concatenate([batch[0]["words"] for batch in one]) == 0).any()


@pytest.mark.parametrize(
    ("target", "loss", "shape", "expected"),
    [
        (Target(column="y", class_weights="balanced"), SparseCategoricalCrossentropy(), (2,), {0: 2 / 3, 1: 2.0}),
        (Target(column="y", class_weights={"ash": 1, "elm": 5}), SparseCategoricalCrossentropy(), (2,), {0: 1, 1: 5}),
        (Target(column="y", class_weights={"elm": 3}), BinaryCrossentropy(), (1,), {0: 1, 1: 3}),
        (Target(column="y", class_weights="balanced"), CategoricalCrossentropy(), (2,), {0: 2 / 3, 1: 2.0}),
    ],
)
def test_classes_weigh(
    tmp_path: Path, target: Target, loss: Any, shape: tuple[int, ...], expected: dict[int, float]
) -> None:
    write(tmp_path, "a.csv", "x,y\n" + "".join(f"{i},{'elm' if i % 4 == 0 else 'ash'}\n" for i in range(8)))
    data = Data(source=Csv(path="a.csv"), inputs={"x": Feature(column="x")}, targets={"y": target})
    signature = Signature({"x": Tensor((1,))}, {"y": Tensor(shape)})
    found = prepare(data, tmp_path, signature, Supervised(loss=loss))
    for inputs, _, weights in batches(feed(found), 0):
        wanted = [expected[int(x % 4 == 0)] for x in inputs["x"][:, 0]]
        np.testing.assert_allclose(weights["y"], wanted, rtol=1e-6)


def test_rare_classes_are_repeated_in_training_alone(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,y\n" + "".join(f"{i},{'elm' if i % 5 == 0 else 'ash'}\n" for i in range(20)))
    data = Data(
        source=Csv(path="a.csv"), inputs={"x": Feature(column="x")}, targets={"y": Target(column="y")}, oversample=True
    )
    signature = Signature({"x": Tensor((1,))}, {"y": Tensor((2,))})
    found = prepare(data, tmp_path, signature, Supervised(loss=SparseCategoricalCrossentropy()))
    assert (found.train.count, found.fed.count) == (20, 32)
    seen = np.concatenate([batch[1]["y"] for batch in batches(feed(found), 0)])
    assert np.bincount(seen).tolist() == [16, 16]
    numbers = np.concatenate([batch[0]["x"][:, 0] for batch in batches(feed(found), 0)])
    assert set(numbers) == set(range(20))


def test_repetition_is_decided_by_the_seed() -> None:
    classes = np.array([0] * 7 + [1] * 3)
    assert np.bincount(classes[repeated(classes, 1)]).tolist() == [7, 7]
    assert repeated(classes, 1).tolist() == repeated(classes, 1).tolist()
    assert len({tuple(repeated(classes, seed)) for seed in range(9)}) > 1


def test_what_could_be_meant_twice(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros((4, 8, 8, 3)), b=np.ones((4, 8, 8, 3)), y=np.arange(4.0))
    inputs = {"a": Feature(column="a"), "b": Feature(column="b")}
    data = Data(source=Npz(path="a.npz"), inputs=inputs, targets={"y": Target(column="y")}, augment=(RandomFlip(),))
    model = graph({"a": Tensor((8, 8, 3)), "b": Tensor((8, 8, 3))}, {"y": Tensor((1,))})
    found = only(checked(data, tmp_path, model, supervised(MeanSquaredError())))
    assert (found.code, found.message) == ("E616", "`random_flip` could change `a`, `b`")


# --- several labels, token ids, classes ------------------------------------------------------------------------------


def test_several_labels_in_one_text(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,tags\n1,red; round\n2,\n3,blue\n4,round\n")
    target = Target(column="tags", separator=";")
    data = Data(source=Csv(path="a.csv"), inputs={"x": Feature(column="x")}, targets={"tags": target})
    signature = Signature({"x": Tensor((1,))}, {"tags": Tensor((3,))})
    found = prepare(data, tmp_path, signature, Supervised(loss=BinaryCrossentropy()))
    assert found.train.targets["tags"].tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert found.classes == {"tags": ("blue", "red", "round")}
    model = graph({"x": Tensor((1,))}, {"tags": Tensor((4,))})
    wrong = only(checked(data, tmp_path, model, supervised()))
    assert (wrong.code, wrong.message) == ("E604", "target `tags` has 3 labels, the output has shape [4]")
    model = graph({"x": Tensor((1,))}, {"tags": Tensor((3,))})
    wrong = only(checked(data, tmp_path, model, supervised(SparseCategoricalCrossentropy())))
    assert wrong.code == "E503"


def test_several_columns_of_zeros_and_ones(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,red,round\n1,1,1\n2,0,0\n3,0,1\n")
    target = Target(columns=("red", "round"))
    data = Data(source=Csv(path="a.csv"), inputs={"x": Feature(column="x")}, targets={"tags": target})
    signature = Signature({"x": Tensor((1,))}, {"tags": Tensor((2,))})
    found = prepare(data, tmp_path, signature, Supervised(loss=BinaryCrossentropy()))
    assert found.train.targets["tags"].tolist() == [[1, 1], [0, 0], [0, 1]]
    write(tmp_path, "a.csv", "x,red,round\n1,1,1\n2,0,2\n3,0,1\n")
    model = graph({"x": Tensor((1,))}, {"tags": Tensor((2,))})
    wrong = only(checked(data, tmp_path, model, supervised()))
    assert (wrong.code, wrong.message) == ("E604", "column `round` has label 2, a binary output takes 0 and 1")


def test_token_ids_are_cut_and_filled(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", 'ids,y\n3 1 4 1 5,0\n"9,2",1\n,0\n')
    data = Data(
        source=Csv(path="a.csv"), inputs={"x": Feature(column="ids", length=4)}, targets={"y": Target(column="y")}
    )
    signature = Signature({"x": Tensor((4,), "int32")}, {"y": Tensor((1,))})
    found = prepare(data, tmp_path, signature, Supervised(loss=BinaryCrossentropy()))
    assert found.train.inputs["x"].tolist() == [[3, 1, 4, 1], [9, 2, 0, 0], [0, 0, 0, 0]]
    write(tmp_path, "a.csv", "ids,y\n3 1,0\nthree,1\n")
    model = graph({"x": Tensor((4,), "int32")}, {"y": Tensor((1,))})
    wrong = only(checked(data, tmp_path, model, supervised()))
    assert (wrong.code, wrong.message) == ("E603", "column `ids` holds `three`, expected token ids such as `12 7 9`")
    model = graph({"x": Tensor((5,), "int32")}, {"y": Tensor((1,))})
    assert checked(data, tmp_path, model, supervised())[0].code == "E605"


@pytest.mark.parametrize(
    ("column", "classes", "expected"), [("y", ["yes", "no"], [1, 0, 1]), ("number", [255, 0], [0, 1, 0])]
)
def test_classes_in_an_order_of_your_own(tmp_path: Path, column: str, classes: list[Any], expected: list[int]) -> None:
    write(tmp_path, "a.csv", "x,y,number\n1,no,255\n2,yes,0\n3,no,255\n")
    target = Target(column=column, classes=classes)
    data = Data(source=Csv(path="a.csv"), inputs={"x": Feature(column="x")}, targets={"y": target})
    signature = Signature({"x": Tensor((1,))}, {"y": Tensor((2,))})
    found = prepare(data, tmp_path, signature, Supervised(loss=SparseCategoricalCrossentropy()))
    assert found.train.targets["y"].tolist() == expected
    model = graph({"x": Tensor((1,))}, {"y": Tensor((2,))})
    few = Data(**{**data.given, "targets": {"y": Target(column=column, classes=[classes[0], "other"])}})
    wrong = only(checked(few, tmp_path, model, supervised(SparseCategoricalCrossentropy())))
    assert wrong.code == "E604"
    assert f"label `{classes[1]}` of target `y` is not among its `classes`" in wrong.message
