"""Random small runs: outputs, losses, activations, metrics, masks, weights of classes and losses, and unequal batches.

What their figures must be is computed in :mod:`judged`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from formulas import Array, sigmoid
from heads import IGNORED, LABELS, Head, makers
from prepared import ANY, BOTH, POSITIVE

PARTS = ("train", "validation", "test")
STEPS, SIDES = 6, (6, 5)
VECTOR, TOKENS, SERIES, IMAGE = "vector", "tokens", "series", "image"
_PLACES = {VECTOR: "", TOKENS: "steps", SERIES: "steps", IMAGE: "pixels"}
_AXES: dict[str, tuple[int, ...]] = {"": (), "steps": (STEPS,), "pixels": SIDES}


@dataclass
class Case:
    """A spec with its data.

    Attributes:
        enters: What the input is: a vector, tokens, a series of vectors, or an image.
        masked: Whether steps that are all 0 are masked.
        still: Whether the weights do not move, and examples come in order: training measures what is kept then.
        data: By part and column.
    """

    seed: int
    heads: list[Head]
    enters: str
    masked: bool
    still: bool
    spec: dict[str, Any]
    data: dict[str, dict[str, Array]]
    loss_weights: dict[str, float]
    batch: int

    def mask(self, part: str, head: Head) -> Array | None:
        """Which steps of an output count; None for all."""
        if not self.masked or (head.place != "steps" and head.kind != "labels"):
            return None
        x = self.data[part]["x"]
        return x > 0 if self.enters == TOKENS else (x != 0).any(axis=-1)


def case(seed: int, devices: int = 1) -> Case:
    """The case of a seed."""
    chance = np.random.default_rng(seed)
    enters = str(chance.choice([VECTOR, TOKENS, SERIES, IMAGE], p=[0.25, 0.3, 0.25, 0.2]))
    masked = enters in (TOKENS, SERIES) and bool(chance.random() < 0.7)
    still = bool(chance.random() < 0.3)
    place = _PLACES[enters]
    kinds = list(makers(chance, place)) + (list(makers(chance, "")) if place else [])
    if enters != SERIES or masked:
        kinds = [kind for kind in kinds if kind("").kind != "labels"]
    chosen = chance.permutation(len(kinds))[: int(chance.integers(1, 4))]
    made = [kinds[kind](f"y{number}") for number, kind in enumerate(chosen)]
    for head in made:
        if head.weighable and chance.random() < 0.4:
            head.weights = {n: round(float(chance.uniform(0.5, 3)), 2) for n in range(max(2, head.units))}
    _prepare(made, np.random.default_rng([seed, 1]))
    sizes = chance.integers((24, 5, 3), (60, 40, 30))
    data = {part: dict(_arrays(chance, int(n), made, enters)) for part, n in zip(PARTS, sizes, strict=True)}
    batch = int(chance.choice([7, 8, 16, 36]))
    weights = {head.name: round(float(chance.uniform(0.2, 3)), 2) for head in made} if len(made) > 1 else {}
    one = Case(seed, made, enters, masked, still, {}, data, weights, batch)
    one.spec = _spec(one, devices)
    return one


def _prepare(made: list[Head], chance: np.random.Generator) -> None:
    """Lets the loss of half of the outputs of numbers compare in other units than those of the data.

    The direction of small numbers does not follow from answers of float32 from which their mean is taken again.
    """
    for head in made:
        if (
            head.kind == "numbers"
            and head.loss_name != "cosine_similarity"
            and head.holds != "shares"
            and chance.random() < 0.5
        ):
            choice = {"any": ANY, "counts": POSITIVE if head.activation != "linear" else BOTH}[head.holds]
            head.prepare = choice[chance.integers(len(choice))]


def _arrays(chance: np.random.Generator, count: int, made: list[Head], enters: str) -> Iterator[tuple[str, Array]]:
    shape = (count, *_AXES[_PLACES[enters]])
    signal = chance.normal(size=shape)
    if enters == TOKENS:
        words = chance.integers(1, 9, shape)
        words[_padding(chance, count)] = 0
        signal = words / 4 - 1
        yield "x", words
    else:
        # A third of what enters is noise.
        x = np.stack([signal, signal + chance.normal(size=shape), chance.normal(size=shape)], axis=-1)
        if enters == SERIES:
            x[_padding(chance, count)] = 0
        yield "x", x.astype(np.float32)
    for head in made:
        axes = _AXES[head.place]
        base = signal if axes else signal.reshape(count, -1).mean(axis=1)
        yield head.name, _target(chance, head, base + chance.normal(0, 0.7, (count, *axes)))


def _padding(chance: np.random.Generator, count: int) -> Array:
    return np.arange(STEPS) >= chance.integers(1, STEPS + 1, (count, 1))


def _target(chance: np.random.Generator, head: Head, noisy: Array) -> Array:
    """What the model shall give, from a noisy signal; every class stands somewhere in every part."""
    if head.kind == "labels":
        labels = chance.integers(1, head.units, (len(noisy), LABELS))
        labels[chance.random(len(noisy)) < 0.4, -1] = 0
        return labels
    if head.kind == "choice":
        labels = np.clip(np.floor((noisy + 1.5) / 3 * head.units), 0, head.units - 1).astype(np.int64)
        if head.ignored:
            labels[chance.random(labels.shape) < 0.2] = IGNORED
        labels.reshape(-1)[: head.units] = np.arange(head.units)[: labels.size]
        return labels
    if head.kind == "yes":
        labels = (noisy > 0.2).astype(np.int64)
        labels.reshape(-1)[:2] = (0, 1)
        return 2 * labels - 1 if head.signed else labels
    if head.kind == "tags":
        labels = (noisy[..., None] + chance.normal(0, 0.5, (*noisy.shape, 3)) > (-0.5, 0.2, 0.6)).astype(np.int64)
        labels.reshape(-1, 3)[:2] = ((0, 0, 0), (1, 1, 1))
        return labels
    values = noisy[..., None] * np.linspace(1, 3, head.units) + chance.normal(0, 0.3, (*noisy.shape, head.units))
    shown = {"any": values + 4, "shares": sigmoid(values), "counts": np.floor(np.exp(np.clip(values, -3, 2))) + 1}
    return shown[head.holds].astype(np.float32)


def _layers(one: Case) -> list[Any]:
    tanh: dict[str, Any] = {"units": 5, "activation": "tanh"}
    wholes = any(not head.place and head.kind != "labels" for head in one.heads)
    if one.enters == VECTOR:
        return [{"dense": {**tanh, "name": "whole"}}]
    if one.enters == TOKENS:
        layers: list[Any] = [{"embedding": {"input_dim": 10, "output_dim": 4, "mask_zero": one.masked}}]
    elif one.enters == SERIES:
        layers = [{"masking": 0.0}] if one.masked else []
    else:
        layers = [{"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same"}}]
    layers.append({"dense": {**tanh, "name": "each"}})
    pooling = "global_average_pooling2d" if one.enters == IMAGE else "global_average_pooling1d"
    return [*layers, {pooling: {"name": "whole"}}] if wholes else layers


def _spec(one: Case, devices: int) -> dict[str, Any]:
    layers = _layers(one)
    for head in one.heads:
        start = "each" if head.place or head.kind == "labels" else "whole"
        layer = {"units": head.units, "activation": head.activation, "name": head.name, "from": start}
        layers.append({"dense": layer})
    shape = {TOKENS: [STEPS], SERIES: [STEPS, 3], IMAGE: [*SIDES, 3], VECTOR: [3]}[one.enters]
    measured = {head.name: [measure.entry for measure in head.measures] for head in one.heads if head.measures}
    return {
        "name": f"case_{one.seed}",
        "inputs": {"x": {"shape": shape, "dtype": "int32"} if one.enters == TOKENS else shape},
        "layers": layers,
        "outputs": [head.name for head in one.heads],
        "data": {
            "source": {"npz": "train.npz"},
            "inputs": {"x": "x"},
            "targets": {head.name: _column(head) for head in one.heads},
            "split": {"validation": {"npz": "validation.npz"}, "test": {"npz": "test.npz"}},
            "batch_size": one.batch,
            **({"shuffle": False} if one.still else {}),
        },
        "train": {
            "loss": {head.name: head.loss for head in one.heads},
            **({"loss_weights": one.loss_weights} if one.loss_weights else {}),
            **({"metrics": measured} if measured else {}),
            "optimizer": {"sgd": 1e-30} if one.still else {"adam": 0.02},
            "epochs": 2,
            "keep": "last",
            "seed": one.seed,
            **({"distribute": {"mirrored": devices}} if devices > 1 else {}),
        },
    }


def _column(head: Head) -> dict[str, Any]:
    if head.weights is None:
        return {"column": head.name, **({"prepare": head.prepare} if head.prepare else {})}
    names = {n: 2 * n - 1 for n in head.weights} if head.signed else {n: n for n in head.weights}
    return {"column": head.name, "class_weights": {names[n]: weight for n, weight in head.weights.items()}}
