"""A word that stands several times in a batch moves its row as the sum of its gradients says, with every optimizer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlspec.components.methods.supervised import Supervised
from dlspec.components.registry import Component, declared
from dlspec.components.training.losses import MeanSquaredError
from dlspec.components.training.optimizers import SGD, Adagrad, Adam, Lion, LossScaleOptimizer, RMSprop
from dlspec.components.training.update_rules import UpdateRule
from dlspec.data.feeding.feed import Feed
from dlspec.training.loop.compiling import made_optimizer, trainer
from dlspec.training.loop.steps import Steps

RULES = [owner for owner in declared() if owner.kind == "optimizer" and issubclass(owner, UpdateRule)]
SMALL, LARGE = 6, 1200  # rows: of tables that become whole gradients, and of those that do not


def core(rows: int, size: int = 1) -> Any:
    """Gives each word its row, which begins with zeros."""
    words = keras.Input((), dtype="int32")
    return keras.Model(words, keras.layers.Embedding(rows, size, embeddings_initializer="zeros", name="y")(words))


def learnt(optimizer: Component, rows: int, *, looked_up: bool) -> Any:
    """The rows after three steps in which every word stands several times.

    Args:
        looked_up: Whether the gradient comes by rows; else the same sums come from products with 0 and 1.
    """
    random = np.random.default_rng(0)
    model = core(rows, 3)
    (weight,) = model.trainable_variables
    weight.assign(random.normal(size=(rows, 3)))
    made = made_optimizer(optimizer, Supervised(loss=MeanSquaredError(), optimizer=optimizer), model)
    made.build([weight])
    for _ in range(3):
        words, wanted = random.integers(0, 5, 32), random.normal(size=(32, 3)).astype("float32")
        with tf.GradientTape() as tape:
            found = model(words) if looked_up else tf.matmul(tf.one_hot(words, rows), weight.value)
            loss = made.scale_loss(tf.reduce_mean((found - wanted) ** 2))
        gradient = tape.gradient(loss, weight.value)
        assert isinstance(gradient, tf.IndexedSlices) == looked_up
        made.apply_gradients([(gradient, weight)])
    return weight.numpy()


def same(optimizer: Component) -> None:
    for rows in (SMALL, LARGE):
        found, right = (learnt(optimizer, rows, looked_up=one) for one in (True, False))
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("owner", RULES, ids=lambda owner: owner.registered_name)
def test_every_optimizer(owner: type[UpdateRule]) -> None:
    same(owner(learning_rate=0.05))


@pytest.mark.parametrize("rule", [SGD, Adam, Lion], ids=lambda rule: rule.registered_name)
@pytest.mark.parametrize(
    "options",
    [
        {"clipnorm": 0.05},
        {"global_clipnorm": 0.05},
        {"clipvalue": 0.01},
        {"gradient_accumulation_steps": 2, "clipnorm": 0.05},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
        {"weight_decay": 0.1, "loss_scale_factor": 8.0},  # which Keras alone cannot divide by
    ],
    ids=lambda options: " ".join(options),
)
def test_every_option(rule: type[UpdateRule], options: dict[str, Any]) -> None:
    same(rule(learning_rate=0.05, **options))


def test_where_the_loss_is_scaled() -> None:
    same(LossScaleOptimizer(inner_optimizer=Adam(learning_rate=0.05), initial_scale=8.0))


# --- in steps -------------------------------------------------------------------------------------------------------


def twice(optimizer: Component, rows: int = SMALL, **options: Any) -> float:
    """How far one step moves the row of a word that stands in both examples of a batch: the gradient is −1 in each."""
    model = core(rows)
    how = Supervised(loss=MeanSquaredError(), optimizer=optimizer, **options)
    compiled = trainer(model, how, optimizer, ["y"])
    feed = Feed((np.array([1, 1], "int32"), np.ones((2, 1), "float32")), 2, seed=0)
    assert Steps(compiled, feed.batch_type).train(feed.batches(), 1) == (1, True)
    return float(model.get_weights()[0][1, 0])


def test_first_steps_are_those_of_the_formulas() -> None:
    assert twice(Adam(learning_rate=0.1), jit=True) == pytest.approx(0.1, rel=1e-5)
    assert twice(Adam(learning_rate=0.1), LARGE) == pytest.approx(0.1, rel=1e-5)
    assert twice(RMSprop(learning_rate=0.1)) == pytest.approx(0.1 / 0.1**0.5, rel=1e-5)
    assert twice(Adagrad(learning_rate=0.1)) == pytest.approx(0.1 * 2 / (0.1 + 2**2) ** 0.5, rel=1e-5)
    assert twice(SGD(learning_rate=1.0, clipnorm=0.5), LARGE, jit=True) == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("rows", [SMALL, LARGE])
def test_beside_weights_whose_gradients_are_whole(rows: int) -> None:
    """Gradients that Keras adds up over its devices, be it one, must come from one graph."""
    words = keras.Input((3,), dtype="int32")
    hidden = keras.layers.Flatten()(keras.layers.Embedding(rows, 2)(words))
    model = keras.Model(words, keras.layers.Dense(1, name="y")(hidden))
    how = Supervised(loss=MeanSquaredError(), optimizer=Adam())
    compiled = trainer(model, how, Adam(), ["y"])
    feed = Feed((np.ones((4, 3), "int32"), np.ones((4, 1), "float32")), 2, seed=0)
    assert Steps(compiled, feed.batch_type).train(feed.batches(), 2) == (2, True)


def test_one_word_gives_back_what_keras_does() -> None:
    by_use = twice(Adam(learning_rate=0.1), embedding_gradients="by_use")
    theirs = core(SMALL)
    theirs.compile(keras.optimizers.Adam(0.1), "mse")
    theirs.fit(np.array([1, 1]), np.ones((2, 1)), verbose=0)
    assert by_use == float(theirs.get_weights()[0][1, 0]) == pytest.approx(0.1 * 2**0.5, rel=1e-5)
