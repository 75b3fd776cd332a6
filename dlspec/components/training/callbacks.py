"""Callbacks of training. Keras's ``verbose`` options are left out: the runner reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from dlspec.components.registry import (
    Component,
    Field,
    boolean,
    choice,
    example,
    integer,
    number,
    optional,
    text,
)
from dlspec.core.errors import Problem
from dlspec.core.files import write_atomically

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # a drive letter, or the beginning of a URL


class Callback(Component, abstract=True):
    """Base of all callbacks.

    Class attributes:
        written: The option that holds a path to write to, or "". Such paths start at, and stay in, the run folder.
        state: Public fields of the Keras callback that change during training; a checkpoint holds them, and what
            :func:`dlspec.backends.keras.internals.callback_counters` knows of.
        weights: Such fields that hold a list of arrays, or None.
        changes_rate: Whether it changes the learning rate during training.
        stops_early: Whether it may end training before the last epoch.
        stops_non_finite: Whether it ends training at a loss that is not finite.
        logs_epochs: Whether it writes a row for every epoch, as ``metrics.csv`` of a run has.
        monitor: The measure that it watches; None for none.
        mode: Whether small or large values of it are good; ``auto`` asks the metric.
        swaps_averages: Whether it puts the moving averages of the weights, which the optimizer keeps, into their place.
    """

    kind = "callback"
    written: ClassVar[str] = ""
    state: ClassVar[tuple[str, ...]] = ()
    weights: ClassVar[tuple[str, ...]] = ()
    changes_rate: ClassVar[bool] = False
    monitor: Any = None
    mode: Any = "auto"
    stops_early: ClassVar[bool] = False
    stops_non_finite: ClassVar[bool] = False
    logs_epochs: ClassVar[bool] = False
    swaps_averages: ClassVar[bool] = False

    @property
    def every_step(self) -> bool:
        """Whether it counts single steps, so that it must be called after each of them."""
        return False

    @property
    def watches(self) -> str | None:
        """The measure that it compares epochs by and whose good values it does not know; None where there is none."""
        return self.monitor if self.mode == "auto" else None

    def directed(self, mode: str) -> Callback:
        """A copy whose `mode` says which values are good: ``min`` or ``max``."""
        return type(self)(**{**self.given, "mode": mode})

    def check_path(self) -> None:
        """Raises E108 for a path that leads out of the run folder."""
        path = str(getattr(self, self.written)) if self.written else ""
        parts = path.replace("\\", "/").split("/")
        if ".." in parts or path.startswith(("/", "~")) or _SCHEME.match(path):
            message = f"`{self.written}` of {self.name} leads out of the run folder"
            raise Problem("E108", message, "write a path inside of it, such as `log.csv`", self.written)

    def validate(self) -> None:
        """Writes nowhere but into the run folder."""
        self.check_path()

    def make_in(self, folder: Path, epochs: int = 0) -> Any:
        """The Keras callback, its path inside `folder`.

        Args:
            epochs: Epochs that are over when it begins. What it wrote of them stays; what it wrote of later ones,
                before the run was killed, does not.
        """
        return self._make_in(folder)

    def close(self, made: Any) -> None:
        """Closes what the Keras callback has open, where training ends before it could do so itself."""

    def _make_in(self, folder: Path, **changed: Any) -> Any:
        if not self.written:
            return self.make()
        path = folder / str(getattr(self, self.written))
        path.parent.mkdir(parents=True, exist_ok=True)
        return type(self)(**{**self.given, self.written: str(path), **changed}).make()


def _monitor() -> Field[str]:
    return text(default="val_loss", doc="Quantity to watch, as training reports it: `loss`, `val_accuracy` and so on.")


def _mode() -> Field[str]:
    return choice("auto", "min", "max", default="auto", doc="Whether small or large is good; `auto` asks the metric.")


def _count_or(keyword: str, *, min: int, default: Any, doc: str) -> Field[int | str]:
    # An expression may stand here as well, which is why this is a pattern and no enum.
    return Field(
        {"type": ["integer", "string"], "minimum": min, "pattern": rf"^{keyword}$|\$"}, default=default, doc=doc
    )


class CSVLogger(Callback):
    """Writes the numbers of each epoch into a CSV file."""

    keras = "keras.callbacks.CSVLogger"
    logs_epochs = True
    shorthand = "filename"
    written = "filename"
    filename = text(doc="Path of the file, inside the run folder.")
    separator = text(default=",", pattern="^.$", doc="Character between the values.")
    append = boolean(default=False, doc="Whether to write on at the end of an existing file.")
    examples = (example("log.csv"), example('{filename: log.csv, separator: ";", append: true}'))

    def make_in(self, folder: Path, epochs: int = 0) -> Any:
        """Goes on below the rows of the epochs that are over."""
        path = folder / self.filename
        if not epochs or not path.exists():
            return self._make_in(folder)
        lines = path.read_bytes().splitlines(keepends=True)
        done = {str(epoch).encode() for epoch in range(epochs)}
        separator = self.separator.encode()
        kept = [line for line in lines[1:] if line.endswith(b"\n") and line.split(separator)[0] in done]
        write_atomically(path, lambda file: file.write_bytes(b"".join([*lines[:1], *kept])))
        return self._make_in(folder, append=True)

    def close(self, made: Any) -> None:
        """Closes the file."""
        if made.csv_file is not None:
            made.csv_file.close()


class EarlyStopping(Callback):
    """Stops training when a quantity has not improved for some epochs."""

    keras = "keras.callbacks.EarlyStopping"
    stops_early = True
    aid = "stopping"
    state = ("wait", "stopped_epoch", "best", "best_epoch")
    weights = ("best_weights",)
    monitor = _monitor()
    min_delta = number(min=0, default=0, doc="Least change that counts as an improvement.")
    patience = integer(min=0, default=0, doc="Epochs without improvement after which training stops; 0 is as 1.")
    mode = _mode()
    baseline = optional(number(), doc="Value that must be improved upon; the first one seen unless given.")
    restore_best_weights = boolean(default=False, doc="Whether to go back to the weights of the best epoch.")
    start_from_epoch = integer(min=0, default=0, doc="Epochs to let pass before watching.")
    examples = (
        example("{patience: 5, restore_best_weights: true}"),
        example("{monitor: val_auc, mode: max, min_delta: 1e-3, baseline: 0.5, start_from_epoch: 10}"),
    )


class ModelCheckpoint(Callback):
    """Writes the model, or its weights, into a file during training."""

    keras = "keras.callbacks.ModelCheckpoint"
    state = ("best",)
    shorthand = "filepath"
    written = "filepath"
    filepath = text(
        doc="File in the run folder, ending in `.keras` (`.weights.h5` for weights only); may contain `{epoch}`."
    )
    monitor = _monitor()
    save_best_only = boolean(default=False, doc="Whether to write only when the monitored quantity has improved.")
    save_weights_only = boolean(default=False, doc="Whether to write the weights without the model.")
    mode = _mode()
    save_freq = _count_or("epoch", min=1, default="epoch", doc="`epoch`, or the number of batches between two writes.")
    initial_value_threshold = optional(number(), doc="Value that must be improved upon by the first write.")
    examples = (
        example("best.keras"),
        example('{filepath: "model-{epoch:02d}.weights.h5", save_weights_only: true, save_freq: 100}'),
        example(
            "{filepath: best.keras, monitor: val_auc, mode: max, save_best_only: true, initial_value_threshold: 0.5}"
        ),
    )

    @property
    def watches(self) -> str | None:
        """The measure that it monitors, where only the best weights are saved; else None."""
        return super().watches if self.save_best_only else None

    @property
    def every_step(self) -> bool:
        """Whether it saves after a number of batches."""
        return self.save_freq != "epoch"

    def validate(self) -> None:
        """The suffix fits, and nothing is said about the best epoch that has no effect."""
        self.check_path()
        suffix = ".weights.h5" if self.save_weights_only else ".keras"
        if not self.filepath.endswith(suffix):
            what = "weights" if self.save_weights_only else "a model"
            message = f"the file of {what} must end in `{suffix}`, got `{self.filepath}`"
            raise Problem("E207", message, option="filepath")
        for name in ("monitor", "mode", "initial_value_threshold"):
            if name in self.given and not self.save_best_only:
                message = f"`{name}` has no effect without `save_best_only`"
                raise Problem("E207", message, "add `save_best_only: true`", option=name)
        if self.save_best_only and self.save_freq != "epoch" and self.monitor.startswith("val_"):
            message = f"`{self.monitor}` is known after an epoch, not after {self.save_freq} batches"
            raise Problem("E207", f"{message}: nothing would be written", "leave `save_freq` out", option="save_freq")


class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when a quantity has not improved for some epochs."""

    keras = "keras.callbacks.ReduceLROnPlateau"
    changes_rate = True
    aid = "schedule"
    state = ("best", "wait", "cooldown_counter")
    monitor = _monitor()
    factor = number(above=0, below=1, default=0.1, doc="Factor of the learning rate.")
    patience = integer(min=0, default=10, doc="Epochs without improvement after which it is lowered; 0 is as 1.")
    mode = _mode()
    min_delta = number(min=0, default=1e-4, doc="Least change that counts as an improvement.")
    cooldown = integer(min=0, default=0, doc="Epochs to wait from the one in which it is lowered: 1 waits for none.")
    min_lr = number(min=0, default=0.0, doc="Learning rate below which it is not lowered.")
    examples = (
        example(""),
        example("{monitor: val_auc, mode: max, factor: 0.5, patience: 3, min_delta: 0, cooldown: 1, min_lr: 1e-6}"),
    )


class SwapEMAWeights(Callback):
    """Evaluates and saves with the moving average of the weights; the optimizer needs `use_ema: true`."""

    keras = "keras.callbacks.SwapEMAWeights"
    swaps_averages = True
    aid = "averaging"
    swap_on_epoch = boolean(default=False, doc="Whether to swap at the end of each epoch rather than for validation.")
    examples = (example(""), example("{swap_on_epoch: true}"))


class TensorBoard(Callback):
    """Writes a log for TensorBoard."""

    keras = "keras.callbacks.TensorBoard"
    aliases = ("tensorboard",)
    shorthand = "log_dir"
    written = "log_dir"
    log_dir = text(default="logs", doc="Path of the log's folder, inside the run folder.")
    histogram_freq = integer(min=0, default=0, doc="Epochs between two histograms of the weights; 0 for none.")
    write_graph = boolean(default=True, doc="Whether to show the graph.")
    write_images = boolean(default=False, doc="Whether to show weights as images, together with their histograms.")
    write_steps_per_second = boolean(default=False, doc="Whether to log the speed of training.")
    update_freq = Field[Any](
        {"type": ["integer", "string"], "minimum": 1, "pattern": r"^(batch|epoch)$|\$"},
        default="epoch", doc="`epoch`, `batch`, or the number of batches between two entries.",
    )  # fmt: skip
    profile_batch = Field[Any](
        {
            "type": ["integer", "array"], "minimum": 0,
            "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2,
        },
        default=0, doc="Batch, or first and last batch, of which to measure the time; 0 for none.",
        convert=lambda value, _: tuple(value) if isinstance(value, list) else value,
    )  # fmt: skip
    embeddings_freq = integer(min=0, default=0, doc="Epochs between two pictures of the embeddings; 0 for none.")
    embeddings_metadata = optional(text(), doc="Path of a file with the names of the embedded things.")
    examples = (
        example(""),
        example("logs/a"),
        example("{histogram_freq: 1, write_images: true, update_freq: batch, profile_batch: [2, 4]}"),
        example("{write_graph: false, write_steps_per_second: true, update_freq: 10, embeddings_freq: 1}"),
    )

    @property
    def every_step(self) -> bool:
        """Whether it logs batches, or measures their time."""
        return bool(self.update_freq != "epoch" or self.profile_batch != 0)

    def validate(self) -> None:
        """Images come with histograms, metadata with embeddings; the profiled stretch is in order."""
        self.check_path()
        if self.write_images and self.histogram_freq == 0:
            message = "`write_images` has no effect without `histogram_freq`"
            raise Problem("E207", message, "add `histogram_freq: 1`", option="write_images")
        if self.embeddings_metadata is not None and self.embeddings_freq == 0:
            message = "`embeddings_metadata` has no effect without `embeddings_freq`"
            raise Problem("E207", message, "add `embeddings_freq: 1`", option="embeddings_metadata")
        if isinstance(self.profile_batch, tuple) and self.profile_batch[0] > self.profile_batch[1]:
            message = f"`profile_batch` must name the first batch before the last, got {list(self.profile_batch)}"
            raise Problem("E207", message, option="profile_batch")


class TerminateOnNaN(Callback):
    """Stops training when the loss is not a finite number."""

    keras = "keras.callbacks.TerminateOnNaN"
    stops_early = True
    stops_non_finite = True
    aliases = ("terminate_on_nan",)
    raise_error = boolean(default=False, doc="Whether to end with an error rather than as if training were complete.")
    examples = (example(""), example("{raise_error: true}"))
