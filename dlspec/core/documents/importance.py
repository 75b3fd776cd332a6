"""``importance.json``: which columns the answers of a run's model depend on, and how."""

from __future__ import annotations

from typing import TypedDict


class Effect(TypedDict):
    """Worsening of a measure while a column is shuffled: statistics over the shuffles, and the value of each.

    Attributes:
        mean: Of all shuffles; below 0 where the measure got better.
        std: Standard deviation over the shuffles.
        low: The least.
        high: The most.
        each: One number for each shuffle.
    """

    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    each: list[float | None]


class Baseline(TypedDict):
    """A measure while no column is shuffled.

    Attributes:
        measure: "accuracy", "mean IoU", "exact", "R²" or "RMSE".
        value: Null where it is not known.
    """

    measure: str
    value: float | None


class ColumnImportance(TypedDict):
    """One column.

    Attributes:
        column: Its name; `name[3]` is a number of a column that holds several for each example.
        inputs: The inputs of the model that it enters; it is shuffled in all of them together.
        loss: By how much the loss rises.
        scores: By target: by how much its measure gets worse.
    """

    column: str
    inputs: list[str]
    loss: Effect
    scores: dict[str, Effect]


class Dependence(TypedDict):
    """The mean answer while all examples have the same value in one column.

    Attributes:
        target: Of which the answer is.
        answer: What is answered: the target, or the class whose probability it is.
        values: Of the column: numbers between their quantiles, or the most frequent words.
        means: The mean answer for each of them.
    """

    column: str
    target: str
    answer: str
    values: list[float | str | None]
    means: list[float | None]


class Importance(TypedDict):
    """Permutation importance and partial dependence of the model of a run.

    Attributes:
        run: Its id.
        part: The split, or the name of other data, that was looked at.
        rows: How many examples of it were.
        of: How many it has.
        repeats: Shuffles of each column.
        seed: Of the shuffles, as scikit-learn's `permutation_importance` takes it.
        loss: While no column is shuffled.
        scores: By target: the measure that the report leads with, while no column is shuffled.
        columns: Sorted by the mean rise of the loss, the largest first.
        dependence: Of the first few columns, by answer.
        dependence_rows: Of how many examples the mean answers are.
    """

    run: str
    part: str
    rows: int
    of: int
    repeats: int
    seed: int
    loss: float | None
    scores: dict[str, Baseline]
    columns: list[ColumnImportance]
    dependence: list[Dependence]
    dependence_rows: int
