"""Training against a plain hand-written Keras script: speed, memory, the time until the first step, and a whole run.

The script gives NumPy arrays to ``fit`` and leaves everything at Keras's defaults but the display, which is off: it
would make the script slower still.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench.measuring import ROOT, paired, process, report

EPOCHS = 5  # of one timed training; the first one compiles and is not counted
NETS = {
    "MLP 784-128-10": ((784,), 32_768, "  - dense: {units: 128, activation: relu}\n"),
    "LeNet-5": (
        (28, 28, 1),
        8_192,
        "  - conv2d: {filters: 6, kernel_size: 5, padding: same, activation: tanh}\n"
        "  - average_pooling2d: 2\n"
        "  - conv2d: {filters: 16, kernel_size: 5, activation: tanh}\n"
        "  - average_pooling2d: 2\n"
        "  - flatten\n"
        "  - dense: {units: 120, activation: tanh}\n"
        "  - dense: {units: 84, activation: tanh}\n",
    ),
    "LSTM(32) on 50x16": ((50, 16), 8_192, "  - lstm: 32\n"),
}
SAME = {"MLP 784-128-10": 1.8, "LeNet-5": 1.1, "LSTM(32) on 50x16": 1.1}
AUTO = {"MLP 784-128-10": 2.0, "LeNet-5": 1.0, "LSTM(32) on 50x16": 2.0}
STEPS_TOGETHER = 32
FIRST_STEP = "import os, time; print('first', time.time() - float(os.environ['BEGUN']), flush=True)"


def train_speed() -> bool:
    """Examples per second with the same final weights."""
    good = [_speed(name, limit, "") for name, limit in SAME.items()]
    return all(good)


def auto_speed() -> bool:
    """The same with ``speed: auto``, whose weights may differ in their last bits, as in runs long enough to try XLA."""
    from dlspec.training.loop import speed

    speed._PATIENCE = 0
    good = [_speed(name, limit, ", speed: auto") for name, limit in AUTO.items()]
    return all(good)


def _speed(name: str, limit: float, more: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        spec, x, y = _task(Path(folder), name, more)
        mine, theirs = lambda: _ours(spec)[0], lambda: _by_hand(spec, x, y)[0]
        other, ours, ratio = paired(theirs, mine, 5)
        what = f"{name}{more and ', auto'}: {len(x) / ours:,.0f} examples/s / by hand {len(x) / other:,.0f}"
        good = at_least(what, ratio, limit)
        if not more:
            same = _ours(spec, "data.shuffle=false")[1] == _by_hand(spec, x, y, shuffle=False)[1]
            print(f"{'ok  ' if same else 'FAIL'} {name}: final weights are those of fit, bit by bit", flush=True)
            good &= same
    return good


def jit_speed() -> bool:
    """Processor time of the steps with ``jit: true`` against ``fit`` with XLA and steps in one call as well."""
    good = [report(*_compiled(name), 1.0) for name in NETS]
    return all(good)


def _compiled(name: str) -> tuple[str, float]:
    """What is measured, and the median of the pairs' ratios."""
    from dlspec.data.feeding.feed import Feed
    from dlspec.training.loop.steps import Steps

    with tempfile.TemporaryDirectory() as folder:
        spec, x, y = _task(Path(folder), name)
        ours, theirs = _model(spec), _model(spec)
    feed = Feed((x, y), 32, seed=0, structure=lambda inputs, targets: (inputs, targets))
    steps = Steps(ours, feed.batch_type)

    def mine() -> float:
        start, left = time.process_time(), feed.steps
        feed.set_position(0, 0)
        batches = feed.batches()
        while left:
            left -= steps.train(batches, min(STEPS_TOGETHER, left))[0]
        return time.process_time() - start

    def other() -> float:
        start = time.process_time()
        theirs.fit(x, y, verbose=0)
        return time.process_time() - start

    one, two, ratio = paired(mine, other, 7)
    return f"{name}, jit: {one / len(x) * 1e6:.0f} µs an example / by hand {two / len(x) * 1e6:.0f} µs", ratio


def _model(spec: Path) -> Any:
    import keras

    from dlspec.backends.keras.build import build
    from dlspec.passes import compile_spec

    keras.utils.set_random_seed(0)
    model = build(compile_spec(spec).graph)  # type: ignore[arg-type]
    loss = "sparse_categorical_crossentropy"
    model.compile("adam", loss, jit_compile=True, steps_per_execution=STEPS_TOGETHER)
    return model


def at_least(what: str, value: float, limit: float) -> bool:
    """Like :func:`report`, for a value that must not be smaller."""
    good = value >= limit
    print(f"{'ok  ' if good else 'FAIL'} {what:<68} {value:6.2f}  (at least {limit:g})", flush=True)
    return good


def _task(folder: Path, name: str, more: str = "") -> tuple[Path, Any, Any]:
    """Files of a task, and its arrays."""
    import numpy as np

    shape, count, layers = NETS[name]
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((count, *shape), dtype=np.float32), rng.integers(0, 10, count)
    np.savez(folder / "task.npz", x=x, y=y)
    path = folder / "task.yaml"
    path.write_text(
        f"name: task\ninputs: {{x: {list(shape)}}}\nlayers:\n{layers}  - dense: {{units: 10, activation: softmax}}\n"
        "data:\n  source: {npz: {path: task.npz}}\n  inputs: {x: {column: x}}\n  targets: {y: {column: y}}\n"
        f"train: {{loss: sparse_categorical_crossentropy, epochs: {EPOCHS}{more}}}\n"
    )
    return path, x, y


def _ours(spec: Path, *overrides: str) -> tuple[float, str]:
    """Seconds of an epoch of ``dlspec train``, and a hash of the final weights."""
    import keras

    from dlspec.backends.keras.build import build
    from dlspec.passes import compile_spec
    from dlspec.passes.state import Checked
    from dlspec.training.train import request_of, run

    state = compile_spec(spec, (*overrides, "train.keep=last"))
    assert isinstance(state, Checked)
    models: list[Any] = []

    def built() -> Any:
        models.append(build(state.graph))
        return models[0]

    done = run(replace(request_of(state.trainable()), build=built), spec.parent / "runs", brief=True)
    result = statistics.median(done.facts["epoch_seconds"][1:]), _hash(models[0])
    keras.backend.clear_session()
    return result


def _by_hand(spec: Path, x: Any, y: Any, shuffle: bool = True) -> tuple[float, str]:
    """Seconds of an epoch of ``fit``, and a hash of the final weights."""
    import keras

    from dlspec.backends.keras.build import build
    from dlspec.passes import compile_spec

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self.ends = [time.monotonic()]

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.ends.append(time.monotonic())

    keras.utils.set_random_seed(0)
    model, clock = build(compile_spec(spec).graph), Clock()  # type: ignore[arg-type]
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=EPOCHS, verbose=0, shuffle=shuffle, callbacks=[clock])
    result = statistics.median(b - a for a, b in zip(clock.ends[1:], clock.ends[2:], strict=False)), _hash(model)
    keras.backend.clear_session()
    return result


def _hash(model: Any) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


SCRIPT = f"""
import keras, numpy as np
class First(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 0 and self.params: {FIRST_STEP}; self.params = None
data = np.load("task.npz")
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, "relu"), keras.layers.Dense(10, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(data["x"], data["y"], epochs={EPOCHS}, verbose=0, callbacks=[First()])
model.evaluate(data["x"], data["y"], verbose=0)
model.save("model.keras")
"""
COMMAND = f"""
import sys
from dlspec.training.loop.steps import Steps
plain = Steps.train
def first(self, *arguments):
    done = plain(self, *arguments)
    {FIRST_STEP}
    Steps.train = plain
    return done
Steps.train = first
from dlspec.cli.main import main
sys.argv = ["dlspec", "train", "task.yaml", "--new"]
main()
"""


def train_footprint() -> bool:
    """Peak memory, and the seconds from the command to the end of the first step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _task(folder, "MLP 784-128-10")
        firsts: dict[str, list[float]] = {COMMAND: [], SCRIPT: []}

        def peak(code: str) -> Callable[[], float]:
            def measured() -> float:
                bytes_, first = _watched(code, folder)
                firsts[code].append(first)
                return bytes_

            return measured

        ours, theirs, ratio = paired(peak(COMMAND), peak(SCRIPT), 3)
        good = report(f"peak memory of train ({ours / 1024:.0f} MiB) / script ({theirs / 1024:.0f} MiB)", ratio, 1.15)
        mine, other = (statistics.median(firsts[code]) for code in (COMMAND, SCRIPT))
        later = statistics.median(a - b for a, b in zip(firsts[COMMAND], firsts[SCRIPT], strict=True))
        return report(f"first step after {mine:.1f} s, of the script after {other:.1f} s", later, 1.0, " s") and good


def _watched(code: str, folder: Path) -> tuple[int, float]:
    """Peak memory of a process in KiB, and when its first step was done."""
    environment = {**os.environ, "BEGUN": str(time.time()), "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        lines = child.stdout.read().splitlines()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss, float(next(line for line in lines if line.startswith("first")).split()[1])


def digits_training(folder: Path) -> list[str]:
    """Arguments of Python that train a net of two layers on the digits as a table of 64 columns, 20 epochs."""
    import csv

    from sklearn.datasets import load_digits

    digits = load_digits()
    with (folder / "digits.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*(f"p{number}" for number in range(64)), "digit"])
        writer.writerows([*map(int, row), int(kind)] for row, kind in zip(digits.data, digits.target, strict=True))
    spec = folder / "table.yaml"
    spec.write_text((ROOT / "tests/bench/digits_table.yaml").read_text())
    return ["-m", "dlspec", "train", str(spec), "--runs", str(folder / "runs"), "--new"]


def end_to_end() -> bool:
    """From the command to the report."""
    import json

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train = digits_training(folder)
        ours, base, ratio = paired(lambda: process(train), lambda: process(["-c", "import tensorflow"]), 5)
        reports = (folder / "runs").glob("*/*/report.json")
        right = min(json.loads(path.read_text())["metrics"]["test"]["accuracy"] for path in reports)
        good = at_least("test accuracy", right, 0.96)
        return report(f"digits as a table ({ours:.1f} s) / import tensorflow ({base:.1f} s)", ratio, 6.5 / 4) and good
