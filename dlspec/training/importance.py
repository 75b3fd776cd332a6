"""Which columns the answers of a kept model depend on: columns shuffled, and columns set to one value for all.

Permutation importance after Breiman, "Random Forests" (2001), as scikit-learn computes it; partial dependence after
Friedman, "Greedy Function Approximation" (2001).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.structure import like_inputs, only_or_all
from dlspec.core.documents.importance import Baseline, ColumnImportance, Dependence, Effect, Importance
from dlspec.core.errors import Problem
from dlspec.data.binding.tasks import CHOICE, NUMBERS, YES_NO, Task, numbers, probabilities
from dlspec.data.feeding.raw import RawInputs, read_inputs
from dlspec.data.feeding.training import weighed
from dlspec.data.sources.base import Arrays
from dlspec.training.evaluate import (
    compiled,
    largest_batch,
    own_examples,
    require_measures,
    scores_of,
    some_of,
)
from dlspec.training.saved import SavedRun
from dlspec.training.shuffled import Shuffled, columns_of
from dlspec.views.pages.comparing import Answering, Batch, answering, compare, with_weights
from dlspec.views.pages.verdict import leading, less_is_better

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LOSS = "loss"
# Of partial dependence: columns, examples, values of a number and words of a column, and classes.
_SHOWN, _ROWS, _NUMBERS, _WORDS, _CLASSES = 4, 1000, 20, 12, 10
# Shares of the examples between which the values of a number lie: what is rarer says little of the rest.
_FROM, _TO = 0.05, 0.95


def importance(
    saved: SavedRun,
    path: Path | None = None,
    part: str | None = None,
    *,
    repeats: int = 5,
    rows: int = 10_000,
    seed: int = 0,
    tell: Callable[[str, int, int], object] = lambda *_: None,
) -> Importance:
    """How much worse the model gets while a column is shuffled, and its mean answers over the values of some columns.

    Args:
        saved: The run.
        path: A file or folder of examples with labels; the run's own data unless given.
        part: The split of the run's own data; the first of test, validation and train that has examples unless given.
        repeats: Shuffles of each column.
        rows: Of more examples, so many are looked at, which chance chose.
        seed: Of the shuffles.
        tell: Called before the model is measured: with what is shuffled, how often it was measured, and how often
            it will be.

    Raises:
        SpecError: The data are gone, changed, or do not fit.
        Problem: E522, there is nothing to measure by; E526, there are no columns to compare.
    """
    require_measures(saved)
    if (maker := saved.data.maker) is not None:
        message = f"examples of `{maker.name}` are made out of rows: a column of theirs cannot be shuffled by itself"
        raise Problem("E526", message, "`dlspec evaluate` measures the model")
    if saved.made_anew:
        message = "this model tells hidden steps of an input: a column that is hidden cannot be shuffled by itself"
        raise Problem("E526", message, "`dlspec evaluate` measures the model")
    name, examples, count = _examples(saved, path, part, rows)
    columns = columns_of(examples)
    if len(columns) < 2:
        raise _alone(saved, examples)
    measures = _Measures(saved, examples, columns, (1 + len(columns) * repeats), tell)
    effects = _effects(measures, repeats, seed)
    base = measures.base
    effects_of = [_facts(column, effects, index) for index, column in enumerate(columns)]
    order = sorted(range(len(effects_of)), key=lambda index: -_mean(effects_of[index]))
    some = _first(examples, _ROWS)
    shown = [columns[index] for index in order if (effects_of[index]["loss"]["low"] or 0.0) > 0][:_SHOWN]
    return {
        "run": saved.run.id,
        "part": name,
        "rows": examples.count,
        "of": count,
        "repeats": repeats,
        "seed": seed,
        "loss": base.loss,
        "scores": base.scores,
        "columns": [effects_of[index] for index in order],
        "dependence": [line for column in shown for line in _dependence(saved, some, column)],
        "dependence_rows": some.count,
    }


def _mean(column: ColumnImportance) -> float:
    return column["loss"]["mean"] or 0.0


def _examples(saved: SavedRun, path: Path | None, part: str | None, rows: int) -> tuple[str, RawInputs, int]:
    """The name of what is looked at, some of its examples, and how many it has."""
    if path is not None:
        whole = read_inputs(saved.training, path=path, outputs=saved.targets)
        return path.name, _first(whole, rows), whole.count
    counts = saved.run.facts["data"]["examples"]
    wanted = part or next(name for name in ("test", "validation", "train") if counts.get(name))
    for name, examples in own_examples(saved, (wanted,), rows):
        return name, examples, max(counts.get(name, 0), examples.count)
    raise Problem("E522", f"run `{saved.run.id}` has no {wanted} split", "leave `--part` out")


def _first(examples: RawInputs, most: int) -> RawInputs:
    """At most so many of the examples."""
    import numpy as np

    kept = some_of(np.arange(examples.count), most)
    inputs = {name: values[kept] for name, values in examples.inputs.items()}
    targets = {name: values[kept] for name, values in examples.targets.items()}
    weights = None if examples.weights is None else examples.weights[kept]
    return replace(examples, inputs=inputs, targets=targets, count=len(kept), weights=weights)


def _alone(saved: SavedRun, examples: RawInputs) -> Problem:
    """There is a single column."""
    column = examples.bound[0].columns[0]
    message = f"the model of run `{saved.run.id}` takes the column `{column}` alone: there is nothing to compare"
    return Problem("E526", message, "this compares the columns of a table; `report.html` shows single examples")


# --- permutation importance -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Base:
    """Measures of the model as it is."""

    loss: float
    scores: dict[str, Baseline]


class _Measures:
    """The measures of a model, where each column of each example may be that of another example.

    scikit-learn shuffles the columns of a table. The table that it gets here holds row numbers, so that columns may
    hold anything.
    """

    def __init__(
        self,
        saved: SavedRun,
        examples: RawInputs,
        columns: Sequence[Shuffled],
        calls: int,
        tell: Callable[[str, int, int], object],
    ) -> None:
        self._saved, self._examples, self._columns = saved, examples, columns
        self._calls, self._tell, self._called = calls, tell, 0
        self._compiled = compiled(saved, examples.count, weighed=examples.weights is not None)
        self._size = largest_batch(saved, examples)
        self._answer: Answering = answering(saved.model, saved.outputs, calls * -(-examples.count // self._size))
        self._targets = {output.name: output.target for output in saved.targets}

    @cached_property
    def base(self) -> _Base:
        """Of the examples as they are."""
        self._tell("", 0, self._calls)
        return self._measured(self._examples.inputs)

    def numbers(self) -> Array:
        """The number of each example in each column, shape [examples, columns]."""
        import numpy as np

        return np.repeat(np.arange(self._examples.count, dtype=np.int32)[:, None], len(self._columns), axis=1)

    def fit(self, *_: Any) -> None:
        """Does nothing: scikit-learn asks a model for this method."""

    def __call__(self, _model: Any, places: Array, _targets: Any) -> dict[str, float]:
        """Loss and scores, larger being better, with values from the examples of those numbers."""
        own = self.numbers()[:, 0]
        inputs, moved = self._examples.inputs, ""
        for column, others in zip(self._columns, places.T, strict=True):
            if (others != own).any():
                inputs, moved = column.put(inputs, column.values(self._examples.inputs)[others]), column.name
        if not moved:
            return self._of(self.base)
        self._called += 1
        self._tell(moved, self._called, self._calls)
        return self._of(self._measured(inputs))

    def _measured(self, inputs: Arrays) -> _Base:
        batches = list(with_weights(_batches(inputs, self._examples.targets, self._size), self._examples.weights))
        scores = scores_of(self._saved)
        compare(self._answer, batches, scores)
        loss = _loss(self._compiled, batches)
        measured: dict[str, Baseline] = {}
        for name, score in scores.items():
            measure, value = leading(score.facts())
            measured[self._targets[name]] = {"measure": measure, "value": value}
        return _Base(loss, measured)

    @staticmethod
    def _of(base: _Base) -> dict[str, float]:
        signed = {
            name: (-1 if less_is_better(score["measure"]) else 1) * _number(score["value"])
            for name, score in base.scores.items()
        }
        return {LOSS: -base.loss, **{_score(name): value for name, value in signed.items()}}


def _batches(inputs: Arrays, targets: Arrays, size: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Inputs and targets as tensors, by name; nothing is traced for them, unlike a dataset."""
    import tensorflow as tf

    def part(arrays: Arrays, start: int) -> dict[str, Any]:
        cut = {name: values[start : start + size] for name, values in arrays.items()}
        return {name: tf.constant(v.tolist() if v.dtype == object else v) for name, v in cut.items()}

    for start in range(0, len(next(iter(inputs.values()))), size):
        yield part(inputs, start), part(targets, start)


def _loss(model: Any, batches: Sequence[Batch]) -> float:
    """The mean loss of all batches, as ``model.evaluate`` gives it."""
    import tensorflow as tf

    model.reset_metrics()
    measures: dict[str, Any] = {}
    for inputs, targets, weights in batches:
        own = None
        if weights is not None:
            own = tuple(map(only_or_all, weighed(targets, {}, tf.constant(weights))))
        measures = model.test_on_batch(like_inputs(model, inputs), only_or_all(targets), own, return_dict=True)
    return float(measures[LOSS])


def _score(target: str) -> str:
    """No target may be taken for the loss."""
    return f"of {target}"


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _effects(measures: _Measures, repeats: int, seed: int) -> Mapping[str, Any]:
    """By measure: ``importances`` of shape [columns, repeats], their mean and standard deviation."""
    from sklearn.inspection import permutation_importance

    numbers = measures.numbers()
    by_measure: Mapping[str, Any] = permutation_importance(
        measures, numbers, numbers[:, 0], scoring=measures, n_repeats=repeats, random_state=seed
    )
    return by_measure


def _facts(column: Shuffled, effects: Mapping[str, Any], index: int) -> ColumnImportance:
    scores = {name.removeprefix("of "): _effect(effect, index) for name, effect in effects.items() if name != LOSS}
    inputs = list(dict.fromkeys(name for name, _ in column.places))
    return {"column": column.name, "inputs": inputs, "loss": _effect(effects[LOSS], index), "scores": scores}


def _effect(result: Any, index: int) -> Effect:
    each = result.importances[index]
    return {
        "mean": float(result.importances_mean[index]),
        "std": float(result.importances_std[index]),
        "low": float(each.min()),
        "high": float(each.max()),
        "each": [float(value) for value in each],
    }


# --- partial dependence -----------------------------------------------------------------------------------------------


def _dependence(saved: SavedRun, examples: RawInputs, column: Shuffled) -> Iterator[Dependence]:
    """The mean answers over the values of a column; nothing where its values form no scale and no few words."""
    import numpy as np

    grid = _grid(column, examples) if column.single else []
    if len(grid) < 2:
        return
    size = largest_batch(saved, examples)
    answer = answering(saved.model, saved.outputs, len(grid) * -(-examples.count // size))
    tasks = {name: score.task for name, score in scores_of(saved).items()}
    means: dict[tuple[str, str], list[float | None]] = {}
    for value in grid:
        changed = column.put(examples.inputs, value)
        answered = [answer(inputs)[0] for inputs, _ in _batches(changed, {}, size)]
        for name, task in tasks.items():
            values = np.concatenate([np.asarray(outputs[name]) for outputs in answered])
            for title, mean in _means(task, values):
                means.setdefault((name, title), []).append(mean)
    targets = {output.name: output.target for output in saved.targets}
    for (name, title), line in means.items():
        scale: list[float | str | None] = [value if isinstance(value, str) else float(value) for value in grid]
        yield {"column": column.name, "target": targets[name], "answer": title, "values": scale, "means": line}


def _means(task: Task, answered: Array) -> Iterator[tuple[str, float]]:
    """What an output answers in the mean: each number, the probability of yes, or that of each class."""
    if task.kind == NUMBERS:
        means = numbers(task, answered).reshape(len(answered), -1).mean(axis=0)
        yield from zip(task.names, means.tolist(), strict=True)
    elif task.kind in (CHOICE, YES_NO):
        shares = probabilities(task, answered).mean(axis=0).tolist()
        first = 1 if task.kind == YES_NO else 0
        yield from list(zip(task.names, shares, strict=True))[first : first + _CLASSES]


def _grid(column: Shuffled, examples: RawInputs) -> list[Any]:
    """The most frequent words, all of few numbers, or numbers at equal shares of the examples."""
    import numpy as np

    values = column.values(examples.inputs).reshape(-1)
    if column.text:
        distinct, counts = np.unique(values.astype(str), return_counts=True)
        order = np.argsort(-counts, kind="stable")[:_WORDS]
        frequent = counts[order].sum() >= len(values) / 2  # else they are texts, each of its own
        return [str(distinct[index]) for index in order] if frequent else []
    known = np.unique(values[~np.isnan(values)] if values.dtype.kind == "f" else values)
    if len(known) > _NUMBERS:
        known = np.unique(
            np.quantile(values[values == values], np.linspace(_FROM, _TO, _NUMBERS), method="inverted_cdf")
        )
    return list(known)
