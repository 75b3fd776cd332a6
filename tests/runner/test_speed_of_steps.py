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
