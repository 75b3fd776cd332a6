"""Training proper: a model, examples and a method in, weights and history out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlspec.backends.keras.structure import like_inputs, only_or_all
from dlspec.components.registry import Component
from dlspec.components.sections.data import Data
from dlspec.components.sections.train import Phase, Supervised
from dlspec.core.documents.report import Planned
from dlspec.data.checks.measures import smaller_is_better
from dlspec.data.feeding.feed import Feed, feed_in_order
from dlspec.data.feeding.pipeline import Part, Prepared
from dlspec.training.loop import non_finite, phases, speed
from dlspec.training.loop.compiling import averaging, trainer
from dlspec.training.loop.distribution import Distribution
from dlspec.training.loop.loop import Loop, NonFinite
from dlspec.training.loop.preparation import adapt_layers, with_preparation
from dlspec.training.loop.progress import Progress
from dlspec.training.loop.saving import Saving, guarded
from dlspec.training.loop.signals import Signals
from dlspec.training.loop.training_state import TrainingState, capture, restore, training_state_of
from dlspec.training.loop.watch import METRICS_FILE, Best, ordered
from dlspec.training.run.checkpoint import Checkpoint, Checkpoints
from dlspec.training.run.run_folder import RunFolder

MODEL_FILE = "model.keras"


@dataclass(slots=True)
class Training:
    """One training in one run folder; usable after an interruption too.

    Attributes:
        model: The functional model, without preparation; it shares its weights with what is trained and saved.
        outputs: Names of the model's outputs in its order.
        progress: Where it shows how far it is.
        start_from: A saved model whose weights come first.
        state: How far it has come.
        choice: What ``speed: auto`` has chosen.
        distribution: The devices that share each batch, and on which the model's variables stand.
        once_running: Called when the first steps are done.
    """

    model: Any
    prepared: Prepared
    data: Data
    method: Supervised
    folder: RunFolder
    outputs: Sequence[str]
    progress: Progress = field(default_factory=Progress)
    start_from: Path | None = None
    state: TrainingState = field(default_factory=TrainingState)
    best: Best | None = None
    choice: speed.Choice | None = None
    distribution: Distribution | None = None
    once_running: Callable[[], object] | None = None
    _signals: Signals = field(default_factory=Signals)
    _loop: Loop | None = None

    @property
    def monitor(self) -> str:
        """The measure that compares epochs."""
        return self.method.monitor or ("val_loss" if self.prepared.validation is not None else "loss")

    @property
    def history(self) -> list[dict[str, float]]:
        """Measures of every finished epoch."""
        return self.state.history

    @property
    def planned(self) -> Planned:
        """What was to be done: epochs, steps in each, and whether a schedule rules the learning rate to the end."""
        rates = [getattr(optimizer, "learning_rate", None) for optimizer in self.method.optimizers]
        return {
            "epochs": sum(phase.epochs for phase in self.method.training_phases.values()),
            "steps_per_epoch": -(-self.prepared.fed.count // self.data.batch_size),
            "scheduled": any(isinstance(rate, Component) for rate in rates),
        }

    def fit(self, resumed: Checkpoint | None = None) -> None:
        """Compiles and trains.

        Args:
            resumed: Where to go on; from the beginning unless given.

        Raises:
            Problem: E508 the loss is not finite, E509 an unknown measure to monitor, E511 the disk takes no more.
            Interrupted: A signal came; a checkpoint holds everything up to that step.
        """
        if resumed is not None:
            self.state = training_state_of(resumed)
        elif self.start_from is not None:
            shown = str(self.method.start_from)
            left = phases.load_weights(self.model, self.start_from, shown)
            self.progress.note(f"weights of {shown}" + (f", but not for {', '.join(left)}" if left else ""))
        self._say_what_differs()
        adapt_layers(self.model, lambda: self._in_order(self.prepared.train).dataset)
        if self.method.keep == "best":
            smaller = smaller_is_better(self.method, self.outputs, self.monitor)
            self.best = Best(self.model, self.monitor, smaller, self.save)
        rows = [{"epoch": number, **logs} for number, logs in enumerate(self.history, 1)]
        guarded(lambda: self.folder.write_rows(METRICS_FILE, rows), self.folder)
        try:
            with self._signals.caught():
                self._run_phases(resumed)
        finally:
            self.progress.stop()

    def _say_what_differs(self) -> None:
        """Figures that are not what one might take them for."""
        if self.prepared.changes.weights:
            names = ", ".join(f"`{name}`" for name in self.prepared.changes.weights)
            self.progress.note(f"`loss` weighs the classes of {names} in training; `val_loss` and metrics do not")
        examples = self.prepared.binding.most_examples(self.data)
        for metric in self.method.coarse(self.outputs, examples):
            self.progress.note(
                f"{metric}: more answers than are kept; `num_thresholds: 2000` tries more than 200 of them"
            )

    def _run_phases(self, resumed: Checkpoint | None) -> None:
        seed = self.data.seed if self.data.seed is not None else self.method.seed
        feed = Feed(
            self.prepared.fed,
            self.data.batch_size,
            seed=seed,
            shuffle=self.data.shuffle,
            transform=self.prepared.changes.transform(seed),
            structure=self._structure,
        )
        training_phases = list(self.method.training_phases.values())
        if self.method.speed == "auto":
            self._choose_speed(training_phases[0], feed, resumed)
        self.progress.start(sum(phase.epochs for phase in training_phases), feed.steps, feed.count, self.state.epoch)
        for number, phase in enumerate(training_phases):
            phases.choose(self.model, phase)
            if number < self.state.phase:
                continue
            if number > self.state.phase:
                self.state.phase, self.state.began, self.state.ended = number, self.state.epoch, False
            self._run_phase(phase, feed, resumed)
            resumed = None

    def _choose_speed(self, first: Phase, feed: Feed, resumed: Checkpoint | None) -> None:
        """What was chosen when the run began; now, if it begins."""
        choice = speed.read(self.folder.path, begun=resumed is not None)
        if choice is None:
            phases.choose(self.model, first)
            optimizer = first.optimizer or self.method.chosen_optimizer
            choice = speed.choose(self.model, self.method, optimizer, self.outputs, feed, self.data.batch_size)
            text = choice.text()
            guarded(lambda: self.folder.write(speed.SPEED_FILE, text), self.folder)
        self.choice, self.method = choice, speed.with_jit(self.method, choice.jit)
        self.progress.note(str(choice))

    def _run_phase(self, phase: Phase, feed: Feed, resumed: Checkpoint | None) -> None:
        method, state = self.method, self.state
        optimizer = phase.optimizer or method.chosen_optimizer
        examples = self.prepared.binding.most_examples(self.data)
        compiled = trainer(self.model, method, optimizer, self.outputs, self.distribution, examples)
        running = [(declared, declared.make_in(self.folder.path, state.epoch)) for declared in method.callbacks]
        last = state.began + phase.epochs
        every = method.seconds_between_checkpoints

        def checkpoint() -> Checkpoint | None:
            found = capture(state, self.model, compiled, running, self.best)
            return found if found.sound else None

        saving = Saving(
            self.folder, Checkpoints(self.folder.path), self.progress, self._signals, self.best, checkpoint, every,
            last, rollback=method.non_finite == "rollback", once_running=self.once_running,
        )  # fmt: skip
        self.once_running = None
        self._loop = Loop(
            compiled, feed, self._validation(), running, saving,
            averaging(compiled.optimizer, method.callbacks), self.distribution, together=None if every else 1,
        )  # fmt: skip
        try:
            self._loop.begin(last)
            if resumed is not None:
                restore(resumed, self.model, compiled, running, self.best)
            self._spread_seeds()
            self._run_loop(self._loop, saving, last)
        finally:
            for declared, callback in running:
                declared.close(callback)

    def _run_loop(self, loop: Loop, saving: Saving, last: int) -> None:
        if saving.rollback and self.state.step == 0:
            saving.keep_beginning()
        while True:
            try:
                return loop.run(self.state, last)
            except NonFinite as trouble:
                beginning = saving.checkpoints.beginning() if saving.rollback else None
                if beginning is None or not non_finite.may_go_back(self.state):
                    raise self._explained(trouble, loop.feed) from None
                self.progress.note(non_finite.go_back(self.state, beginning, trouble))
                restore(beginning, self.model, loop.trainer, loop.running, self.best)
                self._spread_seeds()
                non_finite.lower_rate(loop.trainer.optimizer, self.state, beginning)

    def _spread_seeds(self) -> None:
        if self.distribution is not None:
            self.distribution.spread_seeds(self.model)

    def _explained(self, trouble: NonFinite, feed: Feed) -> Exception:
        feed.set_position(self.state.epoch, trouble.step)
        batch = next(iter(feed.dataset))
        return non_finite.problem(trouble, self.state, self.model, batch)

    def finish(self) -> None:
        """Puts the weights to keep in place, and saves the model."""
        if self.best is not None:
            self.best.restore()
        guarded(self.save, self.folder)

    def save(self) -> None:
        """Writes the model with its preparation, in one step."""
        whole = with_preparation(self.model, self.prepared)
        with warnings.catch_warnings():
            # Keras 3.15 with numpy 2 warns about its own conversion of every weight.
            warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
            self.folder.save(MODEL_FILE, whole.save)

    def evaluate(self) -> dict[str, dict[str, float]]:
        """Loss and metrics of each part with the weights in place."""
        parts = {"train": self.prepared.train, "validation": self.prepared.validation, "test": self.prepared.test}
        return {name: self._evaluate(part) for name, part in parts.items() if part is not None}

    def _evaluate(self, part: Part) -> dict[str, float]:
        assert self._loop is not None, "evaluation comes after training"
        return ordered(self._loop.measure(self._in_order(part)))

    def _validation(self) -> Feed | None:
        return None if self.prepared.validation is None else self._in_order(self.prepared.validation)

    def _in_order(self, part: Part) -> Feed:
        return feed_in_order(part.examples, self.data.batch_size, structure=self._structure)

    def _structure(self, inputs: Any, targets: Any, *weights: Any) -> Any:
        """A batch as the model takes it; weights of the examples last, where the data have some."""
        return like_inputs(self.model, inputs), only_or_all(targets), *map(only_or_all, weights)
