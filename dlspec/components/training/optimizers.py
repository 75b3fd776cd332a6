"""Optimizers."""

from __future__ import annotations

from typing import Any, cast

from dlspec.components.registry import (
    Field,
    aiding,
    boolean,
    component,
    example,
    integer,
    number,
    number_or_component,
    optional,
    texts,
)
from dlspec.components.training.update_rules import Optimizer, UpdateRule
from dlspec.core.errors import Problem, leave_out


def _learning_rate(default: float = 1e-3) -> Field[Any]:
    doc = "Size of the steps: a number, or a schedule such as `{cosine_decay: {…}}`."
    return number_or_component("schedule", above=0, default=default, doc=doc)


def _share(default: float, what: str) -> Field[float]:
    return number(min=0, below=1, default=default, doc=f"Share of the old average of {what} that each step keeps.")


def _epsilon(default: float = 1e-7) -> Field[float]:
    return number(above=0, default=default, doc="Small number that keeps divisions finite.")


_GRADIENTS = "the gradients"
_SQUARES = "their squares"
_SCHEDULE_EXAMPLE = "{learning_rate: {cosine_decay: {initial_learning_rate: 1e-3, decay_steps: 2000}}}"
_ALL_SHARED = (
    "{learning_rate: 0.01, weight_decay: 1e-4, global_clipnorm: 1, use_ema: true, ema_momentum: 0.9, "
    "ema_overwrite_frequency: 10, loss_scale_factor: 2, gradient_accumulation_steps: 4}"
)


class Adadelta(UpdateRule):
    """Step sizes from moving averages of squared gradients and squared updates."""

    keras = "keras.optimizers.Adadelta"
    keeps = 2
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    rho = _share(0.95, "squared gradients and updates")
    epsilon = _epsilon()
    examples = (example(""), example("1.0"), example("{rho: 0.9, epsilon: 1e-6}"))


class Adafactor(UpdateRule):
    """Adam's step sizes from row and column sums of squared gradients, which need little memory."""

    keras = "keras.optimizers.Adafactor"
    keeps = 1
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    beta_2_decay = number(below=0, default=-0.8, doc="Exponent by which the memory of squared gradients grows longer.")
    epsilon_1 = _epsilon(1e-30)
    epsilon_2 = number(above=0, default=1e-3, doc="Least size of a weight, by which steps are scaled.")
    clip_threshold = number(above=0, default=1.0, doc="Largest root mean square of an update.")
    relative_step = boolean(default=True, doc="Whether a constant learning rate falls with the root of the step.")
    examples = (example(""), example("0.01"), example("{beta_2_decay: -0.7, relative_step: false, clip_threshold: 2}"))


class Adagrad(UpdateRule):
    """Steps that get smaller for weights with large gradients so far."""

    keras = "keras.optimizers.Adagrad"
    keeps = 1
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    initial_accumulator_value = number(min=0, default=0.1, doc="Sum of squared gradients to start with.")
    epsilon = _epsilon()
    examples = (example(""), example("0.01"), example("{initial_accumulator_value: 0.2, clipvalue: 0.5}"))


class Adam(UpdateRule):
    """Step sizes from moving averages of gradients and of their squares."""

    keras = "keras.optimizers.Adam"
    keeps = 2
    keeps_for = ("amsgrad",)
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    beta_1 = _share(0.9, _GRADIENTS)
    beta_2 = _share(0.999, _SQUARES)
    epsilon = _epsilon()
    amsgrad = boolean(default=False, doc="Whether to use the largest average of squares so far.")
    examples = (example(""), example("1e-4"), example(_SCHEDULE_EXAMPLE), example(_ALL_SHARED))


class Adamax(UpdateRule):
    """Adam with the largest gradient in place of the average of squares."""

    keras = "keras.optimizers.Adamax"
    keeps = 2
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    beta_1 = _share(0.9, _GRADIENTS)
    beta_2 = _share(0.999, "the largest gradient")
    epsilon = _epsilon()
    examples = (example(""), example("2e-3"), example("{beta_1: 0.8, beta_2: 0.99}"))


class AdamW(UpdateRule):
    """Adam with a decay of the weights that does not pass through the step sizes."""

    keras = "keras.optimizers.AdamW"
    aliases = ("adamw",)
    keeps = 2
    keeps_for = ("amsgrad",)
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    weight_decay = aiding(
        number(min=0, default=0.004, doc="Share of each weight that every update takes away, times the learning rate."),
        "regularizer",
        off=0,
    )
    beta_1 = _share(0.9, _GRADIENTS)
    beta_2 = _share(0.999, _SQUARES)
    epsilon = _epsilon()
    amsgrad = boolean(default=False, doc="Whether to use the largest average of squares so far.")
    examples = (example(""), example("3e-4"), example("{learning_rate: 3e-4, weight_decay: 0.1, beta_2: 0.95}"))


class Ftrl(UpdateRule):
    """Follow the regularised leader: for linear models with many sparse features."""

    keras = "keras.optimizers.Ftrl"
    keeps = 2
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    learning_rate_power = number(
        max=0, default=-0.5, doc="Exponent by which the steps fall; 0 for a fixed learning rate."
    )
    initial_accumulator_value = number(min=0, default=0.1, doc="Sum of squared gradients to start with.")
    l1_regularization_strength = aiding(
        number(min=0, default=0.0, doc="Factor of the weights' absolute values in the loss."), "regularizer"
    )
    l2_regularization_strength = aiding(
        number(min=0, default=0.0, doc="Factor of the weights' squares in the loss."), "regularizer"
    )
    l2_shrinkage_regularization_strength = number(
        min=0, default=0.0, doc="Factor of a penalty on squares that needs a gradient."
    )
    beta = number(min=0, default=0.0, doc="The paper's beta, added to the square root of the sum of squared gradients.")
    examples = (example(""), example("0.01"), example("{l1_regularization_strength: 0.001, beta: 0.1}"))


class Lamb(UpdateRule):
    """Adam with steps scaled by the norm of each weight: for large batches."""

    keras = "keras.optimizers.Lamb"
    keeps = 2
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    beta_1 = _share(0.9, _GRADIENTS)
    beta_2 = _share(0.999, _SQUARES)
    epsilon = _epsilon()
    examples = (example(""), example("2e-3"), example("{weight_decay: 0.01, epsilon: 1e-6}"))


class Lion(UpdateRule):
    """Steps of one size in the sign of an average gradient; takes a smaller learning rate than Adam."""

    keras = "keras.optimizers.Lion"
    keeps = 1
    adds_rows = True
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    beta_1 = number(above=0, max=1, default=0.9, doc="Share of the old average in the step.")
    beta_2 = _share(0.99, _GRADIENTS)
    examples = (example(""), example("1e-4"), example("{beta_1: 0.95, beta_2: 0.98, weight_decay: 0.1}"))


class Muon(UpdateRule):
    """Orthogonalised momentum for matrices, the output layer's too unless excluded; AdamW for all other weights."""

    keras = "keras.optimizers.Muon"
    keeps = 1
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    adam_beta_1 = _share(0.9, "the gradients, where AdamW is used,")
    adam_beta_2 = _share(0.999, "their squares, where AdamW is used,")
    adam_weight_decay = aiding(
        number(min=0, default=0.004, doc="Decay of the weights that AdamW changes."), "regularizer", off=0
    )
    epsilon = _epsilon()
    weight_decay = aiding(
        number(min=0, default=0.004, doc="Decay of the weights that Muon changes."), "regularizer", off=0
    )
    exclude_layers = optional(
        texts(), doc="Patterns of weight names that AdamW changes; that of the output layer should be one."
    )
    exclude_embeddings = boolean(default=True, doc="Whether AdamW changes weights whose name has `embedding` in it.")
    muon_a = number(default=3.4445, doc="First coefficient of the Newton–Schulz iteration.")
    muon_b = number(default=-4.775, doc="Second coefficient of the Newton–Schulz iteration.")
    muon_c = number(default=2.0315, doc="Third coefficient of the Newton–Schulz iteration.")
    adam_lr_ratio = number(above=0, default=1, doc="Learning rate of AdamW, as a multiple of Muon's.")
    momentum = number(min=0, max=1, default=0.95, doc="Share of the last step in the next.")
    ns_steps = integer(min=1, default=5, doc="Number of Newton–Schulz iterations.")
    nesterov = boolean(default=True, doc="Whether to use Nesterov's momentum.")
    rms_rate = number(above=0, default=0.2, doc="Root mean square of an update, before the learning rate.")
    examples = (example(""), example("0.02"), example("{exclude_layers: [dense_1], ns_steps: 6, adam_lr_ratio: 0.5}"))


class Nadam(UpdateRule):
    """Adam with Nesterov's momentum."""

    keras = "keras.optimizers.Nadam"
    keeps = 2
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    beta_1 = _share(0.9, _GRADIENTS)
    beta_2 = _share(0.999, _SQUARES)
    epsilon = _epsilon()
    examples = (example(""), example("2e-3"), example("{beta_1: 0.8, beta_2: 0.99}"))


class RMSprop(UpdateRule):
    """Gradients divided by the root of a moving average of their squares."""

    keras = "keras.optimizers.RMSprop"
    aliases = ("rmsprop",)
    keeps = 1
    keeps_for = ("momentum", "centered")
    shorthand = "learning_rate"
    learning_rate = _learning_rate()
    rho = _share(0.9, "squared gradients")
    momentum = number(min=0, max=1, default=0.0, doc="Share of the last step in the next.")
    epsilon = _epsilon()
    centered = boolean(default=False, doc="Whether to divide by the variance of the gradients instead.")
    examples = (example(""), example("1e-4"), example("{rho: 0.8, momentum: 0.9, centered: true, clipnorm: 1}"))


class SGD(UpdateRule):
    """Gradient descent, with momentum if wanted."""

    keras = "keras.optimizers.SGD"
    keeps_for = ("momentum",)
    adds_rows = True
    shorthand = "learning_rate"
    learning_rate = _learning_rate(0.01)
    momentum = number(min=0, max=1, default=0.0, doc="Share of the last step in the next.")
    nesterov = boolean(default=False, doc="Whether to use Nesterov's momentum.")
    examples = (example(""), example("0.1"), example("{learning_rate: 0.1, momentum: 0.9, nesterov: true}"))

    def validate(self) -> None:
        """Nesterov's momentum is a momentum."""
        super().validate()
        if self.nesterov and self.momentum == 0:
            message = "`nesterov` has no effect without `momentum`"
            raise Problem("E207", message, "add `momentum: 0.9`", option="nesterov")


class ScheduleFreeAdamW(UpdateRule):
    """AdamW whose averaged weights make a schedule unnecessary."""

    keras = "keras.optimizers.ScheduleFreeAdamW"
    aliases = ("schedulefreeadamw",)
    keeps = 2
    shorthand = "learning_rate"
    learning_rate = _learning_rate(0.0025)
    beta_1 = number(
        min=0,
        below=1,
        default=0.9,
        doc="Where between average and last weights gradients are taken; no effect in Keras.",
    )
    beta_2 = _share(0.999, "the squared gradients")
    epsilon = _epsilon(1e-8)
    warmup_steps = integer(min=0, default=0, doc="Number of steps over which the learning rate rises to its value.")
    examples = (example(""), example("5e-3"), example("{warmup_steps: 100, weight_decay: 0.01}"))

    def validate(self) -> None:
        """Keras 3.15 takes the step twice where it should take back the one before, which cancels `beta_1`."""
        super().validate()
        if "beta_1" in self.given:
            message = "`beta_1` of `schedule_free_adam_w` has no effect in Keras 3.15"
            raise Problem("E207", message, leave_out("beta_1"), option="beta_1")


class LossScaleOptimizer(Optimizer):
    """Another optimizer, whose loss is scaled up as far as float16 allows."""

    keras = "keras.optimizers.LossScaleOptimizer"
    scales_loss = True
    aliases = ("lossscaleoptimizer",)
    shorthand = "inner_optimizer"
    inner_optimizer = component("optimizer", doc="The optimizer that changes the weights.")
    initial_scale = number(above=0, default=2.0**15, doc="Factor of the loss to start with.")
    dynamic_growth_steps = integer(
        min=1, default=2000, doc="Steps with finite gradients after which the factor doubles."
    )
    examples = (
        example("adam"),
        example("{inner_optimizer: {sgd: 0.1}, initial_scale: 1024, dynamic_growth_steps: 100}"),
    )

    @property
    def copies(self) -> int:
        """Arrays per weight of the inner optimizer."""
        return self.rule.copies

    @property
    def path_of_rule(self) -> tuple[str, ...]:
        """Keys to the options of the inner optimizer."""
        return (self.called_as, "inner_optimizer", *self.rule.path_of_rule)

    @property
    def rule(self) -> Optimizer:
        """The inner optimizer, which changes the weights."""
        return cast(Optimizer, self.inner_optimizer)

    @property
    def wants_whole_rows(self) -> bool:
        """Whether the inner optimizer needs the whole gradient of each row of an embedding."""
        return self.rule.wants_whole_rows

    def validate(self) -> None:
        """Checks that the inner optimizer does not scale the loss, too."""
        inner = self.inner_optimizer
        if isinstance(inner, LossScaleOptimizer):
            raise Problem("E207", "loss_scale_optimizer cannot wrap another one", option="inner_optimizer")
        if isinstance(inner, UpdateRule) and inner.loss_scale_factor is not None:
            message = "`loss_scale_factor` has no effect inside loss_scale_optimizer, which finds the factor itself"
            raise Problem("E207", message, "give `initial_scale` instead", option="inner_optimizer")
