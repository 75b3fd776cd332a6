"""Searches against plain Keras Tuner, and two workers against one.

``python -m tests.bench.tuning quality [ALGORITHM…]`` compares five problems at the same algorithm, seed, trials, epochs
and examples: the best value, and the wall time of the whole process. ``python -m tests.bench.tuning workers`` measures
what a second worker brings: to a search of a minute and more, and to one of seconds, which it shall not slow down.

``python -m tests.bench.tuning rival FOLDER ALGORITHM`` is the rival's whole process: what somebody would write by hand.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.measuring import ROOT, process, report

# Data set: features, classes (0 for a number), epochs. With few steps an epoch, few epochs measure the first weights.
PROBLEMS = {
    "iris": (4, 3, 60), "wine": (13, 3, 30), "breast_cancer": (30, 2, 10), "digits": (64, 10, 10),
    "diabetes": (10, 0, 10),
}  # fmt: skip
ALGORITHMS = ("random", "bayesian", "hyperband", "grid")
TRIALS = 10
# Hyperband runs as many trials as its rounds take: 23 for 9 epochs.
HALVED = 9
# Trials and epochs of a search that one gives to several workers: a minute and more with one.
LONG = (30, 50)
# The best of two searches differ so much by chance; in classification, in examples of the validation split.
_NOISE, _EXAMPLES = 0.05, 2
# Where the first pair of searches differs by more, so many more are made, with other seeds, and their mean decides.
_MORE = 4

SPEC = """\
name: {name}
params:
  units: {{int: [8, 64], step: 8}}
  rate: {{choice: [0.001, 0.003, 0.01, 0.03]}}
  dropout: {{float: [0.0, 0.4], step: 0.1}}
inputs: {{x: [{features}]}}
layers:
  - dense: {{units: $units, activation: relu}}
  - dropout: $dropout
  - dense: {head}
data:
  source: {{sklearn: {name}}}
  inputs: {{x: {{column: data, prepare: [normalization]}}}}
  targets: {{y: {{column: target}}}}
  split: {{validation: 0.3}}
train:
  seed: {seed}
  loss: {loss}
  metrics: [{metric}]
  optimizer: {{adam: $rate}}
tune: {{algorithm: {algorithm}, objective: val_{metric}, epochs: {epochs}{more}}}
"""


def written(
    folder: Path, name: str, algorithm: str, trials: int = TRIALS, epochs: int | None = None, seed: int = 1
) -> Path:
    """The spec of a problem, and its examples for the rival beside it."""
    import numpy as np

    from dlspec.data.binding.signature import of_graph
    from dlspec.data.feeding.pipeline import prepare
    from dlspec.passes import compile_spec

    features, classes, usual = PROBLEMS[name]
    head = f"{{units: {classes}, activation: softmax}}" if classes else "1"
    loss, metric = ("sparse_categorical_crossentropy", "accuracy") if classes else ("mse", "mae")
    halving = algorithm == "hyperband"
    more = ("" if halving else f", trials: {trials}") + ("" if algorithm == "grid" else f", seed: {seed}")
    text = SPEC.format(
        name=name, features=features, head=head, loss=loss, metric=metric, algorithm=algorithm, seed=seed,
        epochs=HALVED if halving else epochs or usual, more=more,
    )  # fmt: skip
    spec = folder / "spec.yaml"
    folder.mkdir(exist_ok=True)
    spec.write_text(text, encoding="utf-8")
    state = compile_spec(spec)
    assert state.graph is not None and state.data_section is not None, state.diagnostics.items
    prepared = prepare(state.data_section, folder, of_graph(state.graph), state.method)  # type: ignore[arg-type]
    assert prepared.validation is not None
    arrays = {
        f"{part}_{kind}": next(iter(values.values()))
        for part, held in (("train", prepared.train), ("validation", prepared.validation))
        for kind, values in (("x", held.inputs), ("y", held.targets))
    }
    np.savez(folder / "examples.npz", **arrays)
    (folder / "problem.json").write_text(
        json.dumps({"loss": loss, "metric": metric, "classes": classes, "epochs": usual, "seed": seed})
    )
    return spec


def rival(folder: Path, algorithm: str) -> None:
    """Keras Tuner as its documentation shows it; the best value goes to ``rival.json``."""
    import keras
    import keras_tuner
    import numpy as np

    examples = np.load(folder / "examples.npz")
    facts = json.loads((folder / "problem.json").read_text(encoding="utf-8"))

    def build(hp: Any) -> Any:
        # In the order of the spec, which is the order of a grid.
        units, rate = hp.Int("units", 8, 64, step=8), hp.Choice("rate", [0.001, 0.003, 0.01, 0.03])
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1)
        model = keras.Sequential([
            keras.Input(examples["train_x"].shape[1:]),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(facts["classes"] or 1, activation="softmax" if facts["classes"] else None),
        ])  # fmt: skip
        model.compile(keras.optimizers.Adam(rate), loss=facts["loss"], metrics=[facts["metric"]])
        return model

    objective = keras_tuner.Objective(f"val_{facts['metric']}", "max" if facts["classes"] else "min")
    common: dict[str, Any] = {
        "objective": objective, "seed": facts["seed"], "directory": str(folder), "project_name": "rival"
    }  # fmt: skip
    if algorithm == "hyperband":
        tuner = keras_tuner.Hyperband(build, max_epochs=HALVED, overwrite=True, **common)
    else:
        tuners = {
            "random": keras_tuner.RandomSearch, "bayesian": keras_tuner.BayesianOptimization,
            "grid": keras_tuner.GridSearch,
        }  # fmt: skip
        tuner = tuners[algorithm](build, max_trials=TRIALS, overwrite=True, **common)
    tuner.search(
        examples["train_x"], examples["train_y"], validation_data=(examples["validation_x"], examples["validation_y"]),
        epochs=facts["epochs"], batch_size=32, verbose=0,
    )  # fmt: skip
    best = tuner.oracle.get_best_trials(1)[0].score
    found = {"best": best, "count": len(examples["validation_y"]), "trials": len(tuner.oracle.trials)}
    (folder / "rival.json").write_text(json.dumps(found))


def tune(folder: Path, workers: int) -> tuple[float, float, int]:
    """Seconds of the whole process, the best value found, and the number of trials."""
    place = folder / f"search_{workers}_{time.monotonic_ns()}"
    command = ["-m", "dlspec", "tune", str(folder / "spec.yaml"), "--search", str(place), "--workers", str(workers)]
    seconds = process([*command, "-q", "-o", str(folder / "best.yaml")])
    facts = json.loads((place / "search.json").read_text(encoding="utf-8"))
    trials = [trial for trial in facts["trials"] if trial["number"] == facts["best"]]
    return seconds, float(trials[0]["score"]), len(facts["trials"])


class Pair(NamedTuple):
    """Best value and seconds of both, and how much worse ours is: in examples, or as a share of the error."""

    ours: float
    seconds: float
    theirs: float
    their_seconds: float
    trials: int
    worse: float


def pair(folder: Path, name: str, algorithm: str, seed: int) -> Pair:
    """One search of each."""
    written(folder, name, algorithm, seed=seed)
    start = time.perf_counter()
    command = [sys.executable, "-m", "tests.bench.tuning", "rival", str(folder), algorithm]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    their_seconds = time.perf_counter() - start
    seconds, best, count = tune(folder, 1)
    found = json.loads((folder / "rival.json").read_text(encoding="utf-8"))
    assert count == found["trials"], (count, found)
    worse = (found["best"] - best) * found["count"] if PROBLEMS[name][1] else best / found["best"] - 1
    return Pair(best, seconds, found["best"], their_seconds, count, worse)


def quality(algorithm: str, names: tuple[str, ...] = tuple(PROBLEMS)) -> bool:
    """All problems: best value, and wall time."""
    pairs: list[Pair] = []
    good = True
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            limit, unit = (_EXAMPLES, " examples worse") if PROBLEMS[name][1] else (_NOISE, " worse")
            found = [pair(Path(place, name), name, algorithm, 1)]
            if found[0].worse > limit:
                found += [pair(Path(place, f"{name}_{seed}"), name, algorithm, seed) for seed in range(2, 2 + _MORE)]
            pairs += found
            ours, seconds, theirs, their_seconds, _, worse = (
                statistics.mean(one[place] for one in found) for place in range(len(Pair._fields))
            )
            searches = f" (mean of {len(found)})" if len(found) > 1 else ""
            what = f"{name}: {algorithm} found {ours:.4g}, Keras Tuner {theirs:.4g}{searches}"
            good &= report(f"{what}; {seconds:.1f} s, {their_seconds:.1f} s", worse, limit, unit)
    ratio = statistics.median(one.seconds / one.their_seconds for one in pairs)
    what = f"{algorithm}: {len(pairs)} searches of {pairs[0].trials} trials / plain Keras Tuner"
    return report(what, ratio, 1.05) and good


def workers(names: tuple[str, ...] = ("digits", "breast_cancer")) -> bool:
    """Two workers against one: a long search of each problem, and a short one."""
    good = True
    with tempfile.TemporaryDirectory() as place:
        for (trials, epochs), limit in ((LONG, 1 / 1.5), ((TRIALS, 10), 1.0)):
            for name in names:
                folder = Path(place, f"{name}_{trials}")
                written(folder, name, "random", trials, epochs)
                one, _, _ = tune(folder, 1)
                two, _, _ = tune(folder, 2)
                what = f"{name}: {trials} trials of {epochs} epochs, two workers {two:.1f} s / one {one:.1f} s"
                good &= report(what, two / one, limit)
    return good


if __name__ == "__main__":
    what, *names = sys.argv[1:] or ["all"]
    if what == "rival":
        rival(Path(names[0]), names[1])
    else:
        verdicts = [quality(algorithm) for algorithm in names or ALGORITHMS] if what in ("all", "quality") else []
        verdicts += [workers()] if what in ("all", "workers") else []
        sys.exit(0 if all(verdicts) else 1)
