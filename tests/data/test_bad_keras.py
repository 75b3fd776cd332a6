"""Mistakes with Keras's data sets: what is said of them, where; and what is said without a network."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect

from dlspec.data.sources.keras import SETS, Keras, cache_folder

SPEC = """\
inputs: {image: [28, 28, 1]}
layers:
  - rescaling: 1 / 255
  - flatten
  - dense: {units: 10, activation: softmax}
data:
  source: {keras: mnist}
  inputs: {image: {column: image}}
  targets: {digit: label}
  split: {validation: 0.1}
train: {loss: sparse_categorical_crossentropy}
"""
SET = "keras: mnist"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No set is cached, whatever the machine has."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def damaged(folder: Path) -> None:
    cache_folder().mkdir(parents=True)
    (cache_folder() / "mnist.npz").write_bytes(b"half of a download")


@cases(
    Bad("misspelt set", "E615", "`set` of keras cannot be `minst`", "minst", replace=((SET, "keras: minst"),)),
    Bad("no set", "E613", "keras needs `set`", "keras", replace=(("{keras: mnist}", "keras"),)),
    Bad("a number", "E614", "keras takes its options, got 10", "10", replace=((SET, "keras: 10"),)),
    Bad("unknown option", "E611", "unknown option of keras `size`", "size",
        replace=((SET, "keras: {set: mnist, size: 8}"),)),
    Bad("texts without a length", "E207", "texts of imdb differ in length", "imdb", replace=((SET, "keras: imdb"),)),
    Bad("a length of images", "E207", "`length` has no effect on mnist", "length",
        replace=((SET, "keras: {set: mnist, length: 100}"),)),
    Bad("words of images", "E207", "`num_words` has no effect on mnist", "num_words",
        replace=((SET, "keras: {set: mnist, num_words: 100}"),)),
    Bad("coarse labels of another set", "E207", "`label` has no effect on mnist", "label",
        replace=((SET, "keras: {set: mnist, label: coarse}"),)),
    Bad("no length", "E615", "`length` of keras must be at least 1", "0",
        replace=((SET, "keras: {set: imdb, length: 0}"),)),
    Bad("missing column", "E602", "the source has no column `images`", "images",
        replace=(("column: image", "column: images"),)),
    Bad("another shape than the model's", "E605",
        "input `image` has shape [28, 28, 1], the data (`image`) give [32, 32, 3]", "{column: image}",
        replace=((SET, "keras: cifar10"),)),
    Bad("a label outside the head", "E604", "target `digit` has label 9, the output has 9 classes, 0 to 8", "label",
        replace=(("units: 10", "units: 9"),)),
    Bad("text for numbers", "E603", "column `part` holds text (`train`), expected numbers", "part",
        replace=(("column: image", "column: part"),)),
    Bad("too few for a part", "E606", "1e-06 of 70000 examples is none", "1e-6",
        replace=(("validation: 0.1", "validation: 1e-6"),)),
    Bad("a damaged file in the cache", "E608", "`mnist.npz` in Keras's cache is not the file that Keras expects",
        "mnist", "", damaged),
)  # fmt: skip
def test_mistakes(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, lambda _: None, SPEC)


def test_a_good_spec_needs_no_file(tmp_path: Path) -> None:
    assert diagnose(tmp_path, SPEC) == []


@pytest.mark.parametrize("name", SETS)
def test_facts_agree_with_each_other(name: str) -> None:
    facts = SETS[name]
    assert not facts.members or sum(facts.members) == sum(facts.parts)
    assert facts.files
    source = Keras(set=name, length=20 if name in ("imdb", "reuters") else None)
    source.validate()
    table = source.open(Path())
    assert {column.count for column in table.columns.values()} == {sum(facts.parts)}
    assert [column.label for column in table.columns.values()] == [False, True, False]


def test_coarse_classes_and_places() -> None:
    table = Keras(set="cifar100", label="coarse").open(Path())
    assert (len(table.labels("label").values), sum(table.labels("label").counts)) == (20, 60000)
    assert table.where(3) == "Keras's cifar100, train 3"
    assert table.where(50003) == "Keras's cifar100, test 3"


READ = """
import sys
from pathlib import Path
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.keras import Keras
table = Keras(set=sys.argv[1]).open(Path())
try:
    arrays = table.read(["image", "label", "part"])
    print({name: (values.shape, values.dtype.name) for name, values in arrays.items()})
    print(arrays["image"][:, 0, 0].sum(), arrays["label"].sum(), (arrays["part"] == "train").sum())
except DataProblem as problem:
    print(problem.code, problem.message)
    print(problem.help)
"""


def read(name: str, home: Path) -> list[str]:
    """Reads a set in a process of its own, without a network."""
    environment = {**os.environ, "KERAS_HOME": str(home), "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    result = subprocess.run([sys.executable, "-c", READ, name], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return [line for line in result.stdout.splitlines() if "ownload" not in line]


@pytest.mark.slow
def test_without_a_network_the_file_is_named(tmp_path: Path) -> None:
    message, help = read("mnist", tmp_path)
    assert message.startswith("E601 `mnist.npz` is not in Keras's cache, and cannot be fetched: ")
    assert help == f"place it in `{tmp_path / 'datasets'}`"


@pytest.mark.slow
def test_files_in_the_cache_are_read_without_a_network(tmp_path: Path) -> None:
    folder = tmp_path / "datasets/fashion-mnist"
    folder.mkdir(parents=True)
    for part, count in (("train", 60000), ("t10k", 10000)):
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 0, 0] = 1
        for what, start, values in (("images-idx3", 16, images), ("labels-idx1", 8, np.full(count, 2, np.uint8))):
            with gzip.open(folder / f"{part}-{what}-ubyte.gz", "wb", 1) as out:
                out.write(bytes(start) + values.tobytes())
    shapes, sums = read("fashion_mnist", tmp_path)
    assert shapes == "{'image': ((70000, 28, 28), 'uint8'), 'label': ((70000,), 'int64'), 'part': ((70000,), 'object')}"
    assert sums == "70000 140000 60000"
