"""Loss and metrics of answers that are there already, whoever gave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.training.loop.compiling import NO_UNITS, measuring


def given(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers by output as what measures them takes them."""
    return {f"{name}_given": answer for name, answer in answers.items()}


def measuring_given(
    method: Method,
    shapes: Mapping[str, Sequence[int | None]],
    examples: int,
    units: Mapping[str, Any] = NO_UNITS,
    *,
    weighed: bool = False,
) -> Any:
    """A compiled model that gives back what it is given; arguments as those of :func:`measuring`.

    Args:
        shapes: Of one answer of each output that is measured, by name.
    """
    import keras

    inputs = {name: keras.Input(shape, name=name) for name, shape in given(shapes).items()}
    made = {name: keras.layers.Identity(name=name)(inputs[f"{name}_given"]) for name in shapes}
    return measuring(keras.Model(inputs, made), method, tuple(shapes), examples=examples, units=units, weighed=weighed)
