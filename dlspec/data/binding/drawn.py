"""Inputs that no column gives: what is drawn for them, as a function of the seed and of places alone.

In training it follows from the seed, the epoch, the example's place in it, and names; elsewhere from the seed, the
example's place in its source, and the name: the same in every epoch, and whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature

if TYPE_CHECKING:
    import numpy as np

    from dlspec.components.training.draws import Draw

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One input that is drawn.

    Attributes:
        tensor: What one example gets.
        draw: What it is drawn from.
        seed: What decides beside places and names.
    """

    name: str
    tensor: Tensor
    draw: Draw
    seed: int

    def at(self, numbers: Array) -> Array:
        """Values of the examples `numbers` outside of training, shape [n, …]."""
        return self._at((self.seed, self.name), numbers)

    def in_training(self, epoch: int, learner: str, first: int, end: int) -> Array:
        """Values of examples at neighbouring positions of an epoch, shape [end - first, …].

        Args:
            epoch: The epoch, from 0 over all phases.
            learner: Name of the learner that asks; "" where there is one only.
            first, end: The places, from 0, `end` excluded.
        """
        import numpy as np

        return self._at((self.seed, epoch, learner, self.name), np.arange(first, end))

    def _at(self, key: tuple[Any, ...], places: Array) -> Array:
        from dlspec.standalone.draws import draws_at

        draw = (self.draw.numbers, self.draw.arguments)
        shape = tuple(size or 1 for size in self.tensor.shape)
        values: Array = draws_at(draw, shape, self.tensor.dtype, key, places)
        return values


def seed_of(data: Data, method: Method | None) -> int:
    """The seed that decides what is drawn: that of the data, or else of the training."""
    return int(data.seed if data.seed is not None else method.seed if method is not None else 0)


def drawn(data: Data, signature: Signature, method: Method | None) -> tuple[Drawn, ...]:
    """The inputs of a model that are drawn."""
    seed = seed_of(data, method)
    return tuple(Drawn(name, tensor, draw, seed) for name, (tensor, draw) in signature.drawn.items())


def key(learner: str, name: str) -> str:
    """Name in a batch of the draws that a learner gets for an input."""
    return f"{learner}/{name}" if learner else name


def in_training(
    inputs: Sequence[Drawn], learners: Sequence[str] = ("",)
) -> Callable[[Any, Any, Any], Mapping[str, Any]] | None:
    """The draws of a :class:`dlspec.data.feeding.feed.Feed`, for each learner its own; None where nothing is drawn."""
    if not inputs:
        return None
    asked = [(learner, input_) for learner in learners for input_ in inputs]

    def arrays(epoch: Any, first: Any, end: Any) -> list[Array]:
        return [input_.in_training(int(epoch), learner, int(first), int(end)) for learner, input_ in asked]

    def draws(epoch: Any, first: Any, end: Any) -> Mapping[str, Any]:
        import tensorflow as tf

        dtypes = [input_.tensor.dtype for _, input_ in asked]
        values = tf.numpy_function(arrays, [epoch, first, end], dtypes, stateful=False)
        for tensor, (_, input_) in zip(values, asked, strict=True):
            tensor.set_shape((None, *input_.tensor.shape))
        return {key(learner, input_.name): tensor for tensor, (learner, input_) in zip(values, asked, strict=True)}

    return draws
