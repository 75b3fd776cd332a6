"""Several models of one task as one: it takes what each of them takes, and combines their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dlspec.backends.keras.structure import like_inputs, outputs_by_name

# Below it, a float32 has fewer digits.
_TINY = 1e-37

Combine = Callable[[Sequence[Any], str], Any]


def member_name(number: int) -> str:
    """Name of the layer that is a member, counted from 1."""
    return f"member_{number}"


def mean_of(models: Sequence[Any], outputs: Sequence[str], logits: Mapping[str, bool], name: str) -> Any:
    """A functional model that gives the mean of the answers of several ones.

    Args:
        models: At least two functional Keras models of the same inputs and outputs; their layers are shared.
        outputs: Names of their outputs in their order.
        logits: For outputs that are taken before softmax (True) or sigmoid (False). What is given then are the logits
            of the mean probabilities.
        name: Of the model.
    """
    return combined(models, outputs, name, lambda answers, output: _mean(answers, output, logits.get(output)))


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
        member = keras.Model(model.input, model.output, name=member_name(number))
        answers.append(outputs_by_name(member(like_inputs(model, inputs)), outputs))
    # An output that is called as an input is cannot have a layer of that name.
    by_name = isinstance(first.output, dict) or not inputs.keys().isdisjoint(outputs)
    made = {}
    for output in outputs:
        made[output] = combine([answer[output] for answer in answers], _free(output, inputs))
    return keras.Model(like_inputs(first, inputs), made if by_name else _like(first.output, made), name=name)


def stack_of(members: Mapping[str, Any], last: Any, outputs: Sequence[str]) -> Any:
    """A functional model in which the answers of several ones enter another one.

    Args:
        members: Functional Keras models of one output each, by the input of the last one that their answer enters. What
            several of them take by one name is the same.
        last: The functional model that combines the answers.
        outputs: Names of its outputs in their order.
    """
    import keras
    from keras import ops

    inputs: dict[str, Any] = {}
    answers = {}
    for number, (name, model) in enumerate(members.items(), 1):
        for tensor in model.inputs:
            if tensor.name not in inputs:
                inputs[tensor.name] = keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
        entering = {
            tensor.name: inputs[tensor.name]
            if inputs[tensor.name].dtype == tensor.dtype
            else ops.cast(inputs[tensor.name], tensor.dtype)
            for tensor in model.inputs
        }
        member = keras.Model(model.input, model.output, name=member_name(number))
        (answers[name],) = keras.tree.flatten(member(like_inputs(model, entering)))
    combining = keras.Model(last.input, last.output, name="combining")
    given = outputs_by_name(combining(like_inputs(last, answers)), outputs)
    made = {name: keras.layers.Identity(name=_free(name, inputs))(given[name]) for name in outputs}
    by_name = isinstance(last.output, dict) or not inputs.keys().isdisjoint(outputs)
    entered = list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values()))
    return keras.Model(entered, made if by_name else _like(last.output, made), name=last.name)


def _free(output: str, inputs: Mapping[str, Any]) -> str:
    """A name for the layer of an output: none may have that of an input."""
    return f"{output}_combined" if output in inputs else output


def _like(template: Any, made: Mapping[str, Any]) -> Any:
    """Tensors in the structure of a model's output."""
    return list(made.values()) if isinstance(template, list | tuple) else next(iter(made.values()))


def _mean(answers: Sequence[Any], name: str, softmax: bool | None) -> Any:
    import keras
    from keras import ops

    def average(tensors: Sequence[Any], **options: Any) -> Any:
        return keras.layers.Average(dtype="float32", **options)(list(tensors))

    if softmax is None:
        return average(answers, name=name)
    if softmax:
        shares = average([ops.softmax(answer, axis=-1) for answer in answers])
        return keras.layers.Identity(name=name)(ops.log(ops.maximum(shares, _TINY)))
    yes, no = (
        average([ops.sigmoid(answer) for answer in answers]),
        average([ops.sigmoid(-answer) for answer in answers]),
    )
    return keras.layers.Identity(name=name)(ops.log(ops.maximum(yes, _TINY)) - ops.log(ops.maximum(no, _TINY)))


def votes_of(
    models: Sequence[Any], output: str, name: str, votes: Sequence[float], *, threshold: float | None, logits: bool
) -> Any:
    """A functional model in which several ones vote for a class: the decision of SAMME, as probabilities or logits.

    Each gives its vote to its likeliest class, and -1/(classes - 1) of it to the others (Zhu et al. 2009).

    Args:
        models: Functional Keras models of the same inputs and the same only output.
        output: Its name.
        name: Of the model.
        votes: How much each counts.
        threshold: The answer above which it is yes; None for a score of each class.
        logits: Whether the output is taken before softmax or sigmoid.
    """
    from keras import ops

    shares = [vote / sum(votes) for vote in votes]

    def decide(answers: Sequence[Any], called: str) -> Any:
        import keras

        if threshold is None:
            count = answers[0].shape[-1]
            # Not `argmax`, which takes numbers apart into bits: ONNX has no operation for that.
            chosen = [ops.one_hot(ops.top_k(answer, 1)[1][..., 0], count) for answer in answers]
            each = [(choice * count - 1) / (count - 1) ** 2 for choice in chosen]
        else:
            each = [ops.cast(answer > threshold, "float32") * 4 - 2 for answer in answers]  # both classes, as a softmax
        decision = sum(
            (share * choice for share, choice in zip(shares[1:], each[1:], strict=True)), shares[0] * each[0]
        )
        if not logits:
            decision = ops.softmax(decision, axis=-1) if threshold is None else ops.sigmoid(decision)
        return keras.layers.Identity(name=called)(decision)

    return combined(models, (output,), name, decide)


def probabilities(answers: Any, softmax: bool | None) -> Any:
    """Answers of one output as they are averaged: behind softmax or sigmoid where they are taken before.

    Args:
        answers: An array of shape [examples, …].
        softmax: Whether they are taken before a softmax (True) or a sigmoid (False); None for neither.
    """
    from scipy.special import expit
    from scipy.special import softmax as shares

    return answers if softmax is None else shares(answers, axis=-1) if softmax else expit(answers)


def scores(shares: Any, softmax: bool | None) -> Any:
    """The inverse of :func:`probabilities`."""
    import numpy as np

    if softmax is None:
        return shares
    logs = np.log(np.maximum(shares, _TINY))
    return logs if softmax else logs - np.log(np.maximum(1 - shares, _TINY))
