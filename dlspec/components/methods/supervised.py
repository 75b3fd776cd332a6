"""Training against targets: the way of training unless another one is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from dlspec.components.methods.base import CHECKPOINT, EPOCHS, SEED, Method, Mistake, Path, Watched
from dlspec.components.methods.group_checks import wrong_groups
from dlspec.components.methods.learner_checks import moved_by_learner, wrong_learners
from dlspec.components.methods.learning import check_learners, keeps, loss_of, measures_of, measures_tensors
from dlspec.components.methods.stages import check_objectives, differ, stages_of
from dlspec.components.methods.supervised_checks import idle_gradients, unknown_outputs, wrong_phases
from dlspec.components.methods.wanted import Wanted, wanted
from dlspec.components.registry import (
    Component,
    Field,
    boolean,
    choice,
    component,
    components,
    example,
    find,
    map_of,
    optional,
    options,
    per_output,
    text,
)
from dlspec.components.sections.logs import LOGS
from dlspec.components.sections.matching import layer_names, layers_meant
from dlspec.components.sections.training import (
    Learner,
    Phase,
    check_loss_weights,
    loss_weights,
    objectives,
    output_losses,
)
from dlspec.components.training.update_rules import Optimizer
from dlspec.core.errors import Problem, leave_out
from dlspec.core.ir import Graph, shared_models

if TYPE_CHECKING:
    from dlspec.components.registry.catalogue import Catalogue
    from dlspec.components.training.callbacks import Callback

# A function of ours that goes into projects as well; only building a model imports it.
SUMMED_ROWS = "dlspec.standalone.summed_rows.summed_rows"
_OBJECTIVES = {"loss", "minimize", "learners"}


class Supervised(Method):
    """Learns to predict targets: minimises a loss over epochs, and keeps the best of them."""

    trainer = "dlspec.training.supervised.SupervisedTrainer"
    project = "dlspec.export.project.train.render"
    follows_gradients = True
    weighs_examples = True
    prepares_targets = True

    loss: Any = output_losses("What is minimised: one loss, or one for each output.")
    loss_weights = loss_weights()
    minimize: Any = objectives()
    learners = map_of(
        "section",
        "learner",
        default=None,
        doc="Several that learn from each batch in turn, by name, each with what it trains and its objectives.",
    )
    optimizer = component("optimizer", default="adam", doc="How the weights are changed.")
    metrics = per_output("metric", many=True, default=(), tensors=True, doc="What is measured besides the loss.")
    threshold: Any = optional(
        per_output("decision"),
        doc="How the threshold of outputs of yes or no is chosen on the validation split, once training is over.",
    )
    calibration = optional(
        choice("temperature"),
        doc="How probabilities are calibrated on the validation split, once training is over: `temperature` divides "
        "what enters the last sigmoid or softmax by a number.",
    )
    baselines = boolean(default=False, doc="Whether a linear model, the nearest mean and one answer are measured, too.")
    epochs = EPOCHS
    callbacks = components("callback", default=(), doc="What watches and changes the course of training.")
    seed = SEED
    monitor = optional(
        text(),
        doc="The measure by which epochs are compared; `val_loss` where there is a validation split, else `loss`.",
    )
    keep = choice("best", "last", default="best", doc="The epoch whose weights are kept.")
    start_from = options("section", "start_from", default=None, doc="Weights of a saved model that come first.")
    adapters = component(
        "adapter", default=None, doc="Small weights that learn beside those of the model, which stay as they are."
    )
    phases = map_of(
        "section",
        "phase",
        default=None,
        doc="Stretches of training one after another, by name, each with its epochs, frozen layers, optimizer and "
        "objective.",
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
        doc="`auto` times some steps with and without XLA before training, unless the run is short, and keeps the "
        "faster way in the run folder.",
    )
    distribute = component(
        "distribution", default=None, doc="Devices of this machine that share each batch; one device unless given."
    )
    non_finite = choice(
        "stop",
        "rollback",
        default="stop",
        doc="When the loss becomes infinite or NaN: stop, or go back to the epoch's start with half the learning rate.",
    )
    checkpoint = CHECKPOINT
    log = Field(
        {"type": ["string", "array"], "pattern": rf"^({'|'.join(LOGS)})$|\$", "minItems": 1, "uniqueItems": True,
         "items": {"enum": [*LOGS]}},
        default=(), doc="Logs for other programs, written into the run folder: `tensorboard`, `mlflow`, `wandb`.",
        convert=lambda value, _: (value,) if isinstance(value, str) else tuple(value),
    )  # fmt: skip
    examples = (example("{loss: mse}"), example("{loss: binary_crossentropy, metrics: [auc], epochs: 30}"))

    def __init__(self, **given: Any) -> None:
        """As for every component; which epoch is kept follows from who learns."""
        super().__init__(**given)
        self.__dict__["keep"] = keeps(self)

    @classmethod
    def tensors(cls, train: Any, catalogue: Catalogue) -> Iterator[Wanted]:
        """Those that the section minimises or measures."""
        return wanted(train, catalogue)

    def validate(self) -> None:
        """Weights of losses belong to outputs that have one; callbacks suit the optimizer."""
        check_learners(self)
        if self.learners is None:
            check_loss_weights(self.loss, self.loss_weights)
        if self.phases is not None and not self.phases:
            raise Problem("E207", "`phases` is empty", "name a phase, or leave it out", option="phases")
        check_objectives(self)
        if self.phases and "epochs" in self.given:
            help = leave_out("epochs", ": each phase has its own")
            raise Problem("E207", "`epochs` has no effect beside `phases`", help, option="epochs")
        if "optimizer" in self.given and self.phases and all(phase.optimizer for phase in self.phases.values()):
            message = "`optimizer` has no effect: every phase has its own"
            raise Problem("E207", message, leave_out("optimizer"), option="optimizer")
        if self.speed == "auto" and self.jit is not None:
            message = "`jit` has no effect beside `speed: auto`, which chooses it"
            raise Problem("E207", message, "leave one of them out", option="jit")
        if self.distribute is not None and self.distribute.divides:
            self._check_distribution()
        for optimizer in self.optimizers:
            self._check_optimizer(optimizer)

    @classmethod
    def missing(cls, written: Mapping[str, Any]) -> list[str]:
        """One of `loss`, `minimize` and `learners` must be there, in `train` or in every phase."""
        complete = all(_OBJECTIVES & part.keys() for part in (_phases(written) or [{}]))
        return [] if complete or _OBJECTIVES & written.keys() else ["loss"]

    @classmethod
    def compares(cls, written: Mapping[str, Any]) -> bool:
        """Whether a loss compares outputs with targets, in some phase."""
        owners = [written, *_phases(written)]
        learners = [learner for owner in owners for learner in _sections(owner.get("learners"))]
        return any("loss" in owner for owner in (*owners, *learners)) or bool(cls.missing(written))

    @property
    def stages(self) -> Mapping[str, Supervised]:
        """The training of each phase by itself; the method itself where none has an objective of its own."""
        return stages_of(self)

    @cached_property
    def phases_differ(self) -> bool:
        """Whether some phase has an objective, or metrics, of its own."""
        return differ(self.phases or {})

    @property
    def augmented(self) -> Mapping[str, tuple[Any, ...]]:
        """The `augment` of each phase that has one."""
        return {name: stage.augment for name, stage in (self.phases or {}).items() if stage.augment is not None}

    @property
    def turns(self) -> Mapping[str, Learner]:
        """The learners by name: a single one without a name where `train` itself has `minimize` or measures tensors.

        Where phases differ, those of the last one.
        """
        return self.ending.turns if self.phases_differ else self._turns

    @cached_property
    def _turns(self) -> dict[str, Learner]:
        if self.learners:
            return dict(self.learners)
        if self.minimize is None and not measures_tensors(self):
            return {}
        return {"": Learner(minimize=self.minimize, loss=self.loss, loss_weights=self.loss_weights)}

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
                if optimizer.given.get(option):
                    message = f"`{option}` of `{optimizer.name}` does not work on several devices (`distribute`)"
                    raise Problem("E207", message, "leave one of them out", option="optimizer")

    def _check_optimizer(self, optimizer: Optimizer) -> None:
        """What a callback changes, nothing else may rule, and what it uses must be there."""
        for callback in self.callbacks:
            self._check_callback(callback, optimizer)
        ruled = isinstance(optimizer.learning_rate, Component)
        if self.non_finite == "rollback" and ruled:
            message = "`rollback` cannot halve a learning rate that a schedule rules"
            raise Problem("E207", message, "give the optimizer a number, or write `stop`", option="non_finite")

    def _check_callback(self, callback: Callback, optimizer: Optimizer) -> None:
        if callback.changes_rate and isinstance(optimizer.learning_rate, Component):
            message = f"`{callback.name}` cannot change a learning rate that a schedule rules"
            raise Problem("E207", message, "give the optimizer a number, or leave the callback out", "callbacks")
        if callback.swaps_averages and not optimizer.use_ema:
            message = f"`{callback.name}` has nothing to swap: the optimizer keeps no moving average"
            raise Problem("E207", message, f"write `{optimizer.name}: {{use_ema: true}}`", "callbacks")

    @property
    def chosen_optimizer(self) -> Optimizer:
        """The optimizer, the default one included."""
        if isinstance(self.optimizer, str):
            return cast("type[Optimizer]", find("optimizer", self.optimizer))()
        return cast("Optimizer", self.optimizer)

    def sums_rows(self, optimizer: Optimizer) -> bool:
        """Whether `optimizer` is given the sum over all uses of an embedding's row in a batch."""
        return self.embedding_gradients == "summed" and optimizer.wants_whole_rows

    @property
    def optimizers(self) -> tuple[Optimizer, ...]:
        """The optimizers of each phase."""
        stages = self.stages
        return tuple(
            optimizer for name, phase in self.training_phases.items() for optimizer in stages[name].optimizers_of(phase)
        )

    def optimizer_of(self, phase: Phase) -> Optimizer:
        """The optimizer of one phase: its own, or that of the training."""
        return phase.optimizer or self.chosen_optimizer

    def optimizers_of(self, phase: Phase) -> list[Optimizer]:
        """That of each learner in a phase of this objective: its own, or that of the phase; one without learners."""
        return [learner.optimizer or self.optimizer_of(phase) for learner in self.turns.values()] or [
            self.optimizer_of(phase)
        ]

    @property
    def training_phases(self) -> dict[str, Phase]:
        """The phases; a single one where none is given."""
        return self.phases or {"train": Phase(epochs=self.epochs)}

    def learning_phases(self, graph: Graph) -> Iterator[list[tuple[Optimizer, set[str]]]]:
        """As in :class:`Method`: what an earlier phase froze stays so until a later one unfreezes it."""
        names, stages, graph = layer_names(graph), self.stages, self.learning(graph)
        frozen: set[str] = set()
        for name, phase in self.training_phases.items():
            frozen.update(*layers_meant(phase.freeze or (), names).values())
            frozen.difference_update(*layers_meant(phase.unfreeze or (), names).values())
            stage = stages[name]
            moved = [moved_by_learner(learner, graph) for learner in stage.turns.values()] or [{*names.values()}]
            yield [
                (optimizer, layers - frozen)
                for optimizer, layers in zip(stage.optimizers_of(phase), moved, strict=True)
            ]

    def loss_of(self, output: str) -> Any:
        """The loss of one output in the last phase that has one: that of the first learner with one for it, or None."""
        comparing = self._comparing(output)
        if comparing is not self:
            return comparing.loss_of(output)
        losses = (loss_of(learner, output) for learner in self.turns.values() or (self,))
        return self.without_padding(output, next((loss for loss in losses if loss is not None), None))

    def _comparing(self, output: str) -> Supervised:
        """The training of the last phase that compares an output with its target; itself without such phases."""
        if not self.phases_differ:
            return self
        stages = list(self.stages.values())
        return next((stage for stage in reversed(stages) if stage.loss_of(output) is not None), stages[-1])

    def measures(self, outputs: Sequence[str]) -> dict[str, str]:
        """As in :class:`Method`; beside minimised tensors, as :func:`measures_of` says; those of the last phase."""
        if self.phases_differ:
            return self.ending.measures(outputs)
        return measures_of(self, outputs) if self.turns else super().measures(outputs)

    def chosen_metrics(self, output: str) -> Iterable[Any]:
        """The metrics of one output as they are written."""
        comparing = self._comparing(output)
        if comparing is not self:
            return comparing.chosen_metrics(output)
        chosen: Any = self.metrics.get(output, ()) if isinstance(self.metrics, dict) else self.metrics or ()
        return chosen if isinstance(chosen, list | tuple) else (chosen,)

    def path_of(self, option: str, output: str) -> Path:
        """As in :class:`Method`; in the phase that compares the output, where that has the option of its own."""
        comparing = self._comparing(output)
        return super().path_of(option, output) if comparing is self else comparing.path_of(option, output)

    def decision_of(self, output: str) -> Any:
        """How the threshold of one output is chosen."""
        return self.threshold.get(output) if isinstance(self.threshold, dict) else self.threshold

    def coarse(self, outputs: Iterable[str], examples: int) -> list[str]:
        """Measures over all thresholds that try some of them only, since there are too many answers to keep."""
        measured = (metric for name in outputs for metric in self.metrics_of(name, examples))
        return [str(metric.name) for metric in measured if metric.coarse]

    def watched(self) -> Iterator[Watched]:
        """The measure that compares epochs, and those of callbacks."""
        yield from super().watched()
        yield from (watched for _, watched in self._watching())

    def stopping(self) -> Iterator[Watched]:
        """The measures of callbacks that stop early."""
        yield from (watched for callback, watched in self._watching() if callback.stops_early)

    def _watching(self) -> Iterator[tuple[Callback, Watched]]:
        """Callbacks with the measure that each of them watches."""
        for position, callback in enumerate(self.callbacks):
            if isinstance(callback.monitor, str):
                # A `mode` of its own says which values are good, and not that there are any.
                judged = callback.mode == "auto"
                yield callback, Watched(callback.monitor, ("train", "callbacks", position, callback.name), judged)

    def mistakes(self, graph: Graph, shared: Mapping[str, Graph]) -> Iterator[Mistake]:
        """Names of outputs and layers that there are not, and options without an effect on this model."""
        graph = self.learning(graph)
        yield from wrong_learners(self, graph)
        yield from unknown_outputs(self, [name for name, _ in graph.outputs])
        yield from wrong_phases(self, graph)
        yield from wrong_groups(self, graph)
        yield from self._wrong_averages(graph)
        if self.embedding_gradients == "by_use":
            yield from idle_gradients(self.optimizers, graph, *(model.graph for model in shared_models(graph)))

    def _wrong_averages(self, graph: Graph) -> Iterator[Mistake]:
        """Averages follow the steps of one device."""
        names = [model.name for model in shared_models(graph) if model.average_of]
        if self.distribute is not None and names:
            message = f"`distribute` does not go with {names[0]}: a moving average follows the steps of one device"
            yield Mistake(Problem("E207", message, leave_out("distribute")), ("train", "distribute"), on_key=True)

    @property
    def total_epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in self.training_phases.values())

    def epochs_problem(self, *, halving: bool) -> Problem | None:
        """Phases have epochs of their own."""
        if not self.phases:
            return None
        if halving:
            message = "the search gives trials more and more epochs, and phases have fixed ones"
            return Problem("E207", message, "choose another algorithm, or train without phases", "algorithm")
        help = "leave it out, or give the phases the epochs that a trial shall have"
        return Problem("E207", "`epochs` has no effect: `train` has phases, each with its own", help, "epochs")


def _sections(raw: Any) -> list[Mapping[str, Any]]:
    """The sections in a map as it is written, mistakes left out."""
    return [part for part in raw.values() if isinstance(part, dict)] if isinstance(raw, dict) else []


def _phases(written: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return _sections(written.get("phases"))
