"""Steps that draw from what the graph computes, in use as in training; other noise is an input with `draw`."""

from __future__ import annotations

from typing import Any

from dlspec.components.layers.base import Layer, seed
from dlspec.components.registry import example
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class RandomStep(Layer, abstract=True):
    """Base of the steps that draw."""

    masking = "pass"
    seed = seed()

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if not abstract:
            cls.registered_name = f"random.{cls.registered_name.removeprefix('random_')}"

    def floating(self, x: Tensor) -> None:
        """Checks that the input which sets the draws is of a floating-point type.

        Raises:
            Problem: E409.
        """
        if not x.floating:
            message = f"{self.name} takes floating-point numbers, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "cast it first: `ops.cast: float32`")


class RandomNormal(RandomStep):
    """Draws normal numbers of a mean and a standard deviation, through which gradients pass.

    Source: Kingma & Welling 2014, "Auto-Encoding Variational Bayes", section 2.4 (reparameterization). In use the
    numbers follow from the seed and the example's place in its batch.
    """

    keras = "dlspec.keras_layers.RandomNormal"
    arguments = ("mean", "stddev")
    examples = (example("", (8,), (8,)), example("{seed: 1}", (None, 4), (None, 4)))

    @classmethod
    def value_names_inputs(cls) -> bool:
        """`random.normal: [mean, stddev]` names what it draws by."""
        return True

    def infer(self, mean: Tensor, stddev: Tensor) -> Tensor:
        """The shape of the inputs."""
        self.floating(mean)
        self.floating(stddev)
        if mean.shape != stddev.shape:
            shapes = f"{show_shape(mean.shape)} and {show_shape(stddev.shape)}"
            message = f"{self.name} takes mean and standard deviation in one shape, but they have {shapes}"
            raise Problem("E402", message, "give both layers before it the same size")
        return Tensor(mean.shape, self.compute_dtype)


class RandomBernoulli(RandomStep):
    """Draws 1 with the probability that enters, else 0; no gradients pass.

    In use the numbers follow from the seed and the example's place in its batch.
    """

    keras = "dlspec.keras_layers.RandomBernoulli"
    stops_gradients = True
    examples = (example("", (8,)), example("{seed: 1}", (None, 4)))

    def infer(self, probabilities: Tensor) -> Tensor:
        """The shape of the input."""
        self.floating(probabilities)
        return Tensor(probabilities.shape, self.compute_dtype)


class RandomGumbel(RandomStep):
    """Adds Gumbel noise to logits: the largest of them is then a draw by their softmax, and gradients pass.

    Source: Jang, Gu & Poole 2017, "Categorical Reparameterization with Gumbel-Softmax", section 2. A softmax with a
    temperature behind it makes the draw of that article. In use the numbers follow from the seed and the example's
    place in its batch.
    """

    keras = "dlspec.keras_layers.RandomGumbel"
    examples = (example("", (8,)), example("{seed: 1}", (None, 4)))

    def infer(self, logits: Tensor) -> Tensor:
        """The shape of the input."""
        self.floating(logits)
        return Tensor(logits.shape, self.compute_dtype)


class RandomCategorical(RandomStep):
    """Draws the number of a class by the softmax of logits along the last axis; no gradients pass.

    In use the numbers follow from the seed and the example's place in its batch.
    """

    keras = "dlspec.keras_layers.RandomCategorical"
    examples = (example("", (8,)), example("{seed: 1}", (None, 4)))

    def infer(self, logits: Tensor) -> Tensor:
        """The shape of the input without its last axis."""
        self.floating(logits)
        if not logits.rank:
            raise Problem("E402", f"{self.name} needs an axis of classes", "give it logits [classes]")
        return Tensor(logits.shape[:-1], "int32")
