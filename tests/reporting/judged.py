"""Random small runs, and what numpy and scikit-learn say of their saved models' answers.

The generator draws outputs, losses, activations, masks, class weights, weights of losses and unequal batches. All
figures of a run are held against a computation that shares nothing with dlspec but names: see :func:`disagreements`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import sample_runs
import yaml
from sklearn import metrics

Array = np.ndarray[Any, Any]
STEPS, LEAST = 6, 1e-7
PARTS = ("train", "validation", "test")


@dataclass
class Head:
    """One output: how it is made, and how it is read.

    Attributes:
        kind: ``choice``, ``yes``, ``tags``, ``numbers``; of each example, or of each step.
        squash: From what the model gives to shares; None for numbers.
        threshold: Above which the model's number means yes.
    """

    name: str
    kind: str
    layer: dict[str, Any]
    loss: Any
    metrics: list[Any]
    of_loss: Callable[[Array, Array], Array]
    steps: bool = False
    threshold: float = 0.5
    squash: Callable[[Array], Array] | None = None
    weights: dict[int, float] | None = None

    @property
    def units(self) -> int:
        return int(self.layer["units"])


def softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def same(values: Array) -> Array:
    return values


def margin(values: Array) -> Array:
    return np.clip((values + 1) / 2, 0, 1)


def crossentropy(squash: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """Minus the logarithm of what the right class is given; targets are class numbers."""

    def loss(true: Array, given: Array) -> Array:
        share = squash(given) / squash(given).sum(axis=-1, keepdims=True)
        right = np.take_along_axis(share, true[..., None].astype(int), axis=-1)[..., 0]
        return -np.log(np.clip(right, LEAST, 1 - LEAST if squash is same else 1))

    return loss


def binary(squash: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    def loss(true: Array, given: Array) -> Array:
        share = np.clip(squash(given), LEAST, 1 - LEAST)
        return -(true * np.log(share) + (1 - true) * np.log(1 - share)).mean(axis=-1)

    return loss


def hinge(power: int) -> Callable[[Array, Array], Array]:
    return lambda true, given: (np.maximum(1 - (2 * true - 1) * given, 0) ** power).mean(axis=-1)


def categorical_hinge(true: Array, given: Array) -> Array:
    hot = np.eye(given.shape[-1])[true.astype(int)]
    return np.maximum(((1 - hot) * given).max(axis=-1) - (hot * given).sum(axis=-1) + 1, 0)


def squares(true: Array, given: Array) -> Array:
    return ((true - given) ** 2).mean(axis=-1)


def absolute(true: Array, given: Array) -> Array:
    return np.abs(true - given).mean(axis=-1)


def huber(true: Array, given: Array) -> Array:
    off = np.abs(true - given)
    return np.where(off <= 1, off**2 / 2, off - 0.5).mean(axis=-1)


def heads(chance: np.random.Generator, steps: bool) -> Iterator[Callable[[str], Head]]:
    """Every kind of output, with a random one of its losses."""
    several, extra = int(chance.integers(2, 5)), ["accuracy"]
    rank = [] if steps else ["auc"]
    rates = [*extra, *rank] if steps else [*extra, *rank, "precision", "recall"]

    def one(kind: str, units: int, activation: str, *rest: Any, **more: Any) -> Callable[[str], Head]:
        layer = {"units": units, "activation": activation}
        return lambda name: Head(name, kind, layer, *rest, steps=steps, **more)

    logits = {"from_logits": True}
    choices = [
        one("choice", several, "softmax", "sparse_categorical_crossentropy", extra, crossentropy(same), squash=same),
        one("choice", several, "linear", {"sparse_categorical_crossentropy": logits}, extra,
            crossentropy(softmax), squash=softmax),
    ]  # fmt: skip
    if not steps:
        choices += [
            one("choice", several, "softmax", "categorical_crossentropy", extra, crossentropy(same), squash=same),
            one("choice", several, "linear", "categorical_hinge", extra, categorical_hinge, squash=same),
        ]
    yield choices[chance.integers(len(choices))]
    answers = [
        one("yes", 1, "sigmoid", "binary_crossentropy", rates, binary(same), squash=same),
        one("yes", 1, "linear", {"binary_crossentropy": logits}, rates, binary(sigmoid), squash=sigmoid, threshold=0.0),
        one("yes", 1, "tanh", "hinge", rates, hinge(1), squash=margin, threshold=0.0),
        one("yes", 1, "linear", "squared_hinge", rates, hinge(2), squash=margin, threshold=0.0),
    ]
    yield answers[chance.integers(len(answers))]
    tags = [
        one("tags", 3, "sigmoid", "binary_crossentropy", ["binary_accuracy"], binary(same), squash=same),
        one("tags", 3, "linear", {"binary_crossentropy": logits}, ["binary_accuracy"], binary(sigmoid), squash=sigmoid,
            threshold=0.0),
    ]  # fmt: skip
    yield tags[chance.integers(len(tags))]
    units = int(chance.integers(1, 4))
    losses = {"mse": squares, "mae": absolute, "huber": huber}
    loss = list(losses)[chance.integers(3)]
    measures = ["mae", "root_mean_squared_error"] if steps else ["mae", "mse", "r2_score"]
    yield one("numbers", units, "linear", loss, measures, losses[loss])
    grey = [
        one("numbers", units, "sigmoid", "binary_crossentropy", [], binary(same), squash=same),
        one("numbers", units, "linear", {"binary_crossentropy": logits}, [], binary(sigmoid), squash=sigmoid),
    ]
    yield grey[chance.integers(len(grey))]


@dataclass
class Case:
    """A spec with its data.

    Attributes:
        masked: Whether padding, the number 0, is masked.
        data: By part and column.
    """

    seed: int
    heads: list[Head]
    masked: bool
    tokens: bool
    spec: dict[str, Any]
    data: dict[str, dict[str, Array]]
    loss_weights: dict[str, float]
    batch: int


def case(seed: int) -> Case:
    """The case of a seed."""
    chance = np.random.default_rng(seed)
    tokens, masked = bool(chance.random() < 0.6), bool(chance.random() < 0.7)
    kinds = list(heads(chance, steps=tokens)) + (list(heads(chance, steps=False)) if tokens else [])
    chosen = chance.permutation(len(kinds))[: int(chance.integers(1, 4))]
    made = [kinds[kind](f"y{place}") for place, kind in enumerate(chosen)]
    for head in made:
        if head.kind in ("choice", "yes") and not head.steps and chance.random() < 0.4:
            head.weights = {n: round(float(chance.uniform(0.5, 3)), 2) for n in range(max(2, head.units))}
    sizes = chance.integers((24, 5, 3), (60, 40, 30))
    data = {part: dict(_arrays(chance, int(size), made, tokens)) for part, size in zip(PARTS, sizes, strict=True)}
    batch = int(chance.choice([7, 8, 16, 36]))
    weights = {head.name: round(float(chance.uniform(0.2, 3)), 2) for head in made} if len(made) > 1 else {}
    return Case(seed, made, masked, tokens, _spec(seed, made, masked, tokens, batch, weights), data, weights, batch)


def _arrays(chance: np.random.Generator, count: int, made: list[Head], tokens: bool) -> Iterator[tuple[str, Array]]:
    lead: tuple[int, ...] = (count,)
    signal = chance.normal(size=(count, 4))
    if tokens:
        words = chance.integers(1, 9, (count, STEPS))
        words[np.arange(STEPS) >= chance.integers(1, STEPS + 1, (count, 1))] = 0
        yield "x", words
        signal = words[..., None] / 4 - 1
    else:
        yield "x", signal.astype(np.float32)
    for head in made:
        shape = (count, STEPS) if head.steps else lead
        base = signal[..., 0] if head.steps or not tokens else signal[..., 0].mean(axis=1)
        noisy = base + chance.normal(0, 0.7, shape)
        if head.kind == "choice":
            labels = np.clip(np.floor((noisy + 1.5) / 3 * head.units), 0, head.units - 1).astype(np.int64)
            labels.reshape(-1)[: head.units] = np.arange(head.units)  # every class stands somewhere in every part
            yield head.name, labels
        elif head.kind == "yes":
            labels = (noisy > 0.2).astype(np.int64)
            labels.reshape(-1)[:2] = (0, 1)
            yield head.name, labels
        elif head.kind == "tags":
            labels = (noisy[..., None] + chance.normal(0, 0.5, (*shape, 3)) > (-0.5, 0.2, 0.6)).astype(np.int64)
            labels.reshape(-1, 3)[:2] = ((0, 0, 0), (1, 1, 1))
            yield head.name, labels
        else:
            values = noisy[..., None] * np.linspace(1, 3, head.units) + chance.normal(0, 0.3, (*shape, head.units))
            yield head.name, (sigmoid(values) if head.squash else values + 4).astype(np.float32)


def _spec(
    seed: int, made: list[Head], masked: bool, tokens: bool, batch: int, weights: dict[str, float]
) -> dict[str, Any]:
    layers: list[Any] = []
    if tokens:
        layers.append({"embedding": {"input_dim": 10, "output_dim": 4, "mask_zero": masked}})
        layers.append({"dense": {"units": 5, "activation": "tanh", "name": "each"}})
        if not all(head.steps for head in made):
            layers.append({"global_average_pooling1d": {"name": "whole"}})
    else:
        layers.append({"dense": {"units": 5, "activation": "tanh", "name": "whole"}})
    for head in made:
        layers.append({"dense": {**head.layer, "name": head.name, "from": "each" if head.steps else "whole"}})
    loss: Any = {head.name: head.loss for head in made}
    return {
        "name": f"case_{seed}",
        "inputs": {"x": {"shape": [STEPS], "dtype": "int32"} if tokens else [4]},
        "layers": layers,
        "outputs": [head.name for head in made],
        "data": {
            "source": {"npz": "train.npz"},
            "inputs": {"x": "x"},
            "targets": {
                head.name: {"column": head.name, **({"class_weights": head.weights} if head.weights else {})}
                for head in made
            },
            "split": {"validation": {"npz": "validation.npz"}, "test": {"npz": "test.npz"}},
            "batch_size": batch,
        },
        "train": {
            "loss": loss,
            **({"loss_weights": weights} if weights else {}),
            "metrics": {head.name: head.metrics for head in made if head.metrics},
            "optimizer": {"adam": 0.02},
            "epochs": 2,
            "keep": "last",
            "seed": seed,
        },
    }


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
    facts = json.loads((run / "report.json").read_text(encoding="utf-8"))
    again = json.loads(json.dumps(evaluate(saved)))
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
        elif not np.allclose(shown[name], value, rtol=2e-6, atol=2e-6):
            yield f"{where}: {name} is {shown[name]}, numpy says {value}"
