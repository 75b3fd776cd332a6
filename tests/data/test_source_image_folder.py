"""Folders of images: facts from headers, decoding, and broken folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import picture, write

from dlspec.core.errors import Problem
from dlspec.data.sources import image_folder
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.passes import compile_spec


def shapes(folder: Path) -> Path:
    for name in ("cat", "dog"):
        for number in range(3):
            picture(folder / "pets" / name / f"{number}.png", seed=number)
    return folder / "pets"


def problem(folder: Path, **options: object) -> DataProblem:
    with pytest.raises(DataProblem) as caught:
        table = ImageFolder(path="pets", **options).open(folder)
        _ = table.columns
        table.read(["image"])
    return caught.value


def test_classes_are_the_subfolders(tmp_path: Path) -> None:
    shapes(tmp_path)
    table = ImageFolder(path="pets").open(tmp_path)
    assert str(table.columns["image"].tensor) == "[8, 8, 3] uint8"
    assert table.labels("label").values == ("cat", "dog")
    assert table.labels("label").counts == (3, 3)
    arrays = table.read(["image", "label"])
    assert arrays["label"].tolist() == ["cat"] * 3 + ["dog"] * 3
    assert arrays["image"].shape == (6, 8, 8, 3)
    expected = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert (arrays["image"][1] == expected).all()
    assert table.where(4) == "pets/dog/1.png"


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    picture(tmp_path / "pets" / "a.png")
    assert list(ImageFolder(path="pets").columns(tmp_path)) == ["image"]


def test_size_and_channels_convert(tmp_path: Path) -> None:
    shapes(tmp_path)
    picture(tmp_path / "pets" / "cat" / "wide.png", (6, 12, 3))
    picture(tmp_path / "pets" / "cat" / "grey.png", (8, 8))
    table = ImageFolder(path="pets", size=(4, 5), channels=1).open(tmp_path)
    assert str(table.columns["image"].tensor) == "[4, 5, 1] uint8"
    assert table.read(["image"])["image"].shape == (8, 4, 5, 1)


def test_missing_folder(tmp_path: Path) -> None:
    found = problem(tmp_path)
    assert (found.code, found.message) == ("E601", "there is no folder `pets`")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    write(tmp_path, "pets", "x")
    assert problem(tmp_path).message == "`pets` is a file, expected a folder"


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    assert problem(tmp_path).message.startswith("folder `pets` holds no images (.jpg, .jpeg, .png,")


def test_empty_class_folder(tmp_path: Path) -> None:
    (shapes(tmp_path) / "fish").mkdir()
    found = problem(tmp_path)
    assert (found.code, found.where) == ("E608", "pets/fish")
    assert found.message.startswith("class folder `fish` holds no images (.jpg,")


def test_stray_image(tmp_path: Path) -> None:
    picture(shapes(tmp_path) / "stray.png")
    assert problem(tmp_path).message == "`stray.png` stands beside the class folders of `pets`"


def test_another_size(tmp_path: Path) -> None:
    picture(shapes(tmp_path) / "dog" / "wide.png", (6, 12, 3))
    found = problem(tmp_path)
    assert (found.message, found.help) == (
        "image `pets/dog/wide.png` is 6×12, the first one is 8×8",
        "resize all: `size: [8, 8]`",
    )


def test_other_channels(tmp_path: Path) -> None:
    picture(shapes(tmp_path) / "dog" / "grey.png", (8, 8))
    found = problem(tmp_path)
    assert found.message == "image `pets/dog/grey.png` has 1 channels, the first one has 3"
    assert found.help == "convert all: `channels: 3`"


def test_not_an_image(tmp_path: Path) -> None:
    write(shapes(tmp_path) / "cat", "x.png", "no picture")
    found = problem(tmp_path)
    assert (found.code, found.message) == ("E608", "image `pets/cat/x.png` cannot be read: cannot identify image file")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_truncated_image_is_found_without_decoding(tmp_path: Path, suffix: str) -> None:
    path = picture(shapes(tmp_path) / "cat" / f"x.{suffix}")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataProblem, match=rf"image `pets/cat/x\.{suffix}` is cut off: its end is missing") as caught:
        ImageFolder(path="pets").columns(tmp_path)
    assert (caught.value.code, caught.value.where) == ("E608", f"pets/cat/x.{suffix}")


def test_damage_inside_is_found_when_decoding(tmp_path: Path) -> None:
    path = picture(shapes(tmp_path) / "cat" / "x.png")
    raw = bytearray(path.read_bytes())
    raw[60:90] = bytes(30)
    path.write_bytes(raw)
    found = problem(tmp_path)
    assert found.code == "E608"
    assert found.message.startswith("image `pets/cat/x.png` cannot be read")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside, spec_folder = tmp_path / "outside", tmp_path / "spec"
    outside.mkdir()
    (spec_folder / "photos").mkdir(parents=True)
    picture(outside / "a.png", seed=0)
    (spec_folder / "photos" / "cat").symlink_to(outside, target_is_directory=True)
    with pytest.raises(Problem, match=r"`photos/cat` is a link that leads out of the spec's folder") as caught:
        _ = ImageFolder(path="photos").open(spec_folder).columns
    assert caught.value.code == "E108"
    assert ImageFolder(path="photos").open(spec_folder, allow_outside=True).columns["image"].count == 1


def test_any_images_can_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes(tmp_path)
    table = ImageFolder(path="pets").open(tmp_path)
    assert not table.streamed
    monkeypatch.setattr(image_folder, "STREAMED_FROM", 100)
    table = ImageFolder(path="pets").open(tmp_path)
    assert table.streamed
    whole, some = table.read(["image", "label"]), table.take(["image", "label"], np.array([5, 0, 0]))
    for name, values in some.items():
        assert (values == whole[name][[5, 0, 0]]).all()


def test_a_slip_in_the_size_is_refused(tmp_path: Path) -> None:
    shapes(tmp_path)
    spec = "inputs: {x: [8, 8, 3]}\nlayers: [flatten, {dense: 2}]\n"
    spec += "data: {source: {image_folder: {path: pets, size: [224, 22400]}}, targets: {y: {column: label}}}\n"
    write(tmp_path, "spec.yaml", spec)
    (found,) = compile_spec(tmp_path / "spec.yaml").diagnostics.sorted()
    assert "22400" in found.message and "16384" in found.message, found.message


def test_broken_images_are_left_out(tmp_path: Path) -> None:
    cut = picture(shapes(tmp_path) / "cat" / "1.png")
    cut.write_bytes(cut.read_bytes()[:-20])
    write(tmp_path / "pets" / "dog", "x.jpg", "no picture")
    damaged = picture(tmp_path / "pets" / "dog" / "y.png")
    raw = bytearray(damaged.read_bytes())
    raw[60:90] = bytes(30)
    damaged.write_bytes(raw)
    table = ImageFolder(path="pets").open(tmp_path)
    table.tolerant = True
    assert table.columns["image"].count == 5
    assert table.labels("label").counts == (2, 3)
    assert [line.split(": ")[0] for line in table.skipped] == ["pets/cat/1.png", "pets/dog/x.jpg", "pets/dog/y.png"]
    assert "image `pets/dog/y.png` cannot be read" in table.skipped[2]
    assert table.take(["image"], np.arange(5))["image"].shape == (5, 8, 8, 3)
