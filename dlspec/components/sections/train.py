"""The section `train`: the ways of training. Each is a component of kind ``method``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import (
    Component,
    Field,
    boolean,
    choice,
    component,
    components,
    example,
    find,
    integer,
    map_of,
    number,
    optional,
    options,
    per_output,
    plain,
    text,
    texts,
)
from dlspec.components.sections.base import Section
from dlspec.components.training.heads import Head
from dlspec.core.errors import Problem, leave_out

if TYPE_CHECKING:
    from dlspec.components.training.callbacks import Callback

# Functions of ours that go into projects as well; only building a model imports them.
SUMMED_ROWS = "dlspec.standalone.summed_rows.summed_rows"
ENDS_IN_FLOAT32 = "dlspec.standalone.ends_in_float32.ends_in_float32"


class Method(Component, abstract=True):
    """Base of the ways of training."""

    kind = "method"


class Checkpoint(Section):
    """How often a training is saved so that it can go on after an interruption; it costs no more than a twentieth."""

    shorthand = "every"
    every = number(min=0, default=30.0, doc="Seconds of training that may be lost at most; 0 saves after every step.")
    examples = (example("60"), example("{every: 0}"))


class Phase(Section):
    """A stretch of training in which other weights learn, with an optimizer of its own."""

    epochs = integer(min=1, doc="Passes over the training split.")
    freeze = optional(
        texts(),
        doc="Layers that stop learning: names, blocks (`encoder` means all inside) or patterns (`*.batch_norm*`).",
    )
    unfreeze = optional(texts(), doc="Layers that learn from now on; comes after `freeze`.")
    optimizer: Any = component(
        "optimizer", default=None, doc="How the weights are changed; that of `train` unless given."
    )
    examples = (
        example("{epochs: 5, freeze: backbone}"),
        example('{epochs: 20, unfreeze: "backbone.stage_4*", optimizer: {adam: 1e-5}}'),
    )


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
    seed = integer(
        min=0, max=2**32 - 1, default=0, doc="Seed of everything random: weights, dropout, order of examples."
    )
    monitor = optional(
        text(),
        doc="The measure by which epochs are compared; `val_loss` where there is a validation split, else `loss`.",
    )
    keep = choice("best", "last", default="best", doc="The epoch whose weights are kept.")
    start_from = optional(
        text(), doc="A `.keras` file whose weights come first, for layers of the same name and shapes."
    )
    phases = map_of(
        "section",
        "phase",
        default=None,
        doc="Stretches of training one after another, by name, each with its epochs, frozen layers and optimizer.",
    )
    precision = choice(
        "float32",
        "mixed_float16",
        "mixed_bfloat16",
        default="float32",
        doc="Numbers in which layers compute; the weights are float32 in any case.",
    )
    embedding_gradients = choice(
        "summed",
        "by_use",
        default="summed",
        doc="`summed` adds up the gradients of all uses of an embedding's row in a batch before the optimizer squares "
        "or clips them; `by_use` leaves each by itself, as Keras does on TensorFlow.",
    )
    jit = optional(
        boolean(), doc="Whether XLA compiles the steps, which changes the last bits; as Keras chooses unless given."
    )
    speed = choice(
        "plain",
        "auto",
        default="plain",
        doc="`auto` times some steps with and without XLA before training, and keeps the faster way in the run folder.",
    )
    distribute: Any = component(
        "distribution", default=None, doc="Devices of this machine that share each batch; one device unless given."
    )
    non_finite = choice(
        "stop",
        "rollback",
        default="stop",
        doc="When the loss becomes infinite or NaN: stop, or go back to the epoch's start with half the learning rate.",
    )
    checkpoint = options("section", "checkpoint", default=None, doc="How often the training is saved.")
    log: Any = Field(
        {"type": ["string", "array"], "pattern": r"^(tensorboard|mlflow|wandb)$|\$", "minItems": 1, "uniqueItems": True,
         "items": {"enum": ["tensorboard", "mlflow", "wandb"]}},
        default=(), doc="Logs for other programs, written into the run folder: `tensorboard`, `mlflow`, `wandb`.",
        convert=lambda value, _: (value,) if isinstance(value, str) else tuple(value),
    )  # fmt: skip
    examples = (example("{loss: mse}"), example("{loss: binary_crossentropy, metrics: [auc], epochs: 30}"))

    def __init__(self, **given: Any) -> None:
        """As for every component; what the model's outputs give is told later."""
        super().__init__(**given)
        self.heads: dict[str, Head] = {}

    def validate(self) -> None:
        """Weights of losses belong to outputs that have one; callbacks suit the optimizer."""
        if self.loss_weights and isinstance(self.loss, dict):
            for output in self.loss_weights:
                if output not in self.loss:
                    message = f"`loss_weights` names `{output}`, which has no loss"
                    raise Problem("E207", message, option="loss_weights")
        if self.phases is not None and not self.phases:
            raise Problem("E207", "`phases` is empty", "name a phase, or leave it out", option="phases")
        if self.phases and "epochs" in self.given:
            help = leave_out("epochs", ": each phase has its own")
            raise Problem("E207", "`epochs` has no effect beside `phases`", help, option="epochs")
        if "optimizer" in self.given and self.phases and all(phase.optimizer for phase in self.phases.values()):
            message = "`optimizer` has no effect: every phase has its own"
            raise Problem("E207", message, leave_out("optimizer"), option="optimizer")
        if self.speed == "auto" and self.jit is not None:
            message = "`jit` has no effect beside `speed: auto`, which chooses it"
            raise Problem("E207", message, "leave one of them out", option="jit")
        if self.distribute is not None:
            self._check_distribution()
        for optimizer in self.optimizers:
            self._check_optimizer(optimizer)

    def _check_distribution(self) -> None:
        """What is decided between the steps of one device cannot be decided by several."""
        if self.jit:
            message = "`jit: true` cannot compile steps in which devices meet, as they do with `distribute`"
            raise Problem("E207", message, "leave one of them out", option="jit")
        if self.speed == "auto":
            message = "`speed: auto` has nothing to choose from beside `distribute`, which XLA cannot compile"
            raise Problem("E207", message, "leave one of them out", option="speed")
        for optimizer in self.optimizers:
            for option in ("gradient_accumulation_steps", "ema_overwrite_frequency"):
                if getattr(optimizer, option, None):
                    message = f"`{option}` of `{optimizer.name}` does not work on several devices (`distribute`)"
                    raise Problem("E207", message, "leave one of them out", option="optimizer")

    def _check_optimizer(self, optimizer: Component) -> None:
        """What a callback changes, nothing else may rule, and what it uses must be there."""
        for callback in self.callbacks:
            self._check_callback(callback, optimizer)
        ruled = isinstance(getattr(optimizer, "learning_rate", None), Component)
        if self.non_finite == "rollback" and ruled:
            message = "`rollback` cannot halve a learning rate that a schedule rules"
            raise Problem("E207", message, "give the optimizer a number, or write `stop`", option="non_finite")

    def _check_callback(self, callback: Callback, optimizer: Component) -> None:
        if callback.changes_rate and isinstance(getattr(optimizer, "learning_rate", None), Component):
            message = f"`{callback.name}` cannot change a learning rate that a schedule rules"
            raise Problem("E207", message, "give the optimizer a number, or leave the callback out", "callbacks")
        if callback.swaps_averages and not getattr(optimizer, "use_ema", False):
            message = f"`{callback.name}` has nothing to swap: the optimizer keeps no moving average"
            raise Problem("E207", message, f"write `{optimizer.name}: {{use_ema: true}}`", "callbacks")

    @property
    def chosen_optimizer(self) -> Component:
        """The optimizer, the default one included."""
        if isinstance(self.optimizer, Component):
            return self.optimizer
        default = find("optimizer", str(self.optimizer))
        assert default is not None, "the default optimizer is declared"
        return default()

    def sums_rows(self, optimizer: Component) -> bool:
        """Whether `optimizer` is given the sum over all uses of an embedding's row in a batch."""
        return self.embedding_gradients == "summed" and bool(getattr(optimizer, "wants_whole_rows", False))

    @property
    def optimizers(self) -> tuple[Component, ...]:
        """The optimizer of each phase."""
        return tuple(phase.optimizer or self.chosen_optimizer for phase in self.training_phases.values())

    @property
    def training_phases(self) -> dict[str, Phase]:
        """The phases; a single one where none is given."""
        return self.phases or {"train": Phase(epochs=self.epochs)}

    @property
    def seconds_between_checkpoints(self) -> float:
        """See :class:`Checkpoint`."""
        return (self.checkpoint or Checkpoint()).every

    def loss_of(self, output: str) -> Any:
        """The loss of one output, or None."""
        if isinstance(self.loss, dict):
            return self.loss.get(output)
        return self.loss

    def metrics_of(self, output: str, examples: int | None = None) -> tuple[Any, ...]:
        """The metrics of one output, settled for what it gives.

        Args:
            output: Its name.
            examples: How many are measured together at most; None where that is not known.
        """
        chosen: Iterable[Any] = self.metrics.get(output, ()) if isinstance(self.metrics, dict) else self.metrics or ()
        several = tuple(chosen) if isinstance(chosen, list | tuple) else (chosen,)
        head = replace(self.head_of(output), examples=examples)
        return tuple(metric.settled(head) for metric in several)

    def coarse(self, outputs: Iterable[str], examples: int) -> list[str]:
        """Measures over all thresholds that try some of them only, since there are too many answers to keep."""
        measured = (metric for name in outputs for metric in self.metrics_of(name, examples))
        return [str(metric.name) for metric in measured if metric.coarse]

    def head_of(self, output: str) -> Head:
        """What one output gives; the only one may have another name in the built model."""
        if len(self.heads) == 1:
            return next(iter(self.heads.values()))
        return self.heads.get(output) or Head(self.loss_of(output))

    def threshold_of(self, output: str) -> float:
        """The value of one output above which the answer is yes."""
        return self.head_of(output).threshold

    def changed(self, **options: Any) -> Supervised:
        """The same with other options."""
        other = type(self)(**{**self.given, **options})
        other.heads = self.heads
        return other
