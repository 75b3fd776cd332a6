"""Sequences of labels that are as long as they like, such as what a model for speech or handwriting reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.results import TranscriptBaseline, TranscriptResults
from dlspec.data.binding.tasks import Task, counted
from dlspec.views.pages.shares import effective, interval, ratio

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Facts = dict[str, Any]
BLANK = 0
_SHOWN = 40


@dataclass(slots=True)
class Transcripts:
    """Labels as connectionist temporal classification reads them, against the true ones."""

    task: Task
    trivial: Any = None
    examples: int = 0
    exact: float = 0
    edits: float = 0
    labels: float = 0
    usual_exact: float = 0
    usual_edits: float = 0
    weights: list[Array] = field(default_factory=list)
    _seen: Any = None

    def learn(self, targets: Array, mask: Array | None = None, weights: Array | None = None) -> None:
        """Learns the trivial answer: the most frequent sequence."""
        import numpy as np

        self._seen = self._seen if self._seen is not None else Counter()
        own = [1] * len(targets) if weights is None else weights.tolist()
        for sequence, weight in zip(map(tuple, true_labels(targets)), own, strict=True):
            self._seen[sequence] += weight
        self.trivial = np.asarray(self._seen.most_common(1)[0][0], np.int64)

    @property
    def usual(self) -> Any:
        """None: nothing but a sequence says what is usual."""
        return None

    def add(self, predicted: Array, target: Array, mask: Array | None = None, weights: Array | None = None) -> Array:
        """Counts the labels that are to be changed, left out or put in; an example is as bad as their share."""
        import numpy as np

        true, guess = true_labels(target), read(predicted, mask)
        edits = distances(guess, true)
        lengths = np.array([len(labels) for labels in true])
        self.examples += len(true)
        own = np.ones(len(true), int) if weights is None else weights.astype(np.float64)
        self.weights.append(own)
        self.labels += (own @ lengths).item()
        self.edits += (own @ edits).item()
        self.exact += (own @ (edits == 0)).item()
        if self.trivial is not None:
            usual = distances([self.trivial.tolist()] * len(true), true)
            self.usual_exact += (own @ (usual == 0)).item()
            self.usual_edits += (own @ usual).item()
        share: Array = edits / np.maximum(lengths, 1)
        return share

    def facts(self) -> TranscriptResults:
        """Share of exact sequences with its interval, errors per label, and those of the trivial answer."""
        import numpy as np

        own = np.concatenate([*self.weights, np.zeros(0)])
        exact = self.exact / (own.sum().item() or 1)
        baseline: TranscriptBaseline | None = None
        if self.trivial is not None:
            baseline = {
                "answer": spelt(self.task, self.trivial.tolist()),
                "exact": self.usual_exact / (own.sum().item() or 1),
                "error_rate": ratio(self.usual_edits, self.labels),
            }
        return {
            "kind": "transcript",
            "examples": self.examples,
            "labels": self.labels,
            "exact": exact,
            "interval": interval(exact, effective(own)),
            "error_rate": ratio(self.edits, self.labels),
            "baseline": baseline,
        }


def true_labels(targets: Array) -> list[list[int]]:
    """The labels of each example; the blank fills up what is shorter."""
    return [row[row != BLANK].tolist() for row in targets.reshape(len(targets), -1).astype(int)]


def read(predicted: Array, mask: Array | None = None) -> list[list[int]]:
    """The likeliest label of each frame, equal neighbours taken together, blanks left out: [examples, frames, classes].

    Frames that do not count are left out.
    """
    import numpy as np

    best, valid = predicted.argmax(axis=-1), counted(mask, predicted.shape[:-1])
    sequences = []
    for row, kept in zip(best, valid, strict=True):
        frames = row[kept]
        new = np.r_[True, frames[1:] != frames[:-1]][: len(frames)]
        sequences.append(frames[new & (frames != BLANK)].tolist())
    return sequences


def distances(some: Sequence[Sequence[int]], others: Sequence[Sequence[int]]) -> Array:
    """Levenshtein's distance of each pair of sequences: labels changed, left out, put in."""
    import tensorflow as tf

    edits: Array = tf.edit_distance(_sparse(some), _sparse(others), normalize=False).numpy().astype(int)
    return edits


def _sparse(sequences: Sequence[Sequence[int]]) -> Any:
    """Sequences of different lengths as TensorFlow's edit distance takes them."""
    import numpy as np
    import tensorflow as tf

    longest = max((len(sequence) for sequence in sequences), default=0)
    places = [(row, position) for row, sequence in enumerate(sequences) for position in range(len(sequence))]
    values = [label for sequence in sequences for label in sequence]
    indices = np.array(places, np.int64).reshape(-1, 2)
    return tf.SparseTensor(indices, np.array(values, np.int64), (len(sequences), max(longest, 1)))


def spelt(task: Task, labels: Sequence[int]) -> str:
    """Labels by their names, in one line: one after another where each is a letter."""
    names = [task.names[label] if label < len(task.names) else str(label) for label in labels[:_SHOWN]]
    text = ("" if all(len(name) == 1 for name in names) else " ").join(names)
    return text + (" …" if len(labels) > _SHOWN else "")
