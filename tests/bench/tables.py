"""Specs that `dlspec init` writes, unedited, against gradient boosting and a linear model: ``make bench-tables``.

``python -m tests.bench.tables FOLDER [TABLE …]`` takes the tables that ``make tables`` has put into FOLDER. All three
see the same columns and the same rows. The spec divides the rows as it says; scikit-learn's models are fitted on its
training and validation rows together, since they need no validation split, and all are measured on its test rows. The
score of a table is the mean over three seeds, each with a split of its own (by time there is only one).
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dlspec.cli.main import run
from dlspec.data.binding.binding import bind
from dlspec.data.binding.findings import Findings
from dlspec.data.order.splits import choose
from dlspec.data.sources.base import Arrays
from dlspec.drafting.draft import Draft
from dlspec.drafting.roles import Role
from dlspec.drafting.sample import take_sample
from dlspec.drafting.writing import text_of
from dlspec.passes import compile_spec
from dlspec.passes.state import Lowered

# Chosen before anything was measured: what is to be predicted, by table.
TABLES = {
    "penguins": "species",
    "housing": "price",
    "hitters": "Salary",
    "wage": "wage",
    "tips": "tip",
    "diamonds": "price",
    "bikeshare": "bikers",
    "default": "default",
    "hdma": "deny",
    "credit": "Balance",
    "caschool": "testscr",
    "auto": "mpg",
}
# Of larger tables, every n-th row is taken, so that about as many are left.
_ROWS = 6000
_SEEDS = (1, 2, 3)
# Within this share of the better of the two others counts as near.
_NEAR = 0.03
_NEAR_NEEDED, _BETTER_NEEDED = 9, 4


class Task(NamedTuple):
    """A table with the spec for it.

    Attributes:
        target: The column to predict.
        numbers: Columns of numbers that enter the model.
        words: Columns of words that do.
        classes: The classes as the answers call them, in the order of the spec; () for a number.
    """

    name: str
    folder: Path
    target: str
    numbers: list[str]
    words: list[str]
    classes: tuple[str, ...]

    @property
    def measure(self) -> str:
        """How answers are judged: the root of the mean squared error, the area under the ROC curve, or the accuracy."""
        return "accuracy" if len(self.classes) > 2 else "AUC" if self.classes else "RMSE"


class Division(NamedTuple):
    """The columns of the rows to learn from, and of those to measure by."""

    fit: Arrays
    test: Arrays


def prepare(name: str, tables: Path, folder: Path) -> Task:
    """Puts the table and the spec that `dlspec init` writes for it into `folder`."""
    target = TABLES[name]
    lines = (tables / f"{name}.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    every = max(1, len(lines) // _ROWS)
    (folder / f"{name}.csv").write_text("".join([lines[0], *lines[1::every]]), encoding="utf-8")
    draft = Draft(name, take_sample(f"{name}.csv", folder), [target])
    (folder / f"{name}.yaml").write_text(text_of(draft, schema="", command="dlspec init"), encoding="utf-8")
    assert not draft.of(Role.DATE) + draft.of(Role.TEXT), "scikit-learn takes no dates and texts as they are"
    numbers, words = ([one.name for one in draft.of(role)] for role in (Role.NUMBER, Role.WORD))
    return Task(name, folder, target, numbers, words, tuple(map(str, draft.targets[0].classes)))


def divide(task: Task, settings: Sequence[str]) -> Division:
    """The rows of the spec's splits, read as the spec reads them."""
    state = compile_spec(task.folder / f"{task.name}.yaml", tuple(settings))
    assert isinstance(state, Lowered) and state.data_section is not None
    binding = bind(state.data_section, task.folder, None, None, Findings())
    assert binding is not None
    parts = choose(state.data_section, binding.table, binding.count, binding.dropped())
    arrays = binding.table.read([*task.numbers, *task.words, task.target])
    rows = np.concatenate([parts.train, parts.validation])
    return Division(
        {name: values[rows] for name, values in arrays.items()},
        {name: values[parts.test] for name, values in arrays.items()},
    )


def score(task: Task, truth: Any, answers: Any) -> float:
    """How good answers are: numbers, or a probability for each class."""
    from sklearn.metrics import accuracy_score, roc_auc_score

    if not task.classes:
        return math.sqrt(np.mean((truth - answers) ** 2))
    if len(task.classes) == 2:
        return float(roc_auc_score(truth == 1, answers[:, 1]))
    return float(accuracy_score(truth, answers.argmax(axis=1)))


def truth_of(task: Task, arrays: Arrays) -> Any:
    """Numbers, or places among the classes."""
    values = arrays[task.target]
    if not task.classes:
        return values
    return np.array([task.classes.index(f"{one:g}" if isinstance(one, float) else str(one)) for one in values.tolist()])


def of_spec(task: Task, division: Division, settings: Sequence[str]) -> float:
    """The score of the spec: trained and asked by the commands that people use."""
    folder, new, answers = task.folder, task.folder / "new.csv", task.folder / "answers.json"
    options = [word for setting in settings for word in ("--set", setting)]
    _quietly(["train", str(folder / f"{task.name}.yaml"), "--quiet", "--new", "--runs", str(folder), *options])
    columns = {name: division.test[name].tolist() for name in (*task.numbers, *task.words)}
    with new.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(
            [["" if value != value else value for value in row] for row in zip(*columns.values(), strict=True)]
        )
    _quietly(["predict", task.name, str(new), "--runs", str(folder), "-o", str(answers)])
    rows = json.loads(answers.read_text(encoding="utf-8"))
    named = [key for key in rows[0] if key != "example"]
    if task.classes:
        found = np.array([[row[named[1]][one] for one in task.classes] for row in rows])
    else:
        found = np.array([row[named[0]] for row in rows])
    return score(task, truth_of(task, division.test), found)


def _quietly(command: list[str]) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        done = run(command)
    assert done == 0, said.getvalue()


def of_others(task: Task, division: Division, seed: int) -> Iterator[float]:
    """The scores of gradient boosting and of a linear model."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    count = len(task.numbers)
    numbers, words = list(range(count)), list(range(count, count + len(task.words)))
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    trees = _by_kind((codes, words), ("passthrough", numbers))
    categories = list(range(len(task.words)))
    filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    rows = _by_kind((filled, numbers), (OneHotEncoder(handle_unknown="ignore"), words))
    if task.classes:
        boosting: Any = HistGradientBoostingClassifier(categorical_features=categories, random_state=seed)
        linear: Any = LogisticRegressionCV(max_iter=5000, scoring="neg_log_loss")
    else:
        boosting = HistGradientBoostingRegressor(categorical_features=categories, random_state=seed)
        linear = RidgeCV(np.logspace(-3, 4, 15))
    truth = truth_of(task, division.fit)
    for model in (make_pipeline(trees, boosting), make_pipeline(rows, linear)):
        model.fit(_matrix(task, division.fit), truth)
        new = _matrix(task, division.test)
        answers = model.predict_proba(new) if task.classes else model.predict(new)
        yield score(task, truth_of(task, division.test), answers)


def _by_kind(*parts: tuple[Any, list[int]]) -> Any:
    """Columns by what becomes of them; a kind that the table lacks is left out."""
    from sklearn.compose import make_column_transformer

    return make_column_transformer(*[part for part in parts if part[1]], sparse_threshold=0)


def _matrix(task: Task, arrays: Arrays) -> Any:
    columns = [arrays[name].astype(float) for name in task.numbers]
    return np.array([*columns, *(arrays[name].astype(str) for name in task.words)], object).T


def compared(name: str, tables: Path) -> float:
    """Prints the mean scores for one table; the spec's against the better of the others, above 1 where it is worse."""
    with tempfile.TemporaryDirectory() as scratch:
        task = prepare(name, tables, Path(scratch))
        scores = []
        for seed in _SEEDS:
            settings = [f"data.split.seed={seed}", f"train.seed={seed}"]
            division = divide(task, settings)
            scores.append([of_spec(task, division, settings), *of_others(task, division, seed)])
    ours, boosting, linear = np.mean(scores, axis=0).tolist()
    ratio = ours / min(boosting, linear) if task.measure == "RMSE" else max(boosting, linear) / ours
    print(f"{name:10} {task.measure:8} {ours:10.4g} {boosting:10.4g} {linear:10.4g} {ratio:6.3f}", flush=True)
    return float(ratio)


def main(tables: Path, names: Sequence[str]) -> int:
    """A line for each table; 1 where the specs are near the better of the others, or better, on too few."""
    print(f"{'table':10} {'measure':8} {'spec':>10} {'boosting':>10} {'linear':>10} {'ratio':>6}")
    ratios = [compared(name, tables) for name in names or TABLES]
    near, better = sum(ratio <= 1 + _NEAR for ratio in ratios), sum(ratio < 1 for ratio in ratios)
    print(f"within {_NEAR:.0%} of the better one on {near} of {len(ratios)}, better than both on {better}")
    return int(not names and (near < _NEAR_NEEDED or better < _BETTER_NEEDED))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2:]))
