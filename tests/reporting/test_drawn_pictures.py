"""Pictures of a run: they show what the saved model answers, and change nothing about the training."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest
from PIL import Image

from dlspec.components.training.callbacks import Callback
from dlspec.passes import compile_spec
from dlspec.passes.state import Checked
from dlspec.training.generate import generate
from dlspec.training.loop.signals import Interrupted
from dlspec.training.run.report import Report, measures_table
from dlspec.training.run.resume import find
from dlspec.training.saved import open_run
from dlspec.training.train import request_of, run
from dlspec.views.pages import sheets
from dlspec.views.pages.drawn import between
from dlspec.views.pages.index import find_run
from tests.support import as_documented

pytestmark = [
    pytest.mark.slow,
    # Keras 3.15 with numpy 2 warns about what its own callbacks do.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

# An autoencoder whose decoder also draws: samples, reconstructions of two kinds, and answers that a label decides.
SPEC = """
name: maker
inputs:
  image: [8, 8, 1]
  code: {shape: [4], draw: normal}
  label: {shape: [], dtype: int64}
models:
  Decoder:
    inputs: {code: [4]}
    layers: [{dense: {units: 64, activation: sigmoid}}, {reshape: [8, 8, 1]}]
layers:
  - flatten: {from: image}
  - dense: 4
  - dropout: 0.2
  - Decoder: {name: again}
  - losses.mse: {from: [image, again], name: far}
  - Decoder: {from: code, name: drawn}
  - ops.one_hot: {from: label, num_classes: 4, name: asked}
  - Decoder: {from: asked, name: told}
  - Decoder: {from: asked, name: compared}
outputs: [drawn, again, told, compared]
data:
  source: {sklearn: digits}
  inputs:
    image: {column: images, prepare: [{rescaling: {scale: 1 / 16}}]}
    label: {column: target}
  targets: {compared: {column: images, prepare: [{rescaling: {scale: 1 / 16}}]}}
  split: {test: 0.8}
train: {minimize: far, loss: {compared: mse}, optimizer: {adam: 0.01}, epochs: 5}
"""


def trained(folder: Path, *, brief: bool = False, pressed: int | None = None) -> Report:
    """A run of the spec in `folder`, which may be interrupted when an epoch begins, and go on."""
    path = folder / "maker.yaml"
    path.write_text(SPEC, encoding="utf-8")
    state = compile_spec(path)
    assert isinstance(state, Checked), state.diagnostics.errors
    request = request_of(state.trainable())
    if pressed is not None:
        request = replace(request, method=request.method.changed(callbacks=(Press(pressed),)))
    place = find(folder / "runs", "maker", SPEC, run=folder / "here", new=False, force=False)
    return run(request, folder / "runs", location=place, brief=brief)


class Press(Callback):
    """Sends a signal to this process when an epoch begins."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def make(self, **extra: Any) -> Any:
        import keras

        outer = self

        class Presses(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == outer.epoch:
                    os.kill(os.getpid(), signal.SIGINT)

        return Presses()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return trained(tmp_path_factory.mktemp("maker"))


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "pictures").iterdir())}


def tile(folder: Path, name: str, row: int, column: int) -> Any:
    """The pixels of one picture of a sheet: tiles of 96, 6 apart, each pixel of 8 × 8 enlarged twelvefold."""
    with Image.open(folder / "pictures" / name) as image:
        return np.asarray(image)[6 + 102 * row + 6 :: 12, 6 + 102 * column + 6 :: 12, 0][:8, :8]


def as_bytes(values: Any) -> Any:
    return (255 * np.asarray(values, np.float64).reshape(8, 8)).round().astype(np.uint8)


def test_the_report_names_them(made: Report) -> None:
    as_documented("report", made.text())
    found = json.loads(made.text())["pictures"]
    assert {(one["output"], one["shows"]) for one in found} == {
        ("drawn", "samples"), ("drawn", "interpolations"), ("again", "reconstructions"), ("told", "samples"),
        ("compared", "reconstructions"),
    }  # fmt: skip
    assert {one["epoch"] for one in found} == {None, 1, 2, 3, 4, 5}
    assert sorted(Path(one["file"]).name for one in found) == sorted(pictures(made.folder))
    page = (made.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") - page.count('class="card') >= len(found) and "While it trained" in page


def test_samples_are_those_of_generate(made: Report) -> None:
    drawn = generate(open_run(find_run(str(made.folder), made.folder.parent)), 64, None, {})["drawn"]
    assert pictures(made.folder)["drawn-samples.png"] == sheets.png(sheets.sheet(sheets.images(drawn)))


def test_reconstructions_are_those_of_the_saved_model(made: Report) -> None:
    saved = open_run(find_run(str(made.folder), made.folder.parent))
    from sklearn.datasets import load_digits

    from dlspec.data.order.splits import choose

    table = saved.data.source.open(saved.folder)
    rows = choose(saved.data, table, 1797).test
    pick = rows[np.sort(np.random.default_rng(0).permutation(len(rows))[:64])]
    digits = load_digits()
    pick = pick[np.argsort(digits.target[pick], kind="stable")]
    raw = {"image": digits.images[pick][..., None], "code": np.zeros((64, 4)), "label": digits.target[pick]}
    answers = saved.model({name: raw[name] for name in saved.takes}, training=False)
    for number in (0, 5, 9):
        row, column = 2 * (number // 8), number % 8
        assert np.array_equal(
            tile(made.folder, "again-reconstructions.png", row, column), as_bytes(raw["image"][number] / 16)
        )
        given = tile(made.folder, "again-reconstructions.png", row + 1, column)
        assert np.abs(given.astype(int) - as_bytes(answers["again"][number])).max() <= 1
    told = tile(made.folder, "told-samples.png", 7, 7)
    assert np.abs(told.astype(int) - as_bytes(answers["told"][63])).max() <= 1


def test_interpolations_begin_and_end_at_samples(made: Report) -> None:
    for row in range(6):
        for end, column in ((2 * row, 0), (2 * row + 1, 7)):
            sample = tile(made.folder, "drawn-samples.png", end // 8, end % 8)
            assert np.abs(tile(made.folder, "drawn-interpolations.png", row, column).astype(int) - sample).max() <= 1


def test_the_way_between_draws_is_the_arc() -> None:
    random = np.random.default_rng(1)
    first, second = random.normal(size=(3, 2, 5)), random.normal(size=(3, 2, 5))
    found = between(first, second, [0.0, 0.25, 1.0]).reshape(3, 3, 10)
    for a, b, way in zip(first.reshape(3, 10), second.reshape(3, 10), found, strict=True):
        angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        quarter = (np.sin(0.75 * angle) * a + np.sin(0.25 * angle) * b) / np.sin(angle)
        assert np.allclose(way, [a, quarter, b])
    assert np.allclose(between(first, first, [0.5]), first.reshape(3, 2, 5))


def test_they_change_nothing_and_come_again_after_a_kill(made: Report, tmp_path: Path) -> None:
    for name in ("brief", "killed"):
        (tmp_path / name).mkdir()
    plain = trained(tmp_path / "brief", brief=True)
    with pytest.raises(Interrupted):
        trained(tmp_path / "killed", pressed=3)
    killed = trained(tmp_path / "killed", pressed=-1)
    assert not (plain.folder / "pictures").exists() and "pictures" not in plain.facts
    assert pictures(killed.folder) == pictures(made.folder)
    want = weights(made.folder)
    for other in (plain, killed):
        assert all(np.array_equal(a, b) for a, b in zip(want, weights(other.folder), strict=True))


def weights(folder: Path) -> list[Any]:
    return open_run(find_run(str(folder), folder.parent)).model.get_weights()


def test_many_measures_stand_below_each_other() -> None:
    few = measures_table({"train": {"loss": 1.0}, "test": {"loss": 2.0}})
    assert few == ["       loss", "train     1", "test      2"]
    many = {f"a_long_measure_{number}": float(number) for number in range(6)}
    lines = measures_table({"train": many, "test": many})
    assert lines[0].split() == ["train", "test"] and lines[1].split() == ["a_long_measure_0", "0", "0"]
    assert len(lines) == 7 and max(map(len, lines)) <= 80


@pytest.mark.skipif(browser.find() is None, reason="no Chromium: `apt-get install chromium`")
def test_a_browser_shows_them(made: Report, tmp_path: Path) -> None:
    program = browser.find()
    assert program is not None
    with browser.browser(program, tmp_path) as tab:
        for width in (1280, 400):
            tab.open(made.folder / "report.html", width)
            assert tab.ask(browser.LAYOUT) == [], width
        assert tab.messages == []
