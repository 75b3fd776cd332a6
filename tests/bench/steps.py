"""Steps of small models: the loop that XLA compiles, single steps with and without XLA, and Keras by hand.

All of them take the same examples from memory, in one process and in turns; only processor time counts, so that other
programs on the machine disturb as little as they can.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 9
BATCH = 32
TABLE = "table of 12 numbers and 8 words"
# Examples of an epoch, and the greatest ratio of the loop to the better one of single steps.
TASKS = {TABLE: (16_384, 0.3), "MLP 784-128-10": (16_384, 0.75), "LSTM(32) on 50x16": (4_096, 0.85)}
STEPS_TOGETHER = 32


def steps_speed() -> bool:
    """Microseconds of processor time for an example: medians, quartiles of the ratios, and the price of compiling."""
    good = [_measure(name, count, limit) for name, (count, limit) in TASKS.items()]
    return all(good)


def _measure(name: str, count: int, limit: float) -> bool:
    epochs: dict[str, Callable[[], float]] = {
        "plain": _ours(name, count, jit=False),
        "jit": _ours(name, count, jit=True),
        "loop": _ours(name, count, jit=True, looped=True),
        "Keras, jit": _by_hand(name, count, jit=True),
        "Keras": _by_hand(name, count, jit=False),
    }
    first = {way: epoch() for way, epoch in epochs.items()}
    taken: dict[str, list[float]] = {way: [] for way in epochs}
    for _ in range(ROUNDS):
        for way, epoch in epochs.items():
            taken[way].append(epoch())
    for way, seconds in taken.items():
        each = statistics.median(seconds) / count * 1e6
        print(f"     {name}, {way}: {each:.1f} µs an example, {first[way]:.1f} s the first epoch", flush=True)
    best = [min(pair) for pair in zip(taken["plain"], taken["jit"], strict=True)]
    peer = [min(pair) for pair in zip(taken["Keras"], taken["Keras, jit"], strict=True)]
    _ratio(f"{name}: the loop / the better of `fit`", taken["loop"], peer, 1.0)
    return _ratio(f"{name}: the loop / the better of steps", taken["loop"], best, limit)


def _ratio(what: str, mine: list[float], others: list[float], limit: float) -> bool:
    """Prints the median of the ratios, round by round, and their middle half."""
    ratios = [one / other for one, other in zip(mine, others, strict=True)]
    lower, middle, upper = statistics.quantiles(ratios, n=4)
    good = middle <= limit
    spread = f"({lower:.2f} to {upper:.2f}, limit {limit:g})"
    print(f"{'ok  ' if good else 'FAIL'} {what:<68} {middle:6.2f}× {spread}", flush=True)
    return good


def _ours(name: str, count: int, *, jit: bool, looped: bool = False) -> Callable[[], float]:
    """Trains for an epoch; returns its seconds of processor time."""
    from dlspec.data.feeding.feed import Feed
    from dlspec.standalone.summed_rows import summed_rows
    from dlspec.training.loop.steps import Pace, Steps

    model, x, y = _task(name, count, jit)
    summed_rows(model.optimizer, model)
    feed = Feed((x, y), BATCH, seed=0, structure=lambda inputs, targets: (inputs, targets))
    steps, pace = Steps(model, feed.batch_type, looped=looped), Pace()

    def epoch() -> float:
        start, left = time.process_time(), feed.steps
        feed.set_position(0, 0)
        batches = feed.batches()
        model.reset_metrics()
        while left:
            done, _ = steps.train(batches, pace.steps(left))
            pace.done(done)
            left -= done
        model.get_metrics_result()
        return time.process_time() - start

    return epoch


def _by_hand(name: str, count: int, *, jit: bool) -> Callable[[], float]:
    """The same with ``fit``, many steps in one call."""
    model, x, y = _task(name, count, jit)

    def epoch() -> float:
        start = time.process_time()
        model.fit(x, y, batch_size=BATCH, verbose=0)
        return time.process_time() - start

    return epoch


def _task(name: str, count: int, jit: bool) -> tuple[Any, Any, Any]:
    """A compiled model, its inputs and its targets."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    layers, rng = keras.layers, np.random.default_rng(0)
    if name == TABLE:
        numbers = keras.Input((12,))
        words = [keras.Input((), dtype="int32") for _ in range(8)]
        joined = layers.Concatenate()([numbers, *(layers.Embedding(21, 4)(word) for word in words)])
        hidden = layers.Dense(32, "relu")(layers.Dense(64, "relu")(joined))
        model = keras.Model([numbers, *words], layers.Dense(1, "sigmoid")(hidden))
        x: Any = [rng.standard_normal((count, 12), dtype=np.float32)]
        x += [rng.integers(0, 21, count).astype("int32") for _ in words]
        y, loss = rng.integers(0, 2, count).astype("float32"), "binary_crossentropy"
    else:
        shape = (784,) if name.startswith("MLP") else (50, 16)
        inputs = keras.Input(shape)
        hidden = layers.Dense(128, "relu")(inputs) if len(shape) == 1 else layers.LSTM(32)(inputs)
        model = keras.Model(inputs, layers.Dense(10, "softmax")(hidden))
        x, y = rng.standard_normal((count, *shape), dtype=np.float32), rng.integers(0, 10, count)
        loss = "sparse_categorical_crossentropy"
    model.compile("adam", loss, metrics=["accuracy"], jit_compile=jit, steps_per_execution=STEPS_TOGETHER)
    return model, x, y
