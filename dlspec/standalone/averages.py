"""Models whose weights are moving averages of those of others."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from keras import ops


class Average:
    """A model that follows another one of the same layers: no gradient changes it, and it runs in the other's mode.

    Args:
        model: What follows.
        origin: What it follows.
        momentum: The share that it keeps of itself at each step of `origin`.
    """

    def __init__(self, model: Any, origin: Any, momentum: float) -> None:
        self.model = model
        self.origin = origin
        self.momentum = momentum
        self.pairs = list(zip(model.weights, origin.weights, strict=True))
        self.layers = list(layers_of(model, origin))
        # What a pass changes of layers, such as moving means: here they are averages of those of the other's.
        changing = [own for own, other in self.layers if any(not weight.trainable for weight in other.weights)]
        self.statistics = [weight for layer in changing for weight in layer.weights]
        # Only trainable layers measure while they train; no weight of theirs learns all the same.
        for own, trainable in [(own, other.trainable) for own, other in self.layers]:
            own.trainable = trainable
        for weight in model.weights:
            weight.trainable = False

    def begin(self) -> None:
        """Makes it equal to what it follows."""
        for own, other in self.pairs:
            own.assign(other)
        for layer, _ in self.layers:
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()  # computes with constants made of its weights

    def follow(self, moved: Any) -> None:
        """Moves on, after a step of what it follows.

        Args:
            moved: Whether there was such a step.
        """
        for own, other in self.pairs:
            value = ops.convert_to_tensor(other)
            if "float" in own.dtype:
                value = self.momentum * ops.convert_to_tensor(own) + (1 - self.momentum) * value
            own.assign(tf.where(moved, value, ops.convert_to_tensor(own)))


class Averages:
    """The averages in a model.

    Args:
        averages: Each behind what it follows.
    """

    def __init__(self, averages: Any) -> None:
        self.all = tuple(averages)

    @property
    def statistics(self) -> list[Any]:
        """Variables that a pass through the model changes, and must not."""
        return [weight for average in self.all for weight in average.statistics]

    def of(self, layers: Any) -> "Averages":
        """Those that move when some layers learn; layers that are frozen do not."""
        moved = {id(layer) for layer in layers if layer.trainable_variables}
        moving = []
        for average in self.all:
            if any(id(other) in moved for _, other in average.layers):
                moving.append(average)
                moved |= {id(own) for own, _ in average.layers}
        return Averages(moving)

    @contextmanager
    def following(self, optimizer: Any) -> Iterator[None]:
        """Moves them on where an optimizer takes a step meanwhile."""
        if not self.all:
            yield
            return
        before = tf.identity(ops.convert_to_tensor(optimizer.iterations))
        yield
        moved = tf.not_equal(ops.convert_to_tensor(optimizer.iterations), before)
        for average in self.all:
            average.follow(moved)


class Following(keras.Model):
    """A model whose training steps the averages in it follow."""

    averages = Averages(())


def averages_of(whole: Any, declared: Any) -> Averages:
    """The averages in a model.

    Args:
        whole: A functional model.
        declared: By name of an average, the name of what it follows, and its momentum; each behind what it follows.
    """
    models = {model.name: model for model in inner_models(whole)}
    return Averages(Average(models[name], models[origin], momentum) for name, (origin, momentum) in declared.items())


def layers_of(model: Any, origin: Any) -> Iterator[tuple[Any, Any]]:
    """The layers of a model and of the models inside, each beside the same of another model."""
    for own, other in zip(model.layers, origin.layers, strict=True):
        if isinstance(own, keras.Model):
            yield from layers_of(own, other)
        else:
            yield own, other


def inner_models(model: Any) -> Iterator[Any]:
    """The models inside of a model, at any depth."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield layer
            yield from inner_models(layer)
