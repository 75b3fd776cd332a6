"""``dlspec predict`` on many rows of mixed columns against a script written by hand."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.bench.measuring import ROOT, paired, report

NUMBERS, WORDS = 13, 6
SPEC = f"""
name: levels
layers:
  - concatenate: [numbers, code, {", ".join(f"word{i}" for i in range(WORDS))}]
  - dense: {{units: 32, activation: relu}}
  - dense: {{units: 3, activation: softmax}}
data:
  source: {{csv: train.csv}}
  inputs:
    numbers: {{columns: [{", ".join(f"number{i}" for i in range(NUMBERS))}], prepare: [normalization]}}
    code:
      column: code
      prepare: [{{integer_lookup: {{vocabulary: {[16777216 + i for i in range(5)]}, output_mode: one_hot}}}}]
""" + "".join(
    f"    word{i}:\n      column: word{i}\n"
    f"      prepare: [{{string_lookup: {{vocabulary: [w0, w1, w2, w3, w4, w5, w6], output_mode: one_hot}}}}]\n"
    for i in range(WORDS)
)
SPEC += """  targets: {level: level}
  batch_size: 256
train: {loss: sparse_categorical_crossentropy, epochs: 1}
"""


def predict_speed() -> bool:
    """100,000 rows of 20 columns: processor time of both processes; 1,000,000 rows: peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "spec.yaml").write_text(SPEC)
        write_rows(here / "train.csv", 2_000)
        _dlspec(here, "train", "spec.yaml", "--quiet")
        write_rows(here / "many.csv", 100_000)
        (model,) = here.glob("runs/levels/*/model.keras")
        script = [str(Path(__file__).with_name("by_hand.py")), str(model), "many.csv", "hand.csv"]
        ask = ["-m", "dlspec", "predict", "levels", "many.csv", "-o", "ours.csv"]
        ours, hand, ratio = paired(lambda: _spent(here, ask)[0], lambda: _spent(here, script)[0], 5)
        ok = _same(here)
        what = f"predict 100,000 rows ({ours:.1f} s of processor) / by hand ({hand:.1f} s)"
        ok = report(what, ratio, 1.2) and ok
        write_rows(here / "more.csv", 1_000_000)
        _, peak = _spent(here, ["-m", "dlspec", "predict", "levels", "more.csv", "-o", "more_answers.csv"])
        return report("predict 1,000,000 rows, peak memory", peak / 1e9, 1.2, " GB") and ok


def write_rows(path: Path, count: int) -> None:
    """Numbers, whole numbers and words, and a label that follows from them."""
    chance = np.random.default_rng(0)
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        names = [*(f"number{i}" for i in range(NUMBERS)), "code", *(f"word{i}" for i in range(WORDS)), "level"]
        out.writerow(names)
        for _ in range(count // 1_000):  # a process inherits the peak memory of the one that starts it
            out.writerows(_rows(chance, 1_000))


def _rows(chance: np.random.Generator, count: int) -> Iterator[list[object]]:
    numbers = chance.normal(size=(count, NUMBERS)).round(4)
    codes = 16777216 + chance.integers(0, 5, count)
    words = chance.integers(0, 7, (count, WORDS))
    levels = np.array(["low", "middle", "high"])[np.digitize(numbers[:, 0] + words[:, 0] - 3, [-1, 1])]
    for number, code, word, level in zip(numbers.tolist(), codes.tolist(), words.tolist(), levels, strict=True):
        yield [*number, code, *(f"w{i}" for i in word), level]


def _same(folder: Path) -> bool:
    """Both give the same answers, to what floating numbers allow."""
    with (folder / "ours.csv").open(newline="") as first, (folder / "hand.csv").open(newline="") as second:
        pairs = zip(csv.DictReader(first), csv.DictReader(second), strict=True)
        shares = [(float(a["level probability"]), float(b["level probability"])) for a, b in pairs]
    far = max(abs(a - b) for a, b in shares)
    return report("largest difference between the two", far, 1e-5, "")


def _dlspec(folder: Path, *arguments: str) -> None:
    _spent(folder, ["-m", "dlspec", *arguments])


def _spent(folder: Path, arguments: list[str]) -> tuple[float, float]:
    """Seconds of processor time, and bytes of memory at most, of one process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
