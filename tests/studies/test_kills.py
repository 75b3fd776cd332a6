"""Studies that are killed, interrupted, and spread over processes end as one that nobody disturbed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.studies.test_studies import SPEC
from tests.support import ROOT, dlspec

pytestmark = pytest.mark.slow
# Of a study that differ from one time to the other.
_OF_THE_CLOCK = ("seconds", "command")


def _facts(study: Path) -> Any:
    """The document without what the clock says."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(item) for key, item in value.items() if key not in _OF_THE_CLOCK}
        return [without(item) for item in value] if isinstance(value, list) else value

    return without(json.loads((study / "study.json").read_text()))


def killed_again_and_again(spec: Path, study: Path, kills: int, seed: int, most: float, *command: str) -> int:
    """Trains a study, killed at random moments, and then to its end; how many kills met it.

    Args:
        spec: The file.
        study: The folder of the study.
        kills: How many times at most.
        seed: Of the moments.
        most: Seconds after which a kill comes at the latest.
        command: The command that trains it, with options; `train` unless given.
    """
    moments, met = random.Random(seed), 0
    arguments = [*(command or ("train",)), str(spec), "--run", str(study), "-q"]
    finished: dict[Path, int] = {}
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-m", "dlspec", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0.5, most))
        ended = process.poll() is not None
        if not ended:
            os.kill(process.pid, signal.SIGKILL)
            met += 1
        process.wait()
        for report in sorted(study.glob("members/*/report.json")):
            if json.loads(report.read_text())["status"] == "finished":
                # What is finished is never trained again.
                assert finished.setdefault(report, report.stat().st_mtime_ns) == report.stat().st_mtime_ns
        if ended:
            break
    done = dlspec(*arguments)
    assert done.returncode == 0, done.stderr
    assert all(report.stat().st_mtime_ns == when for report, when in finished.items())
    return met


@pytest.mark.parametrize(
    "method",
    [
        "{k_fold: 3}",
        "{seeds: 3}",
        "{learning_curve: {fractions: [0.3, 1], repeats: 2}}",
        "{k_fold: {folds: 3, keep: ensemble}}",
        "{bagging: 3}",
        "{snapshot: 3}",
        "{boosting: 3}",
    ],
)
def test_a_killed_study_ends_as_an_undisturbed_one(tmp_path: Path, method: str) -> None:
    """The same figures, the same answers, and no member trained twice."""
    spec = tmp_path / "wine.yaml"
    text = SPEC.format(method=method).replace("epochs: 2", "optimizer: {adam: {learning_rate: 0.05}}, epochs: 2")
    spec.write_text(text)  # the first member of a boosting must be better than chance
    whole = dlspec("train", str(spec), "--run", str(tmp_path / "whole"), "-q")
    assert whole.returncode == 0, whole.stderr
    killed_again_and_again(spec, tmp_path / "killed", 3, 1, 12)
    assert _facts(tmp_path / "killed") == _facts(tmp_path / "whole")
    for name in ("out_of_fold.csv",):
        files = [tmp_path / study / name for study in ("killed", "whole")]
        assert [file.exists() for file in files] == [method.startswith("{k_fold")] * 2
        assert not files[0].exists() or files[0].read_bytes() == files[1].read_bytes()


def test_two_workers_find_what_one_finds(tmp_path: Path) -> None:
    """Members do not depend on the process that trains them, nor on the order in which they end."""
    spec = tmp_path / "wine.yaml"
    spec.write_text(SPEC.format(method="{k_fold: 3}"))
    for study, workers in (("one", "1"), ("two", "2")):
        done = dlspec("train", str(spec), "--run", str(tmp_path / study), "--workers", workers)
        assert done.returncode == 0, done.stderr
        assert "fold 3 of 3" in done.stderr
    one, two = (_facts(tmp_path / study) for study in ("one", "two"))
    for ours, theirs in zip(one["summaries"], two["summaries"], strict=True):
        assert ours["mean"] == pytest.approx(theirs["mean"], rel=1e-5)  # processes share the cores otherwise


def _ignoring() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("prepare", [None, _ignoring], ids=["in a terminal", "in the background of a script"])
def test_an_interrupted_study_goes_on_by_the_same_command(tmp_path: Path, prepare: Callable[[], None] | None) -> None:
    """SIGINT between two members; the folder is found again by the spec alone."""
    spec = tmp_path / "wine.yaml"
    spec.write_text(SPEC.format(method="{seeds: 3}"))
    runs = ["--runs", str(tmp_path / "runs")]
    command = [sys.executable, "-m", "dlspec", "train", str(spec), *runs]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, preexec_fn=prepare
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("1/3"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 128 + signal.SIGINT and "the same command goes on" in rest
    done = dlspec("train", str(spec), *runs)
    assert done.returncode == 0 and "3/3" in done.stderr
    assert len(list((tmp_path / "runs" / "wine").glob("study-*"))) == 1


def test_a_member_that_fails_is_named(tmp_path: Path) -> None:
    """The learning rate leaves no finite loss: the study says so, and keeps what it has."""
    spec = tmp_path / "wine.yaml"
    spec.write_text(SPEC.format(method="{seeds: 2}"))
    rate = ["--set", "train.optimizer={sgd: {learning_rate: 1e38}}"]
    done = dlspec("train", str(spec), "--run", str(tmp_path / "study"), *rate)
    assert done.returncode == 1 and "E508" in done.stderr and "Traceback" not in done.stderr
    assert json.loads((tmp_path / "study" / "study.json").read_text())["finished"] is False
