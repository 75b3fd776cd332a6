"""Answers to compare a model with: a linear model of the same inputs, and the nearest mean of a class.

The linear model is ridge regression (Hoerl and Kennard, 1970) on standardized columns with the penalty 1 of
scikit-learn's ``Ridge``; of classes, the nearest answer to a regression on 0 and 1, as in its ``RidgeClassifier``. The
nearest mean is that of its ``NearestCentroid`` on standardized columns. Both follow from sums over one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.results import LinearFigures, OutputResults
from dlspec.data.binding.tasks import CHOICE, NUMBERS, TAGS, YES_NO, Task, true_classes
from dlspec.data.checks.baselines import LINEAR, NEAREST
from dlspec.views.figures.moments import Moments
from dlspec.views.pages.columns import Layout, layout_of
from dlspec.views.pages.comparing import Batch, as_array, as_arrays
from dlspec.views.pages.scores import Score, score_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Training examples that every report fits, of more those at equal distances.
ROWS = 10_000
_PENALTY = 1.0
_EXCLUSIVE = (CHOICE, YES_NO)
_KINDS = (NUMBERS, TAGS, *_EXCLUSIVE)
# No target is prepared.
NO_UNITS: Mapping[str, Any] = MappingProxyType({})
# Numbers of the columns that are made at a time.
_ELEMENTS = 1 << 22


@dataclass(frozen=True, slots=True)
class Linear:
    """A fitted linear model of some outputs.

    Attributes:
        layout: How inputs become columns.
        weights: By output: shape [columns + 1, answers]; the last row is added to all answers.
        prepared: Whether targets that are prepared were learnt as they are then, and not in the units of the data.
    """

    layout: Layout
    weights: dict[str, Array]
    prepared: bool = False

    def answers(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Answers by output, shape [examples, answers]."""
        columns = self.layout.columns(inputs)
        return {name: columns @ weights[:-1] + weights[-1] for name, weights in self.weights.items()}


def fit(
    tasks: list[Task], inputs: Mapping[str, Array], targets: Mapping[str, Array], weights: Array | None = None
) -> Linear | None:
    """The linear model of those outputs that are numbers or classes of an example; None where there is none.

    Args:
        tasks: What outputs decide.
        inputs: Prepared, by name, of all examples.
        targets: As the loss receives them, by output.
        weights: How much each example counts; None where all count alike.
    """
    layout = layout_of([inputs])
    return None if layout is None else fitted(tasks, layout, [(inputs, targets, weights)], LINEAR).get(LINEAR)


def fitted(tasks: Iterable[Task], layout: Layout, batches: Iterable[Batch], *names: str) -> dict[str, Linear]:
    """Models of the outputs that decide about an example, from one pass over the training examples.

    Args:
        tasks: What outputs decide.
        layout: How inputs become columns.
        batches: Of the training examples.
        names: Which of :data:`LINEAR` and :data:`NEAREST`.

    Returns:
        By name; those that suit no output are left out, and all where a column is not finite.
    """
    import numpy as np

    suited = [task for task in tasks if task.kind in _KINDS]
    sums = {task.name: _Sums(task, ridge=LINEAR in names) for task in suited}
    for inputs, targets, weights in batches:
        for start, end in _pieces(layout, inputs):
            columns = layout.columns({name: np.asarray(values[start:end]) for name, values in inputs.items()})
            if not np.isfinite(columns).all():
                return {}
            own = np.ones(end - start) if weights is None else weights[start:end].astype(np.float64)
            for task in suited:
                sums[task.name].add(columns, np.asarray(targets[task.name][start:end]), own)
    enough = {name: each for name, each in sums.items() if each.examples > 1}
    solved = {
        LINEAR: {name: each.ridge() for name, each in enough.items()} if LINEAR in names else {},
        NEAREST: {name: each.nearest() for name, each in enough.items() if each.task.kind in _EXCLUSIVE},
    }
    return {name: Linear(layout, solved[name]) for name in names if solved[name]}


def _pieces(layout: Layout, inputs: Mapping[str, Array]) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of examples whose columns are made at a time."""
    count = len(next(iter(inputs.values())))
    width = sum(sum(counts) if counts else inputs[name][0].size for name, counts in layout.inputs)
    step = max(1, _ELEMENTS // width)
    return ((start, min(start + step, count)) for start in range(0, count, step))


class _Sums:
    """Sums over the examples of one output.

    Args:
        task: What it decides.
        ridge: Whether products of columns are summed, too, which only ridge regression needs.
    """

    def __init__(self, task: Task, *, ridge: bool) -> None:
        self.task = task
        self.examples = 0
        self._ridge = ridge
        self._moments = Moments.none(0)
        self._classes: dict[int, Moments] = {}
        self._width = self._answers = 0

    def add(self, columns: Array, target: Array, weights: Array) -> None:
        """Adds a batch: columns, shape [examples, columns], and the target as the loss receives it."""
        import numpy as np

        values, rows = _wanted(self.task, target)
        rows = rows & (weights > 0)
        columns, values, own = columns[rows], values[rows], weights[rows]
        self.examples += len(values)
        self._width, self._answers = columns.shape[1], values.shape[1]
        if self._ridge and len(values):
            now = Moments.of(np.hstack([columns, values]), own)
            self._moments = self._moments + now if self._moments.weight else now
        if self.task.kind in _EXCLUSIVE:
            labels = values.argmax(axis=1) if values.shape[1] > 1 else values[:, 0].astype(np.int64)
            for number in map(int, np.unique(labels)):
                chosen = labels == number
                now = Moments.of(columns[chosen], own[chosen], diagonal=True)
                self._classes[number] = self._classes[number] + now if number in self._classes else now

    def ridge(self) -> Array:
        """Weights of the columns as they stand, shape [columns + 1, answers]; the last row is added to all answers."""
        import numpy as np

        width, moments = self._width, self._moments
        spread = _spread(moments, np.diag(moments.products)[:width], self.examples)
        products = moments.products[:width, :width] / np.outer(spread, spread) + _PENALTY * np.eye(width)
        across = moments.products[:width, width:] / spread[:, None]
        weights = np.linalg.solve(products, across) / spread[:, None]
        return np.concatenate([weights, (moments.mean[width:] - moments.mean[:width] @ weights)[None]])

    def nearest(self) -> Array:
        """The same of answers that are largest for the nearest mean: (z − half the mean) · mean, z standardized."""
        import numpy as np

        first, *others = self._classes.values()
        together = sum(others, first)
        spread, middle = _spread(together, together.products, self.examples), together.mean
        weights = np.zeros((self._width + 1, max(self._answers, 2)))
        weights[-1] = -np.inf  # a class without examples is never the nearest
        for number, moments in self._classes.items():
            mean = (moments.mean - middle) / spread
            weights[:-1, number] = mean / spread
            weights[-1, number] = -(mean @ mean) / 2 - middle @ (mean / spread)
        if self._answers > 1:
            return weights
        between: Array = weights[:, 1:] - weights[:, :1]
        between[-1] += 0.5  # above one half is yes
        return between


def _spread(moments: Moments, squares: Array, examples: int) -> Array:
    """Standard deviations of columns; 1 for those that are constant but for rounding (as in ``StandardScaler``)."""
    import numpy as np

    variance = squares / moments.weight
    rounding = examples * np.finfo(np.float64).eps
    constant = variance <= rounding * variance + (rounding * moments.mean[: len(variance)]) ** 2
    spread: Array = np.where(constant, 1.0, np.sqrt(variance))
    return spread


def _wanted(task: Task, target: Array) -> tuple[Array, Array]:
    """Targets of the regression, shape [examples, answers], and a mask of the examples that count."""
    import numpy as np

    if task.kind == NUMBERS:
        values = target.reshape(len(target), -1).astype(np.float64)
        finite: Array = np.asarray(np.isfinite(values).all(axis=1))
        return values, finite
    if task.kind == TAGS:
        answers: Array = (target.reshape(len(target), -1) > 0.5).astype(np.float64)
        return answers, np.ones(len(target), bool)
    labels = true_classes(task, target, (len(target),))
    counts: Array = (labels >= 0) & (labels < len(task.names)) & (labels != task.ignored)
    if task.kind == YES_NO:
        return (labels == 1).astype(np.float64)[:, None], counts
    one_hot: Array = (labels[:, None] == np.arange(len(task.names))).astype(np.float64)
    return one_hot, counts


class LinearScores:
    """The answers of a linear model judged like those of the model itself.

    Args:
        model: The linear model.
        tasks: What outputs decide.
        units: Of the targets that are prepared, by output: a :class:`dlspec.standalone.units.Units`.
    """

    def __init__(self, model: Linear, tasks: list[Task], units: Mapping[str, Any] = NO_UNITS) -> None:
        self._model = model
        self._units = units if model.prepared else NO_UNITS
        self._scores: dict[str, Score] = {
            task.name: score_of(_own(task)) for task in tasks if task.name in model.weights
        }

    def add(self, inputs: Mapping[str, Array], targets: Mapping[str, Array], weights: Array | None = None) -> None:
        """Adds a batch to the scores."""
        import numpy as np

        answers = self._model.answers(inputs)
        for name, score in self._scores.items():
            answer = answers[name]
            if name in self._units:
                answer = as_array(self._units[name].undo(answer.reshape(targets[name].shape).astype(np.float32)))
            score.add(answer, targets[name], None, weights)

    def facts(self, name: str) -> LinearFigures | None:
        """The figures of an output; None where it has no linear model."""
        if name not in self._scores:
            return None
        scored: Mapping[str, Any] = self._scores[name].facts()
        if "rmse" in scored:
            return {"rmse": scored["rmse"], "mae": scored["mae"], "r2": scored["r2"]}
        return {"accuracy": scored["accuracy"]}


def also_seen(
    batches: Iterable[Batch],
    compared: LinearScores | None,
    prepared: Callable[[Any], Any] = lambda inputs: inputs,
) -> Iterator[Batch]:
    """Batches which the linear model sees on their way; `prepared` prepares inputs."""
    for inputs, targets, weights in batches:
        if compared is not None:
            compared.add(as_arrays(prepared(inputs)), as_arrays(targets), weights)
        yield inputs, targets, weights


def with_linear(results: OutputResults, compared: LinearScores | None, name: str) -> OutputResults:
    """The facts of an output with those of its linear model."""
    figures = compared.facts(name) if compared is not None else None
    if figures is not None and results["kind"] != "transcript":
        results["linear"] = figures
    return results


def _own(task: Task) -> Task:
    """The task with the answers of a regression: numbers as they are, yes above one half."""
    plain = replace(task, logits=False, likelihood=False, quantiles=())
    return replace(plain, threshold=0.5, margin=False, chosen=False)


# --- kept in the run folder -------------------------------------------------------------------------------------------

_NAMES, _COUNTS, _TEXTS, _PREPARED = "inputs", "counts", "texts", "prepared"


def to_arrays(model: Linear, name: str = LINEAR) -> dict[str, Array]:
    """A model as named arrays, whose names all begin with its own."""
    import numpy as np

    kept = {f"{name} of {output}": weights for output, weights in model.weights.items()}
    kept[f"{name} {_TEXTS}"] = np.array(model.layout.texts, dtype=np.str_)
    kept[f"{name} {_PREPARED}"] = np.array(model.prepared)
    kept[f"{name} {_NAMES}"] = np.array([input_name for input_name, _ in model.layout.inputs])
    counts = model.layout.inputs
    return kept | {f"{name} {_COUNTS} {index}": np.array(sizes, np.int64) for index, (_, sizes) in enumerate(counts)}


def from_arrays(kept: Mapping[str, Array], name: str = LINEAR) -> Linear | None:
    """The model `name` among named arrays; None where there is none."""
    names = kept.get(f"{name} {_NAMES}")
    if names is None:
        return None
    inputs = [
        (str(input_name), tuple(int(size) for size in kept[f"{name} {_COUNTS} {index}"]))
        for index, input_name in enumerate(names)
    ]
    start = f"{name} of "
    weights = {key.removeprefix(start): values for key, values in kept.items() if key.startswith(start)}
    texts = kept.get(f"{name} {_TEXTS}")  # runs of an earlier dlspec have none
    layout = Layout(tuple(inputs), () if texts is None else tuple(map(str, texts)))
    return Linear(layout, weights, bool(kept.get(f"{name} {_PREPARED}", False)))
