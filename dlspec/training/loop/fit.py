"""One training in its run folder: whatever the method, it is saved, watched, shown, and goes on from any step."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dlspec.components.registry import load_attribute
from dlspec.core.documents.report import Fact, Outcome
from dlspec.core.documents.results import Measures
from dlspec.data.checks.measures import smaller_is_better
from dlspec.data.feeding.parts import Part
from dlspec.training.loop import loop, non_finite, phases
from dlspec.training.loop.preparation import adapt_layers, with_preparation
from dlspec.training.loop.progress import Progress
from dlspec.training.loop.saving import Saving, guarded
from dlspec.training.loop.signals import Signals
from dlspec.training.loop.starting import load_weights
from dlspec.training.loop.trainer import Job, NonFinite, Trainer
from dlspec.training.loop.training_state import TrainingState, restore_best, training_state_of, whole
from dlspec.training.loop.watch import METRICS_FILE, Best, ordered
from dlspec.training.loop.wholes import WEIGHTS_FILE, has_more, save_weights
from dlspec.training.loop.word_vectors import WordVectors, begin
from dlspec.training.run.checkpoint import Checkpoint, Checkpoints
from dlspec.training.run.run_folder import RunFolder
from dlspec.views.pages.index import MODEL_FILE


@dataclass(slots=True)
class Training:
    """One training in one run folder; usable after an interruption too.

    Attributes:
        job: The model, which shares its weights with what is trained and saved, the examples and the method.
        progress: Where it shows how far it is.
        start_from: A saved model whose weights come first.
        trained_by: Dotted path of the class that trains; that of the method unless given.
        state: How far it has come.
        thresholds: Of outputs of yes or no, where they were chosen on the validation split.
        started: For the report: how many weights came from a file.
        calibrated: For the report: what came of the calibration of probabilities.
        word_vectors: Files whose vectors of words embeddings begin with.
        once_running: Called when the first steps are done.
        after_epoch: Called with the number of each epoch that is over, while the weights to keep are in place.
        trainer: What the method trains with.
    """

    job: Job
    folder: RunFolder
    progress: Progress = field(default_factory=Progress)
    start_from: Path | None = None
    trained_by: str = ""
    word_vectors: Sequence[WordVectors] = ()
    state: TrainingState = field(default_factory=TrainingState)
    best: Best | None = None
    thresholds: dict[str, float] = field(default_factory=dict)
    calibrated: dict[str, Fact] = field(default_factory=dict)
    started: dict[str, Fact] = field(default_factory=dict)
    once_running: Callable[[], object] | None = None
    after_epoch: Callable[[int], object] | None = None
    trainer: Trainer = field(init=False)
    _signals: Signals = field(default_factory=Signals)

    def __post_init__(self) -> None:
        self.trainer = load_attribute(self.trained_by or self.job.method.trainer)(self.job)

    @property
    def monitor(self) -> str:
        """The measure that compares epochs."""
        return self.job.method.comparing(self.job.outputs, validated=self.job.prepared.validation is not None)

    @property
    def history(self) -> list[dict[str, float]]:
        """Measures of every finished epoch."""
        return self.state.history

    def fit(self, resumed: Checkpoint | None = None) -> None:
        """Trains.

        Args:
            resumed: Where to go on; from the beginning unless given.

        Raises:
            Problem: E508 the loss is not finite, E509 an unknown measure to monitor, E511 the disk takes no more.
            Interrupted: A signal came; a checkpoint holds everything up to that step.
        """
        job, method = self.job, self.job.method
        given: tuple[Any, ...] = ()
        if resumed is not None:
            self.state = training_state_of(resumed)
        if self.start_from is not None:
            given = self._start(self.start_from, loads=resumed is None)
        for note in self.trainer.notes():
            self.progress.note(note)
        adapt_layers(job.whole, lambda: job.in_order(job.prepared.train).dataset)
        for vectors in self.word_vectors:
            self._begin_words(vectors, sets=resumed is None)
        job.adapting.begin()
        if resumed is None and method.averages:
            phases.begin_averages(job.whole, method.averages, given)
        if method.keep == "best":
            smaller = smaller_is_better(method, job.outputs, self.monitor)
            self.best = Best(job.whole, self.monitor, smaller, self.save)
        rows = [{"epoch": number, **logs} for number, logs in enumerate(self.history, 1)]
        guarded(lambda: self.folder.write_rows(METRICS_FILE, rows), self.folder)
        try:
            with self._signals.caught():
                self._run_phases(resumed)
        finally:
            self.progress.stop()

    def _start(self, path: Path, *, loads: bool) -> tuple[Any, ...]:
        """Puts the weights of a file in place, and returns them; notes for the report how many there are."""
        job, method = self.job, self.job.method
        averages = tuple(method.averages)
        loaded = load_weights(
            job.whole, path, method.start_from, saved=job.model, called=method.layer_names, averages=averages,
            sets=loads,
        )  # fmt: skip
        left = ", ".join(each.target.name for each in loaded.fit.left)
        count = f"{loaded.fit.tensors} of {loaded.fit.total} tensors"
        title = f"weights of {method.start_from.file}"
        self.started = {"start_from": {"title": title, "value": count, "unit": ""}}
        if loads:
            self.progress.note(f"{title}: {count}" + (f", but not for {left}" if left else ""))
        return loaded.weights

    def _begin_words(self, vectors: WordVectors, *, sets: bool) -> None:
        """Puts the vectors of words in place; notes for the report how many there are."""
        count = begin(self.job, vectors, sets=sets)
        title = f"vectors of {vectors.shown} in `{vectors.layer}`"
        self.started[f"vectors_{vectors.layer}"] = {"title": title, "value": count, "unit": ""}
        if sets:
            self.progress.note(f"{title}: {count} of the vocabulary")

    def _run_phases(self, resumed: Checkpoint | None) -> None:
        trainer, state = self.trainer, self.state
        guarded(lambda: trainer.open(begun=resumed is not None), self.folder)
        feed = trainer.feed
        self.progress.start(sum(trainer.phases), feed.steps, feed.count, state.epoch)
        for number, epochs in enumerate(trainer.phases):
            if number < state.phase:
                continue
            if number > state.phase:
                state.phase, state.began, state.ended = number, state.epoch, False
            try:
                self._run_phase(resumed, state.began + epochs)
            finally:
                trainer.close()
            resumed = None

    def _run_phase(self, resumed: Checkpoint | None, last: int) -> None:
        self.trainer.begin(self.state, last)
        saving = self._saving(last)
        if resumed is not None:
            self._restore(resumed)
        self.job.distribution.agree(self.job.whole)
        if saving.rollback and self.state.step == 0:
            saving.keep_beginning()
        while True:
            try:
                loop.run(self.trainer, saving, self.state, last)
                break
            except NonFinite as trouble:
                self._go_back(saving, trouble)
        self.trainer.end(self.state)

    def _saving(self, last: int) -> Saving:
        """What happens between the steps of one phase."""
        once_running, self.once_running = self.once_running, None
        method = self.job.method
        best = self.best if self.trainer.comparable(self.state.phase) else None
        return Saving(
            self.folder, Checkpoints(self.folder.path), self.progress, self._signals, best, self._captured,
            method.seconds_between_checkpoints, last, rollback=method.non_finite == "rollback",
            once_running=once_running, after_epoch=self.after_epoch,
        )  # fmt: skip

    def _captured(self) -> Checkpoint | None:
        """The whole state of the training at this moment; None where one could not go on from it."""
        checkpoint = whole(self.trainer.state(), self.state, self.best)
        return checkpoint if checkpoint.sound else None

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.trainer.restore(checkpoint)
        restore_best(checkpoint, self.best)

    def _go_back(self, saving: Saving, trouble: NonFinite) -> None:
        """To the beginning of the epoch, where the method wants that and it may help.

        Raises:
            Problem: E508, the loss is not finite, and what first was not.
        """
        beginning = saving.checkpoints.beginning() if saving.rollback else None
        if beginning is None or not non_finite.may_go_back(self.state):
            feed = self.trainer.feed
            feed.set_position(self.state.epoch, trouble.step)
            inputs, *rest = next(iter(feed.dataset))
            batch = (self.trainer.job.of_one(inputs), *rest)
            raise non_finite.problem(trouble, self.state, self.job.whole, batch) from None
        self.progress.note(non_finite.go_back(self.state, beginning, trouble))
        self._restore(beginning)
        self.job.distribution.agree(self.job.whole)
        self.trainer.slow_down(self.state.rollbacks - training_state_of(beginning).rollbacks)

    def finish(self) -> None:
        """Puts the weights to keep in place, and saves the model."""
        if self.best is not None:
            self.best.restore()
        self.job.adapting.merge()
        self.keep()

    def keep(self) -> None:
        """Saves the model as it is."""
        guarded(self.save, self.folder)

    def save(self) -> None:
        """Writes the model with its preparation, in one step, and the weights that training has besides."""
        model = with_preparation(self.job.model, self.job.prepared)
        with warnings.catch_warnings(), self.job.adapting.merged():
            # Keras 3.15 with numpy 2 warns about its own conversion of every weight.
            warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
            self.folder.save(MODEL_FILE, model.save)
            if has_more(self.job.model, self.job.whole):
                self.folder.save(WEIGHTS_FILE, lambda path: save_weights(self.job.whole, path))

    def evaluate(self) -> dict[str, dict[str, float]]:
        """Loss and metrics of each part with the weights in place."""
        prepared = self.job.prepared
        parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
        measured = {name: self._evaluate(part) for name, part in parts.items() if part is not None}
        return measured | {name: ordered(logs) for name, logs in self.trainer.further_measures().items()}

    def _evaluate(self, part: Part) -> dict[str, float]:
        feed = self.trainer.job.in_order(part)
        # Metrics were made before the thresholds were chosen.
        return ordered(Trainer.measure(self.trainer, feed) if self.thresholds else self.trainer.measure(feed))

    def _facts(self) -> dict[str, Fact]:
        """For the report: what it began with, what learnt, and what came of that."""
        return {**self.started, **self.job.adapting.facts(), **self.trainer.facts, **self.calibrated}

    def course(self, status: Literal["finished", "interrupted", "failed"], metrics: Measures) -> Outcome:
        """How far it came, for the report.

        Args:
            status: How it ended.
            metrics: Measures by part, with the weights that are kept.
        """
        best, speed = self.best, self.trainer.speed
        course: Outcome = {
            "status": status,
            "metrics": metrics,
            "epochs": len(self.history),
            "planned": self.trainer.planned,
            "best": {"epoch": best.epoch, self.monitor: best.value} if best is not None and best.epoch else None,
            "kept": self.job.method.keep,
            "epoch_seconds": [round(seconds, 3) for seconds in self.state.seconds],
        }
        if speed is not None:
            course["speed"] = speed
        if self.thresholds:
            course["thresholds"] = self.thresholds
        if status == "finished" and (facts := self._facts()):
            course["method_facts"] = facts
        return course
