"""Loss, optimizer and metrics of a `train` section given to a Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.runner.structure import like_outputs
from dlspec.sections.train import Supervised

_TOGETHER = 32


def compile_model(model: Any, method: Supervised, outputs: Sequence[str], steps: int) -> None:
    """Compiles `model` in place.

    Args:
        outputs: Names of the outputs in the model's order.
        steps: Steps per epoch; several are run together, which changes no weight, only the speed.
    """
    losses = {name: loss.make() for name in outputs if (loss := method.loss_of(name)) is not None}
    metrics = {name: [metric.make() for metric in method.metrics_of(name)] for name in outputs}
    weights = {name: float((method.loss_weights or {}).get(name, 1.0)) for name in losses}
    single = not isinstance(model.output, dict | list | tuple)
    model.compile(
        optimizer=method.chosen_optimizer.make(),
        loss=like_outputs(model, outputs, losses),
        loss_weights=_weights(model, outputs, weights, single) if method.loss_weights else None,
        metrics=like_outputs(model, outputs, metrics, []) if any(metrics.values()) else None,
        steps_per_execution=steps_together(steps),
    )


def _weights(model: Any, outputs: Sequence[str], weights: dict[str, float], single: bool) -> Any:
    return [weights[outputs[0]]] if single else like_outputs(model, outputs, weights)


def steps_together(steps: int) -> int:
    """Steps per call of the training function: many, but at least eight calls an epoch so that progress shows."""
    return max(1, min(_TOGETHER, steps // 8))
