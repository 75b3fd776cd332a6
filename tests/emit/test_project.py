"""Generated projects: their data are those of ``dlspec train``, and their text is sound."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ruff.__main__ import find_ruff_bin

from dlspec.cli.main import main
from dlspec.components import registry
from dlspec.core import resources
from dlspec.data.order.order import Blocks
from dlspec.export.python.formatting import formatted
from dlspec.standalone import orders
from tests.emit import project_made, project_sequences, project_sources
from tests.emit.project_cases import CASES
from tests.emit.project_cases import spec as written
from tests.emit.projects import data_of, emitted
from tests.support import ROOT


def refusal(*arguments: str) -> str:
    """What the command line says when it ends with 1."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert end.value.code == 1
    return said.getvalue()


assert (
    project_sources.HOSTILE and project_made.pairs_and_a_row and project_sequences.pieces_with_a_context
)  # importing them has added their cases
TEMPLATES = resources.folder("templates") / "python"


@pytest.mark.parametrize(("kind", "folder"), [("source", "sources"), ("splitter", "splitters")])
def test_everything_has_a_template(kind: str, folder: str) -> None:
    names = set(registry.names(kind)) - {"excel", "join"}  # which no project reads
    assert names == {path.name.removesuffix(".py.jinja") for path in (TEMPLATES / folder).iterdir()}


# `random_pitch` sums up phases, which a graph and single operations round differently.
ROUNDED = {"folders_of_sounds": 1e-5}


@pytest.mark.parametrize("name", CASES)
def test_the_same_data(name: str, tmp_path: Path) -> None:
    """Inputs and targets of every part, and the batches of two epochs, bit for bit; numbers of sounds nearly so."""
    path = tmp_path / "spec.yaml"
    path.write_text(CASES[name](tmp_path), encoding="utf-8")
    state, files = emitted(path, tmp_path / "project", allow_code=True)
    for file, text in files.items():
        if file in ("data.py", "train.py"):
            assert text == formatted(text)
    ours, theirs = data_of(state, tmp_path / "project")
    assert ours.keys() == theirs.keys()
    for part, arrays in ours.items():
        assert len(arrays) == len(theirs[part])
        for one, other in zip(arrays, theirs[part], strict=True):
            if "epoch" in part and one.dtype == np.float32 and name in ROUNDED:
                np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDED[name], err_msg=part)
            else:
                np.testing.assert_array_equal(one, other, err_msg=part)


@pytest.mark.parametrize("window", [1, 20, 50, 1000])
def test_the_order_of_row_groups(window: int) -> None:
    """However many windows an epoch has, its order is that of training."""
    sizes = [17, 3, 30, 17, 8, 1, 17]
    for epoch in range(3):
        order = orders.by_windows(np.array(sizes), window, 7, epoch)
        np.testing.assert_array_equal(order, Blocks(sizes, window).order(7, epoch))


REFUSED = {
    "non_finite: rollback": "`export --project` does not support `non_finite: rollback`",
    "adapters: {lora: 1}, precision: mixed_bfloat16": (
        "`export --project` does not support `adapters` beside `precision`"
    ),
    "adapters: {lora: 1}, distribute: mirrored": "`export --project` does not support `adapters` beside `distribute`",
    "adapters: {lora: 1}, optimizer: {adam: {groups: {'*_b': {learning_rate: 0.1}}}}": (
        "`export --project` does not support `groups` beside `adapters`"
    ),
    "log: wandb": "`export --project` does not support `log: wandb`",
    "distribute: mirrored, optimizer: {adam: {clipnorm: 1}}": (
        "`export --project` does not support `clipnorm` beside `distribute`: Keras applies it on each device"
    ),
    "optimizer: {adam: {use_ema: true}}, keep: last, callbacks: [{early_stopping: {monitor: loss}}]": (
        "`export --project` does not support `keep: last` where a callback may end a training with moving averages"
    ),
}


@pytest.mark.parametrize("way", REFUSED)
def test_what_has_no_words_is_refused_before_anything_is_written(way: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(CASES["everything_trains"](tmp_path).replace("epochs: 2", way), encoding="utf-8")
    said = refusal("export", str(path), "--project", str(tmp_path / "project"))
    assert f"error[E705]: {REFUSED[way]}" in said
    assert not (tmp_path / "project").exists()


def test_weights_on_several_devices_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        CASES["weights_of_examples"](tmp_path).replace("epochs: 2", "epochs: 2, distribute: mirrored"), encoding="utf-8"
    )
    said = refusal("export", str(path), "--project", str(tmp_path / "project"))
    assert "error[E705]: `export --project` does not support `weight` beside `distribute`" in said


BESIDE_PAIRS = {
    "drawn inputs": ("more: [1]", "more: {shape: [1], draw: normal}"),
    "`class_weights`": ("y: same", "y: {column: kind, class_weights: balanced}"),
    "`augment`": ("columns: [a, b]", "columns: [a, b], augment: [{gaussian_noise: 0.1}]"),
}


@pytest.mark.parametrize("what", BESIDE_PAIRS)
def test_what_does_not_go_with_pairs_is_refused(what: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    text = CASES["pairs_and_a_row"](tmp_path).replace(*BESIDE_PAIRS[what])
    if what == "drawn inputs":
        text = text.replace(", more: b", "")
    if what == "`class_weights`":
        text = text.replace("units: 1, activation: sigmoid", "units: 3, activation: softmax").replace(
            "binary", "sparse_categorical"
        )
    path.write_text(text, encoding="utf-8")
    said = refusal("export", str(path), "--project", str(tmp_path / "project"))
    expected = (
        f"error[E705]: `export --project` does not support {what} beside examples made out of rows, as by `pairs`"
    )
    assert expected in said


def test_weights_beside_hidden_steps_are_refused(tmp_path: Path) -> None:
    text = CASES["hidden_ids_in_the_order_of_the_source"](tmp_path).replace("shuffle: false", "weight: yes")
    (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
    said = refusal("export", str(tmp_path / "spec.yaml"), "--project", str(tmp_path / "project"))
    what = "`weight` beside targets that are hidden steps of an input (`masked`)"
    assert f"error[E705]: `export --project` does not support {what}" in said


def test_broken_examples_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,kind\n1,2,x\n3,4,5,y\n5,6,y\n7,8,x\n", encoding="utf-8")
    data = "  source: {csv: a.csv}\n  inputs: {x: {columns: [a, b]}}\n  targets: {kind: kind}\n  bad: skip"
    (tmp_path / "spec.yaml").write_text(written(data), encoding="utf-8")
    said = refusal("export", str(tmp_path / "spec.yaml"), "--project", str(tmp_path / "project"))
    assert "a broken example that `bad: skip` leaves out (a.csv, line 3: 4 values, expected 3)" in said


# Together these hold every helper; each takes a second.
TYPED = (
    "row_groups", "folders_of_sounds", "images_with_masks", "records", "several_labels", "token_ids", "mixed_images",
    "lines_of_two_files", "grouped", "a_source_for_the_test", "a_function_that_yields", "bundled", "zones", "diabetes",
    "masks", "co2", "by_dates_with_a_gap", "two_texts_prepared_alike", "pieces_with_a_context",
)  # fmt: skip


@pytest.mark.slow
def test_linters_have_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every case and every spec of the start: ruff check and mypy; ``ruff format`` was asked for each above."""
    for name, case in CASES.items():
        folder = tmp_path / name
        folder.mkdir()
        for module in ("loading", "making"):  # the user's own, of which another test has imported some
            monkeypatch.delitem(sys.modules, module, raising=False)
        (folder / "spec.yaml").write_text(case(folder), encoding="utf-8")
        emitted(folder / "spec.yaml", tmp_path / "projects" / name, allow_code=True)
    for path in (ROOT / "specs" / "start").glob("*.yaml"):
        emitted(path, tmp_path / "projects" / path.stem)
    for folder in (tmp_path / "projects").iterdir():
        _silent([find_ruff_bin(), "check", "--isolated", "--no-cache", "."], folder)
    for name in TYPED:
        mypy = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--cache-dir", str(tmp_path / "cache"), "."]
        _silent(mypy, tmp_path / "projects" / name)


def _silent(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (folder.name, done.stdout)


SOURCES = {"folders_of_images": "image_folder", "images_with_masks": "image_masks", "images_of_a_table": "image_table"}


@pytest.mark.parametrize("name", SOURCES)
def test_images_too_large_for_memory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are decoded batch by batch; the arrays are the same."""
    monkeypatch.setattr(f"dlspec.data.sources.{SOURCES[name]}.STREAMED_FROM", 0)
    path = tmp_path / "spec.yaml"
    path.write_text(CASES[name](tmp_path).replace(", class_weights: balanced", ""), encoding="utf-8")
    state, files = emitted(path, tmp_path / "project")
    assert "Lazy(" in files["data.py"] and files["data.py"] == formatted(files["data.py"])
    ours, theirs = data_of(state, tmp_path / "project")
    for part, arrays in ours.items():
        for one, other in zip(arrays, theirs[part], strict=True):
            np.testing.assert_array_equal(one, np.asarray(other), err_msg=part)
