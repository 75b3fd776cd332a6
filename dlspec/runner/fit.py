"""Training proper: a compiled model, arrays and a method in, weights and history out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dlspec.data.feed import Feed, in_order
from dlspec.data.measures import smaller_is_better
from dlspec.data.pipeline import Part, Prepared
from dlspec.runner.compiling import trainer
from dlspec.runner.preparation import adapt_layers, with_preparation
from dlspec.runner.progress import Progress
from dlspec.runner.run_folder import RunFolder
from dlspec.runner.structure import like_inputs, only_or_all
from dlspec.runner.watch import Best, watcher
from dlspec.sections.data import Data
from dlspec.sections.train import Supervised

MODEL_FILE = "model.keras"


@dataclass(slots=True)
class Training:
    """One training in one run folder; usable after an interruption too.

    Attributes:
        model: The functional model, without preparation; it shares its weights with what is trained and saved.
        outputs: Names of the model's outputs in its order.
        history: Measures of every finished epoch.
    """

    model: Any
    prepared: Prepared
    data: Data
    method: Supervised
    folder: RunFolder
    outputs: Sequence[str]
    history: list[dict[str, float]]
    best: Best | None = None
    _trainer: Any = None

    @property
    def monitor(self) -> str:
        """The measure that compares epochs."""
        return self.method.monitor or ("val_loss" if self.prepared.validation is not None else "loss")

    def fit(self, progress: Progress) -> None:
        """Compiles and trains.

        Raises:
            Problem: E508 the loss is not finite, E509 an unknown measure to monitor.
            KeyboardInterrupt: Finished epochs are in :attr:`history`, their best weights in :attr:`best`.
        """
        prepared, batch_size = self.prepared, self.data.batch_size
        smaller = smaller_is_better(self.method, self.outputs, self.monitor)
        adapt_layers(self.model, prepared.train.inputs, batch_size)
        seed = self.data.seed if self.data.seed is not None else self.method.seed
        feed = Feed(
            prepared.train.examples, batch_size, seed=seed, shuffle=self.data.shuffle, structure=self._structure
        )
        self._trainer = trainer(self.model, self.method, self.outputs, feed.steps)
        if self.method.keep == "best":
            self.best = Best(self.model, self.monitor, smaller, self.save)
        watch = watcher(self.folder, progress, self.best)
        validation = prepared.validation
        try:
            self._trainer.fit(
                feed.dataset,
                epochs=self.method.epochs,
                validation_data=self._in_order(validation) if validation is not None else None,
                shuffle=False,
                verbose=0,
                callbacks=[
                    feed.callback(),
                    *(callback.make_in(self.folder.path) for callback in self.method.callbacks),
                    watch,
                ],
            )
        finally:
            self.history = getattr(watch, "history", [])
            progress.stop()

    def finish(self) -> None:
        """Puts the weights to keep in place, and saves the model."""
        if self.best is not None:
            self.best.restore()
        self.save()

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
        measured = self._trainer.evaluate(self._in_order(part), return_dict=True, verbose=0)
        return {name: float(measured[name]) for name in sorted(measured, key=lambda name: not name.endswith("loss"))}

    def _in_order(self, part: Part) -> Any:
        return in_order(part.examples, self.data.batch_size, self._structure)

    def _structure(self, inputs: Any, targets: Any) -> Any:
        return like_inputs(self.model, inputs), only_or_all(targets)
