"""A model's answers held against the targets, batch after batch, with the masks that its outputs carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.internals import mask_of
from dlspec.backends.keras.structure import like_inputs, most_numbers, outputs_by_name
from dlspec.views.pages.scores import Score

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Numbers in a batch of inputs: large enough that small models are not called often, small enough for large ones.
_BATCH_ELEMENTS = 1_000_000
_LARGEST_BATCH = 1024
# Numbers in the largest tensor of a batch inside the model: 256 MB.
_INNER_ELEMENTS = 1 << 26
# Calls of a model that take less time than to compile it.
UNTRACED = 3
# Inputs and targets by name, and how much each example counts; None where all count alike.
Batch = tuple[Any, Any, "Array | None"]
Answering = Callable[[Any], tuple[dict[str, Any], dict[str, Any]]]


def batch_size(elements: int, model: Any) -> int:
    """Number of examples that enter a model at a time, where each has `elements` numbers."""
    return max(1, min(_LARGEST_BATCH, _BATCH_ELEMENTS // max(elements, 1), _INNER_ELEMENTS // most_numbers(model)))


def answering(model: Any, outputs: tuple[str, ...], calls: int = 1, *, masks_only: bool = False) -> Answering:
    """A function from a batch of inputs, by name, to answers and masks by output, as arrays.

    Args:
        model: A functional Keras model.
        outputs: Names of its outputs in their order.
        calls: How often it will be called; it is compiled where that is worth it.
        masks_only: Whether the answers are left out: what only they need is not computed then.
    """
    import tensorflow as tf

    def call(inputs: Any) -> Any:
        answer = outputs_by_name(model(like_inputs(model, inputs), training=False), outputs)
        masks = {name: mask_of(tensor) for name, tensor in answer.items()}
        return {} if masks_only else answer, {name: mask for name, mask in masks.items() if mask is not None}

    function = call if calls <= UNTRACED else tf.function(call, reduce_retracing=True, autograph=False)

    def answered(inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        answer, masks = function(inputs)
        return as_arrays(answer), as_arrays(masks)

    return answered


def learn(answer: Answering, batches: Iterable[Batch], scores: Mapping[str, Score]) -> None:
    """Lets `scores` find the trivial answers among batches."""
    for inputs, targets, weights in batches:
        _, masks = answer(inputs)
        for name, score in scores.items():
            score.learn(as_array(targets[name]), masks.get(name), weights)


def compare(answer: Answering, batches: Iterable[Batch], scores: Mapping[str, Score]) -> dict[str, list[Array]]:
    """Lets `scores` see batches; returns how bad each example is, by output and batch."""
    badness: dict[str, list[Array]] = {name: [] for name in scores}
    for inputs, targets, weights in batches:
        answered, masks = answer(inputs)
        for name, score in scores.items():
            badness[name].append(score.add(answered[name], as_array(targets[name]), masks.get(name), weights))
    return badness


def with_weights(batches: Iterable[tuple[Any, Any]], weights: Array | None) -> Iterator[Batch]:
    """Batches of inputs and targets with the weights of their examples, which all stand in one order."""
    start = 0
    for inputs, targets in batches:
        end = start + len(next(iter(inputs.values())))
        yield inputs, targets, None if weights is None else weights[start:end]
        start = end


def as_arrays(tensors: Mapping[str, Any]) -> dict[str, Array]:
    """Tensors by name as arrays of numpy."""
    return {name: as_array(values) for name, values in tensors.items()}


def as_array(values: Any) -> Array:
    """A tensor as an array of numpy."""
    import numpy as np

    return np.asarray(values)
