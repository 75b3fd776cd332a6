"""The order of examples: over epochs, from any position, in memory and read in windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlspec.data.feeding.examples import Examples, InMemory, Streamed
from dlspec.data.feeding.feed import Feed, in_order
from dlspec.data.order.order import Blocks, order

COUNT, SEED = 103, 5
SIZES = (10, 31, 7, 20, 15, 1, 19)
BLOCKS = Blocks(SIZES, window=35)


def load(numbers: np.ndarray) -> Any:
    return {"x": numbers * 10, "word": np.array([f"w{n}" for n in numbers], object)}, {"y": numbers + 0.5}


def make(kind: str) -> Examples:
    everything = np.arange(COUNT)
    if kind == "in memory":
        return InMemory(load(everything))
    if kind == "in memory, blocks":
        return InMemory(load(everything), blocks=BLOCKS)
    return Streamed(load, everything, BLOCKS if kind == "streamed, blocks" else None)


def passed(dataset: Any) -> list[int]:
    """The examples of a pass, each whole."""
    seen = []
    for inputs, targets in dataset:
        number = inputs["x"].numpy() // 10
        assert targets["y"].numpy().tolist() == (number + 0.5).tolist()
        assert inputs["word"].numpy().tolist() == [f"w{n}".encode() for n in number]
        seen += number.tolist()
    return seen


def epochs(feed: Feed, numbers: range) -> list[list[int]]:
    seen = []
    for number in numbers:
        feed.set_epoch(number)
        seen.append(passed(feed.dataset))
    return seen


@pytest.mark.parametrize(
    ("in_memory", "streamed"), [("in memory", "streamed"), ("in memory, blocks", "streamed, blocks")]
)
def test_three_epochs_are_the_same_in_memory_streamed_and_resumed_at_any_batch(in_memory: str, streamed: str) -> None:
    reference = epochs(Feed(make(in_memory), 16, seed=SEED), range(3))
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in reference)
    assert len({tuple(epoch) for epoch in reference}) == 3
    for prefetch in (1, 7):
        assert epochs(Feed(make(streamed), 16, seed=SEED, prefetch=prefetch), range(3)) == reference
    for kind in (in_memory, streamed):
        feed = Feed(make(kind), 16, seed=SEED)
        for step in range(7):
            feed.set_position(1, step)
            assert int(feed.dataset.cardinality()) == 7 - step
            assert passed(feed.dataset) == reference[1][16 * step :]
        assert epochs(feed, range(2, 3)) == reference[2:], "the rest of the epoch leaves the next one alone"


def test_the_order_of_blocks_is_recorded() -> None:
    """A change here breaks every recorded run."""
    blocks = Blocks((2, 3, 1, 2), window=4)
    assert [window.tolist() for window in blocks.windows(7, 0)] == [[3, 2], [1], [0]]
    assert blocks.order(7, 0).tolist() == [6, 7, 5, 3, 4, 2, 1, 0]


def test_windows_hold_whole_blocks_up_to_their_size_and_mix_them() -> None:
    starts = np.concatenate([[0], np.cumsum(SIZES)])
    for epoch in range(5):
        windows = BLOCKS.windows(SEED, epoch)
        assert sorted(np.concatenate(windows)) == list(range(len(SIZES)))
        assert all(sum(SIZES[block] for block in window) <= 35 or len(window) == 1 for window in windows)
        position, whole = 0, BLOCKS.order(SEED, epoch)
        for window in windows:
            members = {n for block in window for n in range(starts[block], starts[block + 1])}
            assert set(whole[position : position + len(members)]) == members
            position += len(members)
    largest = max(BLOCKS.windows(SEED, 0), key=len)
    assert len(largest) > 1
    first = BLOCKS.order(SEED, 0)
    assert (np.abs(np.diff(first)) > 10).mean() > 0.2, "blocks of a window are mixed, not chained"


def test_without_shuffle_blocks_keep_the_order_of_the_data() -> None:
    for kind in ("in memory", "in memory, blocks", "streamed", "streamed, blocks"):
        feed = Feed(make(kind), 16, seed=SEED, shuffle=False)
        assert epochs(feed, range(2)) == [list(range(COUNT))] * 2
        feed.set_position(0, 3)
        assert passed(feed.dataset) == list(range(48, COUNT))
        batches = in_order(make(kind), 10)
        assert int(batches.cardinality()) == 11
        assert passed(batches) == list(range(COUNT))


def test_a_block_larger_than_the_window_is_a_window_of_its_own() -> None:
    assert [list(w) for w in Blocks((5, 50, 5), window=10).windows(0, 0, shuffle=False)] == [[0], [1], [2]]


@pytest.mark.parametrize("kind", ["in memory", "streamed", "streamed, blocks"])
def test_a_transform_sees_epoch_and_numbers_wherever_a_run_resumes(kind: str) -> None:
    def transform(batch: Any, epoch: Any, numbers: Any) -> Any:
        import tensorflow as tf

        inputs, targets = batch
        seeds = tf.stack([numbers, tf.fill(tf.shape(numbers), epoch)], axis=1)
        noise = tf.map_fn(lambda seed: tf.random.stateless_uniform((), seed), seeds, fn_output_signature=tf.float32)
        return {**inputs, "noise": noise, "epoch": tf.fill(tf.shape(numbers), epoch)}, targets

    def seen(feed: Feed) -> list[tuple[int, int, float]]:
        rows = []
        for x, _ in feed.dataset:
            rows += zip(x["x"].numpy() // 10, x["epoch"].numpy(), x["noise"].numpy(), strict=True)
        return rows

    whole = Feed(make(kind), 16, seed=SEED, transform=transform)
    whole.set_epoch(2)
    reference = seen(whole)
    assert {epoch for _, epoch, _ in reference} == {2}
    resumed = Feed(make(kind), 16, seed=SEED, transform=transform)
    resumed.set_position(2, 4)
    assert seen(resumed) == reference[64:]
    noise = {number: value for number, _, value in reference}
    whole.set_epoch(3)
    assert all(noise[number] != value for number, _, value in seen(whole))


def test_numbers_of_a_part_are_those_of_its_source() -> None:
    numbers = np.array([3, 4, 4, 9, 50])
    examples = Streamed(load, numbers, Blocks((3, 2), window=3))
    feed = Feed(examples, 2, seed=1, transform=lambda batch, _, n: ({**batch[0], "n": n}, batch[1]))
    seen = [(int(a), int(b)) for x, _ in feed.dataset for a, b in zip(x["x"] // 10, x["n"], strict=True)]
    assert sorted(a for a, _ in seen) == numbers.tolist()
    assert all(a == b for a, b in seen)


def test_structure_comes_last() -> None:
    feed = Feed(InMemory(load(np.arange(4))), 4, seed=1, structure=lambda inputs, targets: (inputs["x"], targets["y"]))
    x, y = next(iter(feed.dataset))
    assert x.shape == y.shape == (4,)


def test_in_memory_without_blocks_is_the_plain_order() -> None:
    assert epochs(Feed(make("streamed"), 16, seed=SEED), range(3)) == [order(COUNT, SEED, n).tolist() for n in range(3)]
