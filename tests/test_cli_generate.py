"""``dlspec generate``: new examples of a kept model, as files."""

from __future__ import annotations

import csv
import json
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlspec.cli.main import run
from tests.support import as_documented, asked

pytestmark = pytest.mark.slow

SPEC = """
name: maker
inputs:
  noise: {shape: [4], draw: normal}
  label: {shape: [1], dtype: int64}
  image: [8, 8, 1]
layers:
  - ops.cast: {from: label, dtype: float32, name: number}
  - concatenate: [noise, number]
  - dense: {units: 64, activation: sigmoid}
  - reshape: {target_shape: [8, 8, 1], name: drawn}
  - dense: {units: 1200, from: noise, activation: tanh, trainable: false}
  - reshape: {target_shape: [1200, 1], name: tone}
  - multiply: {from: [noise, noise], name: square}
  - conv2d: {filters: 1, kernel_size: 1, from: image, name: seen, trainable: false}
  - losses.mse: {from: [image, drawn], name: far}
outputs: [drawn, tone, square, seen]
data:
  source: {sklearn: digits}
  inputs:
    image: {column: images, prepare: [{rescaling: {scale: 1 / 16}}]}
    label: {column: target}
  split: {test: 0.9}
train: {minimize: far, optimizer: adam, epochs: 1}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("maker")
    (path / "maker.yaml").write_text(SPEC, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        assert run(["train", "maker.yaml"]) == 0
    return path


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(folder)
    yield


def test_pictures_sounds_and_tables(capsys: pytest.CaptureFixture[str]) -> None:
    text = asked(capsys, "generate", "maker", "--count", "5", "--where", "label=3", "-o", "a", "--format", "json")
    said = as_documented("output/generate", text)
    assert said["forms"] == {"drawn": "png", "tone": "wav", "square": "csv"}
    assert said["files"] == sorted(path.name for path in Path("a").iterdir()) and len(said["files"]) == 12
    with Image.open("a/drawn-0005.png") as image:
        assert image.size == (8, 8) and image.mode == "L"
    with Image.open("a/drawn-sheet.png") as sheet:
        assert sheet.size == (6 + 3 * 102, 6 + 2 * 102)
    with wave.open("a/tone-0001.wav") as sound:
        assert (sound.getnframes(), sound.getframerate(), sound.getnchannels()) == (1200, 16000, 1)
    rows = list(csv.reader(Path("a/square.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["square 0", "square 1", "square 2", "square 3"] and len(rows) == 6


def test_the_same_seed_gives_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("b1", "7"), ("b2", "7"), ("b3", "8")):
        asked(capsys, "generate", "maker", "--count", "2", "--seed", seed, "--where", "label=3", "-o", name)
    files = sorted(path.name for path in Path("b1").iterdir())
    assert all(Path("b1", name).read_bytes() == Path("b2", name).read_bytes() for name in files)
    assert not any(Path("b1", name).read_bytes() == Path("b3", name).read_bytes() for name in files)


def test_what_is_given_and_what_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    # Without a label, only what the noise alone gives is computed; the square tells which noise it was.
    asked(capsys, "generate", "maker", "--count", "3", "--as", "npz", "-o", "c1")
    assert sorted(path.name for path in Path("c1").iterdir()) == ["square.npz", "tone.npz"]
    asked(capsys, "generate", "maker", "--count", "3", "--as", "npz", "-o", "c2", "--where", "noise=[1, 2, 3, 4]")
    np.testing.assert_array_equal(np.load("c2/square.npz")["square"], [[1, 4, 9, 16]] * 3)
    asked(capsys, "generate", "maker", "--count", "3", "--as", "jsonl", "-o", "c3")
    rows = [json.loads(line)["square"] for line in Path("c3/square.jsonl").read_text(encoding="utf-8").splitlines()]
    np.testing.assert_allclose(rows, np.load("c1/square.npz")["square"], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--where", "labels=3"), "error[E523]: `labels` is no input of the model"),
        (("--where", "label=three"), "error[E523]: input `label` takes whole numbers, got `three`"),
        (("--where", "noise=[1, 2]"), "error[E523]: input `noise` has shape [4], `[1, 2]` has [2]"),
        (("--where", "label"), "error[E523]: `label` names no value of an input"),
        (("--where", "label=1", "--where", "label=2"), "error[E523]: `label` is given twice"),
        (("--as", "wav", "--where", "label=1"), "error[E524]: `drawn` is [8, 8, 1]: sounds are [samples]"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    assert run(["generate", "maker", "-o", "d", *arguments]) == 1
    assert said in capsys.readouterr().err
    assert not Path("d").exists()


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("e").mkdir()
    Path("e", "mine.txt").write_text("mine", encoding="utf-8")
    assert run(["generate", "maker", "-o", "e"]) == 2
    assert "`e` is not empty" in capsys.readouterr().err
    assert [path.name for path in Path("e").iterdir()] == ["mine.txt"]
