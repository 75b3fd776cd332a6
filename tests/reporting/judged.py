"""What numpy and scikit-learn say of the saved models' answers in the random runs of :mod:`cases`.

Figures are computed by what shares nothing with dlspec but names: see :func:`disagreements` and :mod:`formulas`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import formulas as f
import keras
import numpy as np
import sample_runs
import yaml
from cases import PARTS, TOKENS, Case
from formulas import Array
from heads import IGNORED, Head
from prepared import Function, fitted
from sklearn import metrics

from tests.support import as_documented

# Models answer in float32, and `predict` writes seven digits: both are right to 6e-8 and 5e-7 of a figure. What is near
# zero is right to as much of what was subtracted to get there: of a correlation, shares of 1; of the sum of losses,
# some of which may be negative, each of them.
RELATIVE, ABSOLUTE, OF_ONE = 1e-6, 1e-7, 1e-6


@dataclass
class Seen:
    """The answers of the saved model to one part, what of them counts, and as what the loss compares them."""

    given: Array
    true: Array
    mask: Array | None
    prepared: Function

    @property
    def counts(self) -> Array:
        """Which positions count, booleans."""
        return np.ones(self.given.shape[:-1], bool) if self.mask is None else self.mask

    @property
    def kept(self) -> tuple[Array, Array]:
        """Truth and answers where they count: [positions] or [positions, numbers], and [positions, numbers]."""
        return self.true[self.counts], self.given[self.counts]


def expected_loss(head: Head, seen: Seen, batch: int, *, weighted: bool = False) -> float:
    """The mean over the examples of the loss of their batch: by default a mean over the positions that count."""
    total = 0.0
    for start in range(0, len(seen.true), batch):
        rows = slice(start, start + batch)
        values = np.asarray(head.of_loss(seen.prepared(seen.true[rows]), seen.prepared(seen.given[rows])))
        counts = np.ones(values.shape)
        if seen.mask is not None:
            counts = seen.mask[rows].astype(float)
        weights = counts
        if weighted and head.weights:
            truth = seen.true[rows][..., 0] if head.kind == "yes" else seen.true[rows]
            weights = counts * np.vectorize(lambda label: head.weights.get(int(label), 1.0))(truth)
        divisor = {"mean": counts.sum(), "sum": 1.0, "mean_with_sample_weight": weights.sum()}[head.reduction]
        if divisor:  # a batch of which nothing counts has no loss, and its examples count all the same
            total += float((values * weights).sum()) / divisor * len(seen.true[rows])
    return total / len(seen.true)


def guess(head: Head, given: Array) -> Array:
    if head.kind == "choice":
        return given.argmax(axis=-1)
    return (given > head.threshold).astype(int)


def told_apart(seen: Seen) -> bool:
    """Whether all scores differ by more than the last bit: those of the same words in another order do not, and whether
    they are equal depends on the batch, and the area under the curve on that."""
    return bool((np.diff(np.sort(seen.kept[1].reshape(-1))) > 2e-7).all())


def expected_facts(head: Head, seen: Seen, train: Seen) -> dict[str, Any]:
    """What the report says of an output, with the trivial answer of the training split."""
    if head.kind == "labels":
        return _of_labels(seen, train)
    true, given = seen.kept
    if head.kind == "numbers":
        return _of_numbers(head, seen, train)
    answer, usual = guess(head, given).reshape(true.shape), train.kept[0]
    found: dict[str, Any] = {"accuracy": float((answer == true).mean())}
    if head.kind == "tags":
        rows, answer = true.reshape(-1, true.shape[-1]), answer.reshape(-1, true.shape[-1])
        found["baseline.accuracy"] = float((rows == (usual.mean(axis=0) > 0.5)).mean())
        found["f1"] = metrics.f1_score(rows, answer, average=None, zero_division=0).tolist()
        return found
    true, answer = true.reshape(-1), answer.reshape(-1)
    found["baseline.accuracy"] = float((true == np.bincount(usual.reshape(-1).astype(int)).argmax()).mean())
    labels = list(range(max(2, head.units)))
    found["confusion"] = metrics.confusion_matrix(true, answer, labels=labels).tolist()
    present = {"labels": np.unique(true), "average": "macro", "zero_division": 0}
    found["mean_f1"] = metrics.f1_score(true, answer, **present)
    if head.place == "pixels":
        found["mean_iou"] = metrics.jaccard_score(true, answer, **present)
    if head.kind == "yes" and not head.place and told_apart(seen):
        found["auc"] = metrics.roc_auc_score(true, given.reshape(-1))
    if head.place == "steps":
        found |= _of_sequences(head, seen)
    return found


def _of_sequences(head: Head, seen: Seen) -> dict[str, float]:
    """Sequences that are right in every step, and the perplexity."""
    right = guess(head, seen.given).reshape(seen.true.shape) == seen.true
    whole = [bool(row[counts].all()) for row, counts in zip(right, seen.counts, strict=True) if counts.any()]
    found = {"exact": float(np.mean(whole))}
    if head.loss_name.endswith("crossentropy") and "focal" not in head.loss_name:
        assert head.squash is not None
        surprise = f.crossentropy(head.squash) if head.kind == "choice" else f.binary(head.squash)
        found["perplexity"] = math.exp(surprise(*seen.kept).mean())
    return found


def _of_numbers(head: Head, seen: Seen, train: Seen) -> dict[str, Any]:
    """R² has the numbers of the last axis as its columns; the mean of pictures is one of each pixel."""
    true, given = seen.kept
    shown = head.squash(given) if head.squash else given
    if head.place == "pixels":
        off = (seen.true - train.true.mean(axis=0, dtype=np.float64)).reshape(-1)
    else:
        off = (true - train.kept[0].mean(axis=0, dtype=np.float64)).reshape(-1)
    return {
        "rmse": metrics.mean_squared_error(true, shown) ** 0.5,
        "mae": metrics.mean_absolute_error(true, shown),
        "r2": metrics.r2_score(true, shown),
        "baseline.rmse": float((off**2).mean() ** 0.5),
    }


def _of_labels(seen: Seen, train: Seen) -> dict[str, Any]:
    """Exact sequences, and labels that are wrong, missing or too many."""
    true = [row[row > 0].astype(int).tolist() for row in seen.true]
    found = [f.transcript(row, counts) for row, counts in zip(seen.given, seen.counts, strict=True)]
    usual = Counter(tuple(row[row > 0].astype(int).tolist()) for row in train.true).most_common(1)[0][0]
    length = sum(map(len, true))
    return {
        "exact": float(np.mean([one == other for one, other in zip(found, true, strict=True)])),
        "error_rate": sum(f.edits(one, other) for one, other in zip(found, true, strict=True)) / length,
        "baseline.exact": float(np.mean([list(usual) == other for other in true])),
        "baseline.error_rate": sum(f.edits(list(usual), other) for other in true) / length,
    }


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
    seen = {part: _answers(one, saved.model, part) for part in PARTS}
    facts = as_documented("report", (run / "report.json").read_text(encoding="utf-8"))
    again = as_documented("output/evaluate", json.dumps({"run": saved.run.id, **evaluate(saved)}))
    row = _last_row(run)
    for part in PARTS:
        wanted = dict(_wanted(one, seen[part]))
        yield from differences(f"table, {part}", facts["metrics"][part], wanted)
        yield from differences(f"evaluate, {part}", again["metrics"][part], wanted)
        if part == "validation":
            yield from differences("metrics.csv", {name: row[f"val_{name}"] for name in wanted}, wanted)
    if one.still:
        yield from differences("metrics.csv, training", row, dict(_wanted(one, seen["train"], weighted=True)))
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
    for head in one.heads:
        yield from _predicted(head, objects, seen["test"][head.name])


def _predicted(head: Head, objects: list[dict[str, Any]], seen: Seen) -> Iterator[str]:
    given, where = seen.given, f"predict, {head.name}"
    shown = [row[head.name] for row in objects]
    if head.kind == "labels":
        wanted = [f.transcript(row, counts) for row, counts in zip(given, seen.counts, strict=True)]
        yield from (
            () if shown == [list(map(str, row)) for row in wanted] else [f"{where}: {shown[:5]} for {wanted[:5]}"]
        )
        return
    shares = head.squash(given) if head.squash is not None else given
    if head.place or head.kind == "numbers":
        values = shares if head.kind == "numbers" else given
        yield from differences(where, {"numbers": np.array(shown).reshape(-1)}, {"numbers": values.reshape(-1)})
        return
    if head.kind == "yes":
        shares = np.concatenate([1 - shares, shares], axis=-1)
    by_class = np.array([list(row[f"{head.name} probabilities"].values()) for row in objects])
    yield from differences(where, {"probabilities": by_class}, {"probabilities": shares})
    if head.kind == "tags":
        wanted = [[str(n) for n in np.flatnonzero(row)] for row in guess(head, given)]
        yield from () if shown == wanted else [f"{where}: {shown[:5]} for {wanted[:5]}"]
        return
    labels = guess(head, given).reshape(-1)
    wanted = 2 * labels - 1 if head.signed else labels
    yield from differences(where, {"class": np.array(shown, int)}, {"class": wanted})


def _answers(one: Case, model: Any, part: str) -> dict[str, Seen]:
    """What the saved model gives to a part, by output; alone where there is a single one."""
    data = one.data[part]
    given = model(data["x"].astype(np.int32 if one.enters == TOKENS else np.float32), training=False)
    given = given if isinstance(given, dict) else {one.heads[0].name: given}
    found = {}
    for head in one.heads:
        values, true = np.asarray(given[head.name], np.float64), data[head.name].astype(np.float64)
        mask = one.mask(part, head)
        if head.ignored:
            mask = (true != IGNORED) if mask is None else mask & (true != IGNORED)
        if head.kind == "yes":
            true = (true > 0).astype(float)[..., None]
        prepared = fitted(head.prepare, one.data["train"][head.name].astype(np.float64))
        found[head.name] = Seen(values, true, mask, prepared)
    return found


def _wanted(one: Case, seen: dict[str, Seen], *, weighted: bool = False) -> Iterator[tuple[str, float]]:
    """The measures of the table; in training, classes weigh in the loss."""
    losses = {head.name: expected_loss(head, seen[head.name], one.batch, weighted=weighted) for head in one.heads}
    yield "loss", sum(one.loss_weights.get(name, 1.0) * loss for name, loss in losses.items())
    for head in one.heads:
        prefix = f"{head.name}_" if len(one.heads) > 1 else ""
        if prefix:
            yield f"{prefix}loss", losses[head.name]
        for measure in head.measures:
            if not measure.apart or told_apart(seen[head.name]):
                yield f"{prefix}{measure.name}", measure.of(*seen[head.name].kept)


def _last_row(run: Path) -> dict[str, float]:
    header, *rows = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()
    return {name: float(value) for name, value in zip(header.split(","), rows[-1].split(","), strict=True) if value}


def differences(where: str, shown: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    """A line for each figure that is missing or another."""
    added = sum(abs(value) for name, value in wanted.items() if name.endswith("_loss"))
    for name, value in wanted.items():
        near = OF_ONE if "correlation" in name else max(ABSOLUTE, RELATIVE * added) if name == "loss" else ABSOLUTE
        if name not in shown or shown[name] is None:
            yield f"{where}: no {name}, which is {value}"
        elif not np.allclose(shown[name], value, RELATIVE, near):
            yield f"{where}: {name} is {shown[name]}, numpy says {value}"
