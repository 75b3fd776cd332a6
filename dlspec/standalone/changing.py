"""Random changes of batches that repeat: their random numbers follow from seeds instead of a state."""

from collections.abc import Iterator

import keras
import tensorflow as tf


class RandomChanges:
    """Layers whose random numbers the seed, the epoch and a batch's first example decide."""

    def __init__(self, seed: int, changes: list[keras.Layer]) -> None:
        self.seed, self.layers = seed, changes
        for layer in changes:
            for inner in layer._flatten_layers():
                if hasattr(inner, "generator"):
                    inner.generator.next = self.next_seed
                if hasattr(inner, "seed_generator"):
                    inner.seed_generator.next = self.next_seed

    def next_seed(self, ordered: bool = True) -> tf.Tensor:
        """Seed for a random layer: it follows from `base`, instead of counting the calls of all batches."""
        self.calls += 1
        return tf.random.experimental.stateless_fold_in(self.base, self.calls)

    def seeded(self, epoch: int, first: int, start: int = 0, end: int | None = None) -> Iterator[keras.Layer]:
        """The layers from `start` to `end`, each ready for the batch whose first example has the number `first`."""
        fold_in = tf.random.experimental.stateless_fold_in
        base = tf.constant([self.seed & 0x7FFFFFFF, self.seed >> 31 & 0x7FFFFFFF])
        base = fold_in(fold_in(base, epoch), first)
        for number, layer in enumerate(self.layers[start:end], start):
            self.base, self.calls = fold_in(base, number), 0
            yield layer
