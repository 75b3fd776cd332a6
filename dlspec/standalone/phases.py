"""What goes on over phases with objectives of their own: the best weights, and the measures of all epochs."""

from pathlib import Path
from typing import Any

import keras


class BestEpoch(keras.callbacks.ModelCheckpoint):
    """Keeps the weights of a model in the best epoch of several trainings of its layers.

    Args:
        kept: The model.
        path: The file of its weights.
        monitor: The measure that compares epochs.
        mode: Whether small (``min``) or large (``max``) values of it are good.
    """

    def __init__(self, kept: Any, path: Path, monitor: str, mode: str) -> None:
        super().__init__(path, monitor=monitor, mode=mode, save_best_only=True, save_weights_only=True)
        self.kept = kept

    def set_model(self, model: Any) -> None:
        """Takes the model that is kept in place of the one that is trained."""
        super().set_model(self.kept)


class EpochsOfPhases(keras.callbacks.Callback):
    """Writes the measures of epochs into a CSV file: a column for each that some phase has, empty in the others.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, Any]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keeps the measures of an epoch."""
        self.rows.append({"epoch": epoch, **(logs or {})})

    def on_train_end(self, logs: Any = None) -> None:
        """Writes the epochs of all phases so far."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        rows = [[str(row.get(name, "")) for name in names] for row in self.rows]
        self.path.write_text("".join(f"{','.join(row)}\n" for row in [names, *rows]), encoding="utf-8")
