"""The interface of trainers, which turn a model and examples into weights; run folders are not their business."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dlspec.backends.keras.structure import like_inputs, only_or_all, outputs_by_name, single
from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.documents.report import Fact, Planned, Speed
from dlspec.core.ir import Shape
from dlspec.data.binding.drawn import in_training, key
from dlspec.data.feeding.parts import Part
from dlspec.data.feeding.pipeline import Prepared
from dlspec.training.loop.adapting import Adapting
from dlspec.training.loop.backend import BACKEND, Backend, Feed, Steps
from dlspec.training.loop.compiling import measuring
from dlspec.training.loop.distribution import ONE_DEVICE, Distribution
from dlspec.training.loop.training_state import TrainingState, assign
from dlspec.training.run.checkpoint import Checkpoint

Logs = dict[str, float]


class NonFinite(Exception):
    """The loss of a step is infinite or not a number.

    Attributes:
        step: The step, from 0.
        loss: The mean loss of the epoch with it.
    """

    def __init__(self, step: int, loss: float) -> None:
        super().__init__()
        self.step = step
        self.loss = loss


@dataclass(frozen=True, slots=True)
class Job:
    """The model, method, data and settings that a trainer is given.

    Attributes:
        model: The functional model, without preparation, that is saved.
        outputs: Names of its outputs in its order.
        folder: The run folder, into which callbacks write.
        adapting: Its adapters, which are enabled once weights that come first are in place.
        say: Called with what a user should know.
        distribution: The devices on which the model's variables stand.
        backend: What makes batches and steps.
        whole: What is trained: the model that gives what is minimised as well, over the same layers; `model` itself
            where there is nothing more.
        stage: The training of the phase that runs, by itself; None before the first one.
        phase: Its name.
    """

    model: Any
    prepared: Prepared
    data: Data
    method: Method
    outputs: Sequence[str]
    folder: Path
    adapting: Adapting
    say: Callable[[str], object] = len
    distribution: Distribution = ONE_DEVICE
    backend: Backend = BACKEND
    whole: Any = None
    stage: Method | None = None
    phase: str = ""

    def __post_init__(self) -> None:
        if self.whole is None:
            object.__setattr__(self, "whole", self.model)

    @property
    def most_examples(self) -> int:
        """How many examples an epoch visits at most."""
        return self.prepared.binding.most_examples(self.data)

    @property
    def units(self) -> Mapping[str, Any]:
        """The units of the targets that are prepared, by output."""
        return self.prepared.units

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Of one answer of each output of the model, by name."""
        tensors = outputs_by_name(self.model.output, self.outputs)
        return {name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()}

    @property
    def seed(self) -> int:
        """Seed of the order of examples and of what changes them."""
        return int(self.data.seed if self.data.seed is not None else self.method.seed)

    def in_order(self, part: Part) -> Feed:
        """The examples of one part as they stand."""
        transform = self.prepared.changes.measuring()
        return self.backend.feed_in_order(part.examples, self.data.batch_size, self.structure, transform)

    @property
    def learners(self) -> Sequence[str]:
        """Names of those that draw for themselves; a single one has no name."""
        turns = self.running.turns
        return tuple(turns) if len(turns) > 1 else ("",)

    @property
    def running(self) -> Method:
        """The method of the phase that is trained now, or that is measured in the end."""
        return self.stage or self.method.ending

    def entering(self, inputs: Mapping[str, Any]) -> Any:
        """Inputs as the whole takes them; for each learner by name, where each has draws of its own."""
        drawn = [input_name.name for input_name in self.prepared.binding.drawn]
        if not drawn or key(self.learners[-1], drawn[0]) not in inputs or len(self.learners) == 1:
            return like_inputs(self.whole, inputs)
        return {
            name: like_inputs(
                self.whole, {**inputs, **{input_name: inputs[key(name, input_name)] for input_name in drawn}}
            )
            for name in self.learners
        }

    def of_one(self, inputs: Any) -> Any:
        """The first learner's part of what :meth:`entering` returns."""
        return inputs[self.learners[0]] if isinstance(inputs, dict) and set(inputs) == set(self.learners) else inputs

    def structure(self, inputs: Any, targets: Any, *weights: Any) -> Any:
        """A batch as the whole takes it; weights of the examples last, where the data have some."""
        return self.entering(inputs), *compared(self.running, self.outputs, targets, *weights)

    @property
    def weighed(self) -> bool:
        """Whether examples count differently."""
        return self.prepared.binding.weight != "" or self.prepared.binding.factors is not None


def compared(method: Method, outputs: Sequence[str], targets: Any, *weights: Any) -> tuple[Any, ...]:
    """Targets, and weights of the examples, as Keras takes them: those of the outputs that a method compares.

    Learners get two maps of weights as they are: they ask for what they compare.

    Args:
        outputs: Names of all outputs of the model.
        targets: By output.
        weights: By output, or two such maps.
    """
    wanted = method.trained(outputs)

    def of_compared(values: Any) -> Any:
        if isinstance(values, tuple):
            return tuple(map(of_compared, values))
        return {name: value for name, value in values.items() if name in wanted} or values

    def weighing(weight: Any) -> Any:
        return weight if method.turns and isinstance(weight, tuple) else single(of_compared(weight))

    return only_or_all(of_compared(targets)), *map(weighing, weights)


class Moments:
    """Calls at certain moments of a training, besides its steps; they do nothing unless a method overrides them.

    The runner calls them in the order that :class:`Trainer` describes.
    """

    def open(self, *, begun: bool) -> None:
        """Once, before anything is trained.

        Args:
            begun: Whether it goes on from a checkpoint.
        """

    def begin(self, state: TrainingState, last: int) -> None:
        """A phase begins, or goes on, and ends with epoch number `last`."""

    def end(self, state: TrainingState) -> None:
        """A phase is over."""

    def close(self) -> None:
        """Closes what a phase has open, however it ended."""

    def slow_down(self, times: int) -> None:
        """Halves the learning rate so many times, after a loss that was not finite."""


class Trainer(Moments, ABC):
    """One training by one method.

    The runner calls ``open`` once, then for each phase ``begin``, ``restore`` where it goes on from a checkpoint, for
    each epoch ``epoch``, ``step`` until it takes no more, and ``over``; at the end of the phase ``end`` and ``close``.
    Between any two steps it may ask for the ``state``, from which the same training goes on later in another process.

    What a new method must say is ``step``; all else has a plain answer here. What a subclass changes in the model, and
    what else decides about the rest of the training, belongs into ``state`` and ``restore``.

    Args:
        job: The model, the examples and the method.
    """

    def __init__(self, job: Job) -> None:
        self.job = job

    # --- the plan -----------------------------------------------------------------------------------------------

    @property
    def phases(self) -> Sequence[int]:
        """Epochs of each phase."""
        return (self.job.method.total_epochs,)

    @cached_property
    def feed(self) -> Feed:
        """The examples of training, in the order of each epoch."""
        job = self.job
        return job.backend.feed(
            job.prepared.fed,
            job.data.batch_size,
            seed=job.seed,
            shuffle=job.data.shuffle,
            transform=job.prepared.changes.transform(job.seed, job.phase),
            draws=in_training(job.prepared.binding.drawn, job.learners),
            structure=job.structure,
        )

    def comparable(self, phase: int) -> bool:
        """Whether epochs of a phase are compared with those of the last one."""
        return True

    @property
    def planned(self) -> Planned:
        """For the report: epochs, steps in each, and whether a schedule rules the learning rate to the end."""
        steps = -(-self.job.prepared.fed.count // self.job.data.batch_size)
        return {"epochs": sum(self.phases), "steps_per_epoch": steps, "scheduled": False}

    @property
    def speed(self) -> Speed | None:
        """For the report: how it computes, where that was measured and chosen."""
        return None

    @property
    def facts(self) -> Mapping[str, Fact]:
        """For the report and its page: what this way of training tells at its end, with the kept weights in place."""
        return {}

    def further_measures(self) -> Mapping[str, Logs]:
        """For the report: measures of examples that are no part of the split, by a name for them."""
        return {}

    def notes(self) -> Iterator[str]:
        """Remarks that a user should read before training begins."""
        yield from ()

    # --- the training -------------------------------------------------------------------------------------------

    def epoch(self, state: TrainingState) -> None:
        """An epoch begins, or goes on from the step at which `state` stands."""
        self.feed.set_position(state.epoch, state.step)

    @abstractmethod
    def step(self, state: TrainingState) -> bool:
        """Takes some steps and counts them in ``state.step``; as many as take a tenth of a second.

        Returns:
            Whether it has taken any; False where the epoch has no more.

        Raises:
            NonFinite: The loss is not finite. The weights are those before that step.
        """

    def measures(self) -> Logs:
        """Measures over the steps of this epoch so far, to be shown."""
        return {}

    @contextmanager
    def over(self, state: TrainingState) -> Iterator[Logs]:
        """The epoch is over: gives its measures; meanwhile, the weights are those to compare and to keep."""
        logs = self.measure(self._training_in_order)
        if self._validation is not None:
            logs |= {f"val_{name}": value for name, value in self.measure(self._validation).items()}
        yield logs

    @property
    def stopped(self) -> bool:
        """Whether the phase shall end after this epoch."""
        return False

    def measure(self, feed: Feed) -> Logs:
        """Loss and metrics over all of `feed`, with the weights in place."""
        model, steps = self._measuring
        model.reset_metrics()
        steps.test(feed.batches(), feed.steps)
        return {name: float(value) for name, value in model.get_metrics_result().items()}

    @property
    def compiled(self) -> Any:
        """The compiled Keras model that the running phase trains; None for a way of training without one."""
        return None

    # --- what it all depends on ---------------------------------------------------------------------------------

    def state(self) -> Checkpoint:
        """Everything that the rest of the training depends on, but for its position."""
        variables = enumerate(self.job.whole.variables)
        return Checkpoint({f"model/{number}": variable.value.numpy() for number, variable in variables}, {})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Puts back what :meth:`state` took.

        Raises:
            Problem: E514, it is of another model or way of training.
        """
        assign(checkpoint, "model", self.job.whole.variables)

    @cached_property
    def _measuring(self) -> tuple[Any, Steps]:
        job = self.job
        model = measuring(
            job.whole,
            job.method.ending,
            job.outputs,
            job.distribution,
            job.most_examples,
            None,
            job.units,
            weighed=job.weighed,
        )
        return model, job.backend.steps(model, self._training_in_order, job.distribution)

    @cached_property
    def _training_in_order(self) -> Feed:
        return self.job.in_order(self.job.prepared.train)

    @cached_property
    def _validation(self) -> Feed | None:
        validation = self.job.prepared.validation
        return None if validation is None else self.job.in_order(validation)
