"""The interface of a framework: examples in batches, and the steps that take them, which belong together."""

from __future__ import annotations

from typing import Any, Protocol

from dlspec.training.loop.distribution import Distribution


class Feed(Protocol):
    """The examples of an epoch in batches, from any step on.

    Attributes:
        count: Examples in an epoch.
        steps: Batches in an epoch.
    """

    count: int
    steps: int

    def set_position(self, epoch: int, step: int) -> None:
        """The next batch is number `step` of epoch `epoch`, both from 0."""

    def batches(self) -> Any:
        """The batches from the position on, for the steps of the same backend."""

    @property
    def dataset(self) -> Any:
        """The batches from the position on, for whoever looks at them one by one."""

    @property
    def batch_type(self) -> Any:
        """Type of a batch, for the steps of the same backend."""


class Steps(Protocol):
    """Training and test steps of one compiled model."""

    def train(self, batches: Any, count: int) -> tuple[int, bool]:
        """Trains on `count` batches of a feed, fewer where the loss becomes infinite or not a number.

        Returns:
            How many batches it took, and whether the loss is finite.
        """

    def test(self, batches: Any, count: int) -> None:
        """Updates the metrics with `count` batches of a feed."""

    def validate(self, batches: Any, count: int) -> None:
        """The same for a feed whose batches are measured after every epoch, all `count` of them."""


class Backend(Protocol):
    """Steps and feed of one framework."""

    def feed(self, examples: Any, batch_size: int, **options: Any) -> Feed:
        """The examples in the order of each epoch. Options as those of :class:`dlspec.data.feeding.feed.Feed`."""

    def feed_in_order(self, examples: Any, batch_size: int, structure: Any = None, transform: Any = None) -> Feed:
        """The examples as they stand, for measuring."""

    def steps(self, model: Any, feed: Feed, distribution: Distribution, *, looped: bool = False) -> Steps:
        """The steps of a compiled model, for the batches of `feed` and of others of the same type.

        Args:
            looped: Whether the loop over steps is compiled together with them, where the backend knows such a way.
        """

    def no_loop(self, model: Any, feed: Feed) -> str:
        """Why the loop cannot be compiled, or is known to be slower, for a model and its examples; "" for neither."""


class KerasOnTensorFlow:
    """Batches of ``tf.data``, or cut out by the step itself; steps of Keras as functions of TensorFlow."""

    def feed(self, examples: Any, batch_size: int, **options: Any) -> Feed:
        """See :class:`dlspec.data.feeding.feed.Feed`."""
        from dlspec.data.feeding import feed

        return feed.Feed(examples, batch_size, **options)

    def feed_in_order(self, examples: Any, batch_size: int, structure: Any = None, transform: Any = None) -> Feed:
        """See :func:`dlspec.data.feeding.feed.feed_in_order`."""
        from dlspec.data.feeding import feed

        return feed.feed_in_order(examples, batch_size, structure, transform)

    def steps(self, model: Any, feed: Feed, distribution: Distribution, *, looped: bool = False) -> Steps:
        """See :class:`dlspec.training.loop.steps.Steps`."""
        from dlspec.training.loop import steps

        return steps.Steps(model, feed.batch_type, distribution, looped=looped)

    def no_loop(self, model: Any, feed: Feed) -> str:
        """See :func:`dlspec.training.loop.steps.no_loop`."""
        from dlspec.training.loop import steps

        return steps.no_loop(model, feed)


BACKEND: Backend = KerasOnTensorFlow()
