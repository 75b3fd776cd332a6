"""The model whose learners take turns on each batch, as a method declares them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from dlspec.backends.keras.structure import outputs_by_name
from dlspec.components.methods.base import Method
from dlspec.components.methods.learning import loss_of, means, measure_of, numbered
from dlspec.components.sections.matching import layers_meant
from dlspec.components.sections.training import Learner as Declared
from dlspec.components.training.callbacks import Callback
from dlspec.standalone import learning, turns
from dlspec.standalone.averages import averages_of


def takes_turns(
    core: Any,
    method: Method,
    outputs: Sequence[str],
    compared: Mapping[str, Any],
    metrics: Mapping[str, list[Any]],
) -> Any:
    """A model around the layers of `core`, whose learners have no optimizers yet.

    Args:
        core: A functional model that gives its outputs, and all that is minimised or measured.
        outputs: Names of its outputs in their order.
        compared: A loss as Keras has it for each output with a target.
        metrics: The metrics of these outputs as Keras has them.
    """
    import keras

    whole = keras.Model(core.input, outputs_by_name(core.output, outputs), name=core.name)
    measured = means(method, outputs)
    seen = dict(seen_by(whole, method, list(measured)))
    several = len(method.turns) > 1
    compared = {name: _loss(loss, whole.output[name], method.loss_of(name)) for name, loss in compared.items()}
    learners = [
        _learner(
            whole,
            name if several else "",
            declared,
            method,
            compared,
            [tensor_name for tensor_name in seen if seen[tensor_name] == name],
        )
        for name, declared in method.turns.items()
    ]
    named = {
        output: {
            name: _chosen(metric, whole.output[output], method.loss_of(output))
            for (name, _), metric in zip(numbered(output, method.chosen_metrics(output)), made, strict=True)
        }
        for output, made in metrics.items()
    }
    means_by_name = {
        measure_of(tensor, metric): (tensor, metric.make()) for tensor, chosen in measured.items() for metric in chosen
    }
    averages = averages_of(whole, method.averages) if method.averages else None
    return learning.Learning(whole, learners, named, means_by_name, name=core.name, averages=averages)


def optimizers_of(model: Any) -> list[Any]:
    """The optimizer of a compiled model, or those of its learners."""
    optimizer = model.optimizer
    return (
        [learner.optimizer for learner in optimizer.learners]
        if isinstance(optimizer, learning.Optimizers)
        else [optimizer]
    )


def for_each_learner(model: Any, declared: Callback, made: Callable[[], Any]) -> Iterator[Any]:
    """A callback of Keras; where it changes the learning rate, one for each learner.

    Args:
        model: The compiled model.
        declared: The callback as declared.
        made: Makes it.
    """
    learners = model.learners if isinstance(model, learning.Learning) else []
    if not learners or not declared.changes_rate:
        yield made()
        return
    for learner in learners:
        yield turns.for_learner(made(), learner)


def _chosen(metric: Any, output: Any, loss: Any) -> Any:
    """A metric of Keras; `accuracy` by what an output is compared with, as Keras chooses it in `compile`."""
    import keras

    if not isinstance(metric, str):
        return metric
    return vars(keras.metrics)[by_task("Accuracy", output.shape, loss)](name=metric)


def _loss(loss: Any, output: Any, declared: Any) -> Any:
    """A loss of Keras; `crossentropy` by what an output is compared with, as Keras chooses it in `compile`."""
    import keras

    return vars(keras.losses)[by_task("Crossentropy", output.shape, declared)]() if isinstance(loss, str) else loss


def by_task(name: str, shape: Sequence[int | None], loss: Any) -> str:
    """The class of Keras behind a word such as `accuracy`, for an output of this shape with its declared loss."""
    if shape[-1] == 1:
        return f"Binary{name}"
    return f"Categorical{name}" if loss.targets == "one_hot" else f"SparseCategorical{name}"


def _learner(
    whole: Any, name: str, declared: Declared, method: Method, compared: Mapping[str, Any], seen: Sequence[str]
) -> learning.Learner:
    losses = {output: loss for output, loss in compared.items() if loss_of(declared, output) is not None}
    trains = None if declared.trains is None else layers_of(whole, declared.trains, method)
    return learning.Learner(
        whole,
        name,
        declared.minimize,
        losses,
        declared.loss_weights,
        trains,
        declared.every,
        seen,
    )


def layers_of(whole: Any, patterns: Iterable[str], method: Method) -> list[str]:
    """Names of the layers of a model that patterns mean, each once."""
    own = {layer.name: layer.name for layer in whole.layers}
    names = own | {name: layer for name, layer in method.layer_names.items() if layer in own}
    return list(dict.fromkeys(match for matches in layers_meant(patterns, names).values() for match in matches))


def seen_by(whole: Any, method: Method, tensors: Sequence[str]) -> Iterable[tuple[str, str]]:
    """The learner in whose pass each tensor that is only measured is computed: the first that depends on it."""
    import keras

    for tensor in tensors:
        made = {id(layer) for layer in keras.Model(whole.input, whole.output[tensor]).layers}
        for name, declared in method.turns.items():
            wanted = [
                *(declared.minimize or {}),
                *(output for output in whole.output if loss_of(declared, output) is not None),
            ]
            reached = keras.Model(whole.input, {output: whole.output[output] for output in wanted}).layers
            if made <= {id(layer) for layer in reached}:
                yield tensor, name
                break
        else:
            yield tensor, next(iter(method.turns))
