"""``python train.py`` of a generated project measures what ``dlspec train`` measures, epoch by epoch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.emit.project_cases import CASES
from tests.emit.projects import differences, emitted, predictions, raw_inputs, train_project, train_spec
from tests.support import ROOT

# Keras 3.15 with numpy 2 warns about its own conversion of every weight that it saves.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SPECS = sorted((ROOT / "specs" / "start").glob("*.yaml"))
# Sums over the features of one example may be taken in another order: the last bits of the curves differ.
CLOSE = 1e-5

_LAYERS = """
  - dense: {units: 8, activation: relu, name: hidden}
  - batch_normalization
  - dropout: 0.2
  - dense: {units: 3, activation: softmax, name: y}
"""
_TRAIN = "loss: sparse_categorical_crossentropy, metrics: [accuracy]"
WAYS = {
    "phases": "phases: {a: {epochs: 3, freeze: hidden}, b: {epochs: 2, unfreeze: hidden, optimizer: {sgd: 0.1}}}, "
    "callbacks: [{early_stopping: {patience: 0}}]",
    "averages": "optimizer: {adam: {learning_rate: 0.05, use_ema: true, ema_momentum: 0.9}}, epochs: 4",
    "warm_up": "optimizer: {adam: {learning_rate: {warm_up: {steps: 9, to: 0.02}}, clipnorm: 1}}, epochs: 3",
    "precision": "precision: mixed_bfloat16, epochs: 2",
    "groups": "optimizer: {loss_scale_optimizer: {inner_optimizer: {adamw: {learning_rate: {cosine_decay: "
    "{initial_learning_rate: 0.05, decay_steps: 20}}, global_clipnorm: 0.5, groups: {hidden: {learning_rate: 0.001}, "
    "'*.bias': {weight_decay: 0}}}}}}, epochs: 3",
    "adapters": "adapters: {lora: {rank: 2, lora_alpha: 5, layers: hidden, trains: y}}, "
    "phases: {a: {epochs: 2, freeze: y}, b: {epochs: 2, unfreeze: [y, batch_normalization]}}",
    "jit": "jit: true, epochs: 2",
    "callbacks": "epochs: 3, keep: last, monitor: val_accuracy, log: tensorboard, callbacks: [{reduce_lr_on_plateau: "
    "{patience: 0, factor: 0.5}}, {model_checkpoint: kept/best.keras}, {csv_logger: logs/a.csv}, tensor_board]",
}


def iris(train: str, layers: str = _LAYERS, data: str = "") -> str:
    """A spec that trains on iris."""
    return (
        f"name: iris\ninputs: {{x: [4]}}\nlayers:{layers}data:\n  source: {{sklearn: iris}}\n  inputs: {{x: data}}\n"
        f"  targets: {{y: target}}\n  split: {{validation: 0.2, test: 0.2, by: stratified}}\n{data}"
        f"train: {{{_TRAIN}, {train}}}\n"
    )


def compared(spec: Path, folder: Path, *overrides: str, inputs: Callable[[], Any] | None = None) -> dict[str, float]:
    """Trains both ways; the kept models agree on raw values: those of the rows unless `inputs` gives some."""
    state, _ = emitted(spec, folder / "project", *overrides)
    ours, run = train_spec(state, folder / "runs")
    theirs = train_project(folder / "project")
    raw = raw_inputs(state) if inputs is None else inputs()
    one, other = predictions(run / "model.keras", raw), predictions(folder / "project/output/model.keras", raw)
    for left, right in zip(_flat(one), _flat(other), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-4)
    return differences(ours, theirs)


def _flat(values: Any) -> list[Any]:
    import keras

    return list(keras.tree.flatten(values))


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.exhaustive] * (path.stem not in ("zones", "digits")))
        for path in SPECS
    ],
)
def test_the_same_curve(spec: Path, tmp_path: Path) -> None:
    found = compared(spec, tmp_path, "train.epochs=2")
    assert max(found.values()) <= CLOSE, found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "siamese" else pytest.mark.exhaustive)
        for name in ("siamese", "triplet", "skip_gram", "cbow", "characters")
    ],
)
def test_examples_out_of_rows(name: str, tmp_path: Path) -> None:
    found = compared(ROOT / f"specs/embeddings/{name}.yaml", tmp_path, "train.epochs=2", inputs=TWO_OF_A_KIND.get(name))
    assert max(found.values()) == 0, found


def two_pictures() -> Any:
    from sklearn.datasets import load_digits

    images = load_digits().images.astype("float32")
    return [images[:40], images[40:80]]


def two_texts() -> Any:
    import tensorflow as tf

    return [tf.constant(["the function", "a module of names"]), tf.constant(["of the class", "an object"])]


# Raw inputs of models that take two of what a row has.
TWO_OF_A_KIND = {"siamese": two_pictures, "skip_gram": two_texts}


@pytest.mark.parametrize("way", [pytest.param(way, marks=[pytest.mark.exhaustive] * (way != "phases")) for way in WAYS])
def test_ways_of_training(way: str, tmp_path: Path) -> None:
    path = tmp_path / "iris.yaml"
    path.write_text(iris(WAYS[way]), encoding="utf-8")
    found = compared(path, tmp_path)
    # XLA fuses the loops around the steps in different ways; Keras swaps averages by adding and subtracting them.
    assert max(found.values()) <= (1e-3 if way in ("jit", "averages") else 0), found
    if way == "callbacks":
        written = {
            file.relative_to(tmp_path / "project/output").parts[0] for file in (tmp_path / "project/output").rglob("*")
        }
        assert {"kept", "logs", "tensorboard", "history.csv", "model.keras"} <= written


@pytest.mark.slow
def test_layers_of_the_model_that_adapt(tmp_path: Path) -> None:
    path = tmp_path / "iris.yaml"
    path.write_text(iris("epochs: 2", "\n  - normalization" + _LAYERS), encoding="utf-8")
    assert max(compared(path, tmp_path).values()) == 0


@pytest.mark.slow
def test_a_spec_that_is_called_like_its_input(tmp_path: Path) -> None:
    """A model holds no two layers of one name: with a preparation, Keras could not save it."""
    spec = (
        iris("epochs: 1")
        .replace("name: iris", "name: x")
        .replace("x: data", "x: {column: data, prepare: [normalization]}")
    )
    (tmp_path / "spec.yaml").write_text(spec, encoding="utf-8")
    compared(tmp_path / "spec.yaml", tmp_path)


@pytest.mark.slow
def test_targets_in_other_units(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        "layers: [{dense: {units: 8, name: h}}, {dense: {units: 1, name: a}}, {dense: {units: 2, name: b, from: h}}]\n"
        "outputs: [a, b]\ndata:\n  source: {sklearn: diabetes}\n  inputs: {x: {columns: [age, bmi], prepare: "
        "[normalization]}}\n  targets: {a: {column: target, prepare: [{power: box_cox}, normalization]}, "
        "b: {columns: [target, s5], prepare: [{rescaling: {scale: [0.01, 1]}}]}}\n  split: {validation: 0.2}\n"
        "train: {loss: {a: mse, b: huber}, metrics: {a: [mae, r2_score], b: [mape]}, epochs: 2}\n",
        encoding="utf-8",
    )
    assert max(compared(path, tmp_path).values()) <= CLOSE


@pytest.mark.slow
def test_large_and_constant_columns_in_16_bits(tmp_path: Path) -> None:
    rows = "".join(f"{70_000 + 15_000 * row},5.5,{'yn'[row % 2]}\n" for row in range(60))
    (tmp_path / "a.csv").write_text("a,b,k\n" + rows, encoding="utf-8")
    path = tmp_path / "spec.yaml"
    path.write_text(
        "inputs: {x: [2]}\nlayers: [normalization, {dense: 8}, {dense: 2}, {ops.softmax: {name: y}}]\n"
        "data: {source: {csv: a.csv}, inputs: {x: {columns: [a, b]}}, targets: {y: k}, split: {validation: 0.2}}\n"
        "train: {loss: sparse_categorical_crossentropy, precision: mixed_float16, epochs: 2}\n",
        encoding="utf-8",
    )
    assert max(compared(path, tmp_path).values()) == 0  # neither NaN, nor a variance of 0 in one of the two


_WORDS = """
  - ops.cast: int32
  - embedding: {input_dim: %d, output_dim: 4}
  - flatten
  - dense: {units: 3, activation: softmax, name: y}
"""


@pytest.mark.slow
@pytest.mark.parametrize("rows", [10, 1200])
def test_embeddings_whose_rows_stand_several_times_in_a_batch(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "iris.yaml"
    path.write_text(iris("epochs: 2, optimizer: {adam: {learning_rate: 0.05, clipnorm: 0.1}}", _WORDS % rows))
    assert max(compared(path, tmp_path).values()) == 0
    state, files = emitted(path, tmp_path / "other", "train.embedding_gradients=by_use")
    assert "summed_rows" not in files["train.py"] and state.method is not None
    by_use, _ = train_spec(state, tmp_path / "runs")
    assert max(differences(by_use, train_project(tmp_path / "project")).values()) > 0


@pytest.mark.slow
def test_text_that_the_model_itself_prepares(tmp_path: Path) -> None:
    lines = "".join(f"{'good' if row % 2 else 'bad'} {row % 5},{'yes' if row % 2 else 'no'}\n" for row in range(60))
    (tmp_path / "a.csv").write_text("text,kind\n" + lines, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(
        "inputs: {x: {shape: [], dtype: string}}\nlayers:\n"
        "  - text_vectorization: {max_tokens: 12, output_mode: multi_hot, pad_to_max_tokens: true}\n"
        "  - dense: {units: 2, activation: softmax}\n"
        "data: {source: {csv: a.csv}, inputs: {x: text}, targets: {y: kind}, split: {validation: 0.2}}\n"
        f"train: {{{_TRAIN}, epochs: 2}}\n",
        encoding="utf-8",
    )
    assert max(compared(tmp_path / "spec.yaml", tmp_path).values()) == 0


@pytest.mark.slow
def test_one_of_two_outputs_trains(tmp_path: Path) -> None:
    path = tmp_path / "iris.yaml"
    layers = _LAYERS + "  - dense: {units: 1, from: hidden, name: z}\noutputs: [z, y]\n"
    text = iris("epochs: 2", layers).replace("loss: sparse", "loss: {y: sparse").replace("tropy, m", "tropy}, m")
    path.write_text(text.replace("metrics: [accuracy]", "metrics: {y: [accuracy]}"), encoding="utf-8")
    assert max(compared(path, tmp_path).values()) == 0


@pytest.mark.slow
def test_weights_of_a_saved_model(tmp_path: Path) -> None:
    path = tmp_path / "iris.yaml"
    path.write_text(iris("epochs: 1"), encoding="utf-8")
    state, _ = emitted(path, tmp_path / "first")
    _, run = train_spec(state, tmp_path / "runs")
    (run / "model.keras").rename(tmp_path / "base.keras")
    path.write_text(iris("epochs: 2, start_from: base.keras"), encoding="utf-8")
    assert max(compared(path, tmp_path).values()) == 0


@pytest.mark.slow
@pytest.mark.parametrize("form", [".keras", ".weights.h5", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_weights_in_order(form: str, tmp_path: Path) -> None:
    """Of a model with other names; the layers of a model inside take some as well."""
    import keras

    x = keras.Input((4,))
    y = keras.layers.BatchNormalization()(keras.layers.Dense(8, activation="relu")(x))
    base = keras.Model(x, keras.layers.Dense(3)(keras.layers.Dense(8, activation="relu")(y)))
    file = tmp_path / f"base{form}"
    base.save_weights(file) if form == ".weights.h5" else base.save(file)
    layers = _LAYERS.replace("  - dropout: 0.2\n", "  - Inner\n")
    start = f"epochs: 2, start_from: {{file: base{form}, match: order, layers: [hidden, batch_normalization, Inner]}}"
    text = iris(start, layers).replace(
        "layers:", "models:\n  Inner: {inputs: {z: [8]}, layers: [{dense: 8}]}\nlayers:", 1
    )
    path = tmp_path / "iris.yaml"
    path.write_text(text.replace("name: hidden}", "name: hidden, trainable: false}"), encoding="utf-8")
    assert max(compared(path, tmp_path).values()) == 0
    trained = keras.models.load_model(tmp_path / "project/output/model.keras", compile=False)
    for one, other in zip(trained.get_layer("hidden").get_weights(), base.layers[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_in_a_process_that_has_no_dlspec(tmp_path: Path) -> None:
    """As a user runs it, in the project's folder; an import of dlspec would fail."""
    emitted(ROOT / "specs/start/zones.yaml", tmp_path / "project", "train.epochs=1")
    (tmp_path / "blocked").mkdir()
    blocker = "import sys\n\nsys.modules['dlspec'] = None\n"
    (tmp_path / "blocked" / "sitecustomize.py").write_text(blocker, encoding="utf-8")
    variables = {**os.environ, "PYTHONPATH": str(tmp_path / "blocked"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    folder = str(ROOT / "specs" / "start")
    command = [sys.executable, "train.py", "--data", folder]
    done = subprocess.run(
        command, cwd=tmp_path / "project", env=variables, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "project" / "output" / "model.keras").is_file()
    assert [line.split()[0] for line in done.stdout.splitlines()[-3:]] == ["train", "validation", "test"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("weights_of_examples")])
def test_examples_that_count_differently(name: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    text = CASES[name](tmp_path)
    path.write_text(text if "metrics" in text else text.replace("epochs: 2", "epochs: 2, metrics: [accuracy]"), "utf-8")
    found = compared(path, tmp_path)
    assert max(found.values()) <= CLOSE, found
    assert "weighted_metrics" in (tmp_path / "project/train.py").read_text(encoding="utf-8")
