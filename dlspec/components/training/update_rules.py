"""The base of the optimizers, and what all those that change weights themselves can do."""

from __future__ import annotations

from typing import Any, ClassVar

from dlspec.components.registry import Component, aiding, boolean, integer, map_of, number, optional
from dlspec.components.training.schedules import base_rate
from dlspec.core.errors import Problem


class Optimizer(Component, abstract=True):
    """Base of all optimizers.

    Class attributes:
        scales_loss: Whether it scales the loss for the gradient's computation in float16.
        learning_rate, use_ema, groups: Options of most, with what holds for those that lack them.
    """

    kind = "optimizer"
    adds_rows: ClassVar[bool] = False  # whether its own rule adds up the parts of a gradient by rows, and nothing else

    scales_loss: ClassVar[bool] = False
    learning_rate: Any = None
    use_ema: Any = False
    groups: Any = None

    @property
    def copies(self) -> int:
        """Least number of arrays of a weight's shape that the optimizer keeps for each trained weight."""
        return 0

    def __init__(self, **given: Any) -> None:
        """As for every component; by which of its names a spec calls it is said later."""
        super().__init__(**given)
        self.called_as = self.name

    def called(self, name: str) -> None:
        """Takes the name that the spec uses, one of the aliases perhaps."""
        self.called_as = name

    @property
    def path_of_rule(self) -> tuple[str, ...]:
        """Keys from the option that holds the optimizer to the options of its :attr:`rule`."""
        return (self.called_as,)

    @property
    def rule(self) -> Optimizer:
        """The optimizer that changes the weights: itself, or the one inside."""
        return self

    @property
    def wants_whole_rows(self) -> bool:
        """Whether the parts of a gradient by rows (:attr:`Layer.gradient_by_rows`) must be added up before it."""
        return False


class UpdateRule(Optimizer, abstract=True):
    """Base of the optimizers that change weights themselves: what all of them can do besides their own rule."""

    kind = "optimizer"  # declared again: these options come last
    apart = ("groups",)
    keeps: ClassVar[int] = 0  # `copies` of its own rule
    keeps_for: ClassVar[tuple[str, ...]] = ()  # options of which each wants one more
    weight_decay = aiding(
        optional(number(min=0), doc="Share of each weight that every update takes away, times the learning rate."),
        "regularizer",
    )
    clipnorm = aiding(optional(number(above=0), doc="Largest norm of each weight's gradient."), "clipping")
    clipvalue = aiding(optional(number(above=0), doc="Largest absolute value in the gradients."), "clipping")
    global_clipnorm = aiding(optional(number(above=0), doc="Largest norm of all gradients together."), "clipping")
    use_ema = aiding(
        boolean(default=False, doc="Whether to keep a moving average of the weights and use it after training."),
        "averaging",
        beside=("ema_momentum", "ema_overwrite_frequency"),
    )
    ema_momentum = number(
        min=0, below=1, default=0.99,
        doc="Share of the old average that each batch keeps, with `gradient_accumulation_steps` too.",
    )  # fmt: skip
    ema_overwrite_frequency = optional(
        integer(min=1),
        doc="Replace the weights by their average every so many steps; only after training unless given.",
    )
    loss_scale_factor = optional(
        number(above=0), doc="Factor of the loss during the gradient's computation in low precision."
    )
    gradient_accumulation_steps = optional(integer(min=2), doc="Number of batches whose gradients make one update.")
    groups: Any = map_of(
        "section", "group", default=None,
        doc="Weights with a learning rate or a decay of their own, by patterns of their names such as `Backbone.*` or "
        "`*.bias`; the first pattern that fits a weight counts.",
    )  # fmt: skip

    @property
    def copies(self) -> int:
        """Arrays per weight: those of the rule, the moving average, and the sum of gradients."""
        options = (*self.keeps_for, "use_ema", "gradient_accumulation_steps")
        return self.keeps + sum(bool(getattr(self, option)) for option in options)

    @property
    def wants_whole_rows(self) -> bool:
        """Whether the rule squares gradients or takes their sizes, or something clips or scales them."""
        return not self.adds_rows or bool(self._clips()) or self.loss_scale_factor is not None

    def _clips(self) -> list[str]:
        return [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, name) is not None]

    def validate(self) -> None:
        """At most one way of clipping; no option of the moving average without it."""
        clips = self._clips()
        if len(clips) > 1:
            message = f"`{clips[0]}` and `{clips[1]}` exclude each other"
            raise Problem("E207", message, "keep one of `clipnorm`, `clipvalue`, `global_clipnorm`", option=clips[1])
        for name in ("ema_momentum", "ema_overwrite_frequency"):
            if self.given.get(name) is not None and not self.use_ema:
                raise Problem("E207", f"`{name}` has no effect without `use_ema`", "add `use_ema: true`", option=name)
        self._check_groups()

    def _check_groups(self) -> None:
        """There are some, and a learning rate of their own is a share of one that is known."""
        if self.groups is not None and not self.groups:
            raise Problem("E207", "`groups` is empty", "name some weights: `'*.bias': {weight_decay: 0}`", "groups")
        rated = [pattern for pattern, group in (self.groups or {}).items() if group.learning_rate is not None]
        if rated and self.base_rate is None:
            message = f"the rate of `{rated[0]}` cannot follow `{self.learning_rate.name}`, whose own rate is not known"
            raise Problem("E207", message, "use a schedule of Keras, or give the group no `learning_rate`", "groups")

    @property
    def base_rate(self) -> float | None:
        """The learning rate of which those of groups are shares: the number, or the highest one of a schedule."""
        return base_rate(self.learning_rate)

    def rate_of(self, pattern: str) -> float:
        """The learning rate of a group, as a multiple of :attr:`base_rate`."""
        rate, base = self.groups[pattern].learning_rate, self.base_rate
        return 1.0 if rate is None or base is None else rate / base
