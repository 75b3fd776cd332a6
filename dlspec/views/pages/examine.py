"""One pass of a trained model over one part of the data: what is right, what is wrong, and examples of both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from dlspec.backends.keras.internals import mask_of
from dlspec.backends.keras.structure import outputs_by_name
from dlspec.components.methods.base import Method
from dlspec.core.documents.results import ClassDetails, ReliabilityFigures, Results
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.tasks import Task, task_of
from dlspec.data.binding.values import Rows
from dlspec.data.feeding.examples import Streamed
from dlspec.data.feeding.feed import in_order
from dlspec.data.feeding.parts import Part
from dlspec.data.feeding.pipeline import Prepared
from dlspec.views.pages.columns import layout_of
from dlspec.views.pages.comparing import (
    UNTRACED,
    Answering,
    answering,
    as_array,
    as_arrays,
    batch_size,
    compare,
    learn,
    with_weights,
)
from dlspec.views.pages.examples import SHOWN, Example, LookedAt, show
from dlspec.views.pages.linear import ROWS, Linear, LinearScores, also_seen, fit, with_linear
from dlspec.views.pages.scores import Score, score_of
from dlspec.views.pages.verdict import verdict

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Targets that are read at a time, where they are not in memory.
_CHUNK = 4096


@dataclass(slots=True)
class Examined:
    """Figures and examples that the page shows of a part.

    Attributes:
        part: The split that was looked at.
        scores: By output; outputs that cannot be judged are left out.
        examples: By output: the worst and some random ones.
        linear: A linear model of the same inputs, where these are a table.
        compared: Its answers, judged.
        before: By output: its probabilities before they were calibrated.
    """

    part: str
    scores: dict[str, Score] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    linear: Linear | None = None
    compared: LinearScores | None = None
    before: Mapping[str, ReliabilityFigures] = field(default_factory=dict)

    def facts(self) -> Results:
        """For ``report.json``: verdicts and the figures of every output."""
        outputs = {name: with_linear(score.facts(), self.compared, name) for name, score in self.scores.items()}
        for name, before in self.before.items():
            if (reliability := cast("ClassDetails", outputs[name]).get("reliability")) is not None:
                reliability["before"] = before
        verdicts = [verdict(name, results, self.part).facts() for name, results in outputs.items()]
        return {"part": self.part, "verdicts": verdicts, "outputs": outputs}


def examine(
    model: Any,
    prepared: Prepared,
    method: Method,
    outputs: tuple[str, ...],
    seed: int = 0,
    linear: Linear | None = None,
) -> Examined:
    """Lets the model answer, and compares.

    The test split is looked at; without one that of validation, else the training examples.

    Args:
        model: A functional Keras model that takes prepared inputs.
        prepared: The data.
        method: Whose losses say how predictions are read.
        outputs: Names of the model's outputs in its order.
        seed: Of the choice of random examples.
        linear: The linear model of the baselines, where the training asks for them.
    """
    import numpy as np

    name, part = part_to_look_at(prepared)
    tasks = tasks_of(model, prepared, method, outputs)
    examined = Examined(name, {task.name: score_of(task) for task in tasks})
    if not examined.scores:
        return examined
    _learn(model, prepared.train, prepared.binding, examined.scores, outputs)
    size = batch_size_of(part, model)
    examined.linear = linear or _linear(prepared.train, tasks)
    examined.compared = LinearScores(examined.linear, tasks, prepared.units) if examined.linear is not None else None
    batches = also_seen(with_weights(batches_of(part, size), part.weights), examined.compared)
    badness = compare(answering(model, outputs, -(-part.count // size)), batches, examined.scores)
    for task in tasks:
        chosen = _choose(np.concatenate(badness[task.name]), seed)
        looked_at = _look(model, part, chosen, outputs)
        examined.examples[task.name] = show(task, prepared.binding, looked_at, prepared.train.examples.numbers)
    return examined


def answered(model: Any, part: Part, outputs: tuple[str, ...]) -> dict[str, tuple[Array, Array]]:
    """Answers of the model for a part, and its targets, by output: [examples, …] each."""
    import numpy as np

    size = batch_size_of(part, model)
    answer = answering(model, outputs, -(-part.count // size))
    pairs = [
        (answer(inputs)[0], {key: as_array(target) for key, target in targets.items()})
        for inputs, targets in batches_of(part, size)
    ]
    return {
        name: (np.concatenate([given[name] for given, _ in pairs]), np.concatenate([true[name] for _, true in pairs]))
        for name in pairs[0][1]
    }


def part_to_look_at(prepared: Prepared) -> tuple[str, Part]:
    """The test split with its name; without one that of validation, else the training examples."""
    parts = (("test", prepared.test), ("validation", prepared.validation))
    return next(((name, part) for name, part in parts if part is not None), ("train", prepared.train))


def tasks_of(model: Any, prepared: Prepared, method: Method, outputs: tuple[str, ...]) -> list[Task]:
    """The questions that the outputs answer, of those that can be judged."""
    tensors = outputs_by_name(model.output, outputs)
    tasks = [
        task_of(output, method.head_of(output.name), tuple(tensors[output.name].shape[1:]))
        for output in prepared.binding.outputs
    ]
    return [task for task in tasks if task is not None]


def _learn(model: Any, part: Part, binding: Binding, scores: Mapping[str, Score], outputs: tuple[str, ...]) -> None:
    """The trivial answers, from all training examples; masks are computed where outputs carry some."""
    tensors = outputs_by_name(model.output, outputs)
    masked = [name for name in scores if mask_of(tensors[name]) is not None]
    if masked:
        size = batch_size_of(part, model)
        learn(
            answering(model, outputs, UNTRACED + 1, masks_only=True),
            with_weights(batches_of(part, size), part.weights),
            scores,
        )
        return
    for _, targets, weights in with_weights(
        ((targets_only, targets_only) for targets_only in _targets(part, binding)), part.weights
    ):
        for name, score in scores.items():
            score.learn(as_array(targets[name]), None, weights)


def _linear(part: Part, tasks: list[Task]) -> Linear | None:
    """A linear model of the training examples, where they are in memory; of many, of those at equal distances."""
    import numpy as np

    if part.streamed:
        return None
    few, _ = batch_at(part, [0])
    if layout_of([as_arrays(few)]) is None:  # pictures are not put together for nothing
        return None
    chosen = np.unique(np.linspace(0, part.count - 1, ROWS).astype(np.int64)) if part.count > ROWS else None
    positions = np.arange(part.count) if chosen is None else chosen
    inputs, targets = batch_at(part, positions)
    return fit(tasks, as_arrays(inputs), as_arrays(targets), None if part.weights is None else part.weights[positions])


def _targets(part: Part, binding: Binding) -> Iterator[Mapping[str, Any]]:
    """The targets of a part in batches; what enters the model is not read again for them."""
    if not part.streamed:
        yield part.targets
        return
    if binding.shifted_outputs:
        yield from (targets for _, targets in in_order(part.examples, _CHUNK))
        return
    alone = Rows(binding.table, (), binding.outputs)
    examples = Streamed(alone.load, part.examples.numbers, part.examples.blocks)
    yield from (targets for _, targets in in_order(examples, _CHUNK))


def _look(model: Any, part: Part, chosen: Mapping[str, Array], outputs: tuple[str, ...]) -> LookedAt:
    """The chosen examples with the model's answers."""
    import numpy as np

    positions = np.concatenate(list(chosen.values()))
    groups = [group for group, rows in chosen.items() for _ in rows]
    inputs, targets = batch_at(part, positions)
    answer, masks = _joined(answering(model, outputs), inputs, batch_size_of(part, model))
    return LookedAt(groups, part.examples.numbers[positions], as_arrays(inputs), as_arrays(targets), answer, masks)


def _joined(answer: Answering, inputs: Any, size: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """Answers and masks for all examples, `size` of them at a time."""
    import numpy as np

    count = len(next(iter(inputs.values())))
    parts = [
        answer({name: values[start : start + size] for name, values in inputs.items()})
        for start in range(0, count, size)
    ]
    answers, masks = (
        {name: np.concatenate([part[kind][name] for part in parts]) for name in parts[0][kind]} for kind in (0, 1)
    )
    return answers, masks


def batches_of(part: Part, size: int) -> Iterator[tuple[Any, Any]]:
    """Inputs and targets of a part as they enter the model and its loss, `size` examples at a time."""
    import numpy as np

    if part.streamed:
        yield from in_order(part.examples, size)
        return
    for start in range(0, part.count, size):
        yield batch_at(part, np.arange(start, min(start + size, part.count)))


def batch_at(part: Part, positions: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and targets at `positions` as they enter the model and its loss."""
    import tensorflow as tf

    examples = part.examples
    inputs, targets = examples.finished(examples.batch(tf.constant(positions, tf.int64)))
    return inputs, targets


def batch_size_of(part: Part, model: Any) -> int:
    """How many examples of a part enter a model at a time."""
    inputs, _ = batch_at(part, [0])
    elements: int = sum(math.prod(values.shape) for values in inputs.values())
    return batch_size(elements, model)


def _choose(badness: Array, seed: int) -> dict[str, Array]:
    """Numbers of the worst examples, and of some that chance chose among the others."""
    import numpy as np

    order = np.argsort(-np.nan_to_num(badness, nan=np.inf), kind="stable")
    worst, others = order[:SHOWN], order[SHOWN:]
    chance = np.random.default_rng(seed).permutation(len(others))[:SHOWN]
    return {"worst": worst, "random": np.sort(others[chance])}
