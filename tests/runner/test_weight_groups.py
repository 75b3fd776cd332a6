"""Groups of weights: each changes as an optimizer of its own would change it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from running import iris, small, train
from test_resume import Press

from dlspec.cli.main import run
from dlspec.components.methods.supervised import Supervised
from dlspec.components.registry import Component, declared
from dlspec.components.sections.training import Checkpoint, Group
from dlspec.components.sections.weight_groups import members, weight_names
from dlspec.components.training.callbacks import ReduceLROnPlateau
from dlspec.components.training.losses import SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import SGD, Adam, AdamW, LossScaleOptimizer
from dlspec.components.training.schedules import CosineDecay
from dlspec.components.training.update_rules import UpdateRule
from dlspec.passes import compile_spec
from dlspec.training.loop.compiling import made_optimizer
from dlspec.training.loop.signals import Interrupted
from dlspec.training.run.resume import find
from tests.crash.results import different, results

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RULES = [owner for owner in declared() if owner.kind == "optimizer" and issubclass(owner, UpdateRule)]
NAMES = {"first": ("first.kernel", "first.bias"), "species": ("species.kernel", "species.bias")}


def two_layers() -> Any:
    x = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="tanh", name="first")(x)
    return keras.Model(x, keras.layers.Dense(3, name="species")(hidden))


def start(model: Any) -> None:
    random = np.random.default_rng(1)
    model.set_weights([random.normal(size=weight.shape).astype("float32") for weight in model.get_weights()])


def gradients(step: int, model: Any) -> list[Any]:
    random = np.random.default_rng(step)
    return [keras.ops.convert_to_tensor(random.normal(size=w.shape).astype("float32")) for w in model.weights]


def grouped(optimizer: Component, model: Any) -> Any:
    how = Supervised(loss=SparseCategoricalCrossentropy(), optimizer=optimizer)
    how.weight_names = NAMES
    return made_optimizer(optimizer, how, model)


def steps(optimizer: Any, model: Any, numbers: tuple[int, ...], given: Any = gradients) -> list[Any]:
    """The weights after four steps, of which an optimizer changes some."""
    start(model)
    chosen = [model.weights[number] for number in numbers]
    optimizer.build(chosen)
    for step in range(4):
        values = given(step, model)
        optimizer.apply_gradients([(values[number], model.weights[number]) for number in numbers])
    return [np.asarray(model.get_weights()[number]) for number in numbers]


@pytest.mark.parametrize("owner", RULES, ids=lambda owner: owner.registered_name)
def test_every_optimizer_is_as_one_for_each_group(owner: type[UpdateRule]) -> None:
    groups = {
        "first.kernel": Group(learning_rate=0.002, weight_decay=0.3),
        "first": Group(learning_rate=0.07),
        "*.bias": Group(weight_decay=0.0),
    }
    model = two_layers()
    whole = steps(grouped(owner(learning_rate=0.02, weight_decay=0.1, groups=groups), model), model, (0, 1, 2, 3))
    own = {0: (0.002, 0.3), 1: (0.07, 0.1), 2: (0.02, 0.1), 3: (0.02, 0.0)}
    for number, (rate, decay) in own.items():
        options = {"learning_rate": rate, "weight_decay": decay}
        options |= {"adam_weight_decay": decay} if number in (0, 3) and "adam_weight_decay" in owner.fields else {}
        (alone,) = steps(owner(**options).make(), two_layers(), (number,))
        np.testing.assert_allclose(whole[number], alone, rtol=1e-6, atol=1e-7)


def test_gradients_are_clipped_together() -> None:
    groups = {"first": Group(learning_rate=1e-3)}
    model = two_layers()
    whole = steps(grouped(SGD(learning_rate=0.1, global_clipnorm=0.5, groups=groups), model), model, (0, 1, 2, 3))

    def clipped(step: int, other: Any) -> list[Any]:
        values = gradients(step, other)
        norm = np.sqrt(sum(float(keras.ops.sum(value**2)) for value in values))
        return [value * (0.5 / norm) for value in values]

    for number, rate in enumerate([1e-3, 1e-3, 0.1, 0.1]):
        (alone,) = steps(SGD(learning_rate=rate).make(), two_layers(), (number,), clipped)
        np.testing.assert_allclose(whole[number], alone, rtol=1e-5, atol=1e-6)


def test_a_schedule_rules_all_in_proportion() -> None:
    def cosine(rate: float) -> CosineDecay:
        return CosineDecay(initial_learning_rate=rate, decay_steps=4)

    model, groups = two_layers(), {"first": Group(learning_rate=0.01)}
    optimizer = LossScaleOptimizer(inner_optimizer=Adam(learning_rate=cosine(0.1), groups=groups), initial_scale=1.0)
    whole = steps(grouped(optimizer, model), model, (0, 1, 2, 3))
    for number, rate in enumerate([0.01, 0.01, 0.1, 0.1]):
        (alone,) = steps(Adam(learning_rate=cosine(rate)).make(), two_layers(), (number,))
        np.testing.assert_allclose(whole[number], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "base"),
    [
        ("{cosine_decay: {initial_learning_rate: 0, decay_steps: 9, warmup_target: 0.1, warmup_steps: 2}}", 0.1),
        ("{piecewise_constant_decay: {boundaries: [3], values: [0.2, 0.1]}}", 0.2),
        ("{warm_up: {steps: 3, to: {polynomial_decay: {initial_learning_rate: 0.3, decay_steps: 5}}}}", 0.3),
        ("{warm_up: {steps: 3, to: 0.4}}", 0.4),
        ("0.5", 0.5),
    ],
)  # fmt: skip
def test_the_rate_of_which_those_of_groups_are_shares(schedule: str, base: float, tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    optimizer = f"{{adam: {{learning_rate: {schedule}, groups: {{dense: {{learning_rate: 0.01}}}}}}}}"
    spec.write_text(f"inputs: {{x: [4]}}\nlayers: [{{dense: 3}}]\ntrain:\n  loss: mse\n  optimizer: {optimizer}\n")
    state = compile_spec(spec)
    assert state.method is not None and not state.diagnostics.items
    assert state.method.optimizers[0].rate_of("dense") == pytest.approx(0.01 / base)


def test_names_of_weights(tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(
        "inputs: {x: [6, 4]}\n"
        "blocks: {Part: {layers: [{dense: {units: 4, name: wide}}]}}\n"
        "models:\n"
        "  Inner: {inputs: {x: [6, 4]}, layers: [{dense: 4}]}\n"
        "  Outer: {inputs: {x: [6, 4]}, layers: [Inner, {batch_normalization: {name: norm}}]}\n"
        "layers:\n"
        "  - Outer\n"
        "  - Part: {name: part}\n"
        "  - multi_head_attention: {from: [part, part], num_heads: 2, key_dim: 2, name: attention}\n"
        "  - Inner\n"
    )
    graph = compile_spec(spec).graph
    named = weight_names(graph)
    assert named["part.wide"] == ("part.wide.kernel", "part.wide.bias")
    assert named["Inner.dense"] == ("Inner.dense.kernel", "Inner.dense.bias")
    assert named["Outer.norm"] == tuple(
        f"Outer.norm.{one}" for one in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    assert "attention.query.kernel" in named["attention"]
    everything = [name for names in named.values() for name in names]
    assert len(everything) == len(set(everything)) == 2 + 2 + 4 + 8
    chosen = members(dict.fromkeys(["attention.query*", "part", "*.bias", "attention"]), everything)
    assert chosen["attention.query*"] == ["attention.query.kernel", "attention.query.bias"]
    assert chosen["part"] == ["part.wide.kernel", "part.wide.bias"]
    assert chosen["*.bias"] == [
        "attention.key.bias",
        "attention.value.bias",
        "attention.attention_output.bias",
        "Inner.dense.bias",
    ]
    assert len(chosen["attention"]) == 3


def test_an_optimizer_without_groups_is_left_as_it_is() -> None:
    model = two_layers()
    made = grouped(AdamW(), model)
    assert not {"update_step", "_apply_weight_decay", "_get_current_learning_rate"} & vars(made).keys()


SPEC = """
name: iris
inputs: {x: [4]}
models:
  Backbone: {inputs: {x: [4]}, layers: [{dense: {units: 8, activation: relu}}, batch_normalization, {dropout: 0.2}]}
layers:
  - Backbone
  - dense: {units: 3, activation: softmax, name: species}
data: {source: {sklearn: iris}, inputs: {x: data}, targets: {species: target}, split: {validation: 0.2}, batch_size: 16}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adamw: {learning_rate: 0.02, groups: {"Backbone.*": {learning_rate: 1e-9}, "*.bias": {weight_decay: 0}}}}
  epochs: 2
"""


def small_groups(**options: Any) -> Supervised:
    groups = {"species": Group(learning_rate=0.002), "*.bias": Group(weight_decay=0.0)}
    given = {
        "loss": SparseCategoricalCrossentropy(), "optimizer": AdamW(learning_rate=0.05, groups=groups), "epochs": 4,
        "callbacks": (ReduceLROnPlateau(patience=0, factor=0.5, min_delta=0.1), options.pop("press", Press(epoch=-1))),
    }  # fmt: skip
    how = Supervised(**{**given, **options})
    how.weight_names = {"dense": ("dense.kernel", "dense.bias"), "species": ("species.kernel", "species.bias")}
    return how


@pytest.mark.slow
def test_a_run_that_is_interrupted_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    def go(folder: Path, **options: Any) -> Any:
        place = find(folder / "runs", "small", "name: small\n", run=None, new=False, force=False)
        keras.backend.clear_session()
        return train(folder, iris(batch_size=16), small_groups(**options), small, place=place)

    whole = results(go(tmp_path / "whole").folder)
    with pytest.raises(Interrupted):
        go(tmp_path / "cut", press=Press(epoch=2, step=3), checkpoint=Checkpoint(every=0))
    assert different(results(go(tmp_path / "cut").folder), whole) == []


@pytest.mark.slow
def test_weights_with_hardly_any_rate_stay_and_the_report_names_groups(tmp_path: Path) -> None:
    spec = tmp_path / "iris.yaml"
    spec.write_text(SPEC)
    assert run(["train", str(spec), "--runs", str(tmp_path / "runs")]) == 0
    (folder,) = (tmp_path / "runs" / "iris").iterdir()
    facts = json.loads((folder / "report.json").read_text())["method_facts"]
    assert [(fact["title"], fact["value"], fact["unit"]) for fact in facts.values()] == [
        ("group `Backbone.*`, learning rate 1e-09", 4, "weights"),
        ("group `*.bias`, weight decay 0", 1, "weight"),
    ]
    plain = keras.saving.load_model(folder / "model.keras")
    assert len(plain.weights) == 8
