"""What makes steps faster than those of ``fit`` changes no bit of the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlspec.data.examples import InMemory, Streamed
from dlspec.data.feed import Feed
from dlspec.data.slices import Slices
from dlspec.runner.recurrence import SMALL, small
from dlspec.runner.steps import Steps

Layers = Callable[[], list[Any]]


def recurrent(*names: str, units: int = SMALL, **options: Any) -> Layers:
    def made() -> list[Any]:
        import keras

        last = len(names) - 1
        return [
            getattr(keras.layers, name)(units, return_sequences=place < last, **options)
            for place, name in enumerate(names)
        ]

    return made


def both_ways(units: int) -> Layers:
    def made() -> list[Any]:
        import keras

        return [keras.layers.Masking(), keras.layers.Bidirectional(keras.layers.LSTM(units))]

    return made


def model_of(layers: Layers, shape: tuple[int, ...]) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    x = inputs = keras.Input(shape)
    for layer in layers():
        x = layer(x)
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    "layers",
    [
        recurrent("LSTM"),
        recurrent("GRU", dropout=0.2),
        recurrent("SimpleRNN", "LSTM", recurrent_dropout=0.1),
        both_ways(SMALL),
        recurrent("LSTM", units=7),
    ],
)
def test_small_loops_over_time_give_the_weights_of_fit(layers: Layers) -> None:
    rng = np.random.default_rng(0)
    shape, count = (12, SMALL), 3 * SMALL + 5
    x, y = rng.normal(size=(count, *shape)).astype("float32"), np.arange(count) % 3
    theirs = model_of(layers, shape)
    theirs.fit(x, y, batch_size=SMALL, epochs=2, shuffle=False, verbose=0)
    ours, feed = model_of(layers, shape), Feed((x, y), SMALL, seed=0, shuffle=False)
    assert small(ours, feed.batch_size)
    steps = Steps(ours, feed.batch_type, batch_size=feed.batch_size)
    for _ in range(2):
        assert steps.train(feed.batches(), feed.steps) == (4, True)
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        assert (mine.value.numpy() == other.value.numpy()).all(), mine.path


@pytest.mark.parametrize(
    ("layers", "shape", "size"),
    [
        (recurrent("LSTM", units=SMALL + 1), (4, 8), 8),
        (recurrent("LSTM"), (4, SMALL + 1), 8),
        (recurrent("LSTM"), (4, 8), SMALL + 1),
        (recurrent("LSTM", "GRU", dtype="mixed_bfloat16"), (4, 8), 8),
        (list, (4,), 8),
    ],
)
def test_other_models_run_as_ever(layers: Layers, shape: tuple[int, ...], size: int) -> None:
    assert not small(model_of(layers, shape), size)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("position", [(0, 0), (3, 2)])
def test_slices_are_the_batches_of_the_dataset(shuffle: bool, position: tuple[int, int]) -> None:
    x, y = np.arange(46, dtype="float32").reshape(23, 2), np.arange(23)
    feed = Feed(({"x": x}, {"y": y}), 5, seed=1, shuffle=shuffle, structure=lambda a, b: (a["x"], b["y"]))
    seen: list[Any] = []

    def remember(model: Any, batches: Any, count: int) -> None:
        assert Steps(model, feed.batch_type).train(batches, count)[0] == count
        seen.append([variable.value.numpy() for variable in model.variables])

    for batches in (lambda: iter(feed.dataset), feed.batches):
        feed.set_position(*position)
        made = batches()
        assert isinstance(made, Slices) == (batches == feed.batches)
        remember(model_of(list, (2,)), made, feed.steps - position[1])
    for one, other in zip(*seen, strict=True):
        assert (one == other).all()


def test_what_costs_more_than_copying_is_done_beside_the_steps() -> None:
    x, y = np.zeros((9, 2), "float32"), np.zeros(9)
    assert Feed((x, y), 4, seed=0).inline
    assert not Feed((x, y), 4, seed=0, transform=lambda batch, epoch, numbers: batch).inline
    assert not Feed(InMemory((x, y), finish=lambda a, b: (a, b)), 4, seed=0).inline
    assert not Feed(Streamed(lambda numbers: (x[numbers], y[numbers]), np.arange(9)), 4, seed=0).inline
