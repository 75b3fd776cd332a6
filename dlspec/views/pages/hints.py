"""Hints for a better model from the figures of a run: few sentences, each with its ground.

A hint names a cause only where the figures leave no other; where they do not, it is not given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from dlspec.components import registry
from dlspec.components.training.metrics import Metric
from dlspec.data.binding.tasks import YES_NO
from dlspec.views.pages.shares import interval
from dlspec.views.pages.verdict import GOOD, POOR, figure, percent

Facts = Mapping[str, Any]
Rows = Sequence[Mapping[str, float]]

_GAP = 0.1
# Epochs that make a trend; less of a rise or fall than these shares is chance.
_TREND, _RISE, _FALL = 3, 1.1, 0.99
# Steps of training below which a poor model may just not have begun to learn.
_FEW_STEPS = 100
# Epochs from which on a loss that leaps is seen; a leap is a rise by this share to a good part of the first loss, and
# so many of them are no chance.
_LONG, _LEAP, _SEEN, _LEAPS = 6, 1.5, 0.2, 2
# A class of so few examples is rare, and found where so many are; an area under ROC that says more than chance.
_RARE, _FOUND, _TELLS = 0.1, 0.5, 0.65
# Errors so far beyond those of nine in ten make up most of the squares.
_FAR = 2
# A linear model's error is clearly less below this share of the model's.
_BETTER = 0.95
# More numbers than these are pixels and the like, of which each by itself says nothing.
_FEW_NUMBERS = 10


def hints(facts: Facts, history: Rows) -> list[str]:
    """All that apply, the most important first."""
    lines = [*_shared(facts.get("data", {})), *_course(facts, history), *_leaps(facts, history)]
    lines += _gap(facts.get("metrics", {}), facts.get("data", {}).get("examples", {}))
    results = facts.get("results", {})
    if "error" in results:
        lines.append(f"What the model answers could not be examined: {results['error']}")
    outputs, grades = results.get("outputs", {}), _grades(results)
    if POOR in grades.values():
        lines += _untrained(facts, history)
    weighted = facts.get("data", {}).get("class_weights") or {}
    for name, output in outputs.items():
        of = f" of `{name}`" if len(outputs) > 1 else ""
        lines += _linear(output, of)
        if "numbers" in output:
            lines += [*_numbers(output, of), *_outliers(output, of)]
            continue
        rare = _rare(output, of, weighted=name in weighted)
        lines += [rare] if rare else []
        if "classes" in output and grades.get(name, GOOD) != POOR:
            learnt = grades.get(name, GOOD) == GOOD and not rare
            lines += _classes(output, of, learnt=learnt, weighted=name in weighted)
    return lines


def _grades(results: Facts) -> dict[str, str]:
    return {verdict["output"]: verdict["grade"] for verdict in results.get("verdicts", ())}


def _shared(data: Facts) -> Iterator[str]:
    """Whether splits hold the same examples, which makes measures too good."""
    for shared in data.get("equal_examples", ()):
        first, second = shared["parts"]
        (example, other), *_ = shared["rows"]
        yield f"{shared['examples']:,} examples of {first} also stand in {second}: {example} and {other}, for example."


def _course(facts: Facts, history: Rows) -> Iterator[str]:
    """Whether training stopped too early, or went on too long."""
    best = (facts.get("best") or {}).get("epoch")
    if best is None or len(history) < _TREND:
        return
    if best == len(history) and not _perfect(facts) and (run := _ran_out(facts, history)):
        yield f"The last epoch ({best}) was the best one, and {run} was still getting better: more `epochs` may help."
    last, kept = history[-_TREND:], history[best - 1]
    if len(history) - best < _TREND or not kept.get("val_loss") or kept["val_loss"] < 0:
        return
    rose = all(row.get("val_loss", 0.0) > _RISE * kept["val_loss"] for row in last)
    if rose and all(row["loss"] < _FALL * kept["loss"] for row in last):
        yield (
            f"After epoch {best} the loss went on falling in training ({figure(kept['loss'])} to "
            f"{figure(last[-1]['loss'])}) and rose in validation ({figure(kept['val_loss'])} to "
            f"{figure(last[-1]['val_loss'])}): the model began to learn by heart. More data, `dropout` or a smaller "
            "model help."
        )


def _leaps(facts: Facts, history: Rows) -> Iterator[str]:
    """Whether the loss of training rises by far again and again, where no schedule changes the learning rate."""
    losses = [row.get("loss", math.nan) for row in history]
    if len(losses) < _LONG or min(losses) <= 0 or (facts.get("planned") or {}).get("scheduled"):
        return
    far = [n for n in range(2, len(losses)) if losses[n] > _LEAP * losses[n - 1] and losses[n] > _SEEN * losses[0]]
    if len(far) < _LEAPS:
        return
    first = far[0]
    yield (
        f"The loss leaps in training, {len(far)} times, first from {figure(losses[first - 1])} to "
        f"{figure(losses[first])} in epoch {first + 1}: a smaller `learning_rate` may help."
    )


def _perfect(facts: Facts) -> bool:
    """Whether every answer is right already."""
    outputs = facts.get("results", {}).get("outputs", {}).values()
    return bool(outputs) and all(1.0 in (output.get("exact"), output.get("accuracy")) for output in outputs)


def _ran_out(facts: Facts, history: Rows) -> str:
    """The measure that compares epochs with its last values, if it went on getting better when the epochs were over.

    A callback that ended training had its reason, and a schedule of the learning rate had come to its end.
    """
    planned = facts.get("planned") or {}
    if facts.get("status") != "finished" or planned.get("epochs") != len(history) or planned.get("scheduled"):
        return ""
    (name, _), *_ = ((name, value) for name, value in facts["best"].items() if name != "epoch")
    values = [float(row.get(name, math.nan)) for row in history[-_TREND:]]
    steps = [after - before for before, after in pairwise(values)]
    steady = all(step < 0 for step in steps) or all(step > 0 for step in steps)
    if not steady or abs(values[-1] - values[0]) <= (1 - _FALL) * abs(values[0]):
        return ""
    return f"{name} ({', '.join(map(figure, values))})"


def _untrained(facts: Facts, history: Rows) -> Iterator[str]:
    """Why a model that is no better than the trivial answer may not have learnt, where training itself shows it."""
    losses = [row["loss"] for row in history if "loss" in row]
    steps = (facts.get("planned") or {}).get("steps_per_epoch")
    if len(losses) < _TREND:
        return
    if losses[-1] >= losses[0]:
        yield (
            f"The loss did not fall in training ({figure(losses[0])} in the first epoch, {figure(losses[-1])} in the "
            "last): a smaller `learning_rate` may help."
        )
    elif steps and steps * len(history) < _FEW_STEPS and losses[-1] < _FALL * losses[-2]:
        each = "one" if steps == 1 else f"{steps}"
        yield (
            f"Training took {steps * len(history)} steps only, {each} in each epoch, and the loss was still falling: "
            "a smaller `batch_size` or more `epochs` may help."
        )


def _gap(metrics: Facts, examples: Facts) -> Iterator[str]:
    """Whether the model does much better on what it has seen, and more so than chance explains."""
    part = "test" if metrics.get("test") else "validation"
    train, test = metrics.get("train", {}), metrics.get(part) or {}
    for name in train:
        if not _shares_right(name) or None in (train[name], test.get(name)) or train[name] - test[name] <= _GAP:
            continue
        limits = interval(min(max(test[name], 0.0), 1.0), examples.get(part, 0))
        if limits is not None and train[name] > limits[1]:
            yield (
                f"{name} is {percent(train[name])} on what the model has seen, {percent(test[name])} on what it has "
                "not: it does not carry over. More data, augmentation or `dropout` help."
            )
            return


def _shares_right(measure: str) -> bool:
    """Whether a measure, after the name of its output where there are several, is the share of right answers."""
    parts = measure.split("_")
    owners = (registry.find("metric", "_".join(parts[start:])) for start in range(len(parts)))
    metric = next((owner for owner in owners if owner is not None), None)
    return metric is not None and issubclass(metric, Metric) and metric.share_right


def _linear(output: Facts, of: str) -> Iterator[str]:
    """Whether a linear model does better, and more so than chance explains."""
    linear = output.get("linear") or {}
    limits, answers = output.get("interval"), f"The model{of} does worse than a linear model of the same inputs"
    remedy = "other layers, another `learning_rate` or more `epochs` may help."
    if limits and linear and linear["accuracy"] > limits[1]:
        yield f"{answers} ({percent(output['accuracy'])} right against {percent(linear['accuracy'])}): {remedy}"
    elif "rmse" in linear and linear["rmse"] < _BETTER * output["rmse"]:
        yield f"{answers} (off by {figure(output['rmse'])} against {figure(linear['rmse'])}): {remedy}"


def _classes(output: Facts, of: str, *, learnt: bool, weighted: bool) -> Iterator[str]:
    """Classes that are never answered, and what is confused most often."""
    known = [row for row in output["classes"] if row["examples"]]
    half = sum(row["examples"] for row in known) / max(len(known), 1) / 2
    never = [row for row in known if not row["predicted"]]
    if never and learnt:
        shown = ", ".join(f"“{row['name']}”" for row in never[:5]) + (" …" if len(never) > 5 else "")
        rare = all(row["examples"] < half for row in never)
        remedy = "more such examples help" if weighted else "class weights or more such examples help"
        why = f", which {'is' if len(never) == 1 else 'are'} rare: {remedy}" if rare else ""
        yield f"The model never answers {shown}{of}{why}."
    pair = _confused(output.get("confusion"), output["classes"])
    if pair is not None:
        yield pair + of + "."


def _rare(output: Facts, of: str, *, weighted: bool) -> str:
    """A yes (or no) of which accuracy says little, with what the scores say of it; "" where it is found or frequent."""
    if output.get("kind") != YES_NO or output.get("auc") is None:
        return ""
    row, total = min(output["classes"], key=lambda row: row["examples"]), sum(c["examples"] for c in output["classes"])
    if row["examples"] > _RARE * total or (row["recall"] or 0.0) >= _FOUND:
        return ""
    area = f"area under ROC {output['auc']:.2f}, where chance has 0.5"
    scores = f"its scores hardly tell them from the others ({area})"
    if output["auc"] >= _TELLS:
        remedy = "" if weighted else ": `class_weights: balanced` makes it answer so more often, also where it is wrong"
        scores = f"its scores tell more than its answers ({area}){remedy}"
    return (
        f"“{row['name']}”{of} is rare ({percent(row['examples'] / total)} of examples), and accuracy says little of "
        f"it: the model finds {percent(row['recall'])} of them, and {scores}."
    )


def _confused(matrix: Any, classes: Sequence[Facts]) -> str | None:
    """The most frequent mistake, if it makes up a good part of all."""
    if not matrix or len(matrix) < 3:
        return None
    wrong = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n]
    total = sum(n for n, _, _ in wrong)
    worst, true, guess = max(wrong, default=(0, 0, 0))
    if worst < 2 or worst < 0.15 * total:
        return None
    pair = f"“{classes[true]['name']}” is taken for “{classes[guess]['name']}”"
    return f"The most frequent mistake: {pair} ({worst:,} of {total:,} mistakes)"


def _outliers(output: Facts, of: str) -> Iterator[str]:
    """A few predictions so far off that they make up most of the squared error."""
    for row in output["numbers"] if len(output["numbers"]) <= _FEW_NUMBERS else ():
        off = row.get("residuals")
        usual = max(abs(off["5%"]), abs(off["95%"])) if off else 0.0
        if off and row["rmse"] > _FAR * usual:
            yield (
                f"Nine of ten predictions{of} are off by at most {figure(usual)}, the others by up to "
                f"{figure(max(abs(off['min']), abs(off['max'])))} ({row['name']}): these few make up most of the RMSE. "
                "Are they right in the data? `huber` and `mae` as loss count them less."
            )


def _numbers(output: Facts, of: str) -> Iterator[str]:
    """Predictions that are off to one side, by more than chance explains."""
    for row in output["numbers"] if len(output["numbers"]) <= _FEW_NUMBERS else ():
        bias, error = row["bias"], row["rmse"]
        chance = (max(error**2 - bias**2, 0.0) / max(output["examples"], 1)) ** 0.5
        if error and abs(bias) > max(0.3 * error, 2 * chance):
            side = "high" if bias > 0 else "low"
            yield f"Predictions{of} are too {side} by {figure(abs(bias))} on average ({row['name']})."
