"""What numpy and scikit-learn say of the saved models' answers in the random runs of :mod:`cases`.

Figures are computed by what shares nothing with dlspec but names: see :func:`disagreements`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import sample_runs
import yaml
from cases import PARTS, Array, Case, Head
from sklearn import metrics

from tests.support import as_documented

# Models answer in float32, and `predict` writes seven digits: both are right to 6e-8 and 5e-7 of a figure. What is near
# zero is right to as much of what was subtracted to get there.
RELATIVE, ABSOLUTE = 1e-6, 1e-7


@dataclass
class Seen:
    """The answers of the saved model to one part, and what of them counts."""

    given: Array
    true: Array
    mask: Array | None

    @property
    def kept(self) -> tuple[Array, Array]:
        """Truth and answers where they count: [positions] or [positions, numbers], and [positions, numbers]."""
        kept = np.ones(self.given.shape[:-1], bool) if self.mask is None else self.mask
        return self.true[kept], self.given[kept]


def expected_loss(head: Head, seen: Seen, batch: int) -> float:
    """The mean over the examples of the loss of their batch, which is a mean over the steps that count."""
    values, total = head.of_loss(seen.true, seen.given), 0.0
    for start in range(0, len(values), batch):
        rows = slice(start, start + batch)
        some = values[rows] if seen.mask is None else values[rows][seen.mask[rows]]
        total += float(some.mean()) * len(values[rows])
    return total / len(values)


def guess(head: Head, given: Array) -> Array:
    if head.kind == "choice":
        return given.argmax(axis=-1)
    return (given > head.threshold).astype(int)


def told_apart(seen: Seen) -> bool:
    """Whether all scores differ by more than the last bit: those of the same words in another order do not, and whether
    they are equal depends on the batch, and the area under the curve on that."""
    return bool((np.diff(np.sort(seen.kept[1].reshape(-1))) > 1e-6).all())


def expected_metric(head: Head, name: str, seen: Seen) -> float:
    """A metric of the table, over all positions that count."""
    true, given = seen.kept
    if name in ("accuracy", "binary_accuracy"):
        return float(np.mean(guess(head, given).reshape(true.shape) == true))
    if name == "auc":
        return float(metrics.roc_auc_score(true.reshape(-1), given.reshape(-1)))
    if name in ("precision", "recall"):
        rate = {"precision": metrics.precision_score, "recall": metrics.recall_score}[name]
        return float(rate(true.reshape(-1), guess(head, given).reshape(-1), zero_division=0))
    if name == "r2_score":
        return float(metrics.r2_score(true, given))
    errors = {"mae": metrics.mean_absolute_error, "mse": metrics.mean_squared_error}
    if name == "root_mean_squared_error":
        return float(metrics.mean_squared_error(true, given) ** 0.5)
    return float(errors[name](true, given))


def expected_facts(head: Head, seen: Seen, train: Seen) -> dict[str, Any]:
    """What the report says of an output, with the trivial answer of the training split."""
    true, given = seen.kept
    if head.kind == "numbers":
        shown = head.squash(given) if head.squash else given
        mean = train.kept[0].mean(axis=0, dtype=np.float64)
        return {
            "rmse": metrics.mean_squared_error(true, shown) ** 0.5,
            "mae": metrics.mean_absolute_error(true, shown),
            "r2": metrics.r2_score(true, shown),
            "baseline.rmse": float(((true - mean) ** 2).mean() ** 0.5),
        }
    answer, usual = guess(head, given).reshape(true.shape), train.kept[0]
    found = {"accuracy": float((answer == true).mean())}
    if head.kind == "tags":
        found["baseline.accuracy"] = float((true == (usual.mean(axis=0) > 0.5)).mean())
        found["f1"] = metrics.f1_score(true, answer, average=None, zero_division=0).tolist()
        return found
    true, answer = true.reshape(-1), answer.reshape(-1)
    found["baseline.accuracy"] = float((true == np.bincount(usual.reshape(-1).astype(int)).argmax()).mean())
    labels = list(range(max(2, head.units)))
    found["confusion"] = metrics.confusion_matrix(true, answer, labels=labels).tolist()
    found["mean_f1"] = metrics.f1_score(true, answer, average="macro", labels=np.unique(true), zero_division=0)
    if head.kind == "yes" and not head.steps and told_apart(seen):
        found["auc"] = metrics.roc_auc_score(true, given.reshape(-1))
    if head.steps:
        whole = [_whole(guess(head, row).reshape(right.shape) == right, mask) for row, right, mask in _rows(seen)]
        found["exact"] = float(np.mean(whole))
        if "crossentropy" in str(head.loss):
            found["perplexity"] = math.exp(head.of_loss(*seen.kept).mean())
    return found


def _rows(seen: Seen) -> Iterator[tuple[Array, Array, Array]]:
    mask = np.ones(seen.given.shape[:2], bool) if seen.mask is None else seen.mask
    return zip(seen.given, seen.true, mask, strict=True)


def _whole(right: Array, mask: Array) -> bool:
    return bool(right[mask].all())


def flat(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of an output by the names of :func:`expected_facts`."""
    found = {**facts, **{f"baseline.{key}": value for key, value in facts["baseline"].items()}}
    if "classes" in facts:
        found["f1"] = [one["f1"] or 0.0 for one in facts["classes"]]
    return found


def disagreements(one: Case, folder: Path) -> list[str]:
    """Trains the case, and compares every figure it shows; [] where all agree."""
    for part, arrays in one.data.items():
        np.savez(folder / f"{part}.npz", **arrays)
    report = sample_runs.train(folder, yaml.safe_dump(one.spec, sort_keys=False))
    found = [f"seed {one.seed}: {line}" for line in _compared(one, report.folder, folder)]
    keras.backend.clear_session()  # hundreds of cases in one process shall not fill the memory
    return found


def _compared(one: Case, run: Path, folder: Path) -> Iterator[str]:
    from dlspec.training.evaluate import evaluate
    from dlspec.training.predict import predict
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import Run

    saved = open_run(Run(run), allow_outside=True)
    seen = {part: _answers(one, saved.model, one.data[part]) for part in PARTS}
    facts = as_documented("report", (run / "report.json").read_text(encoding="utf-8"))
    again = as_documented("output/evaluate", json.dumps({"run": saved.run.id, **evaluate(saved)}))
    row = _last_row(run)
    for part in PARTS:
        wanted = dict(_wanted(one, seen[part]))
        yield from differences(f"table, {part}", facts["metrics"][part], wanted)
        yield from differences(f"evaluate, {part}", again["metrics"][part], wanted)
        if part == "validation":
            yield from differences("metrics.csv", {name: row[f"val_{name}"] for name in wanted}, wanted)
    if "outputs" not in facts["results"]:
        yield f"the report: {facts['results']}"
        return
    for head in one.heads:
        for part in PARTS:
            figures = expected_facts(head, seen[part][head.name], seen["train"][head.name])
            yield from differences(f"evaluate, {part}, {head.name}", flat(again["outputs"][part][head.name]), figures)
            if part == "test":
                shown = flat(facts["results"]["outputs"][head.name])
                yield from differences(f"report, {head.name}", shown, figures)
    objects = [row for piece in predict(saved, folder / "test.npz") for row in piece.objects()]
    yield from _predicted(one, objects, seen["test"])


def _predicted(one: Case, objects: list[dict[str, Any]], seen: dict[str, Seen]) -> Iterator[str]:
    for head in one.heads:
        given = seen[head.name].given
        if head.kind in ("choice", "yes") and not head.steps:
            wanted = guess(head, given).reshape(-1).tolist()
            yield from differences(f"predict, {head.name}", {"class": [int(row[head.name]) for row in objects]},
                                   {"class": wanted})  # fmt: skip
        if head.kind == "yes" and not head.steps and head.squash is not None:
            shares = [row[f"{head.name} probabilities"]["1"] for row in objects]
            wanted = head.squash(given).reshape(-1).tolist()
            yield from differences(f"predict, {head.name}", {"probability": shares}, {"probability": wanted})
        if head.kind == "numbers":
            shown = head.squash(given) if head.squash else given
            values = np.array([row[head.name] for row in objects]).reshape(-1).tolist()
            yield from differences(
                f"predict, {head.name}", {"numbers": values}, {"numbers": shown.reshape(-1).tolist()}
            )


def _answers(one: Case, model: Any, data: dict[str, Array]) -> dict[str, Seen]:
    """What the saved model gives to a part, by output; alone where there is a single one."""
    given = model(data["x"].astype(np.int32 if one.tokens else np.float32), training=False)
    given = given if isinstance(given, dict) else {one.heads[0].name: given}
    found = {}
    for head in one.heads:
        values, true = np.asarray(given[head.name], np.float64), data[head.name].astype(np.float64)
        if head.kind == "yes":
            true = true[..., None]
        mask = data["x"] > 0 if head.steps and one.masked else None
        found[head.name] = Seen(values, true, mask)
    return found


def _wanted(one: Case, seen: dict[str, Seen]) -> Iterator[tuple[str, float]]:
    """The measures of the table."""
    losses = {head.name: expected_loss(head, seen[head.name], one.batch) for head in one.heads}
    yield "loss", sum(one.loss_weights.get(name, 1.0) * loss for name, loss in losses.items())
    for head in one.heads:
        prefix = f"{head.name}_" if len(one.heads) > 1 else ""
        if prefix:
            yield f"{prefix}loss", losses[head.name]
        for name in head.metrics:
            if name != "auc" or told_apart(seen[head.name]):
                yield f"{prefix}{name}", expected_metric(head, name, seen[head.name])


def _last_row(run: Path) -> dict[str, float]:
    header, *rows = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()
    return {name: float(value) for name, value in zip(header.split(","), rows[-1].split(","), strict=True) if value}


def differences(where: str, shown: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    """A line for each figure that is missing or another."""
    for name, value in wanted.items():
        if name not in shown or shown[name] is None:
            yield f"{where}: no {name}, which is {value}"
        elif not np.allclose(shown[name], value, rtol=RELATIVE, atol=ABSOLUTE):
            yield f"{where}: {name} is {shown[name]}, numpy says {value}"
