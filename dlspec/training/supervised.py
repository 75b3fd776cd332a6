"""Training against targets: phases of Keras, each with an optimizer of its own. See the method ``supervised``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from dlspec.components.methods.stages import objective_of
from dlspec.components.methods.supervised import Supervised
from dlspec.components.registry import Component
from dlspec.components.sections.training import Phase
from dlspec.components.training.callbacks import Callback
from dlspec.components.training.update_rules import Optimizer
from dlspec.core.documents.report import Fact, Planned, Speed
from dlspec.data.checks.measures import callbacks
from dlspec.training.loop import phases, speed
from dlspec.training.loop.backend import Feed, Steps
from dlspec.training.loop.compiling import averaging
from dlspec.training.loop.keras_phase import KerasPhase
from dlspec.training.loop.learners import for_each_learner, optimizers_of
from dlspec.training.loop.non_finite import lower_rate
from dlspec.training.loop.trainer import Job, Logs, Trainer
from dlspec.training.loop.training_state import TrainingState, capture, restore
from dlspec.training.run.checkpoint import Checkpoint


class SupervisedTrainer(Trainer):
    """Trains by `fit`'s steps, phase after phase: see the method ``supervised``.

    Attributes:
        method: The declared method, ``jit`` chosen where `speed: auto` chooses it.
        choice: What ``speed: auto`` has chosen.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        assert isinstance(job.method, Supervised)
        self.method: Supervised = job.method
        self.choice: speed.Choice | None = None
        self._phase: KerasPhase | None = None
        self._chosen = 0
        self._timed: speed.Candidate | None = None

    @property
    def phases(self) -> Sequence[int]:
        """Epochs of each phase."""
        return [phase.epochs for phase in self.method.training_phases.values()]

    @property
    def planned(self) -> Planned:
        """Epochs, steps in each, and whether a schedule rules the learning rate to the end."""
        rates = [optimizer.learning_rate for optimizer in self.method.optimizers]
        return {**super().planned, "scheduled": any(isinstance(rate, Component) for rate in rates)}

    @property
    def speed(self) -> Speed | None:
        """Times that `speed: auto` measured, and the way of computing that it chose."""
        return self.choice.facts() if self.choice is not None else None

    @property
    def facts(self) -> Mapping[str, Fact]:
        """The groups of weights that optimizers keep apart."""
        if not any(optimizer.rule.groups for optimizer in self.method.optimizers):
            return {}
        from dlspec.training.loop.grouping import group_facts  # few trainings need it

        return group_facts(self.method, self.job.whole)

    def notes(self) -> Iterator[str]:
        """Figures that are not what one might take them for."""
        if self.job.prepared.changes.weights:
            names = ", ".join(f"`{name}`" for name in self.job.prepared.changes.weights)
            yield f"`loss` weighs the classes of {names} in training; `val_loss` and metrics do not"
        for metric in self.method.coarse(self.job.outputs, self.job.most_examples):
            yield f"{metric}: more answers than are kept; `num_thresholds: 2000` tries more than 200 of them"

    def open(self, *, begun: bool) -> None:
        """The way of computing that was chosen when the run began; chooses now, if it begins."""
        if self.method.speed != "auto":
            return
        choice = speed.read(self.job.folder, begun=begun)
        if choice is None:
            phase = next(iter(self.method.training_phases.values()))
            phases.choose(self.job.whole, phase, self.method.layer_names, self.job.adapting)
            stage = self._enter(0)
            self._chosen = 1
            steps = sum(self.phases) * self.feed.steps
            choice, self._timed = speed.choose(self.job, stage, _optimizers(stage, phase), self.feed, steps)
            speed.keep(self.job.folder, choice)
        self.choice, self.method = choice, speed.with_jit(self.method, choice.jit)
        self.job.say(str(choice))

    def begin(self, state: TrainingState, last: int) -> None:
        """Freezes, compiles, and makes the callbacks."""
        job, method = self.job, self.method
        every_phase = list(method.training_phases.values())
        for phase in every_phase[self._chosen : state.phase + 1]:
            phases.choose(job.whole, phase, method.layer_names, job.adapting)
        self._chosen = state.phase + 1
        phase = every_phase[state.phase]
        stage = self._enter(state.phase)
        compiled, steps = self._compiled(stage, _optimizers(stage, phase))
        running = list(self._running(compiled, state.epoch))
        validation = job.prepared.validation
        self._phase = KerasPhase(
            compiled,
            self.feed,
            steps,
            None if validation is None else job.in_order(validation),
            running,
            averaging(optimizers_of(compiled), method.callbacks),
            together=None if method.seconds_between_checkpoints else 1,
        )
        self._phase.begin(last)

    def _compiled(self, stage: Supervised, optimizer: Optimizer | list[Optimizer]) -> tuple[Any, Steps]:
        """The model of a phase and its steps: as chosen and already compiled, where `speed: auto` has just done so."""
        timed, self._timed = self._timed, None
        if timed is not None:
            return timed.model, timed.steps
        looped = self.choice is not None and self.choice.looped
        if looped and speed.no_loop(self.job, stage, optimizer, self.feed):
            looped, stage = False, speed.with_jit(stage, False)
        return speed.compiled(self.job, stage, optimizer, self.feed, looped=looped)

    def _enter(self, phase: int) -> Supervised:
        """What the phase of this number trains; from now on, examples come as it takes them."""
        name, stage = list(self.method.stages.items())[phase]
        before = self.job
        self.job = replace(before, stage=stage, phase=name)
        augmented = {name, before.phase} & self.method.augmented.keys()
        if (
            augmented
            or stage.trained(before.outputs) != before.running.trained(before.outputs)
            or self.job.learners != before.learners
            or bool(stage.turns) != bool(before.running.turns)
        ):
            self.__dict__.pop("feed", None)
        return stage

    def comparable(self, phase: int) -> bool:
        """Whether a phase has the objective of the last one."""
        return objective_of(list(self.method.stages.values())[phase]) == objective_of(self.method.ending)

    def _running(self, compiled: Any, epochs: int) -> Iterator[tuple[Callback, Any]]:
        """The callbacks, as declared and as Keras has them, when so many epochs are over."""
        stage: Any = self.job.running
        for declared in callbacks(stage.callbacks, stage, self.job.outputs, elsewhere=self.method.stages.values()):
            for made in for_each_learner(compiled, declared, partial(declared.make_in, self.job.folder, epochs)):
                yield declared, made

    @property
    def running(self) -> KerasPhase:
        """The phase that runs."""
        assert self._phase is not None, "a phase begins first"
        return self._phase

    @property
    def compiled(self) -> Any:
        """The model of the phase."""
        return self.running.model

    def epoch(self, state: TrainingState) -> None:
        """See :class:`KerasPhase`."""
        self.running.epoch(state)

    def step(self, state: TrainingState) -> bool:
        """See :class:`KerasPhase`."""
        return self.running.step(state)

    def measures(self) -> Logs:
        """See :class:`KerasPhase`."""
        return self.running.measures()

    @contextmanager
    def over(self, state: TrainingState) -> Iterator[Logs]:
        """See :class:`KerasPhase`."""
        with self.running.over(state) as logs:
            yield logs

    @property
    def stopped(self) -> bool:
        """Whether a callback has ended the phase."""
        return bool(self.running.model.stop_training)

    def end(self, state: TrainingState) -> None:
        """See :class:`KerasPhase`."""
        self.running.end(state)

    def close(self) -> None:
        """Closes the callbacks."""
        if self._phase is not None:
            self._phase.close()

    def measure(self, feed: Feed) -> Logs:
        """See :class:`KerasPhase`."""
        return self.running.measure(feed)

    def slow_down(self, times: int) -> None:
        """Halves the learning rate so many times."""
        for optimizer in optimizers_of(self.running.model):
            lower_rate(optimizer, times)

    def state(self) -> Checkpoint:
        """Model, optimizer and metrics, and what callbacks count."""
        return capture(self.job.whole, self.running.model, self.running.running)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Puts back what :meth:`state` took."""
        restore(checkpoint, self.job.whole, self.running.model, self.running.running)


def _optimizers(stage: Supervised, phase: Phase) -> Optimizer | list[Optimizer]:
    """The optimizer of a phase, or those of its learners."""
    return stage.optimizers_of(phase) if stage.turns else stage.optimizer_of(phase)
