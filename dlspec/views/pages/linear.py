"""The second answer to compare a model with: a linear model of the same inputs, fitted in one step.

Ridge regression (Hoerl and Kennard, 1970) on standardized columns with the penalty 1 of scikit-learn's ``Ridge``; of
classes, the nearest answer to a regression on 0 and 1, as in its ``RidgeClassifier``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.results import LinearFigures, OutputResults
from dlspec.views.pages.comparing import Batch, as_arrays
from dlspec.views.pages.scores import Score, score_of
from dlspec.views.pages.tasks import CHOICE, NUMBERS, YES_NO, Task, true_classes

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Training examples that are fitted, of more those at equal distances; columns up to which a table is fitted.
ROWS, COLUMNS = 10_000, 200
_PENALTY = 1.0
_KINDS = (NUMBERS, CHOICE, YES_NO)


@dataclass(frozen=True, slots=True)
class Layout:
    """The assignment of the prepared inputs of a table to columns.

    Attributes:
        inputs: Their names, and for each of its whole numbers how many there are, which become as many columns of
            0 and 1; none for numbers that are columns as they stand.
    """

    inputs: tuple[tuple[str, tuple[int, ...]], ...]

    def columns(self, inputs: Mapping[str, Array]) -> Array:
        """The columns, shape [examples, columns], float64."""
        import numpy as np

        parts: list[Array] = []
        for name, counts in self.inputs:
            values = inputs[name].reshape(len(inputs[name]), -1)
            if not counts:
                parts.append(values.astype(np.float64))
            parts += [values[:, [index]] == np.arange(count) for index, count in enumerate(counts)]
        return np.concatenate(parts, axis=1, dtype=np.float64, casting="unsafe")


def layout_of(inputs: Mapping[str, Array]) -> Layout | None:
    """The layout of some examples; None where they are no table, or one of too many columns."""
    layout: list[tuple[str, tuple[int, ...]]] = []
    width = 0
    for name, values in inputs.items():
        if values.ndim > 2 or values.dtype.kind not in "fiub":
            return None
        flat = values.reshape(len(values), -1)
        counts: tuple[int, ...] = ()
        if values.dtype.kind == "i":
            counts = tuple(int(most) + 1 for most in flat.max(axis=0))
            if int(flat.min()) < 0:
                return None
        width += sum(counts) if counts else flat.shape[1]
        if width > COLUMNS:
            return None
        layout.append((name, counts))
    return Layout(tuple(layout)) if width else None


@dataclass(frozen=True, slots=True)
class Linear:
    """A fitted linear model of some outputs.

    Attributes:
        layout: How inputs become columns.
        weights: By output: shape [columns + 1, answers]; the last row is added to all answers.
    """

    layout: Layout
    weights: dict[str, Array]

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
        inputs: Prepared, by name.
        targets: As the loss receives them, by output.
        weights: How much each example counts; None where all count alike.
    """
    import numpy as np

    layout = layout_of(inputs)
    if layout is None:
        return None
    columns = layout.columns(inputs)
    if not np.isfinite(columns).all():
        return None
    wanted = {task.name: _wanted(task, targets[task.name]) for task in tasks if task.kind in _KINDS}
    own = np.ones(len(columns)) if weights is None else weights.astype(np.float64)
    fitted = {
        name: _ridge(columns[rows], values[rows], own[rows])
        for name, (values, rows) in wanted.items()
        if (rows & (own > 0)).sum() > 1
    }
    return Linear(layout, fitted) if fitted else None


def _wanted(task: Task, target: Array) -> tuple[Array, Array]:
    """Targets of the regression, shape [examples, answers], and a mask of the examples that count."""
    import numpy as np

    if task.kind == NUMBERS:
        values = target.reshape(len(target), -1).astype(np.float64)
        finite: Array = np.asarray(np.isfinite(values).all(axis=1))
        return values, finite
    labels = true_classes(task, target, (len(target),))
    counts: Array = (labels >= 0) & (labels < len(task.names)) & (labels != task.ignored)
    if task.kind == YES_NO:
        return (labels == 1).astype(np.float64)[:, None], counts
    one_hot: Array = (labels[:, None] == np.arange(len(task.names))).astype(np.float64)
    return one_hot, counts


def _ridge(columns: Array, values: Array, examples: Array) -> Array:
    """The weights of standardized columns, of columns as they stand; shape [columns + 1, answers].

    Args:
        examples: How much each example counts.
    """
    import numpy as np

    middle, mean = (np.average(array, axis=0, weights=examples) for array in (columns, values))
    spread = np.sqrt(np.average((columns - middle) ** 2, axis=0, weights=examples))
    spread = np.where(spread > 0, spread, 1.0)
    scaled = (columns - middle) / spread
    weighed = scaled * examples[:, None]
    squares = weighed.T @ scaled + _PENALTY * np.eye(columns.shape[1])
    weights = np.linalg.solve(squares, weighed.T @ (values - mean)) / spread[:, None]
    return np.concatenate([weights, (mean - middle @ weights)[None]])


class LinearScores:
    """The answers of a linear model judged like those of the model itself."""

    def __init__(self, model: Linear, tasks: list[Task]) -> None:
        self._model = model
        self._scores: dict[str, Score] = {
            task.name: score_of(_own(task)) for task in tasks if task.name in model.weights
        }

    def add(self, inputs: Mapping[str, Array], targets: Mapping[str, Array], weights: Array | None = None) -> None:
        """Adds a batch to the scores."""
        answers = self._model.answers(inputs)
        for name, score in self._scores.items():
            score.add(answers[name], targets[name], None, weights)

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

_OF, _NAMES, _COUNTS = "linear ", "inputs", "counts"


def to_arrays(model: Linear) -> dict[str, Array]:
    """A linear model as named arrays, whose names all begin alike."""
    import numpy as np

    kept = {f"{_OF}of {name}": weights for name, weights in model.weights.items()}
    kept[_OF + _NAMES] = np.array([name for name, _ in model.layout.inputs])
    counts = model.layout.inputs
    return kept | {f"{_OF}{_COUNTS} {index}": np.array(sizes, np.int64) for index, (_, sizes) in enumerate(counts)}


def from_arrays(kept: Mapping[str, Array]) -> Linear | None:
    """The linear model among named arrays; None where there is none."""
    names = kept.get(_OF + _NAMES)
    if names is None:
        return None
    inputs = [
        (str(name), tuple(int(size) for size in kept[f"{_OF}{_COUNTS} {index}"])) for index, name in enumerate(names)
    ]
    start = f"{_OF}of "
    weights = {name.removeprefix(start): values for name, values in kept.items() if name.startswith(start)}
    return Linear(Layout(tuple(inputs)), weights)
