"""The section `train`: the ways of training. Each is a component of kind ``method``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlspec.errors import Problem
from dlspec.registry import (
    Component,
    choice,
    component,
    components,
    example,
    find,
    integer,
    optional,
    per_output,
    plain,
    text,
)


class Method(Component, abstract=True):
    """Base of the ways of training."""

    kind = "method"


class Supervised(Method):
    """Learns to predict targets: minimises a loss over epochs, and keeps the best of them."""

    loss = per_output("loss", doc="What is minimised: one loss, or one for each output.")
    loss_weights = optional(
        plain({"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}),
        doc="Factor of each output's loss in the sum; 1 where an output is left out.",
    )
    optimizer = component("optimizer", default="adam", doc="How the weights are changed.")
    metrics = per_output("metric", many=True, default=(), doc="What is measured besides the loss.")
    epochs = integer(min=1, default=10, doc="Passes over the training split.")
    callbacks = components("callback", default=(), doc="What watches and changes the course of training.")
    seed = integer(min=0, default=0, doc="Seed of everything random: weights, dropout, order of examples.")
    monitor = optional(
        text(),
        doc="The measure by which epochs are compared; `val_loss` where there is a validation split, else `loss`.",
    )
    keep = choice("best", "last", default="best", doc="The epoch whose weights are kept.")
    examples = (example("{loss: mse}"), example("{loss: binary_crossentropy, metrics: [auc], epochs: 30}"))

    def validate(self) -> None:
        """Weights of losses belong to outputs that have one; callbacks suit the optimizer."""
        if self.loss_weights and isinstance(self.loss, dict):
            for output in self.loss_weights:
                if output not in self.loss:
                    message = f"`loss_weights` names `{output}`, which has no loss"
                    raise Problem("E207", message, option="loss_weights")
        for callback in self.callbacks:
            self._check_callback(callback)

    def _check_callback(self, callback: Component) -> None:
        """What a callback changes, nothing else may rule, and what it uses must be there."""
        optimizer = self.chosen_optimizer
        if callback.name == "reduce_lr_on_plateau" and isinstance(getattr(optimizer, "learning_rate", None), Component):
            message = "`reduce_lr_on_plateau` cannot change a learning rate that a schedule rules"
            raise Problem("E207", message, "give the optimizer a number, or leave the callback out", "callbacks")
        if callback.name == "swap_ema_weights" and not getattr(optimizer, "use_ema", False):
            message = "`swap_ema_weights` has nothing to swap: the optimizer keeps no moving average"
            raise Problem("E207", message, f"write `{optimizer.name}: {{use_ema: true}}`", "callbacks")

    @property
    def chosen_optimizer(self) -> Component:
        """The optimizer, the default one included."""
        if isinstance(self.optimizer, Component):
            return self.optimizer
        default = find("optimizer", str(self.optimizer))
        assert default is not None, "the default optimizer is declared"
        return default()

    def loss_of(self, output: str) -> Any:
        """The loss of one output, or None."""
        if isinstance(self.loss, dict):
            return self.loss.get(output)
        return self.loss

    def metrics_of(self, output: str) -> tuple[Any, ...]:
        """The metrics of one output."""
        chosen: Iterable[Any] = self.metrics.get(output, ()) if isinstance(self.metrics, dict) else self.metrics or ()
        return tuple(chosen) if isinstance(chosen, list | tuple) else (chosen,)
