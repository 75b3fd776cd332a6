"""The model that is trained: the outputs with a loss, compiled with losses, optimizer and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.runner.structure import only_or_all, outputs_by_name
from dlspec.sections.train import Supervised

_TOGETHER = 32


def trainer(core: Any, method: Supervised, outputs: Sequence[str], steps: int) -> Any:
    """A compiled model around the layers of `core`, whose weights it shares.

    Its outputs are those with a loss: the only one, or a dict by name, so that measures are called ``sold_loss``,
    ``sold_auc`` whatever the layers behind them are called.

    Args:
        core: A functional Keras model.
        outputs: Names of its outputs in their order.
        steps: Steps per epoch; several are run together, which changes no weight, only the speed.
    """
    import keras

    tensors = outputs_by_name(core.output, outputs)
    losses = {name: method.loss_of(name) for name in outputs if method.loss_of(name) is not None}
    model = keras.Model(core.input, only_or_all({name: tensors[name] for name in losses}), name=core.name)
    metrics = {name: [metric.make() for metric in method.metrics_of(name)] for name in losses}
    model.compile(
        optimizer=method.chosen_optimizer.make(),
        loss=only_or_all({name: loss.make() for name, loss in losses.items()}),
        loss_weights=_weights(method, list(losses)),
        metrics=only_or_all(metrics) if any(metrics.values()) else None,
        steps_per_execution=steps_together(steps),
    )
    return model


def _weights(method: Supervised, outputs: Sequence[str]) -> Any:
    if not method.loss_weights:
        return None
    weights = {name: float(method.loss_weights.get(name, 1.0)) for name in outputs}
    return list(weights.values()) if len(weights) == 1 else weights


def steps_together(steps: int) -> int:
    """Steps per call of the training function: many, but at least eight calls an epoch so that progress shows."""
    return max(1, min(_TOGETHER, steps // 8))
