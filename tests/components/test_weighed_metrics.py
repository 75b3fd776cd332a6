"""Every metric with weights of examples is the metric of examples that are repeated so often."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras.src.trainers.compile_utils import CompileMetrics
from written import component, label, of, of_example

from dlspec.components.training.heads import Head
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor

EXAMPLES, STEPS = 24, 5
LOSSES = {
    "numbers": "mse",
    "yes": "binary_crossentropy",
    "one_hot": "categorical_crossentropy",
    "classes": "sparse_categorical_crossentropy",
}
CHANCE = np.random.default_rng(0)
WEIGHTS = CHANCE.integers(0, 4, EXAMPLES)
REPEATED = np.repeat(np.arange(EXAMPLES), WEIGHTS)
MASK = np.arange(STEPS) < CHANCE.integers(1, STEPS + 1, EXAMPLES)[:, None]


def _data(kind: str, steps: tuple[int, ...]) -> tuple[Any, Any]:
    if kind in ("numbers", "yes"):
        shape = (EXAMPLES, *steps, 1 if kind == "yes" else 2)
        true = CHANCE.random(shape) + 0.5 if kind == "numbers" else CHANCE.integers(0, 2, shape)
        return true.astype("float32"), CHANCE.random(shape).astype("float32")
    classes = CHANCE.integers(0, 3, (EXAMPLES, *steps)).astype("int32")
    scores = np.exp(CHANCE.normal(size=(EXAMPLES, *steps, 3)))
    shares = (scores / scores.sum(axis=-1, keepdims=True)).astype("float32")
    return np.eye(3, dtype="float32")[classes] if kind == "one_hot" else classes, shares


def _measured(metric: Any, true: Any, given: Any, mask: Any, weights: Any) -> float:
    both = CompileMetrics(*(([metric], None) if weights is None else (None, [metric])))
    for part in (slice(0, 13), slice(13, None)):
        answer = tf.constant(given[part])
        if mask is not None:
            answer._keras_mask = tf.constant(mask[part])
        both.update_state(tf.constant(true[part]), answer, None if weights is None else tf.constant(weights[part]))
    return float(np.asarray(next(iter(both.result().values()))))


@pytest.mark.parametrize("masked", [None, False, True], ids=["single", "steps", "masked"])
@pytest.mark.parametrize("owner", [owner for owner in of("metric") if not owner.alone], ids=label)
def test_weights_are_repetitions(owner: Any, masked: bool | None) -> None:
    for example in owner.examples:
        for kind, loss in LOSSES.items():
            true, given = _data(kind, () if masked is None else (STEPS,))
            output = Tensor(given.shape[1:], "float32", masked=bool(masked))
            head = Head(component("loss", loss), None, output, len(REPEATED))
            try:
                metric = of_example(owner, example)
                metric.problem(Tensor(true.shape[1:], true.dtype.name), output)
            except Problem:
                continue
            if metric.given.get("num_regressors"):
                continue  # counts rows
            mask = MASK if masked else None
            again = None if mask is None else mask[REPEATED]
            wanted = _measured(metric.settled(head).make(), true[REPEATED], given[REPEATED], again, None)
            weighed = metric.settled(replace(head, weighed=True))
            sums = owner.__name__.endswith(("Positives", "Negatives"))  # all others are means of some kind
            weights = (WEIGHTS / (1 if sums else 2)).astype("float32")
            assert _measured(weighed.make(), true, given, mask, weights) == pytest.approx(wanted, rel=1e-4, nan_ok=True)
            break


def test_adjusted_r2_counts_rows() -> None:
    true, given = _data("numbers", ())
    head = Head(component("loss", "mse"), None, Tensor((2,), "float32"), EXAMPLES, weighed=True)
    plain, adjusted = (
        _measured(component("metric", one).settled(head).make(), true, given, None, WEIGHTS.astype("float32"))
        for one in ("r2_score", {"r2_score": {"num_regressors": 3}})
    )
    assert adjusted == pytest.approx(1 - (1 - plain) * (EXAMPLES - 1) / (EXAMPLES - 3 - 1), rel=1e-5)
