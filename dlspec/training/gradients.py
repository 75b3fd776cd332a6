"""Norms of the gradients of layers while a model trains: what tells that they vanish or explode on the way back."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.internals import batch_loss
from dlspec.components.sections.report import GradientNorms
from dlspec.core.documents.figures import GradientFigures
from dlspec.standalone import learning
from dlspec.training.loop.fit import Training
from dlspec.training.loop.saving import guarded

if TYPE_CHECKING:
    from dlspec.training.figures import Looking

GRADIENTS_FILE = "gradients.csv"
_EPOCH = "epoch"


@dataclass
class GradientLog:
    """Writes a row with the norm of each layer after each epoch into ``gradients.csv`` of the run folder.

    The gradient is that of what the training minimises, on the first training examples as they stand in the data,
    without dropout, augmentation and weights of classes, by the weights that are compared with other epochs.

    Attributes:
        training: The training that is watched.
        figure: What is asked for.
    """

    training: Training
    figure: GradientNorms
    _batches: list[Any] = field(default_factory=list)

    def epoch(self, number: int) -> None:
        """Takes the norms of an epoch that is over; rows of later ones, of before an interruption, go away."""
        folder = self.training.folder
        row = {_EPOCH: number, **self.norms()}
        kept = [old for old in read(folder.path / GRADIENTS_FILE) if int(old[_EPOCH]) < number]
        guarded(lambda: folder.write_rows(GRADIENTS_FILE, [*kept, row]), folder)

    def norms(self) -> dict[str, float]:
        """The norm of the mean gradient of each layer's weights, by the layer's name."""
        import numpy as np

        job, model = self.training.job, self.training.trainer.compiled
        if not self._batches:
            self._batches = list(_first(job.in_order(job.prepared.train).dataset, self.figure.count))
        sums: dict[int, Any] = {}
        names: dict[int, str] = {}
        whole = sum(size for size, _ in self._batches)
        with learning.unchanged(job.whole.non_trainable_variables):
            for size, batch in self._batches:
                for variable, gradient in _gradients(model, batch):
                    value = np.asarray(gradient, np.float64) * (size / whole)
                    sums[id(variable)] = sums.get(id(variable), 0) + value
        for layer in job.whole.layers:
            names |= {id(variable): names.get(id(variable), layer.name) for variable in layer.trainable_variables}
        squares: dict[str, float] = {}
        for key, value in sums.items():
            name = names.get(key, "others")
            squares[name] = squares.get(name, 0.0) + float((value**2).sum())
        return {name: float(np.sqrt(square)) for name, square in squares.items()}


def _first(dataset: Any, count: int) -> Iterator[tuple[int, Any]]:
    """The first examples in batches, each with its size."""
    import tensorflow as tf

    left = count
    for batch in dataset:
        size = len(tf.nest.flatten(batch)[0])
        if size > left:
            size, batch = left, tf.nest.map_structure(partial(_beginning, left), batch)
        yield size, batch
        left -= size
        if left <= 0:
            return


def _beginning(count: int, values: Any) -> Any:
    return values[:count]


def _gradients(model: Any, batch: Any) -> Iterator[tuple[Any, Any]]:
    """Each weight with its gradient, of each learner where there are several."""
    import keras
    import tensorflow as tf

    x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
    if isinstance(model, learning.Learning):
        turns: Any = model
        for learner in turns.learners:
            with tf.GradientTape() as tape:
                outputs = learner.model(turns.of_learner(x, learner), training=False)
                loss = learner.objective(turns.means_of(learner, outputs, y, weights)[0], learner.penalties())
            yield from _pairs(tape, loss, learner.variables)
        return
    with tf.GradientTape() as tape:
        loss = batch_loss(model, x, y, model(x, training=False), weights)
    yield from _pairs(tape, loss, model.trainable_variables)


def _pairs(tape: Any, loss: Any, variables: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    import tensorflow as tf

    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        if gradient is not None:
            yield variable, tf.convert_to_tensor(gradient)


def read(path: Any) -> list[dict[str, str]]:
    """The rows of the file; none where it is not there."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def figures_of(looking: Looking, figure: GradientNorms) -> GradientFigures:
    """What was written while it trained."""
    rows = read(looking.folder / GRADIENTS_FILE)
    layers = dict.fromkeys(name for row in rows for name in row if name != _EPOCH)
    return {
        "examples": min(figure.count, looking.outputs.prepared.train.count),
        "epochs": [int(row[_EPOCH]) for row in rows],
        "layers": {name: [float(row[name]) if row.get(name) else None for row in rows] for name in layers},
    }
