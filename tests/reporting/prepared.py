"""Targets as the loss compares them, by numpy and scikit-learn: see ``prepare`` of :mod:`cases`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from formulas import Array
from scipy import stats

Function = Callable[[Array], Array]

# What a target of any numbers may be prepared with, and what one of numbers from 0.
ANY: tuple[list[Any], ...] = (
    ["normalization"],
    [{"normalization": {"axis": None}}],
    [{"rescaling": {"scale": 0.25, "offset": -1}}],
    [{"power": "yeo_johnson"}, "normalization"],
)
POSITIVE: tuple[list[Any], ...] = (["log1p"], [{"rescaling": 0.5}])
BOTH: tuple[list[Any], ...] = (*ANY, ["log1p", "normalization"], [{"power": "box_cox"}])


def fitted(layers: Sequence[Any], train: Array) -> Function:
    """What layers do to a target, fitted on its training values of shape [examples, …, numbers]."""
    steps: list[Function] = []
    for layer in layers:
        name, options = (layer, {}) if isinstance(layer, str) else next(iter(layer.items()))
        steps.append(_MAKERS[name](options, train))
        train = steps[-1](train)

    def through(values: Array) -> Array:
        for step in steps:
            values = step(values)
        return values

    return through


def _normalization(options: dict[str, Any], train: Array) -> Function:
    axes = tuple(range(train.ndim if "axis" in options else train.ndim - 1))
    mean, spread = train.mean(axis=axes), train.std(axis=axes)
    return lambda values: (values - mean) / spread


def _rescaling(options: Any, train: Array) -> Function:
    scale, offset = (options["scale"], options["offset"]) if isinstance(options, dict) else (options, 0)
    return lambda values: values * scale + offset


def _power(method: str, train: Array) -> Function:
    power = {"box_cox": stats.boxcox, "yeo_johnson": stats.yeojohnson}[method]
    columns = train.reshape(-1, train.shape[-1]).T
    exponents = [power(column)[1] for column in columns]

    def raised(values: Array) -> Array:
        parts = [power(values[..., n].reshape(-1), exponent) for n, exponent in enumerate(exponents)]
        return np.stack(parts, axis=-1).reshape(values.shape)

    return raised


_MAKERS: dict[str, Callable[[Any, Array], Function]] = {
    "normalization": _normalization,
    "rescaling": _rescaling,
    "log1p": lambda options, train: np.log1p,
    "power": _power,
}
