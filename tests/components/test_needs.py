"""What training takes: what Keras's optimizers keep, what is measured, and what is said before it is allocated."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from written import of, of_example

from dlspec.cli.main import run
from dlspec.components.registry import Component, Example
from dlspec.core.ir import show_bytes
from dlspec.graph.needs import MOST_TEMPORARIES, TENSORFLOW
from dlspec.passes import compile_spec
from dlspec.passes.memory import training_needs
from tests.support import ROOT

OPTIMIZERS = [(owner, example) for owner in of("optimizer") for example in owner.examples]
INPUTS = {"rows": "{shape: [4], dtype: int32}", "numbers": "[1000]", "images": "[160, 160, 3]"}
LAYERS = {
    "many rows": ("rows", "{embedding: {input_dim: 40000, output_dim: 1000}}, flatten, {dense: 1}"),
    "long rows": ("rows", "{embedding: {input_dim: 30, output_dim: 1200000}}, global_average_pooling1d, {dense: 1}"),
    "matrix": ("numbers", "{dense: {units: 40000, name: wide}}, {dense: {units: 1, name: dense}}"),
    "values": (
        "images",
        "{repeat: {times: 3, layers: [{conv2d: {filters: 64, kernel_size: 3}}, batch_normalization, re_lu]}}, "
        "global_average_pooling2d, {dense: 1}",
    ),
}


def spec(folder: Path, layers: str, optimizer: str, batch: int = 8) -> Path:
    """A spec with its data, 32 examples."""
    chance = np.random.default_rng(0)
    rows, numbers = chance.integers(0, 30, (32, 4)), chance.random((32, 1000)).astype("float32") / 100
    images = (chance.random((32, 160, 160, 3)) / 10).astype("float32")
    np.savez(folder / "d.npz", rows=rows, numbers=numbers, images=images, y=numbers[:, :1])
    column, chain = LAYERS[layers]
    (folder / "spec.yaml").write_text(
        f"inputs: {{x: {INPUTS[column]}}}\nlayers: [{chain}]\n"
        f"data: {{source: {{npz: d.npz}}, inputs: {{x: {column}}}, targets: {{dense: y}}, batch_size: {batch}}}\n"
        f"train: {{loss: mse, epochs: 1, optimizer: {optimizer}}}\n"
    )
    return folder / "spec.yaml"


def test_no_initializer_takes_more_than_the_most() -> None:
    assert max(getattr(owner, "temporaries", 0) for owner in of("initializer")) == MOST_TEMPORARIES


@pytest.mark.parametrize(("owner", "example"), OPTIMIZERS, ids=lambda one: getattr(one, "registered_name", str(one)))
def test_copies_are_those_of_keras(owner: type[Component], example: Example) -> None:
    import keras

    optimizer = of_example(owner, example)
    made = optimizer.make()
    made.build([keras.Variable(np.zeros((7, 5), "float32"), name="kernel")])
    inner = getattr(made, "inner_optimizer", made)
    assert optimizer.copies == sum(tuple(one.shape) == (7, 5) for one in inner.variables)


def limited(command: str, path: Path, megabytes: int) -> subprocess.CompletedProcess[str]:
    """A command of dlspec with so much memory."""
    shell = f"ulimit -v {megabytes * 1000}; exec {sys.executable} -m dlspec {command} {path}"
    return subprocess.run(["bash", "-c", shell], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True)


def test_training_that_does_not_fit_is_said_where_building_does(tmp_path: Path) -> None:
    path = spec(tmp_path, "matrix", "adam")
    assert limited("check", path, 1800).returncode == 0
    for command in ("check", "train"):
        found = limited(command, path, 1200)
        told = found.stdout + found.stderr
        assert found.returncode == 1, told
        assert "error[E416]: training takes " in told and " for what `adam` keeps of them" in told
    assert limited("check", spec(tmp_path, "matrix", "sgd"), 1300).returncode == 0


def test_what_check_says_of_large_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(spec(tmp_path, "matrix", "adam"))]) == 0
    weights = 4 * (1000 * 40000 + 40000 + 40000 + 1)
    total = show_bytes(TENSORFLOW + (1 + 2 + 1 + 3) * weights)  # weights, Adam's, the best epoch, a checkpoint
    assert capsys.readouterr().out.endswith(f"FLOPs; training takes {total} at least\n")


def test_a_batch_that_does_not_fit(tmp_path: Path) -> None:
    found = limited("check", spec(tmp_path, "values", "sgd", 32), 1300)
    assert "for values of a batch of 32\n" in found.stdout
    wanted = re.search(r"take a `batch_size` of at most (\d+)", found.stdout)
    assert wanted is not None
    assert limited("check", spec(tmp_path, "values", "sgd", int(wanted[1])), 1300).returncode == 0


@pytest.mark.parametrize(
    ("train", "times"),
    [
        # Weights, what the optimizer keeps, and gradients with the step's arrays, or the best epoch with a checkpoint.
        ("optimizer: adam", 3 + 4), ("optimizer: adam, keep: last", 3 + 3), ("optimizer: sgd, keep: last", 1 + 3),
        ("optimizer: adam, distribute: {mirrored: 2}", 2 * 3 + 2 * 3), ("optimizer: sgd, jit: true", 1 + 2),
        (
            "optimizer: sgd, phases: {a: {epochs: 1, freeze: wide}, b: {epochs: 1, unfreeze: wide, optimizer: adam}}",
            3 + 4,
        ),
        ("optimizer: adam, phases: {a: {epochs: 1, freeze: wide}}", 1 + 2),
    ],
)  # fmt: skip
def test_what_decides(train: str, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    path = spec(tmp_path, "matrix", "sgd")
    path.write_text(path.read_text().replace("epochs: 1, optimizer: sgd", train))
    state = compile_spec(path)
    assert state.diagnostics.errors == []
    need = training_needs(state)
    assert need is not None
    assert (need.total - TENSORFLOW) / (4 * 1000 * 40000) == pytest.approx(times, rel=0.03)


LEARNERS = """
inputs: {x: [1000]}
models:
  Wide: {inputs: {v: [1000]}, layers: [{dense: 40000}, {dense: 1}]}
  Narrow: {inputs: {v: [1000]}, layers: [{dense: 20000}, {dense: 1}]}
layers:
  - Wide: {from: x, name: high}
  - Narrow: {from: x, name: low}
  - losses.mean_squared_error: {y_true: 1, from: high, name: up}
  - losses.mean_squared_error: {y_true: 0, from: low, name: down}
outputs: [high, low]
data: {source: {npz: d.npz}, inputs: {x: numbers}, batch_size: 8}
train:
  epochs: 1
  learners:
    wide: {trains: Wide, minimize: up, optimizer: OPTIMIZER}
    narrow: {trains: Narrow, minimize: down, optimizer: adam}
"""


def learners_spec(folder: Path, optimizer: str) -> Path:
    """A spec of two learners that train 40 and 20 million weights, with its data."""
    path = spec(folder, "matrix", "sgd")
    path.write_text(LEARNERS.replace("OPTIMIZER", optimizer))
    return path


@pytest.mark.parametrize(("optimizer", "kept"), [("sgd", 0), ("{sgd: {momentum: 0.9}}", 1), ("adam", 2)])
def test_each_learner_has_an_optimizer_of_its_own(optimizer: str, kept: int, tmp_path: Path) -> None:
    state = compile_spec(learners_spec(tmp_path, optimizer))
    assert state.diagnostics.errors == []
    need = training_needs(state)
    assert need is not None
    wide, narrow = (4 * (1000 * units + 2 * units + 1) for units in (40000, 20000))
    assert dict(need.parts)["weights"] == wide + narrow
    slots = sum(size for what, size in need.parts if " keeps of them" in what)
    assert slots == kept * wide + 2 * narrow
    copied = wide + narrow + slots
    # Without `monitor` the last epoch is kept: the larger of a checkpoint and the larger step.
    step = wide + 2 * 4 * 1000 * 40000
    assert need.total == TENSORFLOW + copied + max(copied, step)


@pytest.mark.exhaustive
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "lion"])
@pytest.mark.parametrize("layers", LAYERS)
def test_measured(layers: str, optimizer: str, tmp_path: Path) -> None:
    """What is said is no more than what is taken, and 60 % of it at least."""
    measured(spec(tmp_path, layers, optimizer, 32 if layers == "values" else 8))


def measured(path: Path) -> None:
    """Trains a spec and compares the most memory that it took with what `check` says."""
    need = training_needs(compile_spec(path))
    command = [sys.executable, "-m", "dlspec", "train", str(path), "--quiet", "--runs", str(path.parent / "runs")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # it does not know that it was waited for
    assert status == 0 and need is not None
    assert 0.6 * 1024 * used.ru_maxrss < need.total < 1024 * used.ru_maxrss


@pytest.mark.exhaustive
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_measured_with_learners(optimizer: str, tmp_path: Path) -> None:
    measured(learners_spec(tmp_path, optimizer))
