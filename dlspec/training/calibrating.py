"""Probabilities that are as often right as they say: temperature scaling (Guo et al. 2017) on the validation split.

What enters the last sigmoid or softmax is divided by a number, the temperature, with which the crossentropy of the
validation split is least. It goes into the weights of the last layer, so that whoever has the model answers alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.internals import origin_of
from dlspec.backends.keras.structure import outputs_by_name
from dlspec.core.documents.report import Fact
from dlspec.core.documents.results import ReliabilityFigures
from dlspec.data.checks.calibrating import calibrated
from dlspec.training.loop.fit import Training
from dlspec.training.unactivated import unactivated
from dlspec.views.pages.examine import answered, part_to_look_at
from dlspec.views.pages.reliability import calibration_error, reliability

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Logarithms of the temperatures that are tried.
_COLDEST, _HOTTEST = -3.0, 3.0


def calibrate(training: Training) -> dict[str, ReliabilityFigures]:
    """Calibrates the outputs that give probabilities, saves the model again, and tells what came of it.

    Returns:
        By output, how its probabilities were before, on the part that the report looks at.
    """
    job = training.job
    part = job.prepared.validation
    if job.method.calibration is None or part is None:
        return {}
    tensors = outputs_by_name(job.model.output, tuple(job.outputs))
    names = [
        output.name for output in job.prepared.binding.outputs if calibrated(output, job.method.head_of(output.name))
    ]
    layers = {name: layer for name in names if hasattr(layer := origin_of(tensors[name]).operation, "kernel")}
    _, looked_at = part_to_look_at(job.prepared)
    with unactivated(layers.values()):
        pairs = answered(job.model, part, tuple(job.outputs))
        others = pairs if looked_at is part else answered(job.model, looked_at, tuple(job.outputs))
    unchanged: dict[str, ReliabilityFigures] = {}
    for name, layer in layers.items():
        ignored = job.method.head_of(name).ignored
        scores, true, weights = _counted(*_two_sided(*pairs[name]), part.weights, ignored)
        temperature = fitted(scores, true, weights)
        for variable in (layer.kernel, layer.bias):
            if variable is not None:
                variable.assign(variable / temperature)
        before, after = (calibration_error(true, shares(scores / divisor), weights) for divisor in (1.0, temperature))
        training.calibrated |= _facts(name, temperature, before, after)
        errors = f"expected calibration error of the validation split {before:.4f} before, {after:.4f} after"
        training.progress.note(f"calibration of `{name}`: temperature {temperature:.4g}, {errors}")
        scores, true, weights = _counted(*_two_sided(*others[name]), looked_at.weights, ignored)
        if (figures := reliability(true, shares(scores), weights).figures()) is not None:
            unchanged[name] = figures
    training.keep()
    return unchanged


def _two_sided(scores: Array, true: Array) -> tuple[Array, Array]:
    """Scores of all classes, [examples, classes], float64, and class numbers; no has the score 0 where yes has one."""
    import numpy as np

    scores = scores.reshape(len(scores), -1).astype(np.float64)
    if scores.shape[1] == 1:
        return np.concatenate([np.zeros_like(scores), scores], axis=1), (true.reshape(-1) > 0.5).astype(np.int64)
    labels = true.argmax(axis=-1) if true.ndim > 1 and true.shape[-1] == scores.shape[1] else true.reshape(-1)
    return scores, labels.astype(np.int64)


def _counted(
    scores: Array, true: Array, weights: Array | None, ignored: int | None = None
) -> tuple[Array, Array, Array | None]:
    """Scores, class numbers and weights of the examples that count: those of a class that is not ignored."""
    inside = (true >= 0) & (true < scores.shape[1]) & (true != (-1 if ignored is None else ignored))
    return scores[inside], true[inside], None if weights is None else weights[inside]


def shares(scores: Array) -> Array:
    """The softmax of scores."""
    import numpy as np

    values = np.exp(scores - scores.max(axis=1, keepdims=True))
    softmax: Array = values / values.sum(axis=1, keepdims=True)
    return softmax


def fitted(scores: Array, true: Array, weights: Array | None = None) -> float:
    """The temperature with which the mean crossentropy is least, between 0.05 and 20.

    Args:
        scores: Of all classes, [examples, classes].
        true: Class numbers; others than those of the classes do not count.
        weights: How much each example counts; None where all count alike.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    scores, true, weights = _counted(scores, true, weights)
    own = np.ones(len(true)) if weights is None else weights.astype(np.float64)

    def loss(cold: float) -> float:
        scaled = scores * np.exp(-cold)
        return float(own @ (logsumexp(scaled, axis=1) - scaled[np.arange(len(true)), true]))

    if not own.any():
        return 1.0
    best = minimize_scalar(loss, bounds=(_COLDEST, _HOTTEST), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(best.x))


def _facts(name: str, temperature: float, before: float, after: float) -> dict[str, Fact]:
    error = f"expected calibration error of `{name}` on the validation split"
    return {
        f"{name}_temperature": {"title": f"temperature of `{name}`", "value": temperature, "unit": ""},
        f"{name}_calibration_error_before": {"title": f"{error}, before", "value": before, "unit": ""},
        f"{name}_calibration_error": {"title": f"{error}, after", "value": after, "unit": ""},
    }
