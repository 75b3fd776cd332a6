"""The sections inside `train`."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import (
    Field,
    choice,
    component,
    components,
    decisive,
    example,
    integer,
    map_of,
    number,
    optional,
    per_output,
    plain,
    text,
    texts,
)
from dlspec.components.sections.augmenting import check_augmentation
from dlspec.components.sections.base import Section
from dlspec.core.errors import Problem, leave_out

# The options that say what is minimised.
OBJECTIVES = ("learners", "loss", "minimize", "loss_weights")


class Checkpoint(Section):
    """How often a training is saved so that it can go on after an interruption; it costs no more than a twentieth."""

    shorthand = "every"
    every = number(min=0, default=30.0, doc="Seconds of training that may be lost at most; 0 saves after every step.")
    examples = (example("60"), example("{every: 0}"))


class Group(Section):
    """Weights that an optimizer changes otherwise than the rest."""

    learning_rate = optional(
        number(above=0),
        doc="Their learning rate, as long as the optimizer has its own: what changes that, a schedule for example, "
        "changes theirs in proportion.",
    )
    weight_decay = optional(
        number(min=0), doc="Share of each of them that every update takes away, times their learning rate."
    )
    examples = (example("{learning_rate: 1e-5}"), example("{weight_decay: 0}"))

    def validate(self) -> None:
        """It says something."""
        if self.learning_rate is None and self.weight_decay is None:
            message = "a group without options has no effect"
            raise Problem("E207", message, "give it a `learning_rate` or a `weight_decay`")


class StartFrom(Section):
    """Weights that come first: those of a saved model, for layers of the same name and shapes, or in their order."""

    shorthand = "file"
    file = text(doc="A `.keras`, `.weights.h5` or `.h5` file, or the folder of a run.")
    match = choice(
        "name",
        "order",
        default="name",
        doc="Layers of the same name, or the first layer with weights takes those of the first one in the file, and "
        "so on, as long as their shapes are the same.",
    )
    layers = optional(
        texts(),
        doc="Layers that take weights, each of which must find some: names, blocks or patterns; unless given, all "
        "that find some.",
    )
    moved = optional(
        plain({"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "minLength": 1}}),
        doc="Names in the file, and in this model: `{old.*: new.*}`, or `{old: new}` with all inside.",
    )
    examples = (
        example("base.keras"),
        example("{file: resnet50.keras, match: order, layers: backbone}"),
        example('{file: base.keras, moved: {"encoder.*": "backbone.*"}}'),
    )

    def validate(self) -> None:
        """Names count only where layers are found by them; both sides of a move have as many `*`."""
        if self.moved and self.match == "order":
            message = "`moved` has no effect beside `match: order`: names do not count there"
            raise Problem("E207", message, leave_out("moved"), option="moved")
        for old, new in (self.moved or {}).items():
            if old.count("*") != new.count("*"):
                message = f"`{old}` and `{new}` differ in how many `*` they have"
                raise Problem("E207", message, "each `*` on the right stands for the one on the left", option="moved")


def objectives() -> Field[Any]:
    """The option that names tensors to minimise; a dict from name to weight on instances."""
    name = {"type": "string", "minLength": 1}
    field = Field(
        {
            "type": ["string", "array", "object"], "minLength": 1, "items": name, "minItems": 1, "uniqueItems": True,
            "additionalProperties": {"type": "number"}, "minProperties": 1,
        },
        default=None, convert=lambda value, _: _weights(value),
        doc="Tensors of the graph that are minimised: one, a list, or a map to the weight of each. Each counts as the "
        "mean of its elements over the batch.",
    )  # fmt: skip
    return decisive(field)


def _weights(value: Any) -> dict[str, float]:
    """The weight of each tensor; those of a list, and a single one, have 1."""
    if isinstance(value, dict):
        return {name: float(weight) for name, weight in value.items()}
    return dict.fromkeys([value] if isinstance(value, str) else value, 1.0)


def output_losses(doc: str) -> Field[Any]:
    """The option that names losses of outputs."""
    return decisive(per_output("loss", default=None, doc=doc))


def loss_weights() -> Field[Any]:
    """The option that weighs the losses of outputs."""
    return optional(
        plain({"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}),
        doc="Factor of each output's loss in the sum; 1 where an output is left out.",
    )


class Learner(Section):
    """One of several that learn from the same graph: what it moves, and by which objectives."""

    trains = optional(
        texts(),
        doc="What it moves: models, layers (by a name of an output), blocks or patterns; unless given, all that its "
        "objectives depend on.",
    )
    minimize: Any = objectives()
    loss: Any = output_losses("What is minimised besides: one loss, or one for each output.")
    loss_weights = loss_weights()
    optimizer: Any = component(
        "optimizer", default=None, doc="How its weights are changed; one of its own as `train` has it unless given."
    )
    every = integer(min=1, default=1, doc="It moves on every so many batches: the first time on batch number `every`.")
    examples = (
        example("{trains: Critic, minimize: [passed, caught]}"),
        example("{trains: Generator, minimize: {fooled: 1, penalty: 0.1}, optimizer: {adam: 1e-4}, every: 5}"),
    )

    def validate(self) -> None:
        """It minimises something; weights of losses belong to outputs that have one."""
        if not self.minimize and self.loss is None:
            raise Problem("E505", "a learner needs `minimize` or `loss`", "write `minimize: NAME` of a tensor")
        check_loss_weights(self.loss, self.loss_weights)


def check_loss_weights(loss: Any, weights: Any) -> None:
    """Weights of losses belong to outputs that have one.

    Raises:
        Problem: E207.
    """
    if weights and loss is None:
        message = "`loss_weights` has no effect without `loss`"
        raise Problem("E207", message, "weigh tensors in `minimize`", option="loss_weights")
    for output in weights or () if isinstance(loss, dict) else ():
        if output not in loss:
            raise Problem("E207", f"`loss_weights` names `{output}`, which has no loss", option="loss_weights")


class Phase(Section):
    """A stretch of training in which other weights learn, with an optimizer, or an objective, of its own."""

    epochs = integer(min=1, doc="Passes over the training split.")
    loss: Any = output_losses(
        "What it minimises in place of the objective of `train`: one loss, or one for each output."
    )
    loss_weights = loss_weights()
    minimize: Any = objectives()
    learners = map_of(
        "section", "learner", default=None, doc="Those that learn in turn, in place of the objective of `train`."
    )
    metrics: Any = per_output(
        "metric", many=True, default=None, tensors=True, doc="What it measures; what `train` measures unless given."
    )
    freeze = optional(
        texts(),
        doc="Layers that stop learning: names, blocks (`encoder` means all inside) or patterns (`*.batch_norm*`).",
    )
    unfreeze = optional(texts(), doc="Layers that learn from now on; comes after `freeze`.")
    optimizer: Any = component(
        "optimizer", default=None, doc="How the weights are changed; that of `train` unless given."
    )
    augment: Any = optional(
        components("layer"),
        doc="Layers that change training examples at random, in place of all that `data` says; `[]` for none.",
    )
    examples = (
        example("{epochs: 5, freeze: backbone}"),
        example('{epochs: 20, unfreeze: "backbone.stage_4*", optimizer: {adam: 1e-5}}'),
        example("{epochs: 15, minimize: divergence, optimizer: {sgd: 0.05}}"),
    )

    @property
    def objective(self) -> bool:
        """Whether it has an objective of its own, which takes the place of that of `train`."""
        return any(option in self.given for option in OBJECTIVES)

    def validate(self) -> None:
        """One kind of objective; weights of losses belong to outputs that have one."""
        if self.learners is not None:
            check_places(self, "the phase")
            check_optimizer(self)
        else:
            check_loss_weights(self.loss, self.loss_weights)
        check_augmentation(self.augment or ())


def check_places(owner: Any, where: str) -> None:
    """Mistakes: keys beside `learners` that belong into one of them.

    Args:
        owner: A section with the option `learners`.
        where: What it is called in messages.

    Raises:
        Problem: E207, there are none; E501, an objective stands beside them.
    """
    if not owner.learners:
        raise Problem("E207", "`learners` is empty", "name a learner, or write `minimize`", option="learners")
    for option in OBJECTIVES[1:]:
        if option in owner.given:
            message = f"`{option}` stands in a learner where there are `learners`, not in {where} as well"
            raise Problem("E501", message, f"move `{option}` into the learner that it belongs to", option=option)


def check_optimizer(owner: Any) -> None:
    """The optimizer of a section serves one of its learners.

    Raises:
        Problem: E207.
    """
    if "optimizer" in owner.given and all(learner.optimizer for learner in owner.learners.values()):
        message = "`optimizer` has no effect: every learner has its own"
        raise Problem("E207", message, leave_out("optimizer"), option="optimizer")
