"""What the rest of dlspec asks of a way of training; each is a component of kind ``method``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

from dlspec.components.methods.wanted import Wanted
from dlspec.components.registry import Component, integer, options
from dlspec.components.registry.catalogue import Catalogue
from dlspec.components.sections.training import Checkpoint
from dlspec.components.training.heads import Head
from dlspec.core.errors import Problem, leave_out
from dlspec.core.ir import Graph

if TYPE_CHECKING:
    from dlspec.components.sections.adapting import Adapted
    from dlspec.components.training.update_rules import Optimizer

# A function of ours that goes into projects as well; only building a model imports it.
ENDS_IN_FLOAT32 = "dlspec.standalone.ends_in_float32.ends_in_float32"
# The way of training of a spec that names none.
DEFAULT = "supervised"

# Options that several methods have: the same name means the same in all of them.
EPOCHS = integer(min=1, default=10, doc="Passes over the training split.")
SEED = integer(min=0, max=2**32 - 1, default=0, doc="Seed of everything random: weights, dropout, order of examples.")
CHECKPOINT = options("section", "checkpoint", default=None, doc="How often the training is saved.")

Path = tuple[str | int, ...]


class Watched(NamedTuple):
    """An option that names a measure.

    Attributes:
        measure: Its name, such as ``val_loss``.
        path: Keys from the root of the spec to what holds the option `monitor`.
        judged: Whether the measure itself must say which of its values are good.
    """

    measure: str
    path: Path
    judged: bool


class Mistake(NamedTuple):
    """A mistake in a way of training.

    Attributes:
        problem: Code, message and help.
        path: Keys from the root of the spec to the place.
        on_key: Whether the last key itself is at fault rather than its value.
    """

    problem: Problem
    path: Path
    on_key: bool = False


def leaving_out(loss: Any, number: int) -> Any:
    """A loss for which a class number does not count; itself where it has no such option, or names another one."""
    if "ignore_class" not in loss.fields or "ignore_class" in loss.given:
        return loss
    return type(loss)(**{**loss.given, "ignore_class": number})


class Method(Component, abstract=True):
    """Base of the ways of training. What is not said by a method has a neutral value here.

    Class attributes:
        trainer: Dotted path of the class that trains: a :class:`dlspec.training.loop.trainer.Trainer`.
        project: Dotted path of the function that writes ``train.py`` of an exported project (see
            :func:`dlspec.export.project.train.render`); "" where there are no words for the method in plain Keras.
        needs_targets: Whether the data must name targets.
        follows_gradients: Whether each step moves weights along the gradient of what it minimises.
        weighs_examples: Whether examples may count differently: `weight` of `data`.
        prepares_targets: Whether it compares outputs with targets as `prepare` of `data.targets` changes them.

    Options that every part of dlspec reads, whether or not a method lets a spec write them:
        seed: Seed of the weights and of everything random.
        epochs: Passes over the training split; 1 where a method knows no others.
        precision: Numbers in which layers compute: ``float32``, ``mixed_float16`` or ``mixed_bfloat16``.
        start_from: Weights of a saved model that come first, or None.
        phases: Stretches of training one after another by name, or None.
        adapters: What learns in place of the weights themselves, or None.
        distribute: Devices that share a training, or None.
        jit: Whether XLA compiles the steps; None for as Keras chooses.
        loss_weights: Factors of the losses by output, or None.
        monitor: The measure that compares epochs, or None for the loss.
        keep: Whether the ``best`` or the ``last`` epoch is kept.
        non_finite: ``stop`` or ``rollback``: what a loss that is not finite leads to.
        log: Logs for other programs, by name.
        baselines: Whether answers that need no training are measured beside it.
        calibration: ``temperature``, where probabilities are calibrated once training is over, or None.
        checkpoint: How often the training is saved, or None for as often as :class:`Checkpoint` says.

    Attributes:
        study: What repeats the whole training, or None: see :mod:`dlspec.components.methods.studies`.
        solver: What finds the weights in closed form, or None: see :mod:`dlspec.components.methods.solvers`.
    """

    kind = "method"
    trainer: ClassVar[str] = ""
    project: ClassVar[str] = ""
    needs_targets: ClassVar[bool] = True
    follows_gradients: ClassVar[bool] = False
    weighs_examples: ClassVar[bool] = False
    prepares_targets: ClassVar[bool] = False

    seed: ClassVar[Any] = 0
    epochs: ClassVar[Any] = 1
    precision: ClassVar[Any] = "float32"
    start_from: ClassVar[Any] = None
    phases: ClassVar[Any] = None
    adapters: ClassVar[Any] = None
    distribute: ClassVar[Any] = None
    jit: ClassVar[Any] = None
    loss_weights: ClassVar[Any] = None
    monitor: ClassVar[Any] = None
    keep: ClassVar[Any] = "last"
    non_finite: ClassVar[Any] = "stop"
    log: ClassVar[Any] = ()
    baselines: ClassVar[Any] = False
    calibration: ClassVar[Any] = None
    checkpoint: ClassVar[Any] = None
    study: Any = None
    solver: Any = None

    def __init__(self, **given: Any) -> None:
        """As for every component; what outputs give, names of layers and of weights, later passes fill in."""
        super().__init__(**given)
        self.heads: dict[str, Head] = {}
        self.layer_names: dict[str, str] = {}
        self.weight_names: Mapping[str, tuple[str, ...]] = {}
        self.places: dict[str, Path] = {}
        self.averages: Mapping[str, tuple[str, float]] = {}
        self.padded: frozenset[str] = frozenset()
        self.adapted: Adapted | None = None

    # --- what it reads of a section before that is evaluated ------------------------------------------------------

    @classmethod
    def tensors(cls, train: Any, catalogue: Catalogue) -> Iterator[Wanted]:
        """Tensors of the graph that training needs, whether or not the outputs depend on them.

        Args:
            train: The section as it is written.
            catalogue: The components of the spec.
        """
        yield from ()

    # --- phases -------------------------------------------------------------------------------------------------

    @property
    def stages(self) -> Mapping[str, Method]:
        """A method for each phase, as a training by itself; only this one where phases share their objective."""
        return {"train": self}

    @property
    def ending(self) -> Method:
        """The last of :attr:`stages`: what is measured when training is over, and by which epochs are compared."""
        return list(self.stages.values())[-1]

    @property
    def augmented(self) -> Mapping[str, tuple[Any, ...]]:
        """The layers that change training examples, by phase, where a phase has some in place of those of the data."""
        return {}

    def written_at(self, option: str) -> Path:
        """Where the option stands in the spec, from its root: in `train`, or in the phase that has one of its own."""
        return (*self.places.get(option, ("train",)), option)

    @property
    def unfrozen(self) -> tuple[str, ...]:
        """Patterns of the layers that learn from some phase on."""
        return tuple(pattern for phase in (self.phases or {}).values() for pattern in phase.unfreeze or ())

    def learning(self, graph: Graph) -> Graph:
        """A graph whose trainable weights are those that learn: with adapters, theirs, and those of `trains`."""
        return graph if self.adapted is None else self.adapted.graph(graph)

    # --- targets, losses and measures ---------------------------------------------------------------------------

    @property
    def turns(self) -> Mapping[str, Any]:
        """The learners that move on each batch in turn, by name; none where outputs are compared with targets alone."""
        return {}

    def loss_of(self, output: str) -> Any:
        """The loss that compares one output with its target and says how that is encoded; None for no target."""
        return None

    def without_padding(self, output: str, loss: Any) -> Any:
        """A loss of one output that leaves out index 0 where the target is a row of indices that 0 fills up."""
        # The only output may have another name in the built model.
        if loss is None or not (output in self.padded or (self.padded and len(self.heads) == 1)):
            return loss
        return leaving_out(loss, 0)

    def chosen_metrics(self, output: str) -> Iterable[Any]:
        """The metrics of one output as they are written: which values are good, and what they take."""
        return ()

    def metrics_of(self, output: str, examples: int | None = None, *, weighed: bool = False) -> tuple[Any, ...]:
        """The metrics of one output, settled for what it gives.

        Args:
            output: Its name.
            examples: How many are measured together at most; None where that is not known.
            weighed: Whether they count differently.
        """
        head = replace(self.head_of(output), examples=examples, weighed=weighed)
        return tuple(metric.settled(head) for metric in self.chosen_metrics(output))

    def head_of(self, output: str) -> Head:
        """The head of one output: what its numbers mean. The only one may have another name in the built model."""
        if len(self.heads) == 1:
            return next(iter(self.heads.values()))
        return self.heads.get(output) or Head(self.loss_of(output))

    def decision_of(self, output: str) -> Any:
        """How the threshold of one output is chosen when training is over; None where loss and activation say it."""
        return None

    def undecided(self) -> Method:
        """The same before any threshold was chosen."""
        other = self.changed()
        other.heads = {name: replace(head, chosen=None) for name, head in self.heads.items()}
        return other

    def decide(self, thresholds: Mapping[str, float]) -> None:
        """Takes thresholds, by output, that were chosen on the validation split."""
        for name, value in thresholds.items():
            key = next(iter(self.heads)) if len(self.heads) == 1 else name
            self.heads[key] = replace(self.head_of(name), chosen=value)

    def threshold_of(self, output: str) -> float:
        """The value of one output above which the answer is yes."""
        return self.head_of(output).threshold

    def trained(self, outputs: Iterable[str]) -> list[str]:
        """Those of `outputs` that are compared with a target."""
        return [name for name in outputs if self.loss_of(name) is not None]

    def measures(self, outputs: Sequence[str]) -> dict[str, str]:
        """Name → direction (``down``, ``up``, or "" where neither is better) of what an epoch reports.

        With several outputs, their names come first: ``sold_loss``, ``sold_auc``.
        """
        trained = self.trained(outputs)
        several, directions = len(trained) > 1, {"loss": "down"}
        for name in trained:
            directions |= {f"{name}_loss": "down"} if several else {}
            directions |= {key: metric.direction for key, metric in self.named_metrics(name, several=several)}
        return directions

    def named_metrics(self, output: str, *, several: bool) -> Iterator[tuple[str, Any]]:
        """The metrics of an output with the names of their measures, which begin with its own if there are several."""
        prefix = f"{output}_" if several else ""
        seen: dict[str, int] = {}  # Keras numbers those of one name
        for metric in self.chosen_metrics(output):  # made otherwise, it may say nothing of what is good
            number = seen[metric.name] = seen.get(metric.name, -1) + 1
            yield f"{prefix}{metric.name}" + (f"_{number}" if number else ""), metric

    def shares(self, outputs: Sequence[str]) -> frozenset[str]:
        """Those of the measures that are shares of right answers, from 0 to 1."""
        trained = self.trained(outputs)
        several = len(trained) > 1 or bool(self.turns)
        named = (self.named_metrics(name, several=several) for name in trained)
        return frozenset(measure for each in named for measure, metric in each if metric.share_right)

    def comparing(self, outputs: Sequence[str], *, validated: bool) -> str:
        """The measure that compares epochs: `monitor`, else the first one.

        Args:
            outputs: Names of the model's outputs.
            validated: Whether there is a validation split.
        """
        first = next(iter(self.measures(outputs)))
        return str(self.monitor or (f"val_{first}" if validated else first))

    def watched(self) -> Iterator[Watched]:
        """Every option that names a measure."""
        if self.monitor is not None:
            yield Watched(self.monitor, ("train",), True)

    def stopping(self) -> Iterator[Watched]:
        """Those among :meth:`watched` by which training may end before its last epoch."""
        yield from ()

    # --- checks -------------------------------------------------------------------------------------------------

    @classmethod
    def missing(cls, written: Mapping[str, Any]) -> list[str]:
        """The options that a section lacks.

        Args:
            written: The section `train` as it is written.
        """
        return [key for key, field in cls.fields.items() if field.required and key not in written]

    @classmethod
    def compares(cls, written: Mapping[str, Any]) -> bool:
        """Whether a section compares outputs with targets, so that the data must name some."""
        return cls.needs_targets

    def mistakes(self, graph: Graph, shared: Mapping[str, Graph]) -> Iterator[Mistake]:
        """Mistakes in using this method for a model, known before TensorFlow loads.

        Args:
            graph: The model.
            shared: Graphs of the models that it calls, by name.
        """
        yield from ()

    def path_of(self, option: str, output: str) -> Path:
        """Where an option of one output stands, which may be written for each of them or for all."""
        by_output = isinstance(getattr(self, option, None), dict)
        return (*self.written_at(option), *((output,) if by_output else ()))

    def accepts(self, option: str) -> bool:
        """Whether a spec may write an option of this name."""
        return option in type(self).fields

    # --- epochs -------------------------------------------------------------------------------------------------

    @property
    def total_epochs(self) -> int:
        """Passes over the training split in all."""
        return int(self.epochs)

    def lasting(self, epochs: int) -> Method:
        """The same for another number of epochs, where that can be chosen."""
        return self if self.epochs_problem(halving=False) else self.changed(epochs=epochs)

    def epochs_problem(self, *, halving: bool) -> Problem | None:
        """Why a search cannot choose the number of epochs (E207); None where it can.

        Args:
            halving: Whether its algorithm gives trials more and more epochs, so that it has to choose.
        """
        if self.accepts("epochs"):
            return None
        if halving:
            message = f"the search gives trials more and more epochs, and training by `{self.name}` has fixed ones"
            return Problem("E207", message, "choose another algorithm", "algorithm")
        message = f"`epochs` has no effect: training by `{self.name}` has no such option"
        return Problem("E207", message, leave_out("epochs"), "epochs")

    def learning_phases(self, graph: Graph) -> Iterator[list[tuple[Optimizer, set[str]]]]:
        """For each phase of training its optimizers, each with the names of the layers and models that it changes.

        Args:
            graph: All that is trained.
        """
        yield from ()

    @property
    def seconds_between_checkpoints(self) -> float:
        """Seconds of training that may be lost at most; 0 saves after every step."""
        return float((self.checkpoint or Checkpoint()).every)

    def changed(self, **options: Any) -> Method:
        """The same with other options."""
        other = type(self)(**{**self.given, **options})
        other.heads, other.layer_names, other.averages = self.heads, self.layer_names, self.averages
        other.weight_names = self.weight_names
        other.adapted = self.adapted if other.adapters is not None else None
        other.padded, other.study, other.solver = self.padded, self.study, self.solver
        return other


def method_of(train: Any, catalogue: Catalogue) -> type[Method] | None:
    """The way of training that a section `train` names; None where there is none of that name.

    Args:
        train: The section as it is written.
        catalogue: The components of the spec.
    """
    name = train.get("method", DEFAULT) if isinstance(train, dict) else None
    if isinstance(name, dict) and len(name) == 1:
        name = next(iter(name))
        name = name if catalogue.find("solver", name) is not None else DEFAULT
    elif isinstance(name, dict) or (isinstance(name, str) and catalogue.find("study", name) is not None):
        name = DEFAULT
    return cast("type[Method] | None", catalogue.find("method", name)) if isinstance(name, str) else None


def wants_targets(train: Any, catalogue: Catalogue) -> bool:
    """Whether the data must name targets for a section `train`; arguments as those of :func:`method_of`."""
    owner = method_of(train, catalogue)
    return owner is None or owner.compares(train)


def tensors_of(train: Any, catalogue: Catalogue) -> Iterator[Wanted]:
    """Names of the tensors that a section `train` needs of the graph: see :meth:`Method.tensors`."""
    owner = method_of(train, catalogue)
    return iter(()) if owner is None else owner.tensors(train, catalogue)
