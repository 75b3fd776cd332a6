"""Thresholds of yes or no, chosen on the validation split by the weights that are kept."""

from __future__ import annotations

from dlspec.components.training.decisions import described
from dlspec.training.loop.fit import Training
from dlspec.views.pages.examine import answered


def decide(training: Training) -> None:
    """Chooses the thresholds that the method asks for, and tells the method and the user.

    Where the validation split holds yes alone, or no, nothing can be chosen.
    """
    job = training.job
    asked = {name: chosen for name in job.outputs if (chosen := job.method.decision_of(name)) is not None}
    if not asked or job.prepared.validation is None:
        return
    pairs = answered(job.model, job.prepared.validation, tuple(job.outputs))
    for name, decision in asked.items():
        scores, true = (values.reshape(-1) for values in pairs[name])
        weights = job.prepared.validation.weights
        threshold = decision.threshold(true > 0.5 if true.min() >= 0 else true > 0, scores, weights)
        if threshold is None:
            training.progress.note(f"threshold of `{name}`: the validation split says nothing about it")
            continue
        training.thresholds[name] = threshold
        training.progress.note(
            f"threshold of `{name}`: {described(threshold)} ({decision.name} of the validation split)"
        )
    job.method.decide(training.thresholds)
