"""Several models of one task as one: it takes what each of them takes, and combines their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dlspec.backends.keras.structure import like_inputs, outputs_by_name

# Outputs that are taken before a softmax, and before a sigmoid: their probabilities are combined, not themselves.
CLASS_LOGITS, LOGITS = "class logits", "logits"
# Below it, a float32 has fewer digits.
_TINY = 1e-37

Combine = Callable[[Sequence[Any], str], Any]


def mean_of(models: Sequence[Any], outputs: Sequence[str], logits: Mapping[str, str], name: str) -> Any:
    """A functional model that gives the mean of the answers of several ones.

    Args:
        models: At least two functional Keras models of the same inputs and outputs; their layers are shared.
        outputs: Names of their outputs in their order.
        logits: :data:`CLASS_LOGITS` or :data:`LOGITS` by output, for those that are taken before softmax or sigmoid.
            What is given then are the logits of the mean probabilities.
        name: Of the model.
    """
    return combined(models, outputs, name, lambda answers, output: _mean(answers, output, logits.get(output, "")))


def combined(models: Sequence[Any], outputs: Sequence[str], name: str, combine: Combine) -> Any:
    """A functional model around several ones.

    Args:
        models: As for :func:`mean_of`.
        outputs: Names of their outputs in their order.
        name: Of the model.
        combine: From the answers of all models for one output, and the name of the layer that it makes last, to one.
    """
    import keras

    first = models[0]
    inputs = {
        tensor.name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name) for tensor in first.inputs
    }
    answers = []
    for number, model in enumerate(models, 1):
        member = keras.Model(model.input, model.output, name=f"member_{number}")
        answers.append(outputs_by_name(member(like_inputs(model, inputs)), outputs))
    # An output that is called as an input is cannot have a layer of that name.
    by_name = isinstance(first.output, dict) or not inputs.keys().isdisjoint(outputs)
    made = {}
    for output in outputs:
        called = f"{output}_combined" if output in inputs else output
        made[output] = combine([answer[output] for answer in answers], called)
    return keras.Model(like_inputs(first, inputs), made if by_name else _like(first.output, made), name=name)


def _like(template: Any, made: Mapping[str, Any]) -> Any:
    """Tensors in the structure of a model's output."""
    return list(made.values()) if isinstance(template, list | tuple) else next(iter(made.values()))


def _mean(answers: Sequence[Any], name: str, logits: str) -> Any:
    import keras
    from keras import ops

    if logits == CLASS_LOGITS:
        shares = keras.layers.Average(dtype="float32")([ops.softmax(answer, axis=-1) for answer in answers])
        return keras.layers.Identity(name=name)(ops.log(ops.maximum(shares, _TINY)))
    if logits == LOGITS:
        yes = keras.layers.Average(dtype="float32")([ops.sigmoid(answer) for answer in answers])
        no = keras.layers.Average(dtype="float32")([ops.sigmoid(-answer) for answer in answers])
        return keras.layers.Identity(name=name)(ops.log(ops.maximum(yes, _TINY)) - ops.log(ops.maximum(no, _TINY)))
    return keras.layers.Average(dtype="float32", name=name)(list(answers))
