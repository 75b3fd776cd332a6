"""Good specs with one change that someone may have meant: other sizes, layers, options, references, columns.

``check`` says ok or what is wrong: it never breaks, and never takes seconds.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.components import registry
from dlspec.passes import Checked, Compilation, compile_spec
from dlspec.passes.memory import training_needs
from dlspec.syntax.dumping import dump
from dlspec.syntax.source import load
from tests.apart import MEMORY
from tests.support import ROOT
from tests.test_mutations import SPECS, places, plain

# What `specs/` and the other examples of the language say.
MODELS = [*SPECS, *sorted((ROOT / "tests" / "examples").glob("*.yaml"))]

SIZES: tuple[Any, ...] = (
    0,
    1,
    2,
    3,
    7,
    10,
    255,
    1000,
    2**24 + 1,
    2**31,
    10**9,
    10**12,
    2**62,
    10**30,
    -1,
    0.5,
    1e-9,
    1e30,
)
SECONDS = 5
_HEAD = "name: table\ninputs: {x: [3]}\nlayers:\n  - dense: {units: 8, activation: relu}\n  - dropout: 0.1\n"
# Sources that are written beside them, so that every mutant has data.
WITH_DATA = (
    _HEAD
    + "  - dense: {units: 1, name: y}\ndata: {source: {csv: d.csv}, inputs: {x: {columns: [a, b, c], missing: drop}}, "
    "targets: {y: t}, split: {validation: 0.2, test: 0.2}, batch_size: 4}\n"
    "train: {loss: mse, metrics: [mae], optimizer: {adam: {learning_rate: 0.01}}, epochs: 2, seed: 1}\n",
    _HEAD + "  - dense: {units: 3, activation: softmax, name: y}\ndata: {source: {csv: d.csv}, "
    "inputs: {x: {columns: [a, b, c], missing: median, prepare: [normalization]}}, targets: {y: k}, "
    "split: {validation: 0.3, by: stratified}}\n"
    "train: {loss: sparse_categorical_crossentropy, metrics: [accuracy], "
    "callbacks: [{early_stopping: {patience: 2}}]}\n",
    "name: words\ninputs: {w: {shape: [], dtype: string}}\nlayers:\n"
    "  - text_vectorization: {max_tokens: 20, output_sequence_length: 4}\n"
    "  - embedding: {input_dim: 20, output_dim: 4, mask_zero: true}\n  - lstm: 4\n"
    "  - dense: {units: 1, activation: sigmoid, name: y}\n"
    "data: {source: {csv: d.csv}, inputs: {w: w}, targets: {y: s}}\n"
    "train: {loss: binary_crossentropy, metrics: [auc]}\n",
    "name: pictures\ninputs: {image: [8, 8, 3]}\nlayers:\n  - rescaling: 1 / 255\n  - random_flip: horizontal\n"
    "  - conv2d: {filters: 4, kernel_size: 3, padding: same, activation: relu, name: fine}\n  - max_pooling2d\n"
    "  - up_sampling2d: 2\n  - concatenate: [fine, prev]\n"
    "  - conv2d: {filters: 1, kernel_size: 1, activation: sigmoid, name: mask}\n"
    "data: {source: {npz: d.npz}, inputs: {image: image}, targets: {mask: mask}, split: {validation: 0.25}}\n"
    "train: {loss: {dice: {axis: [1, 2, 3]}}, metrics: [{binary_io_u: {target_class_ids: [1]}}]}\n",
    "name: tags\ninputs: {x: {shape: [6], dtype: int32}}\nlayers:\n"
    "  - embedding: {input_dim: 9, output_dim: 4, mask_zero: true}\n"
    "  - bidirectional: {layer: {gru: {units: 3, return_sequences: true}}}\n  - dropout: 0.1\n"
    "  - dense: {units: 3, activation: softmax, name: each}\n  - global_average_pooling1d: {name: mean}\n"
    "  - dense: {units: 2, name: two, from: mean}\noutputs: [each, two]\n"
    "data: {source: {npz: d.npz}, inputs: {x: words}, targets: {each: each, two: two}, split: {validation: 0.25}, "
    "batch_size: 7}\n"
    "train: {loss: {each: sparse_categorical_crossentropy, two: huber}, loss_weights: {each: 1, two: 0.3}, "
    "metrics: {each: [accuracy, {sparse_top_k_categorical_accuracy: 2}], two: [r2_score, cosine_similarity]}, "
    "optimizer: {sgd: {learning_rate: {exponential_decay: {initial_learning_rate: 0.01, decay_steps: 10, "
    "decay_rate: 0.9}}, momentum: 0.9, clipnorm: 1}}}\n",
    _HEAD + "  - batch_normalization\n  - dense: {units: 1, activation: tanh, name: y}\n"
    "data: {source: {csv: d.csv}, inputs: {x: {columns: [a, b, c], missing: mean, prepare: [normalization]}}, "
    "targets: {y: {column: s, class_weights: balanced}}, split: {validation: 0.2, test: 0.2, seed: 3}}\n"
    "train: {loss: hinge, metrics: [accuracy, precision, {recall: 0.2}, auc], "
    "optimizer: {rmsprop: {learning_rate: 0.01}}, precision: mixed_float16, jit: true, keep: best, "
    "callbacks: [{reduce_lr_on_plateau: {monitor: val_auc, mode: max, patience: 1}}]}\n",
)


def table(folder: Path) -> None:
    """Forty rows of numbers, classes, words and a column with gaps; forty pictures with masks, and sequences."""
    rows = [
        f"{n},{n % 7 / 2},{'' if n % 9 == 0 else n * n % 11},{n % 3},{n * 0.5},word{n % 5},{n % 2}" for n in range(40)
    ]
    (folder / "d.csv").write_text("a,b,c,k,t,w,s\n" + "\n".join(rows) + "\n")
    chance = np.random.default_rng(0)
    words = chance.integers(1, 9, (40, 6)) * (np.arange(6) < chance.integers(1, 7, (40, 1)))
    arrays = {"words": words, "each": words % 3, "two": np.stack([words.sum(1), words.max(1)], 1) / 9}
    image = chance.integers(0, 256, (40, 8, 8, 3), np.uint8)
    np.savez(folder / "d.npz", image=image, mask=(image[..., :1] > 99).astype(np.int64), **arrays)


def change(data: Any, chance: random.Random) -> None:
    """One change that keeps the form of a spec."""
    spots = list(places(data))
    container, key = chance.choice(spots)
    value = container[key]
    kind = chance.randrange(4)
    if kind == 0 and isinstance(container, dict):
        del container[key]
    elif isinstance(value, int | float):
        container[key] = chance.choice(SIZES)
    elif isinstance(value, str):
        alike = [other[at] for other, at in spots if isinstance(other[at], str)]
        container[key] = chance.choice([*alike, *registry.names("layer")] if kind == 1 else alike)
    elif isinstance(container, dict) and kind == 1:
        layers = list(registry.names("layer"))
        name = chance.choice(layers if len(container) == 1 else list(container))
        container[name] = container.pop(key)
    else:
        same = [other[at] for other, at in spots if type(other[at]) is type(value)]
        container[key] = deepcopy(chance.choice(same))


def checked(text: str, spec: Path, chance: random.Random, label: str) -> Compilation:
    """Checks one mutant of a spec, which is written for it."""
    data = plain(load(text).data)
    for _ in range(chance.randint(1, 2)):
        change(data, chance)
    spec.write_text(dump(data), encoding="utf-8")
    start = time.process_time()
    try:
        state = compile_spec(spec)
    except Exception as error:
        raise AssertionError(f"{label}: {type(error).__name__}: {error}\n{spec.read_text()}") from error
    seconds = time.process_time() - start
    assert seconds < SECONDS, f"{label}: {seconds:.1f} s\n{spec.read_text()}"
    return state


def _mutants(texts: list[str], folder: Path, count: int, share: str) -> None:
    accepted = 0
    for number in range(count):
        chance = random.Random(f"{share}.{number}")
        state = checked(chance.choice(texts), folder / "spec.yaml", chance, f"{share}.{number}")
        accepted += not state.diagnostics.errors
    assert 0 < accepted < count


def test_the_unchanged_ones_are_good(tmp_path: Path) -> None:
    table(tmp_path)
    for text in WITH_DATA:
        (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
        assert compile_spec(tmp_path / "spec.yaml").diagnostics.errors == []


def test_some_changed_models(tmp_path: Path) -> None:
    _mutants([path.read_text(encoding="utf-8") for path in MODELS], tmp_path, 60, "models")


def test_some_changed_tables(tmp_path: Path) -> None:
    table(tmp_path)
    _mutants(list(WITH_DATA), tmp_path, 60, "tables")


@pytest.mark.exhaustive
@pytest.mark.parametrize("share", range(20))
def test_changed_models(share: int, tmp_path: Path) -> None:
    _mutants([path.read_text(encoding="utf-8") for path in MODELS], tmp_path, 150, f"models {share}")


@pytest.mark.exhaustive
@pytest.mark.parametrize("share", range(20))
def test_changed_tables(share: int, tmp_path: Path) -> None:
    table(tmp_path)
    _mutants(list(WITH_DATA), tmp_path, 100, f"tables {share}")


@pytest.mark.exhaustive
@pytest.mark.parametrize("share", range(10))
def test_what_is_accepted_trains(share: int, tmp_path: Path) -> None:
    table(tmp_path)
    specs = dict(_accepted(tmp_path, 30, f"trained {share}"))
    command = [sys.executable, "-m", "tests.apart", *map(str, specs)]
    trained = subprocess.run(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True, check=True)
    ends = [json.loads(line) for line in trained.stdout.splitlines()]
    assert [end["spec"] for end in ends] == list(map(str, specs))
    # A learning rate of 10⁹ is allowed, and what comes of it is said with its line.
    bad = [end for end in ends if end["code"] != 0 and not (end["code"] == 1 and "error[E508]" in end["said"])]
    assert not bad, "\n".join(
        f"{specs[Path(end['spec'])]}: exit code {end['code']}\n{end['said']}\n{Path(end['spec']).read_text()}"
        for end in bad
    )


def _accepted(folder: Path, wanted: int, share: str) -> Iterator[tuple[Path, str]]:
    """As many mutants that ``check`` accepts, can be trained, and fit into what one may take; and what to call each."""
    found = number = 0
    while found < wanted:
        chance, spec, label = random.Random(f"{share}.{number}"), folder / f"m{number}.yaml", f"{share}.{number}"
        state = checked(chance.choice(WITH_DATA), spec, chance, label)
        number += 1
        need = training_needs(state) if isinstance(state, Checked) else None
        if need is not None and need.total < 0.6 * MEMORY:
            found += 1
            yield spec, label
