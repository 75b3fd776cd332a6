"""Several learners of one graph: each moves its own part, as a training loop written by hand does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_learners import Case, batches, trained_by_hand, trained_by_us, valid

from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.training import Learner
from dlspec.components.training.losses import Crossentropy
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.passes import compile_spec
from dlspec.passes.state import Checked
from dlspec.training.loop.compiling import precision, trainer
from dlspec.training.loop.steps import Steps
from dlspec.training.train import request_of, run

pytestmark = pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")


def agree(case: Case, state: Any) -> None:
    x, y = batches(state.method.seed)
    ours, model = trained_by_us(state, x, y)
    hand = trained_by_hand(case, state, x, y)
    distance = apart(ours, hand)
    if distance > 1e-6:  # a graph may enlarge what float32 rounds
        assert distance <= max(apart(hand, trained_by_hand(case, state, x, y, bits=bits)) for bits in range(5)), (
            case.text
        )
    optimizers = [learner.optimizer for learner in model.learners]
    assert optimizers[0] is not optimizers[1]
    assert not {id(one) for one in optimizers[0].variables} & {id(one) for one in optimizers[1].variables}
    targets = {} if not state.method.trained(["y"]) else y[0]
    for learner in model.learners:
        moves_nothing_else(model, learner, (x[0], targets))


def apart(one: Any, other: Any) -> float:
    """How far the variables of two models are apart at most."""
    pairs = zip(values_of(one), values_of(other), strict=True)
    return max(float(np.abs(mine - theirs).max()) for mine, theirs in pairs)


def values_of(model: Any) -> list[Any]:
    return [variable.numpy().astype("float64") for variable in model.variables]


def moves_nothing_else(model: Any, learner: Any, batch: Any) -> None:
    """One turn of a learner changes no bit of any variable of layers that it does not train."""
    mine = {id(variable) for layer in learner.trained for variable in layer.variables}
    others = [variable for variable in model.whole.variables if id(variable) not in mine]
    before = values(others)
    model.turn(learner, batch)
    assert values(others) == before


def test_weights_are_those_of_tapes_written_by_hand(tmp_path: Path) -> None:
    for case, state in valid(range(1000), tmp_path, 3):
        agree(case, state)


def test_what_check_counts_is_what_the_optimizers_keep(tmp_path: Path) -> None:
    for case, state in valid(range(2000), tmp_path, 3):
        _, model = trained_by_us(state, *batches(state.method.seed))
        (movers,) = state.method.learning_phases(state.training_graph)
        for learner, (optimizer, layers) in zip(model.learners, movers, strict=True):
            nodes = [node for node in state.training_graph.nodes if node.owner in layers]
            learnt = sum(weight.bytes for node in nodes for weight in node.weights if weight.trainable)
            kept = [variable for variable in learner.optimizer.variables if variable.name not in _COUNTERS]
            found = sum(variable.value.numpy().nbytes for variable in kept)
            assert found == optimizer.copies * learnt, case.text


# Of an optimizer as a whole.
_COUNTERS = {"iteration", "learning_rate"}


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(20))
def test_weights_of_two_hundred_specs_are_those_of_tapes_written_by_hand(part: int, tmp_path: Path) -> None:
    for case, state in valid(range(1000 * part, 1000 * part + 1000), tmp_path, 10):
        agree(case, state)


def two_parts(*, spectral: bool = True) -> Any:
    """A part that makes, another that judges, each with all that a pass through it changes."""
    import keras
    from keras import layers, ops

    def part(name: str, units: int) -> Any:
        x = keras.Input((4,))
        dense = layers.Dense(4)
        y = layers.BatchNormalization()((layers.SpectralNormalization(dense) if spectral else dense)(x))
        return keras.Model(x, layers.Dense(units)(layers.Dropout(0.3)(layers.LeakyReLU()(y))), name=name)

    keras.utils.set_random_seed(1)
    x, maker, judge = keras.Input((4,), name="x"), part("maker", 4), part("judge", 1)
    made = maker(x)
    error, verdict = ops.mean((made - x) ** 2, axis=-1), ops.softplus(judge(made))
    return keras.Model(x, {"made": made, "error": error, "verdict": verdict}, name="whole")


def learners(**more: Any) -> Supervised:
    maker = Learner(trains=("maker",), minimize={"error": 1.0, "verdict": -0.1}, optimizer=Adam(learning_rate=0.01))
    judge = Learner(trains=("judge",), minimize={"verdict": 1.0}, optimizer=SGD(learning_rate=0.1), every=3)
    return Supervised(learners={"maker": maker, "judge": judge}, **more)


def numbers(count: int) -> Any:
    return np.random.default_rng(0).normal(size=(count, 4)).astype("float32")


def steps_of(whole: Any, how: Supervised, x: Any, batch: int) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    model = trainer(whole, how, list(how.optimizers), ["made"])
    feed = tf.data.Dataset.from_tensor_slices((x, {})).batch(batch)
    return model, Steps(model, feed.element_spec), feed


def values(variables: Any) -> list[bytes]:
    return [variable.numpy().tobytes() for variable in variables]


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_learner_never_changes_what_it_does_not_train(jit: bool) -> None:
    whole = two_parts()
    maker, judge = whole.get_layer("maker"), whole.get_layer("judge")
    _, steps, feed = steps_of(whole, learners(jit=jit), numbers(30), 5)
    batches, before = iter(feed), (values(maker.variables), values(judge.variables))
    assert steps.train(batches, 2) == (2, True)
    assert all(one != other for one, other in zip(before[0], values(maker.variables), strict=True))
    assert before[1] == values(judge.variables), "it moves on batch 3: statistics, norms and draws are its own"
    assert steps.train(batches, 1) == (1, True)
    assert all(one != other for one, other in zip(before[1], values(judge.variables), strict=True))


def test_measures_are_means_over_examples_and_not_over_batches() -> None:
    whole, x = two_parts(), numbers(7)
    model, steps, feed = steps_of(whole, learners(), x, 3)
    model.reset_metrics()
    steps.test(iter(feed), 3)
    found = {name: float(value) for name, value in model.get_metrics_result().items()}
    outputs = {name: np.array(value) for name, value in whole(x, training=False).items()}
    error, verdict = outputs["error"].mean(), outputs["verdict"].mean()
    expected = {"maker_loss": error - 0.1 * verdict, "judge_loss": verdict, "error": error, "verdict": verdict}
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_learner_without_a_step_has_measured_nothing() -> None:
    model, steps, feed = steps_of(two_parts(), learners(), numbers(6), 3)
    model.reset_metrics()
    assert steps.train(iter(feed), 2) == (2, True)
    found = {name: float(value) for name, value in model.get_metrics_result().items()}
    assert np.isnan(found["judge_loss"]) and np.isfinite(found["verdict"])


def test_an_objective_that_is_not_finite_moves_nothing() -> None:
    whole, x = two_parts(), numbers(12)
    x[7] = np.inf
    _, steps, feed = steps_of(whole, learners(), x, 3)
    # Spectral normalization changes its kernel in the pass itself.
    moved = [one for name in ("maker", "judge") for one in whole.get_layer(name).layers[-1].variables]
    batches = iter(feed)
    assert steps.train(batches, 2) == (2, True)
    before = values(moved)
    assert steps.train(batches, 2) == (1, False)
    assert values(moved) == before


def test_masked_elements_do_not_count() -> None:
    import keras
    from keras import ops

    from dlspec.standalone.learning import mean_of

    words = keras.Input((3,), dtype="int32")
    found = keras.layers.Embedding(5, 2, mask_zero=True, embeddings_initializer="ones")(words)
    model = keras.Model(words, keras.layers.Dense(1, kernel_initializer="ones")(found))
    mean, count = mean_of(model(ops.array([[1, 0, 0], [1, 2, 0]])))
    assert (float(mean), float(count)) == (2.0, 3.0)


def test_sixteen_bits_scale_the_loss_of_each_learner() -> None:
    import keras

    how = learners(precision="mixed_float16")
    with precision("mixed_float16"):
        whole = two_parts(spectral=False)  # Keras's own overflows in 16 bits
    model, steps, feed = steps_of(whole, how, numbers(18), 3)
    assert all(isinstance(one.optimizer, keras.optimizers.LossScaleOptimizer) for one in model.learners)
    before = values(whole.get_layer("judge").trainable_variables)
    assert steps.train(iter(feed), 6) == (6, True)
    assert before != values(whole.get_layer("judge").trainable_variables)


@pytest.mark.parametrize(("units", "kind"), [(1, "BinaryCrossentropy"), (3, "SparseCategoricalCrossentropy")])
def test_the_word_crossentropy_means_what_the_output_is_compared_with(units: int, kind: str) -> None:
    import keras

    x = keras.Input((4,), name="x")
    how = Supervised(minimize={"y": 0.1}, loss=Crossentropy(), optimizer=Adam())
    model = trainer(keras.Model(x, keras.layers.Dense(units)(x)), how, list(how.optimizers), ["y"])
    assert type(model.learners[0].losses["y"]).__name__ == kind


SPEED = """
name: speed
inputs: {x: [4]}
layers: [{dense: {units: 8, activation: relu, name: code}}, {dropout: 0.2}, {dense: {units: 4, name: back}}]
data: {source: {sklearn: iris}, inputs: {x: data}, batch_size: 50}
train:
  learners: {one: {minimize: back}, two: {minimize: {code: -0.1}, trains: code, every: 2}}
  epochs: 2
"""


@pytest.mark.slow
def test_speed_is_chosen_for_all_learners_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "speed.yaml"
    path.write_text(SPEED)
    monkeypatch.setattr("dlspec.training.loop.speed._PATIENCE", 0)
    monkeypatch.setattr("dlspec.training.loop.speed._WORTH", 0.0)

    def trained(*overrides: str) -> Any:
        state = compile_spec(path, overrides)
        assert isinstance(state, Checked)
        return run(request_of(state.trainable()), tmp_path / "runs")

    auto, written = trained("train.speed=auto"), trained("train.jit=true")
    assert auto.facts["speed"]["jit"] is True and auto.facts["speed"]["xla"] > 0
    assert auto.facts["speed"]["reason"] == "learners take turns"
    for file in ("metrics.csv", "model.keras"):
        assert (auto.folder / file).exists()
    assert (auto.folder / "metrics.csv").read_text() == (written.folder / "metrics.csv").read_text()
