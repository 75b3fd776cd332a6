"""A loss that is infinite or not a number: where it comes from, and the way back."""

from __future__ import annotations

import math
from typing import Any

from dlspec.backends.keras.internals import calls_of, flatten_layers, mask_of
from dlspec.core.documents.results import Measures
from dlspec.core.errors import Problem
from dlspec.training.loop.trainer import NonFinite
from dlspec.training.loop.training_state import TrainingState, training_state_of
from dlspec.training.run.checkpoint import Checkpoint

_ROLLBACKS = 5
_HELP = "lower the learning rate, clip the gradients (`clipnorm: 1`), or normalise the inputs"
_EMPTY_HELP = "leave empty texts and sequences out, or take a layer that needs none: `global_max_pooling1d`"
_DATA_HELP = "look for missing or infinite values in the data"


def may_go_back(state: TrainingState) -> bool:
    """Whether it was not tried too often."""
    return state.rollbacks < _ROLLBACKS


def go_back(state: TrainingState, beginning: Checkpoint, trouble: NonFinite) -> str:
    """Sets `state` to the beginning of an epoch; returns what to tell."""
    location = _location(state, trouble)
    rollbacks = state.rollbacks + 1
    state.become(training_state_of(beginning))
    state.rollbacks = rollbacks
    return f"the loss became {trouble.loss} in {location}: back to the beginning of {state} with half the learning rate"


def lower_rate(optimizer: Any, times: int) -> None:
    """Halves the learning rate so many times."""
    optimizer.learning_rate = float(optimizer.learning_rate.numpy()) * 0.5**times


def problem(trouble: NonFinite, state: TrainingState, model: Any, batch: Any) -> Problem:
    """E508 with the step, and what first was not finite."""
    reason, help = cause(model, batch)
    return Problem("E508", f"the loss became {trouble.loss} in {_location(state, trouble)}: {reason}", help)


def _location(state: TrainingState, trouble: NonFinite) -> str:
    return f"step {trouble.step + 1} of epoch {state.epoch + 1}"


def require_finite(metrics: Measures) -> None:
    """Refuses a model whose loss is infinite or not a number on some part of the data.

    Args:
        metrics: Loss and metrics by part, with the weights that are kept.

    Raises:
        Problem: E508.
    """
    for part, measured in metrics.items():
        losses = [value for name, value in measured.items() if name == "loss" or name.endswith("_loss")]
        for loss in losses:
            if loss is None or not math.isfinite(loss):
                text = f"the loss of the {part} part is {loss}, with the weights that were kept"
                # Its own examples gave finite losses in every step: only the weights since then can be the cause.
                raise Problem("E508", text, _HELP if part == "train" else f"{_DATA_HELP}; if there are none, {_HELP}")


def cause(model: Any, batch: Any) -> tuple[str, str]:
    """The first value that was not finite, in the order of computation, and a help.

    Args:
        model: The functional model, with the weights that gave the loss.
        batch: The batch that gave it: inputs, targets, perhaps weights.
    """
    inputs, targets = batch[0], batch[1]
    for what, values in (("an input", inputs), ("a target", targets)):
        if not _finite(values):
            return f"{what} of its batch is not finite", _DATA_HELP
    for layer in model.layers:
        if not _finite(layer.variables):
            return f"the weights of layer `{layer.name}` are no longer finite since the step before", _HELP
    name = _first_layer(model, inputs)
    if name and _enters_nothing(model, name, inputs):
        reason = f"an example of its batch is nothing but padding, and of nothing layer `{name}` makes no number"
        return reason, _EMPTY_HELP
    if name:
        return f"the output of layer `{name}` was the first that is not finite", _HELP
    return "all layers are finite, only the loss is not", _HELP


def unsound_weights(model: Any) -> str:
    """Name of the first layer whose weights are not all finite, those of nested models too; "" where there is none."""
    import keras

    layers = (layer for layer in flatten_layers(model, include_self=False) if not isinstance(layer, keras.Model))
    return next((layer.name for layer in layers if not _finite(layer.variables)), "")


def _first_layer(model: Any, inputs: Any) -> str:
    import keras

    outputs = {
        layer.name: layer.output
        for layer in model.layers
        # A layer that is called several times has no single output.
        if not isinstance(layer, keras.layers.InputLayer) and len(calls_of(layer)) == 1
    }
    values = keras.Model(model.input, outputs)(inputs, training=True)
    return next((name for name in outputs if not _finite(values[name])), "")


def _enters_nothing(model: Any, name: str, inputs: Any) -> bool:
    """Whether the mask of what enters a layer leaves nothing of some example."""
    import keras
    import tensorflow as tf

    entered = keras.Model(model.input, model.get_layer(name).input)(inputs, training=True)
    masks = [mask_of(tensor) for tensor in tf.nest.flatten(entered)]
    return any(mask is not None and not bool(tf.reduce_all(tf.reduce_any(mask, axis=1))) for mask in masks)


def _finite(values: Any) -> bool:
    import keras
    import tensorflow as tf

    for value in tf.nest.flatten(values):
        tensor = tf.convert_to_tensor(value.value if isinstance(value, keras.Variable) else value)
        if tensor.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(tensor))):
            return False
    return True
