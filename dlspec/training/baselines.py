"""Answers that need no training, measured as the model is: by the same loss and metrics, on the same parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method
from dlspec.core.documents.results import Baseline
from dlspec.core.documents.results import Baselines as Figures
from dlspec.core.ir import Shape
from dlspec.data.binding.tasks import ARRAYS, CHOICE, Task
from dlspec.data.checks.baselines import (
    ALWAYS,
    LINEAR,
    MOST_COLUMNS,
    NEAREST,
    TITLES,
    Baselines,
    baselines_of,
    texts_of,
)
from dlspec.training.given_answers import given, measuring_given
from dlspec.training.loop.compiling import NO_UNITS
from dlspec.training.loop.trainer import Job, compared
from dlspec.training.loop.watch import ordered
from dlspec.views.pages.columns import layout_of
from dlspec.views.pages.comparing import Batch, as_arrays, with_weights
from dlspec.views.pages.examine import batch_size_of, batches_of, tasks_of
from dlspec.views.pages.linear import Linear, fitted

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# The least probability that enters a logarithm, as in Keras's crossentropies.
_LEAST = 1e-7
Answers = dict[str, "Array"]
# From prepared inputs of a batch, by name, to answers by output.
Answering = Callable[[Mapping[str, "Array"]], Answers]
# Makes the batches to be measured: takes what makes a batch of inputs, targets and weights one of answers.
Batches = Callable[[Callable[..., Any]], Any]


@dataclass(slots=True)
class Fitted:
    """The baselines of a training.

    Attributes:
        known: Which of them each output has.
        tasks: What outputs decide, by name.
        shapes: Of one answer of each output that is compared with a target.
        models: Those that see the inputs, by name.
        reasons: Sentences for what turned out not to be possible.
    """

    known: Baselines
    tasks: Mapping[str, Task]
    shapes: Mapping[str, tuple[int, ...]]
    models: Mapping[str, Linear] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def takes(self, name: str, output: str) -> bool:
        """Whether an output has answers of a baseline of its own."""
        if name not in self.known.by_output.get(output, ()):
            return False
        return name == ALWAYS or (name in self.models and output in self.models[name].weights)

    def answering(self, name: str, usual: Mapping[str, Array]) -> Answering:
        """The answers of a baseline as losses compare them; where an output has none of its own, those of `always`.

        Args:
            name: Of the baseline.
            usual: What `always` follows from, by output, as losses compare it.
        """

        def answers(inputs: Mapping[str, Array]) -> Answers:
            count = len(next(iter(inputs.values())))
            values = self.models[name].answers(inputs) if name in self.models else {}
            return {
                output: _as_model_answers(self.tasks[output], values[output], shape)
                if self.takes(name, output) and name != ALWAYS
                else _always(self.tasks[output], usual[output], count, shape)
                for output, shape in self.shapes.items()
            }

        return answers


def fit(job: Job) -> Fitted:
    """Fits baselines to the training rows, a batch at a time."""
    prepared, outputs = job.prepared, tuple(job.outputs)
    train, binding = prepared.train, prepared.binding
    tasks = {task.name: task for task in tasks_of(job.model, prepared, job.method, outputs)}
    given_shapes = {name: _fixed(shape) for name, shape in job.shapes.items() if job.method.loss_of(name) is not None}
    baselines = Fitted(baselines_of(job.method, binding, job.shapes), tasks, given_shapes)
    seen = [name for name in (LINEAR, NEAREST) if name in baselines.known.names]
    size, names = batch_size_of(train, job.model), {input_.name for input_ in binding.model_inputs}

    def batches() -> Iterator[Batch]:
        for inputs, targets, weights in with_weights(batches_of(train, size), train.weights):
            yield as_arrays(only(names, inputs)), _prepared(job.units, targets), weights

    while seen:  # the indices of words may be too many for one, and not for the other
        most = min(MOST_COLUMNS[name] for name in seen)
        layout = layout_of((inputs for inputs, *_ in batches()), texts_of(binding), most, arrays=True)
        if layout is not None:
            models = fitted(tasks.values(), layout, batches(), *seen)
            baselines.models = {name: replace(model, prepared=True) for name, model in models.items()}
            if not models:
                baselines.reasons.append("what enters holds numbers that are not finite, or too few examples train")
            break
        baselines.reasons.append(f"the {TITLES[seen[0]]} takes up to {most:,} columns of numbers, and there are more")
        seen = seen[1:]
    return baselines


def measured(job: Job, baselines: Fitted, usual: Mapping[str, Array]) -> Figures:
    """Loss and metrics of the baselines of a training, on all of its parts.

    Args:
        job: The training.
        baselines: As :func:`fit` gives them.
        usual: What `always` follows from, by output.
    """
    prepared = job.prepared
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    model = measuring_given(
        job.method.ending.undecided(), baselines.shapes, job.most_examples, job.units, weighed=job.weighed
    )
    transform = prepared.changes.measuring()
    batches: dict[str, Batches] = {
        name: partial(_in_order, job, part.examples, transform) for name, part in parts.items() if part is not None
    }
    names = {input_.name for input_ in prepared.binding.model_inputs}
    entering = partial(only, names)
    return figures(model, job.method, baselines, usual, batches, entering, job.units)


def _prepared(units: Mapping[str, Any], targets: Mapping[str, Any]) -> Answers:
    """Targets as losses compare them."""
    return as_arrays({name: units[name].prepare(value) if name in units else value for name, value in targets.items()})


def _fixed(shape: Shape) -> tuple[int, ...]:
    """A shape whose sizes are known wherever there are baselines."""
    return tuple(size or 1 for size in shape)


def only(names: set[str], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of some names."""
    return {name: values for name, values in inputs.items() if name in names}


def _in_order(job: Job, examples: Any, transform: Any, structure: Callable[..., Any]) -> Any:
    return job.backend.feed_in_order(examples, job.data.batch_size, structure, transform).dataset


def figures(
    model: Any,
    method: Method,
    baselines: Fitted,
    usual: Mapping[str, Array],
    parts: Mapping[str, Batches],
    entering: Callable[[Any], Mapping[str, Any]],
    units: Mapping[str, Any] = NO_UNITS,
) -> Figures:
    """Loss and metrics of baselines on some parts.

    Args:
        model: Measures answers that it is given.
        method: The training.
        baselines: As :func:`fit` gives them, or as a run has kept them.
        usual: What `always` follows from, by output.
        parts: What makes batches of each part.
        entering: From a batch of inputs to those that the baselines see, prepared, by name.
        units: Of the targets that are prepared, by output.
    """
    outputs = list(baselines.shapes)
    by_name: dict[str, Baseline] = {}
    compared_usual = {
        name: _in_units(units.get(name), usual[name], shape)
        for name, shape in baselines.shapes.items()
        if name in usual
    }
    for name in TITLES:
        own = [output for output in outputs if baselines.takes(name, output)]
        if not own or any(output not in usual for output in outputs):
            continue
        shown = measures_shown(method, outputs, own, baselines.tasks, exact=name == ALWAYS)
        answering = _in_pipeline(baselines.answering(name, compared_usual), baselines.shapes)
        structure = partial(_batch, method, outputs, answering, entering)
        measures = {}
        for part, batches in parts.items():
            logs = ordered(model.evaluate(batches(structure), return_dict=True, verbose=0))
            measures[part] = {measure: value for measure, value in logs.items() if measure in shown}
        by_name[name] = {"title": title(name, baselines, usual), "metrics": measures}
    return {"measured": by_name, "reasons": [*baselines.known.reasons, *baselines.reasons]}


def _in_units(units: Any, value: Array, shape: tuple[int, ...]) -> Array:
    """The mean of a target as losses compare it."""
    import numpy as np

    if units is None:
        return value
    whole = np.broadcast_to(value if value.ndim > 1 else value.reshape(-1), shape or (1,)).reshape(1, *shape)
    prepared: Array = as_arrays({"": units.prepare(whole.astype(np.float32))})[""][0]
    return prepared


def _batch(
    method: Method,
    outputs: list[str],
    answering: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    entering: Callable[[Any], Mapping[str, Any]],
    inputs: Any,
    targets: Any,
    *weights: Any,
) -> Any:
    """A batch of answers in place of inputs."""
    return given(answering(entering(inputs))), *compared(method.ending, outputs, targets, *weights)


def _in_pipeline(
    answers: Answering, shapes: Mapping[str, tuple[int, ...]]
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Answers as a function of tensors."""
    import tensorflow as tf

    def answering(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        names = list(inputs)

        def computed(*values: Array) -> list[Array]:
            by_output = answers(dict(zip(names, values, strict=True)))
            return [by_output[output].astype("float32") for output in shapes]

        values = tf.numpy_function(computed, list(inputs.values()), [tf.float32] * len(shapes))
        by_output = dict(zip(shapes, values, strict=True))
        for output, value in by_output.items():
            value.set_shape((None, *shapes[output]))
        return by_output

    return answering


def measures_shown(
    method: Method, outputs: list[str], own: list[str], tasks: Mapping[str, Task], *, exact: bool
) -> frozenset[str]:
    """The measures that the answers of a baseline tell.

    Args:
        method: Whose losses and metrics they are.
        outputs: All that are compared with targets.
        own: Those of them of which it has answers of its own.
        tasks: What outputs decide.
        exact: Whether it answers with probabilities, and not just with classes.
    """
    several, shown = len(outputs) > 1, set()
    full = {output for output in own if exact or tasks[output].numeric}
    if full == set(outputs):
        shown.add("loss")
    for output in own:
        ranks = tasks[output].kind != CHOICE
        if several and output in full:
            shown.add(f"{output}_loss")
        for measure, metric in method.named_metrics(output, several=several):
            if output in full or metric.looks_at == "class" or (metric.looks_at == "order" and ranks):
                shown.add(measure)
    return frozenset(shown)


def title(name: str, baselines: Fitted, usual: Mapping[str, Array]) -> str:
    """A baseline in a few words: ``always 3``."""
    if name != ALWAYS or len(baselines.shapes) > 1:
        return TITLES[name]
    (output,) = baselines.shapes
    task, value = baselines.tasks[output], usual[output]
    if task.classifies:
        return f"always {task.names[int(value.argmax())]}"
    return f"always {value.reshape(-1)[0]:.4g}" if task.numeric and value.size == 1 else TITLES[name]


def _as_model_answers(task: Task, values: Array, shape: tuple[int, ...]) -> Array:
    """Answers of a model that is linear in the inputs, as the trained model gives them, shape [examples, …].

    Numbers are numbers. Of exclusive classes the largest has all of the probability; of yes and no, the distance from
    one half keeps its order, since nothing says how sure it is.
    """
    import numpy as np

    if task.numeric:
        answers = _from_shares(task, values) if task.logits else values
    elif task.kind == CHOICE:
        answers = _from_shares(task, (values.argmax(axis=1)[:, None] == np.arange(values.shape[1])).astype(np.float64))
    else:
        apart = values - 0.5
        answers = apart if task.logits or task.margin else 0.5 + apart / (2 * (1 + np.abs(apart)))
    return answers.reshape(len(values), *shape)


def _always(task: Task, usual: Array, count: int, shape: tuple[int, ...]) -> Array:
    """The answer that is always the same, as the trained model gives it, for so many examples."""
    import numpy as np

    value = usual
    if task.classifies and shape[-1:] != (len(task.names),):
        value = usual[1:]  # one number says yes or no
    if not task.numeric or task.logits:
        value = _from_shares(task, value)
    if task.kind == ARRAYS and value.ndim > len(shape):
        value = value[..., 0]
    whole: Array = np.broadcast_to(value if value.ndim > 1 else value.reshape(-1), shape or (1,))
    return np.broadcast_to(whole.reshape(shape), (count, *shape))


def _from_shares(task: Task, shares: Array) -> Array:
    """Shares as the model gives them: before softmax or sigmoid, or as margins around 0."""
    import numpy as np

    if task.margin:
        return 2 * shares - 1
    if not task.logits:
        return shares
    inside = np.clip(shares, _LEAST, 1 - _LEAST)
    logs: Array = np.log(inside)
    return logs if task.classifies and shares.shape[-1] > 1 else logs - np.log(1 - inside)
