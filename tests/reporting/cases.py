"""Random small runs: outputs, losses, activations, masks, class weights, weights of losses and unequal batches.

What their figures must be is computed in :mod:`judged`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

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
