"""Devices that share a training: one, unless `train.distribute` names more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from dlspec.components.methods.base import Method
from dlspec.components.registry import load_attribute

# What a step takes is a batch; what it returns is a tensor: whether its loss was finite.
Step = Callable[[Any], Any]


class Distribution(Protocol):
    """Devices that compute a training together. What they compute is, to float tolerance, what one device does.

    Attributes:
        devices: Their names, such as ``GPU:0``; () where there is one only. A run goes on with the same ones alone.
    """

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the devices; () where there is one only."""

    def __str__(self) -> str:
        """Description of the devices, for the user."""

    def build(self, make: Callable[[], Any]) -> Any:
        """The model that `make` builds, its variables where every device finds them."""

    def optimizer(self, make: Callable[[], Any], variables: list[Any]) -> Any:
        """The optimizer that `make` makes for `variables`, its own variables where every device finds them."""

    def check(self, model: Any, count: int, batch_size: int) -> None:
        """Every device has an example of each batch that it needs.

        Args:
            model: The built model.
            count: Examples of an epoch.
            batch_size: Examples of a batch; the last one holds the rest.

        Raises:
            Problem: E518, the batches are too small.
        """

    def steps(self, model: Any, batch: Any) -> tuple[Step, Step]:
        """The training step and the measuring step of one batch, of which each device computes its share.

        Args:
            model: The compiled model.
            batch: Type of a batch, as :attr:`dlspec.data.feeding.feed.Feed.batch_type` gives it.
        """

    def compiled(self, wanted: bool | None) -> bool | str:
        """Whether XLA compiles the steps, where the method of training wants it so: ``jit_compile`` of Keras."""

    def agree(self, model: Any) -> None:
        """Settles what must follow from the first device on all others: the states of random numbers.

        To be called whenever variables were set: when training begins, or goes on from a checkpoint.
        """


class OneDevice:
    """Training on one device."""

    devices: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "one device only, nothing is divided"

    def build(self, make: Callable[[], Any]) -> Any:
        """The model that `make` returns."""
        return make()

    def optimizer(self, make: Callable[[], Any], variables: list[Any]) -> Any:
        """The optimizer as it is; Keras makes its variables when it needs them."""
        return make()

    def check(self, model: Any, count: int, batch_size: int) -> None:
        """Nothing to check: one device can compute any batch."""

    def steps(self, model: Any, batch: Any) -> tuple[Step, Step]:
        """Keras's own steps, or those of learners."""
        from dlspec.standalone.learning import Learning
        from dlspec.training.loop.keras_steps import takes_turns, test_step, train_step

        train = takes_turns if isinstance(model, Learning) else train_step
        return train(model), test_step(model)

    def compiled(self, wanted: bool | None) -> bool | str:
        """Whether XLA compiles, as the method wants it; else as Keras chooses."""
        return "auto" if wanted is None else wanted

    def agree(self, model: Any) -> None:
        """Does nothing: there is no other device."""


ONE_DEVICE = OneDevice()


def open_distribution(method: Method) -> Distribution:
    """The devices that `train.distribute` asks for; one where it asks for nothing, or there is one only.

    To be called before TensorFlow has computed anything.

    Raises:
        Problem: E518, they are not there.
    """
    if method.distribute is None:
        return ONE_DEVICE
    opened: Distribution | None = load_attribute(method.distribute.opener)(method.distribute)
    return opened or ONE_DEVICE
