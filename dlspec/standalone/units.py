"""Targets that are prepared: the loss compares in prepared units, answers and metrics are in those of the data."""

from typing import Any

import keras
import numpy as np


def undone_by(layer: Any, name: str | None = None) -> Any:
    """The layer that undoes one: of Keras's own, those that can be undone; of ours, what they say themselves."""
    if isinstance(layer, keras.layers.Normalization):
        mean, variance = layer.input_mean, layer.input_variance
        if mean is None:  # it was measured
            mean, variance = np.array(layer.adapt_mean).tolist(), np.array(layer.adapt_variance).tolist()
        return keras.layers.Normalization(layer.axis or None, mean, variance, invert=not layer.invert, name=name)
    if isinstance(layer, keras.layers.Rescaling):
        scale, offset = np.array(layer.scale, "float64"), np.array(layer.offset, "float64")
        return keras.layers.Rescaling((1 / scale).tolist(), (-offset / scale).tolist(), name=name)
    return layer.inverse(name)


class Units:
    """The units of one target.

    Args:
        fitted: Layers in the order in which they prepare it.
        shape: Of a batch of it; None for the number of examples.
        name: Of the target, for the names of the layers that undo them.
    """

    def __init__(self, fitted: list, shape: tuple, name: str) -> None:
        # Layers of constants: they compute on whatever device the model is.
        self.undoing = [undone_by(layer, f"{name}_undo_{number}") for number, layer in enumerate(reversed(fitted), 1)]
        self.layers = [undone_by(layer) for layer in reversed(self.undoing)]
        for layer in (*self.undoing, *self.layers):
            layer.build(shape)

    def prepare(self, values: Any) -> Any:
        """Numbers of the data as the loss compares them."""
        for layer in self.layers:
            values = layer(values)
        return values

    def undo(self, values: Any) -> Any:
        """Answers of the model in the units of the data."""
        for layer in self.undoing:
            values = layer(values)
        return values


class PreparedLoss(keras.losses.Loss):
    """Another loss, but that compares the target as it is prepared."""

    def __init__(self, loss: Any, units: Units) -> None:
        super().__init__(name=loss.name)
        self.loss = loss
        self.units = units

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return self.loss(self.units.prepare(y_true), y_pred, sample_weight)


class UndoneMetric(keras.metrics.Metric):
    """Another metric, but that compares in the units of the data, and one unit of the output where only that counts."""

    def __init__(self, metric: Any, units: Units | None = None, answer: int | None = None) -> None:
        super().__init__(name=metric.name)
        self.metric = metric
        self.units = units
        self.answer = answer
        self._direction = metric._direction if hasattr(metric, "_direction") else None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.answer is not None:
            y_pred = y_pred[..., self.answer : self.answer + 1]
        if self.units is not None:
            y_pred = self.units.undo(y_pred)
        self.metric.update_state(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        return self.metric.result()

    def reset_state(self) -> None:
        self.metric.reset_state()


def in_data_units(model: keras.Model, units: dict) -> keras.Model:
    """The model with answers in the units of the data, by output; it shares its weights."""
    outputs = model.output
    if isinstance(outputs, dict):
        outputs = {name: units[name].undo(tensor) if name in units else tensor for name, tensor in outputs.items()}
    else:
        outputs = next(iter(units.values())).undo(outputs) if units else outputs
    return keras.Model(model.input, outputs, name=model.name)
