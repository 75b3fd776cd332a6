"""Adapters: what learns, what is saved, and that it is what Keras's own `enable_lora` does by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_iris

from dlspec.backends.keras.build import build
from dlspec.graph.facts import facts
from dlspec.graph.needs import Setup, training
from dlspec.passes import compile_spec
from dlspec.training.loop import phases
from dlspec.training.loop.adapting import Adapting
from tests.crash.results import different, results
from tests.killing import epochs_are_there, kill_when
from tests.support import rows_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# Every layer that takes an adapter, in the spec itself, in a block and in a model.
LAYERS = """
inputs: {words: {shape: [6], dtype: int32}, image: [8, 8, 3]}
blocks: {Part: {layers: [{dense: {units: 12, name: wide}}, {layer_normalization: {name: norm}}]}}
models:
  Inner: {inputs: {x: [6, 12]}, layers: [{dense: {units: 12, name: deep}}, {batch_normalization: {name: scale}}]}
layers:
  - embedding: {input_dim: 20, output_dim: 12, name: vectors, from: words}
  - Part: {name: part}
  - multi_head_attention: {from: [part, part], num_heads: 2, key_dim: 5, use_gate: true, name: attention}
  - group_query_attention:
      {from: [attention, attention], head_dim: 4, num_query_heads: 4, num_key_value_heads: 2, name: grouped}
  - Inner
  - time_distributed: {layer: {dense: 7}, name: each}
  - einsum_dense: {equation: "abc,cde->abde", output_shape: [6, 3, 4], bias_axes: de, name: einsum}
  - flatten: {name: text}
  - conv2d: {from: image, filters: 6, kernel_size: 3, groups: 3, name: conv}
  - flatten: {name: picture}
  - concatenate: {from: [text, picture]}
  - dense: {units: 5, activation: softmax, name: answer}
train: {loss: sparse_categorical_crossentropy, adapters: {lora: {rank: 2, lora_alpha: 3, trains: answer}}}
"""
PLACES = [
    "vectors", "part.wide", "attention.query", "attention.key", "attention.gate", "attention.value",
    "attention.attention_output", "grouped.query", "grouped.key", "grouped.value", "grouped.attention_output", "each",
    "einsum", "conv", "Inner.deep",
]  # fmt: skip


def checked(folder: Path, text: str, **options: Any) -> Any:
    path = folder / "a.yaml"
    path.write_text(text)
    state = compile_spec(path, tuple(f"train.adapters.lora.{name}={value}" for name, value in options.items()))
    assert not state.diagnostics.errors, state.diagnostics.errors
    return state


def adapting(state: Any) -> tuple[Any, Adapting]:
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = build(state.training_graph)
    made = Adapting(state.method, model)
    made.begin()
    return model, made


def count(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def names(weights: list[Any]) -> list[str]:
    return [weight.path for weight in weights]


@pytest.mark.parametrize(
    "layers", ["null", "attention", "'*.query'", "[Inner, each]", "'Inner.*'", "part", "[conv, vectors]"]
)
def test_what_is_counted_learns(layers: str, tmp_path: Path) -> None:
    state = checked(tmp_path, LAYERS, layers=layers)
    model, _ = adapting(state)
    adapters = facts(state.training_graph, "a", state.adapted)["adapters"]
    assert adapters["trainable"] == count(model.trainable_weights)
    assert adapters["total"] == count(model.weights)
    answer = count(model.get_layer("answer").weights)
    assert adapters["parameters"] == adapters["trainable"] - answer > 0
    static = [weight.shape for node in state.method.learning(state.training_graph).nodes for weight in node.weights]
    assert sorted(static) == sorted(tuple(weight.shape) for weight in model.weights)
    assert not any("moving" in path or "gamma" in path for path in names(model.trainable_weights))


def test_every_layer_that_can_takes_one(tmp_path: Path) -> None:
    state = checked(tmp_path, LAYERS)
    assert [site.name for site in state.adapted.sites] == PLACES
    model, _ = adapting(state)
    assert sum("lora" in path for path in names(model.trainable_weights)) == 2 * len(PLACES)
    named = [name for some in state.method.weight_names.values() for name in some]
    assert "attention.query.lora_kernel_a" in named and "vectors.lora_embeddings_b" in named
    assert [item.code for item in state.diagnostics.items] == ["W632"]


def inputs() -> list[Any]:
    random = np.random.default_rng(3)
    return [random.integers(0, 20, (4, 6)), random.normal(size=(4, 8, 8, 3)).astype("float32")]


def learnt(model: Any) -> None:
    random = np.random.default_rng(2)
    for weight in model.trainable_weights:
        weight.assign(random.normal(size=weight.shape) * 0.3)


def test_a_saved_model_answers_alike_and_is_an_ordinary_one(tmp_path: Path) -> None:
    model, made = adapting(checked(tmp_path, LAYERS))
    learnt(model)
    before, weights, flags = model(inputs()), model.get_weights(), [w.trainable for w in model.weights]
    with made.merged():
        model.save(tmp_path / "a.keras")
    saved = keras.saving.load_model(tmp_path / "a.keras")
    keras.backend.clear_session()
    plain = build(compile_spec(tmp_path / "a.yaml").graph)
    assert saved.to_json() == plain.to_json()
    assert [tuple(w.shape) for w in saved.weights] == [tuple(w.shape) for w in plain.weights]
    assert len(saved.trainable_weights) == len(plain.trainable_weights)
    np.testing.assert_allclose(saved(inputs()), before, atol=1e-6)
    # Training goes on as if nothing had been saved.
    assert [w.trainable for w in model.weights] == flags
    assert all(np.array_equal(one, other) for one, other in zip(model.get_weights(), weights, strict=True))
    answers = model.predict(inputs(), verbose=0)
    made.merge()
    np.testing.assert_allclose(model.predict(inputs(), verbose=0), answers, atol=1e-6)
    np.testing.assert_allclose(model(inputs()), answers, atol=1e-6)


def test_memory_is_that_of_what_learns(tmp_path: Path) -> None:
    state = checked(tmp_path, LAYERS)
    ((mover,),) = state.method.learning_phases(state.training_graph)
    needs = dict(training(state.method.learning(state.training_graph), [mover], Setup(1)).parts)
    assert needs["what `adam` keeps of them"] == 2 * 4 * state.adapted.trainable


def test_phases_let_adapters_rest_and_further_layers_learn(tmp_path: Path) -> None:
    later = (
        ", phases: {first: {epochs: 1, freeze: attention}, second: {epochs: 1, unfreeze: [attention, part, Inner]}}}"
    )
    state = checked(tmp_path, LAYERS.rstrip().removesuffix("}") + later, layers="[attention.query, Inner, conv]")
    model, made = adapting(state)
    always = {"conv/lora_kernel_a", "conv/lora_kernel_b", "answer/kernel", "answer/bias"}
    inner = {"deep/lora_kernel_a", "deep/lora_kernel_b"}
    first, second = state.method.training_phases.values()
    phases.choose(model, first, state.method.layer_names, made)
    assert set(names(model.trainable_weights)) == always | inner
    phases.choose(model, second, state.method.layer_names, made)
    assert set(names(model.trainable_weights)) == always | inner | {
        "attention/query/lora_kernel_a", "attention/query/lora_kernel_b", "part.wide/kernel", "part.wide/bias",
        "part.norm/gamma", "part.norm/beta", "scale/gamma", "scale/beta",
    }  # fmt: skip


BASE = """
name: base
inputs: {x: [4]}
layers:
  - dense: {units: 16, activation: relu, kernel_regularizer: {l2: 0.01}, name: body}
  - batch_normalization: {name: norm}
  - dropout: 0.2
  - dense: {units: 3, activation: softmax, name: species}
data: {source: {sklearn: iris}, inputs: {x: data}, targets: {species: target}, split: {validation: 0.2}, batch_size: 16}
train: {loss: sparse_categorical_crossentropy, epochs: 2, optimizer: {adam: 0.01}}
"""
LORA = """
extends: base.yaml
name: lora
train:
  start_from: base.keras
  adapters: {lora: {rank: 2, lora_alpha: 6, layers: body, trains: species}}
  metrics: [accuracy]
  epochs: 4
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    (folder / "base.yaml").write_text(BASE)
    dlspec(folder, "train", "base.yaml", "--run", "base")
    return folder


@pytest.fixture
def iris(base: Path, tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "lora.yaml").write_text(LORA)
    shutil.copy(base / "base/model.keras", tmp_path / "base.keras")
    return tmp_path


def dlspec(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dlspec", *arguments, *(["--quiet"] if arguments[0] in ("train", "tune") else [])]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def report(run: Path) -> Any:
    return json.loads((run / "report.json").read_text())


def by_hand(folder: Path, batches: list[Any], epochs: int) -> Any:
    """A script of Keras alone."""
    model = keras.saving.load_model(folder / "base.keras", compile=False)
    model.get_layer("dropout").rate = 0
    body = model.get_layer("body")
    body.enable_lora(2, lora_alpha=6, a_initializer=keras.initializers.HeUniform(seed=0))
    body.bias.trainable = False
    model.get_layer("norm").trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.learning_rate = 0.01
    for x, y in batches * epochs:
        model.train_on_batch(x, y)
    return model


@pytest.mark.slow
def test_a_run_is_what_keras_does_by_hand(iris: Path) -> None:
    text = (
        (iris / "base.yaml")
        .read_text()
        .replace("  - dropout: 0.2\n", "")
        .replace("batch_size", "shuffle: false, batch_size")
    )
    (iris / "base.yaml").write_text(text)
    dlspec(iris, "train", "lora.yaml", "--run", "run", "--set", "train.keep=last")
    rows = rows_of(iris / "lora.yaml").train
    data = load_iris()
    x, y = data.data[rows].astype("float32"), data.target[rows]
    model = by_hand(iris, [(x[n : n + 16], y[n : n + 16]) for n in range(0, len(x), 16)], 4)
    trained = keras.saving.load_model(iris / "run/model.keras")
    for name in ("body", "norm", "species"):
        for one, other in zip(trained.get_layer(name).get_weights(), merged(model.get_layer(name)), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def merged(layer: Any) -> list[Any]:
    """The weights of a layer of Keras, its kernel with what its adapter learnt."""
    if not getattr(layer, "lora_enabled", False):
        return [np.asarray(value) for value in layer.get_weights()]
    return [np.asarray(layer.kernel), np.asarray(layer.bias)]


@pytest.mark.slow
def test_going_on_after_a_kill(iris: Path) -> None:
    command = [sys.executable, "-m", "dlspec", "train", "lora.yaml", "--quiet", "--set", "train.epochs=40"]
    command += ["--set", "train.checkpoint=0", "--set", "train.callbacks=[{early_stopping: {patience: 30}}]"]
    subprocess.run([*command, "--run", "whole"], check=True, capture_output=True, cwd=iris)
    for number in (4, 12):
        kill_when(epochs_are_there(iris / "cut", number), *command[3:], "--run", "cut", cwd=iris)
    subprocess.run([*command, "--run", "cut"], check=True, capture_output=True, cwd=iris)
    assert different(results(iris / "whole"), results(iris / "cut")) == []
    base, trained = (keras.saving.load_model(iris / name) for name in ("base.keras", "cut/model.keras"))
    change = trained.get_layer("body").get_weights()[0] - base.get_layer("body").get_weights()[0]
    assert np.linalg.matrix_rank(change, tol=1e-5) == 2
    for one, other in zip(trained.get_layer("norm").get_weights(), base.get_layer("norm").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    facts = report(iris / "cut")
    assert facts["method_facts"]["adapters"]["value"] == facts["model"]["adapters"]["trainable"] == 2 * 20 + 51


@pytest.mark.slow
def test_studies_and_searches_have_adapters_of_their_own(iris: Path) -> None:
    (iris / "many.yaml").write_text(LORA.replace("rank: 2", "rank: $rank").replace("lora_alpha: 6, ", "") + TUNED)
    said = dlspec(iris, "tune", "many.yaml")
    assert "2 completed, 0 failed" in said
    method = "train.method={k_fold: {folds: 2, keep: ensemble}}"
    dlspec(iris, "train", "lora.yaml", "--set", method, "--set", "train.epochs=1", "--run", "study")
    model = keras.saving.load_model(iris / "study/model/model.keras", compile=False)
    assert not any("lora" in weight.path for weight in model.weights)
    members = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    first, other = (member.get_layer("body").get_weights()[0] for member in members)
    plain = keras.saving.load_model(iris / "base.keras").get_layer("body").get_weights()[0]
    assert np.linalg.matrix_rank(first - plain, tol=1e-5) == 2 and np.abs(first - other).max() > 1e-4


TUNED = "params: {rank: {int: [1, 3]}}\ntune: {algorithm: random, trials: 2}\n"
# What is trained besides, and whether the matrices of the one adapter and `species` alone change then.
WAYS = {
    "mixed": "precision: mixed_bfloat16",
    "devices": "distribute: {mirrored: 2}",
    "fast": "speed: auto",
    "groups": 'optimizer: {adam: {learning_rate: 0.01, groups: {"*.lora_kernel_b": {learning_rate: 0.1}}}}',
    "averages": "optimizer: {adam: {learning_rate: 0.01, use_ema: true}}",
    "learners": "learners: {one: {trains: body, loss: sparse_categorical_crossentropy}, "
    "two: {trains: species, loss: sparse_categorical_crossentropy, every: 2}}",
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_whatever_trains_leaves_the_rest_as_it_is(way: str, iris: Path) -> None:
    key, _, value = WAYS[way].partition(": ")
    sets = [f"train.{key}={value}", *(["train.loss=null", "train.keep=last"] if way == "learners" else [])]
    dlspec(iris, "train", "lora.yaml", "--run", "run", *(part for each in sets for part in ("--set", each)))
    before, after = keras.saving.load_model(iris / "base.keras"), keras.saving.load_model(iris / "run/model.keras")
    changes = {
        one.path: float(np.abs(np.asarray(one) - np.asarray(other)).max())
        for one, other in zip(before.weights, after.weights, strict=True)
    }
    assert {path for path, change in changes.items() if change} == {"body/kernel", "species/kernel", "species/bias"}
