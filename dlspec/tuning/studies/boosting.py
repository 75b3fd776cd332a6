"""Boosting: the vote of each member, and how much the examples count for the next one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.core.errors import Problem
from dlspec.core.files import write_atomically
from dlspec.data.binding.binding import table_count
from dlspec.data.binding.tasks import guesses, true_classes
from dlspec.passes.state import Trainable
from dlspec.training.evaluate import own_examples
from dlspec.training.predict import answers_of, task_of_output
from dlspec.training.saved import SavedRun
from dlspec.views.pages.index import Run

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# In the folder of a study: the weights of the examples for each member but the first.
WEIGHTS = "weights"


class Boost(NamedTuple):
    """The outcome of one member.

    Attributes:
        vote: How much it counts; None where it is no better than chance, and is left out.
        error: The share of the weights of the examples that it gets wrong.
        weights: Those for the next member, whose sum is 1.
        last: Whether no other follows.
    """

    vote: float | None
    error: float
    weights: Array
    last: bool


def boosted(weights: Array, wrong: Array, classes: int, rate: float) -> Boost:
    """One step of SAMME (Zhu, Zou, Rosset and Hastie, "Multi-class AdaBoost", 2009).

    Args:
        weights: Of the examples, float64 of shape [examples]; their sum is 1.
        wrong: Which of them the member gets wrong, booleans of the same shape.
        classes: How many there are.
        rate: Factor of the vote.
    """
    import numpy as np

    counted = np.where(weights == 0, 0.0, np.maximum(weights, np.finfo(np.float64).eps))
    error = float(np.average(wrong, weights=counted))
    if error <= 0:
        return Boost(1.0, 0.0, counted, last=True)
    if error >= 1 - 1 / classes:
        return Boost(None, error, counted, last=True)
    vote = rate * (math.log((1 - error) / error) + math.log(classes - 1))
    grown = counted * np.exp(vote * wrong)
    return Boost(vote, error, grown / grown.sum(), last=False)


@dataclass(frozen=True)
class Boosting:
    """The weights of the examples in the folder of a study.

    Attributes:
        path: The folder.
        rate: Factor of every vote.
    """

    path: Path
    rate: float

    def file_for(self, number: int) -> Path:
        """The weights for the member of that number, from 2."""
        return self.path / WEIGHTS / f"{number}.csv"

    def after(self, number: int, folder: Path, state: Trainable) -> Boost:
        """What follows from a member that is finished; writes the weights for the next one.

        Args:
            number: Of the member.
            folder: Its run folder.
            state: Its checked spec.

        Raises:
            Problem: E548, the first member is no better than chance.
        """
        import numpy as np

        saved = SavedRun(Run(folder), state, state.data_section, state.method, allow_outside=True, trusted=True)
        _, examples = next(own_examples(saved, ("train",)))
        (output,) = saved.targets
        answers = answers_of(saved, examples)[output.name]
        task = task_of_output(saved, output, answers.shape[1:])
        assert task is not None, "the check of the study has seen that it classifies"
        guess = guesses(task, answers).reshape(-1)
        wrong = guess != true_classes(task, examples.targets[output.name], guess.shape)
        own = np.ones(len(guess)) if examples.weights is None else examples.weights.astype(np.float64)
        factors = np.ones(table_count(examples.table)) if number == 1 else _read(self.file_for(number))
        weights = own * factors[examples.numbers]
        boost = boosted(weights / weights.sum(), wrong, len(task.names), self.rate)
        if boost.vote is None and number == 1:
            message = f"the first member is wrong in {boost.error:.0%} of the examples, no better than chance"
            raise Problem("E548", message, "train longer, or a larger model")
        if not boost.last:
            next_factors = np.ones(len(factors))
            next_factors[examples.numbers] = np.divide(
                boost.weights * own.sum(), own, out=np.zeros(len(own)), where=own > 0
            )
            _write(self.file_for(number + 1), next_factors)
        return boost


def _read(path: Path) -> Array:
    import numpy as np

    return np.array([float(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]])


def _write(path: Path, factors: Array) -> None:
    path.parent.mkdir(exist_ok=True)
    text = "\n".join(["weight", *map(repr, factors.tolist())]) + "\n"
    write_atomically(path, lambda draft: draft.write_text(text, encoding="utf-8"))
