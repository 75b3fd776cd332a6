"""Bad pairs of images and masks: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect
from builders import picture, write
from PIL import Image

from dlspec.core.errors import Problem
from dlspec.data.sources.image_masks import ImageMasks

SPEC = """\
inputs: {image: [8, 8, 3]}
layers:
  - rescaling: 1 / 255
  - conv2d: {filters: 3, kernel_size: 3, padding: same, activation: softmax}
data:
  source: {image_masks: {images: cells, masks: outlines}}
  targets: {mask: mask}
train: {loss: sparse_categorical_crossentropy}
"""
PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8) % 3


def good(folder: Path) -> None:
    (folder / "outlines").mkdir()
    for number, name in enumerate("abc"):
        picture(folder / f"cells/{name}.jpg", seed=number)
        mask(PIXELS, f"{name}.png")(folder)


def mask(pixels: np.ndarray, name: str = "b.png") -> Callable[[Path], Any]:
    return lambda folder: Image.fromarray(pixels).save(folder / "outlines" / name)


def cut(folder: Path) -> None:
    (folder / "outlines/b.png").write_bytes((folder / "outlines/b.png").read_bytes()[:-20])


def as_jpeg(folder: Path) -> None:
    Image.fromarray(PIXELS).save(folder / "outlines/b.jpg")
    (folder / "outlines/b.png").unlink()


VALUES = (("masks: outlines", "masks: outlines, values: [0, 1]"),)
SIZE = (("masks: outlines", "masks: outlines, size: [8, 8]"),)


@cases(
    Bad("missing folder", "E601", "there is no folder `outline`", "outline", replace=(("outlines", "outline"),)),
    Bad("outside", "E108", "`../cells` leads out of the spec's folder", "../cells", replace=(("cells", "../cells"),)),
    Bad("missing column", "E602", "the source has no column `masks`", "masks",
        replace=(("mask: mask", "mask: masks"),)),
    Bad("an empty folder", "E608", "folder `outlines` holds no masks", "outlines", "outlines",
        lambda f: (rmtree(f / "outlines"), (f / "outlines").mkdir())),
    Bad("no mask", "E608", "image `cells/b.jpg` has no mask in `outlines`", "cells", "cells/b.jpg",
        lambda f: (f / "outlines/b.png").unlink()),
    Bad("no image", "E608", "mask `outlines/d.png` has no image in `cells` (and 1 more like it)", "outlines",
        "outlines/d.png", lambda f: (mask(PIXELS, "d.png")(f), mask(PIXELS, "e.png")(f))),
    Bad("two of one name", "E608", "`cells/a.jpg` and `cells/a.png` have one name", "cells", "cells/a.png",
        lambda f: picture(f / "cells/a.png")),
    Bad("no mask inside", "E608", "image `outlines/b.png` cannot be read", "outlines", "outlines/b.png",
        lambda f: write(f, "outlines/b.png", "text")),
    Bad("empty file", "E608", "image `outlines/b.png` cannot be read", "outlines", "outlines/b.png",
        lambda f: write(f, "outlines/b.png", "")),
    Bad("cut off", "E608", "image `outlines/b.png` is cut off: its end is missing", "outlines", "outlines/b.png", cut),
    Bad("in colour", "E608", "mask `outlines/b.png` is no grey or palette image but RGB", "outlines", "outlines/b.png",
        mask(np.zeros((8, 8, 3), np.uint8))),
    Bad("JPEG", "E608", "mask `outlines/b.jpg` is a JPEG, which changes values", "outlines", "outlines/b.jpg", as_jpeg),
    Bad("another size", "E608", "image `outlines/b.png` is 8×7, the first one is 8×8", "outlines", "outlines/b.png",
        mask(PIXELS[:, :7])),
    Bad("another size than its image", "E608", "image `cells/b.jpg` is 8×8, its mask `outlines/b.png` 8×7", "outlines",
        "outlines/b.png", mask(PIXELS[:, :7]), SIZE),
    Bad("another number of channels", "E608", "image `cells/b.jpg` has 1 channels, the first one has 3", "cells",
        "cells/b.jpg", lambda f: picture(f / "cells/b.jpg", (8, 8))),
    Bad("a class outside the head", "E604", "target `mask` has label 7, the output has 3 classes, 0 to 2", "mask",
        "cells/b.jpg and outlines/b.png", mask(np.where(PIXELS == 1, 7, 0).astype(np.uint8))),
    Bad("a value without a class", "E608", "mask `outlines/a.png` has the value 2 at row 0, column 2", "mask",
        "outlines/a.png", replace=VALUES),
    Bad("one class only", "E604", "target `mask` has a single class, `0`: there is nothing to learn", "mask", "",
        lambda f: [mask(PIXELS * 0, f"{name}.png")(f) for name in "abc"]),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_good_folders(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
    assert diagnose(tmp_path, SPEC.replace(*SIZE[0])) == []
    table = ImageMasks(images="cells", masks="outlines", size=(4, 4), values=(2, 1, 0)).open(tmp_path)
    assert {name: (str(c.tensor), c.count) for name, c in table.columns.items()} == {
        "image": ("[4, 4, 3] uint8", 3), "mask": ("[4, 4] uint8", 3),
    }  # fmt: skip
    masks = table.take(["mask"], np.array([2, 0]))["mask"]
    nearest = np.asarray(Image.fromarray(PIXELS).resize((4, 4), Image.Resampling.NEAREST))
    assert (masks == 2 - nearest).all(), "no value between two classes arises"


def test_a_palette_is_read_as_its_indices(tmp_path: Path) -> None:
    good(tmp_path)
    image = Image.fromarray(PIXELS).convert("P")
    image.putdata(PIXELS.ravel().tolist())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "outlines/a.png")
    table = ImageMasks(images="cells", masks="outlines").open(tmp_path)
    assert (table.read(["mask"])["mask"][0] == PIXELS).all()


def test_values_are_bytes() -> None:
    with pytest.raises(Problem, match="`values` are different whole numbers from 0 to 255"):
        ImageMasks(images="a", masks="b", values=(0, 256)).validate()
