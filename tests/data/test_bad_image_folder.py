"""Bad folders of images: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from bad_inputs import Bad, cases, diagnose, expect
from builders import picture, write
from PIL import Image

SPEC = """\
inputs: {image: [8, 8, 3]}
layers:
  - rescaling: 1 / 255
  - flatten
  - dense: {units: 2, activation: softmax}
data:
  source: {image_folder: {path: photos}}
  targets: {animal: label}
train: {loss: sparse_categorical_crossentropy}
"""
PATH = "path: photos}"
FILE = "photos/dog/b.png"


def good(folder: Path) -> None:
    for number, name in enumerate(("cat/a.png", "cat/b.png", "dog/a.png", "dog/b.png")):
        picture(folder / "photos" / name, seed=number)


def put(content: str | bytes) -> Callable[[Path], Any]:
    return lambda folder: write(folder, FILE, content)


def image(*shape: int) -> Callable[[Path], Any]:
    return lambda folder: picture(folder / FILE, shape)


def cut(folder: Path) -> None:
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:-20])


def deep(folder: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(folder / FILE)


@cases(
    Bad("missing folder", "E601", "there is no folder `photo`", "photo", replace=((PATH, "path: photo}"),)),
    Bad("a file", "E601", "`spec.yaml` is a file, expected a folder", "spec.yaml",
        replace=((PATH, "path: spec.yaml}"),)),
    Bad("outside", "E108", "`../photos` leads out of the spec's folder", "../photos",
        replace=((PATH, "path: ../photos}"),)),
    Bad("a link outside", "E108", "`photos/dog/c.png` is a link that leads out of the spec's folder", "photos", "",
        lambda f: (picture(f.parent / "c.png"), (f / "photos/dog/c.png").symlink_to("../../../c.png"))),
    Bad("missing column", "E602", "the source has no column `labels`", "labels",
        replace=(("animal: label", "animal: labels"),)),
    Bad("an empty class folder", "E608", "class folder `fish` holds no images", "photos", "photos/fish",
        lambda f: (f / "photos/fish").mkdir()),
    Bad("an empty folder", "E608", "folder `photos` holds no images", "photos", "photos",
        lambda f: (rmtree(f / "photos"), (f / "photos").mkdir())),
    Bad("a stray image", "E608", "`c.png` stands beside the class folders of `photos`", "photos", "photos/c.png",
        lambda f: picture(f / "photos/c.png")),
    Bad("empty file", "E608", "image `photos/dog/b.png` cannot be read", "photos", FILE, put("")),
    Bad("no image", "E608", "image `photos/dog/b.png` cannot be read", "photos", FILE, put("no image")),
    Bad("cut off", "E608", "image `photos/dog/b.png` is cut off: its end is missing", "photos", FILE, cut),
    Bad("16 bits", "E608", "image `photos/dog/b.png` has pixels of Pillow's mode I;16", "photos", FILE, deep),
    Bad("another size", "E608", "image `photos/dog/b.png` is 8×9, the first one is 8×8", "photos", FILE,
        image(8, 9, 3)),
    Bad("another number of channels", "E608", "image `photos/dog/b.png` has 1 channels, the first one has 3", "photos",
        FILE, image(8, 8)),
    Bad("an alpha channel", "E608", "image `photos/dog/b.png` has 4 channels, the first one has 3", "photos", FILE,
        image(8, 8, 4)),
    Bad("another shape than the model's", "E605",
        "input `image` has shape [8, 8, 3], the data (`image`) give [4, 4, 3]", "{path: photos, size: [4, 4]}",
        replace=((PATH, "path: photos, size: [4, 4]}"),)),
    Bad("grey for a model of colours", "E605", "input `image` has shape [8, 8, 3], the data (`image`) give [8, 8, 1]",
        "{path: photos, channels: 1}", replace=((PATH, "path: photos, channels: 1}"),)),
    Bad("classes without units", "E604", "target `animal` has 3 classes, the output has 2", "label", "",
        lambda f: picture(f / "photos/fish/a.png")),
    Bad("one class only", "E604", "target `animal` has a single class, `cat`", "label", "",
        lambda f: rmtree(f / "photos/dog")),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    folder.mkdir()
    expect(bad, folder, good, SPEC)


def test_a_good_folder(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
