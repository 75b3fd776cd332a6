"""Searches against plain Keras Tuner: five problems, the same algorithm, seed, trials and examples.

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
from typing import Any

from tests.bench.measuring import ROOT, process, report

# Data set: features, classes (0 for a number), objective.
PROBLEMS = {
    "iris": (4, 3), "wine": (13, 3), "breast_cancer": (30, 2), "digits": (64, 10), "diabetes": (10, 0),
}  # fmt: skip
TRIALS, EPOCHS = 10, 10
# Two trainings with the same values differ so much; in classification, in examples of the validation split.
_NOISE, _EXAMPLES = 0.05, 2

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
  loss: {loss}
  metrics: [{metric}]
  optimizer: {{adam: $rate}}
tune: {{algorithm: {algorithm}, objective: val_{metric}, trials: {trials}, epochs: {epochs}, seed: 1}}
"""


def written(folder: Path, name: str, algorithm: str) -> Path:
    """The spec of a problem, and its examples for the rival beside it."""
    import numpy as np

    from dlspec.data.pipeline import prepare
    from dlspec.data.signature import of_graph
    from dlspec.passes import compile_spec

    features, classes = PROBLEMS[name]
    head = f"{{units: {classes}, activation: softmax}}" if classes else "1"
    loss, metric = ("sparse_categorical_crossentropy", "accuracy") if classes else ("mse", "mae")
    text = SPEC.format(
        name=name, features=features, head=head, loss=loss, metric=metric, algorithm=algorithm, trials=TRIALS,
        epochs=EPOCHS,
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
    (folder / "problem.json").write_text(json.dumps({"loss": loss, "metric": metric, "classes": classes}))
    return spec


def rival(folder: Path, algorithm: str) -> None:
    """Keras Tuner as its documentation shows it; the best value goes to ``rival.json``."""
    import keras
    import keras_tuner
    import numpy as np

    examples = np.load(folder / "examples.npz")
    facts = json.loads((folder / "problem.json").read_text(encoding="utf-8"))

    def build(hp: Any) -> Any:
        model = keras.Sequential([
            keras.Input(examples["train_x"].shape[1:]),
            keras.layers.Dense(hp.Int("units", 8, 64, step=8), activation="relu"),
            keras.layers.Dropout(hp.Float("dropout", 0.0, 0.4, step=0.1)),
            keras.layers.Dense(facts["classes"] or 1, activation="softmax" if facts["classes"] else None),
        ])  # fmt: skip
        rate = hp.Choice("rate", [0.001, 0.003, 0.01, 0.03])
        model.compile(keras.optimizers.Adam(rate), loss=facts["loss"], metrics=[facts["metric"]])
        return model

    tuners = {"random": keras_tuner.RandomSearch, "bayesian": keras_tuner.BayesianOptimization}
    objective = keras_tuner.Objective(f"val_{facts['metric']}", "max" if facts["classes"] else "min")
    tuner = tuners[algorithm](
        build, objective=objective, max_trials=TRIALS, seed=1, directory=str(folder), project_name="rival",
        overwrite=True,
    )  # fmt: skip
    tuner.search(
        examples["train_x"], examples["train_y"], validation_data=(examples["validation_x"], examples["validation_y"]),
        epochs=EPOCHS, batch_size=32, verbose=0,
    )  # fmt: skip
    best = tuner.oracle.get_best_trials(1)[0].score
    (folder / "rival.json").write_text(json.dumps({"best": best, "count": len(examples["validation_y"])}))


def tune(folder: Path, workers: int) -> tuple[float, float]:
    """Seconds of the whole process, and the best value found."""
    place = folder / f"search_{workers}_{time.monotonic_ns()}"
    command = ["-m", "dlspec", "tune", str(folder / "spec.yaml"), "--search", str(place), "--workers", str(workers)]
    seconds = process([*command, "-q", "-o", str(folder / "best.yaml")])
    facts = json.loads((place / "search.json").read_text(encoding="utf-8"))
    trials = [trial for trial in facts["trials"] if trial["number"] == facts["best"]]
    return seconds, float(trials[0]["score"])


def tuning(algorithm: str = "random", names: tuple[str, ...] = tuple(PROBLEMS)) -> bool:
    """All problems: best value, wall time, and two workers against one."""
    times, speedups, good = [], [], True
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            folder = Path(place, name)
            written(folder, name, algorithm)
            start = time.perf_counter()
            command = [sys.executable, "-m", "tests.bench.tuning", "rival", str(folder), algorithm]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
            theirs = time.perf_counter() - start
            ours, best = tune(folder, 1)
            two, _ = tune(folder, 2)
            times.append(ours / theirs)
            speedups.append(two / ours)
            found = json.loads((folder / "rival.json").read_text(encoding="utf-8"))
            classes = PROBLEMS[name][1]
            worse = (found["best"] - best) * found["count"] if classes else best / found["best"] - 1
            what = (
                f"{name}: {algorithm} found {best:.4g}, Keras Tuner {found['best']:.4g}; {ours:.1f} s, {theirs:.1f} s"
            )
            good &= report(what, worse, _EXAMPLES if classes else _NOISE, " examples worse" if classes else " worse")
    good &= report(f"{len(times)} searches of {TRIALS} trials / plain Keras Tuner", statistics.median(times), 1.05)
    return report("two workers / one, whole process", statistics.median(speedups), 1 / 1.5) and good


if __name__ == "__main__":
    if sys.argv[1:2] == ["rival"]:
        rival(Path(sys.argv[2]), sys.argv[3])
    else:
        verdicts = [tuning(algorithm) for algorithm in sys.argv[1:] or ["random", "bayesian"]]
        sys.exit(0 if all(verdicts) else 1)
