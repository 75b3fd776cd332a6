"""A model that combines finished ones: nothing is trained, it is measured, saved and reported as any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.combining import member_name, probabilities, scores
from dlspec.components.methods.base import Method
from dlspec.components.methods.studies import divided_as
from dlspec.core.documents.report import Planned
from dlspec.data.binding.weights import divided_by_weights
from dlspec.data.feeding.training import Changes
from dlspec.data.order.splits import choose
from dlspec.training.given_answers import given, measuring_given
from dlspec.training.loop.trainer import Job, Logs, Trainer, compared
from dlspec.training.loop.training_state import TrainingState
from dlspec.views.pages.examine import answered

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# As :class:`dlspec.training.train.Request` names a trainer.
COMBINED = "dlspec.training.combined.CombinedTrainer"
# How the measures of examples are called that are answered by the members which did not see them.
OUT_OF_BAG = "oob"


class CombinedTrainer(Trainer):
    """Goes through one epoch without a step, so that there are measures."""

    @property
    def phases(self) -> Sequence[int]:
        """One epoch."""
        return (1,)

    @property
    def planned(self) -> Planned:
        """One epoch without a step."""
        return {"epochs": 1, "steps_per_epoch": 0, "scheduled": False}

    def step(self, state: TrainingState) -> bool:
        """There is none."""
        return False

    def further_measures(self) -> Mapping[str, Logs]:
        """Those of training examples by the members that did not see them, where that tells of new ones."""
        job = self.job
        if not job.method.study.out_of_bag(job.data):
            return {}
        answers, targets, weights = out_of_bag(job)
        return {OUT_OF_BAG: _measured(job, answers, targets, weights)} if targets else {}


def logits_of(method: Method, outputs: Sequence[str]) -> dict[str, bool]:
    """The outputs that are taken before softmax or sigmoid, with whether it is a softmax."""
    heads = {name: method.head_of(name) for name in outputs}
    return {name: head.class_scores for name, head in heads.items() if head.from_logits}


def out_of_bag(job: Job) -> tuple[dict[str, Array], dict[str, Array], Array | None]:
    """Answers and targets by output, and weights, of the training examples that some member did not see."""
    import numpy as np

    part, outputs = job.prepared.train, tuple(job.outputs)
    logits = logits_of(job.method, outputs)
    numbers = part.examples.numbers
    sums: dict[str, Array] = {}
    targets: dict[str, Array] = {}
    counts = np.zeros(len(numbers), int)
    for number, seen in _seen(job):
        unseen = ~np.isin(numbers, seen)
        counts += unseen
        for name, (answer, target) in answered(job.model.get_layer(member_name(number)), part, outputs).items():
            shares = probabilities(answer.astype(np.float64), logits.get(name))
            sums[name] = sums.get(name, 0) + shares * unseen.reshape(-1, *[1] * (answer.ndim - 1))
            targets[name] = target
    kept = counts > 0
    answers = {}
    for name, total in sums.items():
        mean = total[kept] / counts[kept].reshape(-1, *[1] * (total.ndim - 1))
        answers[name] = scores(mean, logits.get(name)).astype(np.float32)
    weights = None if part.weights is None else part.weights[kept]
    return answers, {name: target[kept] for name, target in targets.items()} if kept.any() else {}, weights


def _seen(job: Job) -> Iterator[tuple[int, Array]]:
    """The number of each member, and the rows that it was trained on."""
    binding = job.prepared.binding
    for member in job.method.study.trainings(job.method.seed, job.data):
        yield member.number, choose(divided_as(job.data, member), binding.table, binding.count, binding.dropped()).train


def _measured(job: Job, answers: Mapping[str, Array], targets: Mapping[str, Array], weights: Array | None) -> Logs:
    """Loss and metrics of answers that are there already."""
    outputs = tuple(answers)
    shapes = {name: answer.shape[1:] for name, answer in answers.items()}
    model = measuring_given(job.method.ending, shapes, len(next(iter(answers.values()))), weighed=weights is not None)
    bound = {output.name: output for output in job.prepared.binding.outputs}
    by_weight = divided_by_weights(job.method, list(bound.values()))
    weighing = Changes((), {}, bound, weights, by_weight=by_weight).measuring()

    def structure(inputs: Any, true: Any, *own: Any) -> Any:
        return inputs, *compared(job.method.ending, outputs, true, *own)

    feed = job.backend.feed_in_order((given(answers), dict(targets)), job.data.batch_size, structure, weighing)
    measured = model.evaluate(feed.dataset, return_dict=True, verbose=0)
    return {name: float(value) for name, value in measured.items()}
