"""Folders as people have them: deeper folders, other endings, what systems put beside, turned photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs import diagnose
from builders import picture, write
from PIL import Image, ImageOps

from dlspec.data.sources.audio_folder import AudioFolder
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.data.sources.image_masks import ImageMasks
from dlspec.data.sources.image_table import ImageTable
from dlspec.data.sources.text_folder import TextFolder

SPEC = """\
layers: [flatten, {dense: {units: 2, activation: softmax}}]
data:
  source: {image_folder: photos}
  inputs: {image: {column: image, prepare: [{rescaling: 1 / 255}]}}
  targets: {kind: label}
train: {loss: sparse_categorical_crossentropy}
"""


def wav(path: Path) -> None:
    from scipy.io import wavfile

    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, 100, np.zeros(20, np.int16))


def test_what_lies_deeper_belongs_to_the_class_at_the_top(tmp_path: Path) -> None:
    for name in ("cat/a.png", "cat/monday/b.png", "cat/monday/late/c.PNG", "dog/d.png", "dog/e.png"):
        picture(tmp_path / "photos" / name)
        write(tmp_path / "texts", name + ".txt", name)
        wav(tmp_path / "sounds" / (name + ".wav"))
    for source, column in (
        (ImageFolder(path="photos"), "image"),
        (TextFolder(path="texts"), "text"),
        (AudioFolder(path="sounds"), "audio"),
    ):
        table = source.open(tmp_path)
        assert table.labels("label").counts == (3, 2)
        assert table.read(["label"])["label"].tolist() == ["cat"] * 3 + ["dog"] * 2
        assert len(table.read([column])[column]) == 5
        assert "cat/monday/late/c" in table.where(2)
        assert not table.left_out


def test_masks_lie_where_their_images_lie(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("berlin/a", 2), ("berlin/b.c", 3)):
        picture(tmp_path / f"photos/{name}.png", seed=seed)
        picture(tmp_path / f"masks/{name}.png", (8, 8), seed)
    table = ImageMasks(images="photos", masks="masks").open(tmp_path)
    arrays = table.read(["image", "mask"])
    assert table.where(1) == "photos/berlin/a.png and masks/berlin/a.png"
    assert (arrays["mask"][2] == np.asarray(Image.open(tmp_path / "masks/berlin/b.c.png"))).all()


@pytest.mark.parametrize("ending", ["jfif", "JPE", "avif", "jp2", "mpo", "tga", "Png"])
def test_endings_of_images(tmp_path: Path, ending: str) -> None:
    Image.new("RGB", (4, 3), (200, 50, 10)).save(picture(tmp_path / "photos/a.png").parent / f"b.{ending}")
    (tmp_path / "photos/a.png").unlink()
    pixels = ImageFolder(path="photos").open(tmp_path).read(["image"])["image"]
    assert pixels.shape == (1, 3, 4, 3)
    assert np.abs(pixels.astype(int) - [200, 50, 10]).max() < 16


def test_other_files_are_counted(tmp_path: Path) -> None:
    for name in ("cat/a.png", "dog/b.png"):
        picture(tmp_path / "photos" / name)
    for name in (
        "cat/x.heic",
        "cat/inner/y.HEIC",
        "dog/IMG_1",
        "dog/Thumbs.db",
        "dog/.hid",
        ".DS_Store",
        "labels.csv",
    ):
        write(tmp_path / "photos", name, "?")
    (tmp_path / "photos/dog/lost.png").symlink_to("nowhere.png")
    picture(tmp_path / "photos/__MACOSX/a.png")
    (found,) = diagnose(tmp_path, SPEC)
    assert (found.code, found.message) == (
        "W603",
        "4 files of `photos` are left out, `photos/cat/inner/y.HEIC` first",
    )
    assert found.help.startswith("images end in .jpg, .jpeg, .png,")


def test_a_class_of_other_files_only(tmp_path: Path) -> None:
    picture(tmp_path / "photos/cat/a.png")
    write(tmp_path, "photos/dog/b.heic", "?")
    (found, *_) = diagnose(tmp_path, SPEC)
    assert found.message.startswith("class folder `dog` holds no images (.jpg,")
    assert found.help == "`photos/dog/b.heic` is none of them: convert such files"


def test_folders_of_a_split_are_no_classes(tmp_path: Path) -> None:
    for name in ("test/cat/a.png", "test/dog/b.png", "train/cat/c.png", "train/dog/d.png"):
        picture(tmp_path / "photos" / name)
    (found, *_) = diagnose(tmp_path, SPEC)
    assert (found.code, found.message, found.help) == (
        "E608",
        "the folders `test` and `train` of `photos` both hold `cat` and `dog`, which seem to be the classes",
        "name the folder of the classes: `path: photos/train`",
    )
    help = SPEC.replace("image_folder: photos", "image_folder: {path: photos/train}")
    assert diagnose(tmp_path, help) == []


def test_folders_that_lead_in_a_circle(tmp_path: Path) -> None:
    picture(tmp_path / "photos/cat/a.png")
    picture(tmp_path / "photos/dog/b.png")
    (tmp_path / "photos/cat/again").symlink_to(".", target_is_directory=True)
    assert len(ImageFolder(path="photos").open(tmp_path).read(["label"])["label"]) == 2


@pytest.mark.parametrize("form", ["png", "jpg", "tif", "webp", "avif", "late"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_images_are_turned_as_their_exif_data_say(tmp_path: Path, form: str, orientation: int) -> None:
    path = turned(tmp_path / "photos", form, orientation)
    with Image.open(path) as image:
        expected = np.asarray(image if form == "tif" else ImageOps.exif_transpose(image))
    assert expected.shape == ((6, 4, 3) if orientation >= 5 else (4, 6, 3))
    table = ImageFolder(path="photos").open(tmp_path)
    assert table.columns["image"].tensor.shape == expected.shape
    assert (table.read(["image"])["image"][0] == expected).all()
    write(tmp_path, "a.csv", f"file\n{path.name}\n")
    named = ImageTable(table=Csv(path="a.csv"), images=("file",), folder="photos").open(tmp_path)
    assert (named.read(["file"])["file"][0] == expected).all()


def turned(folder: Path, form: str, orientation: int) -> Path:
    """An image of 4×6 pixels as it is stored; of `late` the EXIF data stand behind the pixels."""
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8))
    path = folder / f"a.{form.replace('late', 'png')}"
    image.save(path, exif=exif)
    if form == "late":
        content = path.read_bytes()
        start = content.index(b"eXIf") - 4
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        path.write_bytes(content[:start] + content[end:-12] + content[start:end] + content[-12:])
    return path


def test_a_mask_lies_on_a_turned_photograph(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.zeros((16, 16, 3), np.uint8)
    stored[:8, :8] = 255  # at the top left; shown at the top right
    shown = np.zeros((16, 16), np.uint8)
    shown[:8, 8:] = 1
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    Image.fromarray(stored).save(tmp_path / "photos/0.jpg", exif=exif, quality=100)
    Image.fromarray(shown).save(tmp_path / "masks/0.png")
    arrays = ImageMasks(images="photos", masks="masks").open(tmp_path).read(["image", "mask"])
    assert ((arrays["image"][0, ..., 0] > 127) == arrays["mask"][0]).all()


def test_a_mask_that_is_a_jpeg_by_another_name(tmp_path: Path) -> None:
    picture(tmp_path / "photos/a.png")
    Image.new("L", (8, 8)).save(picture(tmp_path / "masks/a.png").parent / "a.jfif")
    (tmp_path / "masks/a.png").unlink()
    with pytest.raises(DataProblem, match=r"mask `masks/a\.jfif` is a JPEG, which changes values"):
        _: Any = ImageMasks(images="photos", masks="masks").open(tmp_path).columns
