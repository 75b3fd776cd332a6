"""Keras and Keras Tuner still have what is private in them and dlspec needs; each test says what breaks without it.

All of it stands in ``dlspec/backends/keras/internals.py``: where a release of theirs fails here, that file changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from dlspec.backends.keras import internals
from dlspec.standalone.oracle import Oracle


@pytest.fixture(scope="module")
def model() -> Any:
    """A compiled model with a model inside, a mask, a moving mean and a softmax."""
    inner_input = keras.Input((3,), name="inner_input")
    inner = keras.Model(inner_input, keras.layers.LayerNormalization(name="scaled")(inner_input), name="inner")
    x = keras.Input((None,), dtype="int32", name="x")
    y = keras.layers.LSTM(3, name="last")(keras.layers.Embedding(5, 4, mask_zero=True, name="words")(x))
    y = keras.layers.BatchNormalization(name="normed")(inner(y))
    outputs = keras.layers.Dense(2, activation="softmax", name="answer")(y)
    model = keras.Model(x, outputs, name="outer")
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=False)
    internals.make_variables(model, _batch().element_spec)
    return model


def _batch() -> tf.data.Dataset:
    x = np.array([[1, 2, 0], [3, 0, 0]], "int32")
    return tf.data.Dataset.from_tensors((x, np.array([0, 1], "int32")))


@pytest.fixture
def values() -> Iterator[tuple[Any, Any]]:
    yield next(iter(_batch()))


def test_the_layers_at_any_depth(model: Any) -> None:
    names = [layer.name for layer in internals.flatten_layers(model)]
    assert names[0] == "outer"
    assert {"inner", "scaled", "last", "answer"} <= set(names), "layers of nested models would go unexamined"
    assert "outer" not in [layer.name for layer in internals.flatten_layers(model, include_self=False)]


def test_the_calls_of_a_layer() -> None:
    layer, x = keras.layers.Dense(2), keras.Input((3,))
    y = layer(x)
    (call,) = internals.calls_of(layer)
    assert call.input_tensors[0] is x
    assert call.output_tensors[0] is y, "inputs of exported models would get values that they do not take"
    internals.forget_calls(layer)
    assert internals.calls_of(layer) == [], "each trial of a search would keep the models of all before in memory"


def test_the_calls_of_a_model_in_order(model: Any) -> None:
    calls = [call for call in internals.calls_in_order(model) if not call.operation.name.startswith("not_equal")]
    names = [call.operation.name for call in calls]
    assert names == ["x", "words", "last", "inner", "normed", "answer"], "`dlspec build` could not follow masks"
    assert calls[0].is_input
    assert calls[-1].outputs[0] is model.outputs[0]


def test_where_a_tensor_comes_from(model: Any) -> None:
    operation, index = internals.origin_of(model.outputs[0])
    assert (operation.name, index) == ("answer", 0), "outputs of exported models would be called `output_0`"


def test_operations_take_a_name() -> None:
    x = keras.Input((3,))
    y = keras.ops.exp(x)
    internals.rename_operation(y, "raised")
    names = [operation.name for operation in keras.Model(x, y).operations]
    assert "raised" in names, "operations of a spec would lose the names that it gives"


def test_the_variables_that_layers_measure(model: Any) -> None:
    names = [variable.name for variable in internals.own_non_trainable_variables(model.get_layer("normed"))]
    assert names == ["moving_mean", "moving_variance"], "devices would not agree on moving means"


def test_the_mask_of_a_tensor(model: Any, values: tuple[Any, Any]) -> None:
    words = model.get_layer("words")(values[0])
    mask = internals.mask_of(words)
    assert mask.numpy().tolist() == [[True, True, False], [True, False, False]], "padding would count in what is shown"
    internals.set_mask(words, None)
    assert internals.mask_of(words) is None
    assert internals.mask_of(tf.zeros(2)) is None


def test_what_hangs_on_an_output(model: Any, values: tuple[Any, Any]) -> None:
    found = internals.attached(model(values[0], training=True))
    (logits,) = found.values()
    assert logits.shape == (2, 2), "several devices would compute another loss of softmax than one"
    other = tf.zeros((2, 2))
    internals.attach(other, *found, logits)
    assert internals.attached(other).keys() == found.keys()


def test_variables_before_the_first_step(model: Any) -> None:
    trained = len(model.trainable_variables)
    assert len(model.optimizer.variables) > trained, "a checkpoint could not be put back before the first step"
    assert [variable.name for variable in model.metrics_variables] != []


def test_the_loss_of_a_batch(model: Any, values: tuple[Any, Any]) -> None:
    x, y = values
    outputs = model(x, training=True)
    expected = float(-np.log(outputs.numpy()[np.arange(2), y.numpy()]).mean())
    assert float(internals.batch_loss(model, x, y, outputs, None)) == pytest.approx(expected, rel=1e-5), "no training"
    assert float(internals.compiled_loss(model, y, outputs, None)) == pytest.approx(expected, rel=1e-5), "no devices"


def test_the_loss_that_is_shown(model: Any) -> None:
    model.reset_metrics()
    internals.count_loss(model, tf.constant(2.0), tf.constant(3))
    internals.count_loss(model, tf.constant(6.0), tf.constant(1))
    assert float(model.get_metrics_result()["loss"]) == 3.0, "the shown loss would not be the mean over examples"


def test_moving_averages_of_weights(model: Any) -> None:
    pairs = internals.moving_averages(model.optimizer)
    assert [variable.path for variable, _ in pairs] == [variable.path for variable in model.trainable_variables]
    assert all(a.shape == b.shape for a, b in pairs), "epochs would be compared by other weights than those kept"


@pytest.mark.parametrize(
    "callback, count",
    [
        (keras.callbacks.ModelCheckpoint("a.keras"), 2),
        (keras.callbacks.SwapEMAWeights(), 1),
        (keras.callbacks.TensorBoard("logs"), 2),
        (keras.callbacks.EarlyStopping(), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_callbacks_count(callback: Any, count: int) -> None:
    counters = internals.callback_counters(callback)
    assert len(counters) == count, "a resumed training would write at other steps than one that was not interrupted"
    assert all(hasattr(callback, name) for name in counters)


def test_devices() -> None:
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert model.distribute_strategy is strategy
    internals.forget_strategy(model)
    assert model.distribute_strategy is not strategy, "a model on several devices would predict on all of them"
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    assert hasattr(keras.optimizers.SGD, "_all_reduce_sum_gradients"), "gradients would be summed twice"
    internals.take_sums_as_given(optimizer)
    assert optimizer.inner_optimizer._all_reduce_sum_gradients([1]) == [1]


def _oracle(kind: str | type, **more: Any) -> Any:
    space = keras_tuner.HyperParameters()
    space.Int("units", 1, 3)
    objective = keras_tuner.Objective("loss", "min")
    made = getattr(keras_tuner.oracles, kind) if isinstance(kind, str) else kind
    return made(objective=objective, hyperparameters=space, **more)


def test_the_status_of_a_trial() -> None:
    status = internals.trial_status()
    assert (status.RUNNING, status.COMPLETED, status.FAILED) == ("RUNNING", "COMPLETED", "FAILED"), "no search"


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_an_oracle_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = _oracle("RandomSearchOracle", seed=1)
    oracle.verbose = 0
    internals.keep_in_memory(oracle)
    written: list[Any] = []
    for owner in (type(oracle), keras_tuner.Oracle):
        assert hasattr(owner, "_save_trial"), "a search would write a folder of Keras Tuner's beside its own"
        monkeypatch.setattr(owner, "_save_trial", lambda self, trial: written.append(trial), raising=False)
        monkeypatch.setattr(owner, "save", lambda self: written.append(self), raising=False)
    assert oracle.create_trial("client").status == "RUNNING"
    assert written == []


@pytest.mark.parametrize("kind", ["RandomSearchOracle", "HyperbandOracle"])
def test_an_oracle_has_the_seed_0(kind: str) -> None:
    first, second = _oracle(kind), _oracle(kind)
    for oracle in (first, second):
        internals.seed_oracle(oracle, 0)
    assert first._random_values() == second._random_values(), "seed 0 would be a new one each time"


def test_the_oracle_of_ours_has_the_seed_0() -> None:
    first, second = _oracle(Oracle, seed=0), _oracle(Oracle, seed=0)
    assert first._random_values() == second._random_values(), "seed 0 would be a new one each time"
    draws = [one._random_state.random_sample() for one in (first, second)]
    assert draws[0] == draws[1] == np.random.RandomState(0).random_sample()
    assert first.gpr.random_state == 0


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_values_at_random_that_are_new() -> None:
    oracle = _oracle("RandomSearchOracle", seed=1)
    oracle.verbose = 0
    internals.keep_in_memory(oracle)
    for count in range(3):
        new = oracle._random_values()
        assert new is not None
        assert new not in [trial.hyperparameters.values for trial in oracle.trials.values()]
        oracle.create_trial(f"client {count}")
    assert oracle._random_values() is None, "the Bayesian search would repeat itself for ever"
