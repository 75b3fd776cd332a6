"""``bad: skip`` with sources of files: broken ones are left out and told of, the others are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import picture, write
from PIL import Image
from test_bad_audio_folder import sound
from tfrecords import message, record

from dlspec.data.binding.bad import bad_examples
from dlspec.data.sources.audio_folder import AudioFolder
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_masks import ImageMasks
from dlspec.data.sources.image_table import ImageTable
from dlspec.data.sources.text_folder import TextFolder
from dlspec.data.sources.tfrecord import RecordFeature, Tfrecord


def test_texts(tmp_path: Path) -> None:
    write(tmp_path, "reviews/bad/a.txt", "dull")
    write(tmp_path, "reviews/bad/b.txt", "l\u00e4uft".encode("latin-1"))
    write(tmp_path, "reviews/good/c.txt", "fine")
    table = TextFolder(path="reviews").open(tmp_path)
    table.tolerant = True
    assert table.faults(["text"]) == {1: "line 1 of `reviews/bad/b.txt` is not UTF-8"}
    assert table.faults(["label"]) == {}
    assert table.read(["text"])["text"].tolist() == ["dull", "", "fine"]


def test_sounds(tmp_path: Path) -> None:
    sound("yes/a.wav")(tmp_path)
    sound("no/b.wav")(tmp_path)
    write(tmp_path, "words/no/c.wav", "no sound")
    table = AudioFolder(path="words").open(tmp_path)
    table.tolerant = True
    assert table.columns["audio"].count == 2
    assert table.skipped == ["words/no/c.wav: `words/no/c.wav` is no WAV file"]
    assert (table.labels("label").values, table.labels("label").counts) == (("no", "yes"), (1, 1))
    assert table.where(1) == "words/yes/a.wav"
    assert table.read(["audio"])["audio"].shape == (2, 800, 1)


def test_no_sound_at_all(tmp_path: Path) -> None:
    write(tmp_path, "words/c.wav", "no sound")
    table = AudioFolder(path="words").open(tmp_path)
    table.tolerant = True
    with pytest.raises(DataProblem, match="no sound can be read"):
        _ = table.columns


def test_records(tmp_path: Path) -> None:
    whole = [record(message({"x": [1.0, 2.0]})), record(message({"x": [3.0]})), record(message({"x": [5.0, 6.0]}))]
    (tmp_path / "a.tfrecord").write_bytes(b"".join(whole))
    table = Tfrecord(path=("a.tfrecord",), features={"x": RecordFeature(shape=(2,))}).open(tmp_path)
    table.tolerant = True
    assert table.faults(["x"]) == {1: "feature `x` of record 1 of `a.tfrecord` holds 1 numbers, expected 2"}
    assert table.take(["x"], np.array([2, 0]))["x"].tolist() == [[5, 6], [1, 2]]


def pictures(folder: Path) -> None:
    """Four images and masks; the second image is cut off in its pixels, the third mask is no image."""
    for number, name in enumerate("abcd"):
        picture(folder / f"photos/{name}.png", (64, 64, 3), number)
        (folder / "masks").mkdir(exist_ok=True)
        Image.fromarray(np.full((64, 64), number % 2 * 255, np.uint8)).save(folder / f"masks/{name}.png")
    whole = (folder / "photos/b.png").read_bytes()
    (folder / "photos/b.png").write_bytes(whole[:2000] + bytes(100) + whole[2100:])  # the end is there
    write(folder, "masks/c.png", "no image")


def test_images_with_masks(tmp_path: Path) -> None:
    pictures(tmp_path)
    picture(tmp_path / "photos/alone.png")
    table = ImageMasks(images="photos", masks="masks", values=(0, 255)).open(tmp_path)
    table.tolerant = True
    assert table.columns["image"].count == table.columns["mask"].count == 2
    assert table.skipped == [
        "photos/alone.png: image `photos/alone.png` has no mask in `masks`",
        "photos/b.png and masks/b.png: image `photos/b.png` cannot be read: broken data stream when reading image file",
        "photos/c.png and masks/c.png: image `masks/c.png` cannot be read: cannot identify image file",
    ]
    assert table.where(1) == "photos/d.png and masks/d.png"
    assert table.take(["mask"], np.array([1, 0]))["mask"][:, 0, 0].tolist() == [1, 0]
    assert table.labels("mask").values == (0, 1)


def test_masks_of_other_values_and_sizes(tmp_path: Path) -> None:
    pictures(tmp_path)
    Image.fromarray(np.full((64, 64), 7, np.uint8)).save(tmp_path / "masks/d.png")
    picture(tmp_path / "photos/e.png")
    Image.fromarray(np.zeros((6, 6), np.uint8)).save(tmp_path / "masks/e.png")
    table = ImageMasks(images="photos", masks="masks", values=(0, 255), size=(64, 64)).open(tmp_path)
    table.tolerant = True
    assert table.columns["image"].count == 1
    assert [line.split(": ", 1)[1] for line in table.skipped[2:]] == [
        "mask `masks/d.png` has the value 7 at row 0, column 0",
        "image `photos/e.png` is 8×8, its mask `masks/e.png` 6×6",
    ]


def test_no_image_with_a_mask(tmp_path: Path) -> None:
    picture(tmp_path / "photos/a.png")
    picture(tmp_path / "masks/b.png")
    table = ImageMasks(images="photos", masks="masks").open(tmp_path)
    table.tolerant = True
    with pytest.raises(DataProblem, match="no image in `photos` has a mask in `masks`"):
        _ = table.columns


def test_images_of_a_table(tmp_path: Path) -> None:
    pictures(tmp_path)
    for name in "abcd":
        (tmp_path / f"masks/{name}.png").rename(tmp_path / f"photos/mask-{name}.png")
    rows = [f"{name}.png,mask-{name}.png,{age}" for age, name in enumerate("abcd", 1)]
    rows += ["gone.png,mask-a.png,5", ",mask-a.png,6", "a.png,mask-a.png"]
    write(tmp_path, "a.csv", "\n".join(["photo,organ,age", *rows, ""]))
    source = ImageTable(table=Csv(path="a.csv"), images=("photo",), masks=("organ",), folder="photos", values=(0, 255))
    table = source.open(tmp_path)
    table.tolerant = True
    assert table.columns["photo"].count == 6
    assert [line.split(":")[0] for line in table.skipped] == ["a.csv, line 8"]  # a row that is too short
    images = {
        1: "image `b.png` cannot be read: broken data stream when reading image file",
        4: "there is no image `gone.png` in `photos`",
        5: "column `photo` names no image",
    }
    assert table.faults(["photo", "age"]) == images
    assert table.faults(["organ"]) == {2: "image `mask-c.png` cannot be read: cannot identify image file"}
    assert sorted(table.faults(["photo", "organ"])) == [1, 2, 4, 5]
    taken = table.take(["photo", "age"], np.array([3, 0, 1]))
    assert taken["age"].tolist() == [4, 1, 2]
    assert taken["photo"][0].any()
    assert not taken["photo"][2].any()
    assert table.where(3) == "a.csv, line 5"


def test_what_a_source_leaves_out_itself_counts_towards_most(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,y\n1,2\n1\n3\n5,6\n7\n")
    table = Csv(path="a.csv").open(tmp_path)
    table.tolerant = True
    with pytest.raises(DataProblem) as caught:
        bad_examples(table, (), table.columns["x"].count)
    assert caught.value.message == "`bad: skip` would leave out 3 of 5 examples: 1 value, expected 2"
    assert caught.value.where == "a.csv, line 3"
