"""Losses that Keras lacks: of the sides and margins of linear classifiers, and of areas and pixels together."""

from __future__ import annotations

from dlspec.components.registry import boolean, example, number
from dlspec.components.training import targets as rules
from dlspec.components.training.losses import Loss
from dlspec.core.ir import Shape, Tensor


class Perceptron(Loss):
    """Mean of max(−target · output, 0); targets 0 and 1 stand for −1 and 1. With `sgd: 1` it is Rosenblatt's rule."""

    keras = "dlspec.keras_layers.perceptron.Perceptron"
    targets = "binary"
    signed = True


class WidrowHoff(Loss):
    """Mean of (target − output)² / 2; targets 0 and 1 stand for −1 and 1. With `sgd` it is least mean squares."""

    keras = "dlspec.keras_layers.widrow_hoff.WidrowHoff"
    targets = "binary"
    signed = True


class WestonWatkins(Loss):
    """The right class leads each other one by a margin: a support vector machine of several classes."""

    kind = "loss"  # declared again: these options come last
    keras = "dlspec.keras_layers.weston_watkins.WestonWatkins"
    targets = "classes"
    shorthand = "margin"
    takes_scores = True
    margin = number(above=0, default=1.0, doc="By how much the right class has to lead.")
    examples = (example(""), example("2"))


class DiceCrossentropy(Loss):
    """Crossentropy of each pixel, and one minus the Dice overlap of each example's areas: for masks."""

    kind = "loss"  # declared again: these options come last
    keras = "dlspec.keras_layers.dice_crossentropy.DiceCrossentropy"
    targets = "binary"
    whole = True
    activations = ("sigmoid", "hard_sigmoid")
    from_logits = boolean(default=False, doc="Whether the output is taken before sigmoid.")
    smooth = number(above=0, default=1.0, doc="Summand above and below, so that empty areas divide nothing by 0.")
    examples = (example(""), example("{from_logits: true, smooth: 0.1}"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Alike, without steps that do not count."""
        rules.check(self.targets, self.registered_name, target, output)
        rules.apart(self.registered_name, output, (1,), "`binary_crossentropy` leaves them out", "")

    def values(self, target: Tensor, output: Tensor) -> Shape:
        """Shape of the loss values: one for each example."""
        return ()
