"""Whole searches through the command line: results, interruption, failures, several processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dlspec.tuning.workers.trial import history_of
from dlspec.tuning.workers.worker import environment
from tests.support import as_documented

# In one process of the tests, which shares a search.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("searching")]
SPEC = Path(__file__).parent / "iris.yaml"


def tune(folder: Path, *arguments: str, wait: bool = True, spec: Path = SPEC) -> Any:
    command = [sys.executable, "-m", "dlspec", "tune", str(spec), "--search", str(folder), *arguments]
    command += ["-o", str(folder.parent / f"{folder.name}.yaml")]
    if not wait:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def trials(folder: Path) -> list[tuple[Any, ...]]:
    """Values and results of all trials."""
    facts = as_documented("search", (folder / "search.json").read_text(encoding="utf-8"))
    assert facts["finished"]
    return [(trial["values"], trial["status"], trial["score"]) for trial in facts["trials"]]


def begun(folder: Path, process: Any, number: int) -> None:
    """Waits until the training of a trial has begun."""
    until = time.monotonic() + 240
    while not (folder / "trials" / f"{number:04}" / "spec.yaml").is_file():
        assert process.poll() is None and time.monotonic() < until, process.communicate()[1]
        time.sleep(0.05)


FOUR = ("--set", "tune.trials=4")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search of four trials that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "s"
    done = tune(folder, *FOUR)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_search_hands_back_an_ordinary_spec(whole: Path, tmp_path: Path) -> None:
    assert len(trials(whole)) == 4
    best = whole.with_name("s.yaml")
    assert "tune" not in best.read_text(encoding="utf-8")
    trained = subprocess.run(
        [sys.executable, "-m", "dlspec", "train", str(best), "--runs", str(tmp_path / "runs")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr


def test_the_best_spec_repeats_its_trial_where_each_use_was_drawn(tmp_path: Path) -> None:
    done = tune(tmp_path / "s", "--set", "tune.trials=3", spec=SPEC.with_name("each_time.yaml"))
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "s" / "search.json").read_text(encoding="utf-8"))
    best = facts["trials"][facts["best"] - 1]
    trained = subprocess.run(
        [sys.executable, "-m", "dlspec", "train", str(tmp_path / "s.yaml"), "--run", str(tmp_path / "run")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert "each_time" in (tmp_path / "s.yaml").read_text(encoding="utf-8")
    assert history_of(tmp_path / "run") == best["history"]


@pytest.mark.parametrize(
    "algorithm",
    ["random", *(pytest.param(one, marks=pytest.mark.exhaustive) for one in ("grid", "bayesian", "hyperband"))],
)
def test_a_killed_search_ends_as_if_nothing_had_happened(algorithm: str, whole: Path, tmp_path: Path) -> None:
    options, expected = [*FOUR, "--set", f"tune.algorithm={algorithm}"], whole
    if algorithm != "random":
        expected = tmp_path / "whole"
        assert tune(expected, *options).returncode == 0
    for number in (1, 3):
        process = tune(tmp_path / "killed", *options, wait=False)
        begun(tmp_path / "killed", process, number)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    done = tune(tmp_path / "killed", *options)
    assert done.returncode == 0, done.stderr
    assert trials(tmp_path / "killed") == trials(expected)


def test_processes_find_the_same(whole: Path, tmp_path: Path) -> None:
    assert tune(tmp_path / "two", *FOUR, "--workers", "2").returncode == 0
    assert [one[0] for one in trials(whole)] == [two[0] for two in trials(tmp_path / "two")]


def test_a_search_goes_on_past_failures(tmp_path: Path) -> None:
    done = tune(tmp_path / "s", "--set", "params.rate={choice: [0.01, 1.0e+30]}", "--set", "tune.seed=3")
    assert done.returncode == 0, done.stderr
    found = trials(tmp_path / "s")
    assert len(found) == 6
    assert {status for _, status, _ in found} == {"completed", "failed"}


@pytest.mark.parametrize(
    ("sent", "code", "workers"),
    [
        (signal.SIGINT, 130, "1"),
        (signal.SIGTERM, 143, "2"),
        pytest.param(signal.SIGINT, 130, "2", marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGTERM, 143, "1", marks=pytest.mark.exhaustive),
    ],
)
def test_signals_end_a_search_that_goes_on(sent: signal.Signals, code: int, workers: str, tmp_path: Path) -> None:
    options = ["--set", "tune.trials=3", "--workers", workers]
    process = tune(tmp_path / "s", *options, wait=False)
    begun(tmp_path / "s", process, 2)
    process.send_signal(sent)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == code, error
    assert "the same command goes on" in error and "Traceback" not in error
    done = tune(tmp_path / "s", *options)
    assert done.returncode == 0, done.stderr
    assert [status for _, status, _ in trials(tmp_path / "s")] == ["completed"] * 3


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def test_the_process_that_workers_are_forked_from_has_one_thread() -> None:
    code = "import os, dlspec.tuning.workers.preloaded; print(len(os.listdir('/proc/self/task')))"
    settings = {**os.environ, **environment(2)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=settings)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_the_trial_of_a_killed_worker_is_given_again(tmp_path: Path) -> None:
    process = tune(tmp_path / "s", "--set", "tune.trials=4", "--workers", "2", wait=False)
    begun(tmp_path / "s", process, 1)
    [server] = [pid for pid in children(process.pid) if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(children(server)[0], signal.SIGKILL)
    error = process.communicate(timeout=120)[1]
    assert process.returncode == 0, error
    assert [status for _, status, _ in trials(tmp_path / "s")] == ["completed"] * 4


def test_a_killed_search_leaves_no_worker_behind(tmp_path: Path) -> None:
    options = ["--set", "tune.trials=3", "--workers", "2"]
    process = tune(tmp_path / "s", *options, wait=False)
    begun(tmp_path / "s", process, 1)
    process.kill()
    process.communicate(timeout=10)  # the pipes close when the last process has ended
    done = tune(tmp_path / "s", *options)
    assert done.returncode == 0, done.stderr
    assert [status for _, status, _ in trials(tmp_path / "s")] == ["completed"] * 3
