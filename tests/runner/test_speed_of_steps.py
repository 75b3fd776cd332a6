"""What makes steps faster than those of ``fit`` changes no bit of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlspec.data.feeding.examples import InMemory, Streamed
from dlspec.data.feeding.feed import Feed
from dlspec.data.order.slices import Slices
from dlspec.training.loop.steps import Steps


def model() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    made = keras.Model(inputs, keras.layers.Dense(23, "softmax")(inputs))
    made.compile("adam", "sparse_categorical_crossentropy")
    return made


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("position", [(0, 0), (3, 2)])
def test_slices_are_the_batches_of_the_dataset(shuffle: bool, position: tuple[int, int]) -> None:
    x, y = np.arange(46, dtype="float32").reshape(23, 2) / 46, np.arange(23)
    feed = Feed(({"x": x}, {"y": y}), 5, seed=1, shuffle=shuffle, structure=lambda a, b: (a["x"], b["y"]))
    seen: list[Any] = []

    def remember(trained: Any, batches: Any, count: int) -> None:
        assert Steps(trained, feed.batch_type).train(batches, count)[0] == count
        seen.append([variable.value.numpy() for variable in trained.variables])

    for batches in (lambda: iter(feed.dataset), feed.batches):
        feed.set_position(*position)
        made = batches()
        assert isinstance(made, Slices) == (batches == feed.batches)
        remember(model(), made, feed.steps - position[1])
    for one, other in zip(*seen, strict=True):
        assert (one == other).all()


def test_what_costs_more_than_copying_is_done_beside_the_steps() -> None:
    x, y = np.zeros((9, 2), "float32"), np.zeros(9)
    assert Feed((x, y), 4, seed=0).inline
    assert not Feed((x, y), 4, seed=0, transform=lambda batch, epoch, numbers: batch).inline
    assert not Feed(InMemory((x, y), finish=lambda a, b: (a, b)), 4, seed=0).inline
    assert not Feed(Streamed(lambda numbers: (x[numbers], y[numbers]), np.arange(9)), 4, seed=0).inline


def examples(count: int, broken: int | None = None) -> tuple[Any, Any]:
    """Numbers and classes; `broken` is the number of an example that holds no number."""
    x, y = np.random.default_rng(0).normal(size=(count, 2)).astype("float32"), np.arange(count) % 23
    if broken is not None:
        x[broken] = np.nan
    return x, y


def drawing() -> Any:
    """A model with all that changes from step to step: draws, statistics, a schedule, averages, a metric."""
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dropout(0.3)(keras.layers.Dense(9)(inputs)))
    made = keras.Model(inputs, keras.layers.Dense(23, "softmax")(hidden))
    rate = keras.optimizers.schedules.CosineDecay(0.01, 50)
    made.compile(
        keras.optimizers.Adam(rate, use_ema=True),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=True,
    )
    return made


def values(model: Any) -> list[Any]:
    return [variable.value.numpy() for variable in (*model.variables, *model.metrics_variables)]


def taken(groups: list[int], *, looped: bool = True, data: Any = None) -> tuple[Any, list[tuple[int, bool]]]:
    """A model after steps in calls of these sizes, and what each call returned."""
    x, y = data if data is not None else examples(58)
    feed = Feed((x, y), 5, seed=1, structure=lambda inputs, targets: (inputs, targets))
    trained = drawing()
    steps = Steps(trained, feed.batch_type, looped=looped)
    feed.set_position(0, 0)
    batches = feed.batches()
    return trained, [steps.train(batches, count) for count in groups]


def test_how_many_steps_a_compiled_loop_takes_changes_no_bit() -> None:
    whole, done = taken([12])  # eleven batches of five, and one of three
    assert done == [(12, True)]
    for groups in ([1] * 12, [4, 8]):
        parts, done = taken(groups)
        assert done == [(count, True) for count in groups]
        for one, other in zip(values(whole), values(parts), strict=True):
            assert (one == other).all()


def test_a_compiled_loop_computes_what_steps_do() -> None:
    # Of the eleven whole batches: the smaller one is computed without XLA, which draws other numbers.
    looped, stepped = taken([11])[0], taken([11], looped=False)[0]
    for one, other in zip(values(looped), values(stepped), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_compiled_loop_ends_where_the_loss_is_no_number() -> None:
    order = Feed(examples(58), 5, seed=1)._order_of(0)
    broken = examples(58, broken=int(order[37]))  # in the eighth batch
    trained, done = taken([7], data=broken)
    assert done == [(7, True)]
    before = [variable.value.numpy() for variable in trained.trainable_variables]
    trained, done = taken([11], data=broken)
    assert done == [(8, False)]
    for value, variable in zip(before, trained.trainable_variables, strict=True):
        assert (value == variable.value.numpy()).all()


def test_many_batches_are_measured_by_a_loop_too() -> None:
    x, y = examples(58 * 5 + 1)
    feed = Feed((x, y), 5, seed=0, shuffle=False)
    trained = drawing()
    steps = Steps(trained, feed.batch_type, looped=True)
    measured = []
    for take in (steps.test, steps.validate):
        trained.reset_metrics()
        feed.set_position(0, 0)
        take(feed.batches(), feed.steps)
        measured.append({name: float(value) for name, value in trained.get_metrics_result().items()})
    assert measured[0] == pytest.approx(measured[1], rel=1e-5)


def test_a_compiled_loop_takes_other_batches_one_by_one() -> None:
    x, y = examples(58)
    feed = Feed((x, y), 5, seed=1, structure=lambda inputs, targets: (inputs, targets))
    trained = drawing()
    steps = Steps(trained, feed.batch_type, looped=True)
    assert steps.train(iter(feed.dataset), 12) == (12, True)
    assert int(trained.optimizer.iterations) == 12
