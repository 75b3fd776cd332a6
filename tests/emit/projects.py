"""A spec trained by ``dlspec train`` and by its project, in one process; the project finds no dlspec to import."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.export.project.project import emit_project
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Compilation

Curve = list[dict[str, float]]


def emitted(spec: Path, target: Path, *overrides: str, allow_code: bool = False) -> tuple[Compilation, dict[str, str]]:
    """The checked spec, and the files of its project, which are written to `target`."""
    state = compile_spec(spec, overrides, Workspace(allow_code=allow_code))
    assert not state.diagnostics.errors, [error.message for error in state.diagnostics.errors]
    files = emit_project(state, target)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    return state, files


def train_project(target: Path, *arguments: str) -> Curve:
    """Runs its ``train.py`` and reads the curve."""
    import keras

    keras.backend.clear_session()
    run_project(target, "train.py", "--output", str(target / "output"), *arguments)
    return curve(target / "output" / "history.csv")


def run_project(target: Path, script: str, *arguments: str) -> str:
    """Runs one of its scripts, and gives what it prints."""
    before, said = (sys.argv, list(sys.path)), io.StringIO()
    with _without_dlspec(), _own_modules(target), redirect_stdout(said):
        sys.argv = [script, *arguments]
        sys.path.insert(0, str(target))
        try:
            source = (target / script).read_text(encoding="utf-8")
            exec(compile(source, script, "exec"), {"__name__": "__main__", "__file__": str(target / script)})
        finally:
            sys.argv, sys.path[:] = before
    return said.getvalue()


def train_spec(state: Compilation, runs: Path) -> tuple[Curve, Path]:
    """Trains as ``dlspec train`` does: the curve and the run folder."""
    import keras

    from dlspec.data.binding.signature import of_graph
    from dlspec.passes.state import Checked
    from dlspec.training.train import request_of, run

    assert isinstance(state, Checked)
    keras.backend.clear_session()
    report = run(replace(request_of(state.trainable()), signature=of_graph(state.training_graph)), runs)
    return curve(report.folder / "metrics.csv"), report.folder


def data_of(state: Compilation, target: Path) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Arrays of all parts, and the batches of two epochs, as ``dlspec train`` has them and as the project has them."""
    import keras

    from dlspec.components.methods.supervised import Supervised
    from dlspec.data.binding.drawn import in_training
    from dlspec.data.binding.signature import of_graph
    from dlspec.data.feeding.feed import Feed
    from dlspec.data.feeding.pipeline import prepare

    assert state.training_graph is not None and state.data_section is not None and isinstance(state.method, Supervised)
    data, seed = state.data_section, state.method.seed
    prepared = prepare(data, state.folder, of_graph(state.training_graph), state.method)
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    drawn = {one.name for one in prepared.binding.drawn}  # which a project draws batch by batch
    ours = {name: _by_name(part, drawn) for name, part in parts.items() if part is not None}
    transform, draws = prepared.changes.transform(seed), in_training(prepared.binding.drawn)
    feed = Feed(prepared.fed, data.batch_size, seed=seed, shuffle=data.shuffle, transform=transform, draws=draws)
    for epoch in range(2):
        feed.set_epoch(epoch)
        ours[f"epoch {epoch}"] = [
            np.asarray(value) for batch in feed.dataset for value in keras.tree.flatten(_compared(batch))
        ]
    return ours, _data_of_project(target, state.folder, data.batch_size, seed)


def _compared(batch: Any) -> Any:
    """A batch without the weights of tensors that are compared with nothing: the model has none."""
    if len(batch) < 3 or not isinstance(batch[2], tuple):
        return batch
    in_loss, in_metrics = batch[2]
    return (*batch[:2], (in_loss, {name: weights for name, weights in in_metrics.items() if name}))


def _data_of_project(target: Path, folder: Path, batch_size: int, seed: int) -> dict[str, list[Any]]:
    import inspect

    import keras

    with _without_dlspec(), _own_modules(target):
        sys.path.insert(0, str(target))
        try:
            import data  # type: ignore[import-not-found]
        finally:
            sys.path.remove(str(target))
        loaded = data.load(folder) if inspect.signature(data.load).parameters else data.load()
        parts = loaded[0] if isinstance(loaded, tuple) else loaded
        # Where examples are made out of rows, parts hold the rows.
        together = {name: data.Batches(part, 1).part for name, part in parts.items()}
        theirs = {name: _by_name(part) for name, part in together.items()}
        made = getattr(data, "TrainingBatches", data.Batches)
        seeded = "seed" in inspect.signature(made).parameters
        batches = made(parts["train"], batch_size, seed) if seeded else made(parts["train"], batch_size)
        for epoch in range(2):
            batches.on_epoch_begin()
            found = [batches[step] for step in range(len(batches))]
            theirs[f"epoch {epoch}"] = [value for batch in found for value in keras.tree.flatten(batch)]
    return theirs


def _by_name(part: Any, drawn: Collection[str] = ()) -> list[Any]:
    count = len(next(iter((part.inputs or part.targets).values())))  # all inputs may be drawn
    for others in getattr(part, "others", []):
        met = {name: values[np.arange(count) % len(values)] for name, values in others.items()}
        part = part._replace(inputs=part.inputs | met)
    return [arrays[name] for arrays in (part.inputs, part.targets) for name in sorted(arrays) if name not in drawn]


def differences(one: Curve, other: Curve) -> dict[str, float]:
    """The largest relative difference of each measure over all epochs."""
    assert len(one) == len(other), (len(one), len(other))
    found: dict[str, float] = {}
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys(), (a.keys(), b.keys())
        for name in a:
            found[name] = max(found.get(name, 0.0), abs(a[name] - b[name]) / max(1.0, abs(a[name])))
    return found


def curve(path: Path) -> Curve:
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        {name: float(value) for name, value in row.items() if name != "epoch" and value not in ("", "NA")}
        for row in rows
    ]


@contextmanager
def _without_dlspec() -> Iterator[None]:
    hidden = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "dlspec"}
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.update(hidden)


@contextmanager
def _own_modules(target: Path) -> Iterator[None]:
    """Modules of an earlier project are not taken for those of this one."""
    names = [path.stem for path in target.glob("*.py")]
    kept = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(kept)


def predictions(path: Path, inputs: Any) -> Any:
    """What a saved model makes of raw inputs."""
    import keras

    return keras.saving.load_model(path, compile=False).predict(inputs, verbose=0)


def raw_inputs(state: Compilation) -> Any:
    """Some examples as a saved model takes them, in the order of its inputs."""
    import tensorflow as tf

    from dlspec.data.binding.signature import of_graph
    from dlspec.data.feeding.raw import Training, read_inputs

    assert state.training_graph is not None and state.data_section is not None
    inputs = read_inputs(Training(state.data_section, state.folder, of_graph(state.training_graph))).inputs
    found = []
    for index in state.graph.inputs:
        node = state.graph.nodes[index]
        values = inputs[node.name][:40] if node.draw is None else _numbers(node.outputs[0].shape)
        found.append(tf.constant(values.tolist()) if values.dtype == object else values)
    return found[0] if len(found) == 1 else found


def _numbers(shape: tuple[Any, ...]) -> Any:
    """Something for an input that is drawn."""
    return np.random.default_rng(0).standard_normal((40, *shape), np.float32)


def main() -> None:
    """``python -m tests.emit.projects FOLDER SPEC [KEY=VALUE …]``: trains both, and prints how they differ."""
    folder, spec, *overrides = sys.argv[1:]
    target = Path(folder)
    state, _ = emitted(Path(spec), target / "project", *overrides)
    ours, _ = train_spec(state, target / "runs")
    print(json.dumps(differences(ours, train_project(target / "project"))))


if __name__ == "__main__":
    main()
