"""Properties of an output of the model, from its loss and its last activation."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from dlspec.core.ir import Tensor

if TYPE_CHECKING:
    from dlspec.components.training.activations import Activation
    from dlspec.components.training.losses import Loss


@dataclass(frozen=True, slots=True)
class Head:
    """An output with its loss.

    Attributes:
        loss: As declared; None where it has none.
        activation: The class of the activation that the output went through last; None where that cannot be told.
        output: Its type, without the batch; None where it is not known.
        examples: How many are measured together at most; None where that is not known.
        features: Whether its last axis is what a layer makes of each step, and not a side of a picture.
        reaches: The least and the largest value that the activation gives; None where there is no end.
        chosen: The threshold that was chosen on the validation split; None where none was.
        weighed: Whether examples count differently.
    """

    loss: Loss | None = None
    activation: type[Activation] | None = None
    output: Tensor | None = None
    examples: int | None = None
    features: bool = False
    reaches: tuple[float | None, float | None] = (None, None)
    chosen: float | None = None
    weighed: bool = False

    @property
    def threshold(self) -> float:
        """The output above which the answer is yes."""
        return self.middle if self.chosen is None else self.chosen

    @property
    def middle(self) -> float:
        """The output that speaks for yes no more than for no."""
        return threshold_of(self.loss, self.activation)

    @property
    def from_logits(self) -> bool:
        """Whether the output is taken before sigmoid or softmax."""
        return self.loss is not None and bool(self.loss.from_logits)

    @property
    def ignored(self) -> int | None:
        """The class number that does not count; None where all do."""
        return None if self.loss is None else self.loss.ignore_class

    @property
    def class_scores(self) -> bool:
        """Whether it holds scores of exclusive classes, whose shares follow from all of them together."""
        return self.loss is not None and self.from_logits and self.loss.targets != "binary"

    @property
    def raw(self) -> bool:
        """Whether the output is no probability of a yes: a score or a margin around 0."""
        return self.middle != 0.5

    @property
    def masked(self) -> bool:
        """Whether a mask says which steps count."""
        return self.output is not None and self.output.masked

    @property
    def answers(self) -> int | None:
        """Count of numbers that the output gives for all examples measured together; None where not known."""
        if self.output is None or self.examples is None:
            return None
        sizes = [size for size in self.output.shape if size is not None]
        return self.examples * prod(sizes) if len(sizes) == self.output.rank else None

    @property
    def binary(self) -> bool:
        """Whether its loss takes every unit as a yes or no of its own."""
        return self.loss is not None and self.loss.targets == "binary"


def threshold_of(loss: Loss | None, activation: type[Activation] | None = None) -> float:
    """The output above which the answer is yes.

    It is 0 for scores before the sigmoid (`from_logits`), for margins (hinge), and behind an activation that lies
    around 0 (tanh). For probabilities, and for the shares that scores of classes become, it is 0.5. Metrics in
    training, the report, `evaluate` and `predict` share it.

    Args:
        loss: As declared, or None.
        activation: The class of the output's last activation, or None.
    """
    if loss is None:
        return 0.0 if activation is not None and activation.signed else 0.5
    scores = (loss.from_logits and loss.targets == "binary") or loss.signed
    return 0.0 if scores or (activation is not None and activation.signed) else 0.5
