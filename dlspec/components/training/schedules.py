"""Learning-rate schedules: the learning rate as a function of the training step."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import (
    Component,
    Field,
    boolean,
    example,
    integer,
    number,
    number_or_component,
    optional,
)
from dlspec.core.errors import Problem


class Schedule(Component, abstract=True):
    """Base of all schedules."""

    kind = "schedule"
    aid = "schedule"
    initial_learning_rate: Any = None

    @property
    def base_rate(self) -> float | None:
        """The rate that it starts from, or leads to first; None where that is not known."""
        rate = self.initial_learning_rate
        return float(rate) if isinstance(rate, int | float) else None


def _initial() -> Field[float]:
    return number(above=0, doc="Learning rate at the first step.")


def _decay_steps() -> Field[int]:
    return integer(min=1, doc="Number of training steps (batches) that the decay takes.")


class CosineDecay(Schedule):
    """Falls along half a cosine, after a linear warm-up if wanted."""

    keras = "keras.optimizers.schedules.CosineDecay"
    initial_learning_rate = number(min=0, doc="Learning rate at the first step.")
    decay_steps = _decay_steps()
    alpha = number(min=0, max=1, default=0.0, doc="Share of the highest learning rate that is left in the end.")
    warmup_target = optional(number(above=0), doc="Learning rate at the end of the warm-up; no warm-up unless given.")
    warmup_steps = integer(
        min=0,
        default=0,
        doc="Number of steps of the warm-up, which come before the decay; it starts at the initial rate.",
    )
    examples = (
        example("{initial_learning_rate: 1e-3, decay_steps: 2000}"),
        example("{initial_learning_rate: 0, decay_steps: 2000, alpha: 0.1, warmup_target: 1e-3, warmup_steps: 100}"),
    )

    @property
    def base_rate(self) -> float:
        """The rate at which the decay begins."""
        return self.initial_learning_rate if self.warmup_target is None else self.warmup_target

    def validate(self) -> None:
        """A warm-up has a target and a length, and something is learnt."""
        if self.warmup_target is not None and self.warmup_steps == 0:
            message = "`warmup_target` has no effect without `warmup_steps`"
            raise Problem("E207", message, "say how many steps the warm-up takes", option="warmup_target")
        if self.warmup_target is None and self.warmup_steps > 0:
            message = "`warmup_steps` has no effect without `warmup_target`"
            raise Problem("E207", message, "say which learning rate the warm-up leads to", option="warmup_steps")
        if self.warmup_target is None and self.initial_learning_rate == 0:
            message = "an `initial_learning_rate` of 0 trains nothing without a warm-up"
            raise Problem("E207", message, "give `warmup_target` and `warmup_steps`", option="initial_learning_rate")


class CosineDecayRestarts(Schedule):
    """Falls along half a cosine, again and again."""

    keras = "keras.optimizers.schedules.CosineDecayRestarts"
    initial_learning_rate = _initial()
    first_decay_steps = integer(min=1, doc="Number of training steps (batches) of the first period.")
    t_mul = number(min=1, default=2.0, doc="Each period is this many times as long as the one before.")
    m_mul = number(
        above=0, default=1.0, doc="Each period starts at this many times the learning rate of the one before."
    )
    alpha = number(
        min=0, max=1, default=0.0, doc="Share of the initial learning rate that is left at the end of a period."
    )
    examples = (
        example("{initial_learning_rate: 1e-3, first_decay_steps: 500}"),
        example("{initial_learning_rate: 1e-3, first_decay_steps: 500, t_mul: 1.5, m_mul: 0.9, alpha: 0.01}"),
    )


class ExponentialDecay(Schedule):
    """Is multiplied by a rate every so many steps."""

    keras = "keras.optimizers.schedules.ExponentialDecay"
    initial_learning_rate = _initial()
    decay_steps = _decay_steps()
    decay_rate = number(above=0, doc="Factor that the learning rate takes over `decay_steps` steps.")
    staircase = boolean(default=False, doc="Whether it falls only once in every `decay_steps` steps.")
    examples = (
        example("{initial_learning_rate: 1e-2, decay_steps: 1000, decay_rate: 0.9}"),
        example("{initial_learning_rate: 1e-2, decay_steps: 1000, decay_rate: 0.9, staircase: true}"),
    )


class InverseTimeDecay(Schedule):
    """Falls like 1 / (1 + rate · step)."""

    keras = "keras.optimizers.schedules.InverseTimeDecay"
    initial_learning_rate = _initial()
    decay_steps = _decay_steps()
    decay_rate = number(above=0, doc="Increase of the divisor over `decay_steps` steps.")
    staircase = boolean(default=False, doc="Whether it falls only once in every `decay_steps` steps.")
    examples = (
        example("{initial_learning_rate: 1e-2, decay_steps: 1000, decay_rate: 0.5}"),
        example("{initial_learning_rate: 1e-2, decay_steps: 1000, decay_rate: 0.5, staircase: true}"),
    )


class PiecewiseConstantDecay(Schedule):
    """Takes one value after the other."""

    keras = "keras.optimizers.schedules.PiecewiseConstantDecay"
    boundaries = Field[list[int]](
        {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
        doc="Steps (batches) after which the next value holds, in rising order.",
    )
    values = Field[list[float]](
        {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 2},
        doc="Learning rates, one more than boundaries.",
        convert=lambda values, _: [float(value) for value in values],
    )
    examples = (example("{boundaries: [1000, 2000], values: [1e-2, 1e-3, 1e-4]}"),)

    @property
    def base_rate(self) -> float:
        """The first value."""
        return self.values[0]

    def validate(self) -> None:
        """Boundaries rise, and there is one value more than boundaries."""
        if any(later <= earlier for earlier, later in zip(self.boundaries, self.boundaries[1:], strict=False)):
            message = f"`boundaries` of piecewise_constant_decay must rise, got {list(self.boundaries)}"
            raise Problem("E207", message, option="boundaries")
        wanted = len(self.boundaries) + 1
        if len(self.values) != wanted:
            message = f"piecewise_constant_decay with {wanted - 1} `boundaries` needs {wanted} `values`"
            raise Problem("E207", f"{message}, got {len(self.values)}", option="values")


class PolynomialDecay(Schedule):
    """Falls to a final value along a power of the remaining steps."""

    keras = "keras.optimizers.schedules.PolynomialDecay"
    initial_learning_rate = _initial()
    decay_steps = _decay_steps()
    end_learning_rate = number(min=0, default=1e-4, doc="Learning rate at the end.")
    power = number(above=0, default=1.0, doc="Exponent: 1 for a straight line.")
    cycle = boolean(default=False, doc="Whether it starts again beyond `decay_steps`, over longer and longer periods.")
    examples = (
        example("{initial_learning_rate: 1e-2, decay_steps: 1000}"),
        example("{initial_learning_rate: 1e-2, decay_steps: 1000, end_learning_rate: 1e-5, power: 0.5, cycle: true}"),
    )


class PowerDecay(Schedule):
    """Falls like 1 / (1 + step / decay_steps) to a power: soon at first, then slower and slower."""

    keras = "dlspec.keras_layers.PowerDecay"
    initial_learning_rate = _initial()
    decay_steps = integer(min=1, doc="Number of training steps (batches) after which the divisor is 2 to the power.")
    power = number(above=0, default=1.0, doc="Exponent of the divisor.")
    examples = (
        example("{initial_learning_rate: 1e-2, decay_steps: 1000}"),
        example("{initial_learning_rate: 1e-2, decay_steps: 1000, power: 0.5}"),
    )


class WarmUp(Schedule):
    """Rises along a straight line to a learning rate, or to a schedule that begins after it."""

    keras = "dlspec.keras_layers.WarmUp"
    steps = integer(min=1, doc="Number of training steps (batches) of the rise; the first takes 1/steps of the rate.")
    to = number_or_component("schedule", above=0, doc="Learning rate that is reached, or the schedule that follows.")
    examples = (
        example("{steps: 100, to: 1e-3}"),
        example("{steps: 100, to: {cosine_decay: {initial_learning_rate: 1e-3, decay_steps: 2000}}}"),
    )

    @property
    def base_rate(self) -> float | None:
        """That of what follows."""
        return base_rate(self.to)


def base_rate(rate: Any) -> float | None:
    """A learning rate that is a number, or that of a schedule; None where it is not known."""
    if isinstance(rate, Schedule):
        return rate.base_rate
    return float(rate) if isinstance(rate, int | float) else None
