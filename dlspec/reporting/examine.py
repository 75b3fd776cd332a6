"""One pass of a trained model over one part of the data: what is right, what is wrong, and examples of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlspec.data.feed import in_order
from dlspec.data.pipeline import Part, Prepared
from dlspec.reporting.examples import SHOWN, Example, LookedAt, show
from dlspec.reporting.scores import Score, score_of
from dlspec.reporting.tasks import Task, task_of
from dlspec.reporting.verdict import verdict
from dlspec.runner.structure import like_inputs, outputs_by_name
from dlspec.sections.train import Supervised

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Numbers in a batch of inputs: large enough that small models are not called often, small enough for large ones.
_BATCH_ELEMENTS = 1_000_000
_LARGEST_BATCH = 1024
_UNTRACED = 3
_SAMPLE = 4096


@dataclass(slots=True)
class Examined:
    """What was found.

    Attributes:
        part: The split that was looked at.
        scores: By output; outputs that cannot be judged are left out.
        examples: By output: the worst and some random ones.
    """

    part: str
    scores: dict[str, Score] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """For ``report.json``: verdicts and the figures of every output."""
        outputs = {name: score.facts() for name, score in self.scores.items()}
        verdicts = [verdict(name, found, self.part).facts() for name, found in outputs.items()]
        return {"part": self.part, "verdicts": verdicts, "outputs": outputs}


def examine(model: Any, prepared: Prepared, method: Supervised, outputs: tuple[str, ...], seed: int = 0) -> Examined:
    """Lets the model answer, and compares.

    The test split is looked at; without one that of validation, else the training examples.

    Args:
        model: A functional Keras model that takes prepared inputs.
        prepared: The data.
        method: Whose losses say how predictions are read.
        outputs: Names of the model's outputs in its order.
        seed: Of the choice of random examples.
    """
    name, part = next((name, part) for name, part in _parts(prepared) if part is not None)
    tasks = _tasks(model, prepared, method, outputs)
    found = Examined(name, {task.name: score_of(task) for task in tasks})
    if not found.scores:
        return found
    targets = _train_targets(prepared.train)
    for task in tasks:
        found.scores[task.name].learn(targets[task.name])
    badness = _compare(model, part, found.scores, outputs)
    for task in tasks:
        chosen = _choose(badness[task.name], seed)
        looked_at = _look(model, part, chosen, outputs)
        found.examples[task.name] = show(task, prepared.binding, looked_at)
    return found


def _parts(prepared: Prepared) -> Iterator[tuple[str, Part | None]]:
    yield "test", prepared.test
    yield "validation", prepared.validation
    yield "train", prepared.train


def _tasks(model: Any, prepared: Prepared, method: Supervised, outputs: tuple[str, ...]) -> list[Task]:
    tensors = outputs_by_name(model.output, outputs)
    found = [
        task_of(output, method.loss_of(output.name), tuple(tensors[output.name].shape[1:]))
        for output in prepared.binding.outputs
    ]
    return [task for task in found if task is not None]


def _train_targets(part: Part) -> Mapping[str, Array]:
    """Targets of the training examples; of evenly chosen ones where they are not in memory."""
    import numpy as np

    if not part.streamed:
        return part.targets
    rows = np.unique(np.linspace(0, part.count - 1, min(part.count, _SAMPLE)).astype(np.int64))
    return _arrays(_batch(part, rows)[1])


def _compare(model: Any, part: Part, scores: Mapping[str, Score], outputs: tuple[str, ...]) -> dict[str, Array]:
    """How bad each example of the part is, by output."""
    import numpy as np

    size = _batch_size(part)
    predict = _predictor(model, -(-part.count // size))
    badness: dict[str, list[Array]] = {name: [] for name in scores}
    for inputs, targets in _batches(part, size):
        answer = _arrays(outputs_by_name(predict(like_inputs(model, inputs)), outputs))
        for name, score in scores.items():
            badness[name].append(score.add(answer[name], np.asarray(targets[name])))
    return {name: np.concatenate(values) for name, values in badness.items()}


def _look(model: Any, part: Part, chosen: Mapping[str, Array], outputs: tuple[str, ...]) -> LookedAt:
    """The chosen examples with the model's answers."""
    import numpy as np

    positions = np.concatenate(list(chosen.values()))
    groups = [group for group, rows in chosen.items() for _ in rows]
    inputs, targets = _batch(part, positions)
    answer = outputs_by_name(model(like_inputs(model, inputs), training=False), outputs)
    return LookedAt(groups, part.examples.numbers[positions], _arrays(inputs), _arrays(targets), _arrays(answer))


def _batches(part: Part, size: int) -> Iterator[tuple[Any, Any]]:
    import numpy as np

    if part.streamed:
        yield from in_order(part.examples, size)
        return
    for start in range(0, part.count, size):
        yield _batch(part, np.arange(start, min(start + size, part.count)))


def _batch(part: Part, positions: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and targets at `positions` as they enter the model and its loss."""
    import tensorflow as tf

    examples = part.examples
    inputs, targets = examples.finished(examples.batch(tf.constant(positions, tf.int64)))
    return inputs, targets


def _arrays(tensors: Mapping[str, Any]) -> dict[str, Array]:
    import numpy as np

    return {name: np.asarray(values) for name, values in tensors.items()}


def _predictor(model: Any, batches: int) -> Callable[[Any], Any]:
    """The model as a function; compiled only where it is called often enough to be worth it."""
    import tensorflow as tf

    def call(inputs: Any) -> Any:
        return model(inputs, training=False)

    if batches <= _UNTRACED:
        return call
    compiled: Callable[[Any], Any] = tf.function(call, reduce_retracing=True)
    return compiled


def _batch_size(part: Part) -> int:
    inputs, _ = _batch(part, [0])
    elements: int = sum(math.prod(values.shape) for values in inputs.values())
    return max(1, min(_LARGEST_BATCH, _BATCH_ELEMENTS // max(elements, 1)))


def _choose(badness: Array, seed: int) -> dict[str, Array]:
    """Numbers of the worst examples, and of some that chance chose among the others."""
    import numpy as np

    order = np.argsort(-np.nan_to_num(badness, nan=np.inf), kind="stable")
    worst, others = order[:SHOWN], order[SHOWN:]
    chance = np.random.default_rng(seed).permutation(len(others))[:SHOWN]
    return {"worst": worst, "random": np.sort(others[chance])}
