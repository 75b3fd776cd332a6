"""Searches on two machines of a Ray cluster, of which processes die: they end as if nothing had happened."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlspec.training.run.locking import lock_file
from tests.tuning.machines import ENVIRONMENT, Machine, Machines, command, free_port, wait_until

SPEC = Path(__file__).parent / "iris.yaml"
LONG = ("tune.trials=4", "tune.epochs=300", "tune.objective=val_loss")


def tune(folder: Path, *arguments: str, settings: tuple[str, ...] = LONG) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "dlspec", "tune", str(SPEC), "--search", str(folder), *arguments]
    words += ["-o", f"{folder}.yaml", *(word for setting in settings for word in ("--set", setting))]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    """What a search said on stderr."""
    error = process.communicate(timeout=240)[1]
    assert process.returncode == code, error
    assert "Traceback" not in error
    return error


def outcome(folder: Path) -> Any:
    """Values, state and score of all trials, and the best."""
    facts = json.loads((folder / "search.json").read_text(encoding="utf-8"))
    assert facts["finished"]
    return [(one["values"], one["status"], one["score"]) for one in facts["trials"]], facts["best"]


def trains(folder: Path, number: int) -> None:
    """Waits until a trial has been training for a while, with a checkpoint."""
    wait_until(lambda: any((folder / "trials" / f"{number:04}" / "checkpoints").glob("*")), f"trial {number}", 120)


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    found = Machines()
    yield found
    found.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What two processes of one machine find."""
    folder = tmp_path_factory.mktemp("whole") / "s"
    ended(tune(folder, "--workers", "2"))
    return outcome(folder)


pytestmark = pytest.mark.xdist_group("cluster")


@pytest.mark.slow
def test_the_trial_of_a_killed_process_goes_on(machines: Machines, whole: Any, tmp_path: Path) -> None:
    process = tune(tmp_path / "s", "--cluster", machines.address)
    trains(tmp_path / "s", 2)
    os.kill((machines.first.trainers() + machines.second.trainers())[0], signal.SIGKILL)
    assert re.search(r"^the process of trial \d on `\S+` died$", ended(process), re.M)
    assert outcome(tmp_path / "s") == whole


@pytest.mark.slow
def test_the_trial_of_a_lost_machine_goes_on_elsewhere(machines: Machines, whole: Any, tmp_path: Path) -> None:
    process = tune(tmp_path / "s", "--cluster", machines.address)
    trains(tmp_path / "s", 2)
    machines.second.kill()
    assert re.search(r"^the machine `\S+` does not answer: trial \d goes on elsewhere$", ended(process), re.M)
    assert outcome(tmp_path / "s") == whole
    machines.mend()


@pytest.mark.slow
def test_a_killed_search_ends_its_trials_and_goes_on(machines: Machines, whole: Any, tmp_path: Path) -> None:
    process = tune(tmp_path / "s", "--cluster", machines.address)
    trains(tmp_path / "s", 2)
    process.kill()
    process.communicate(timeout=10)
    wait_until(lambda: not machines.first.trainers() + machines.second.trainers(), "the end of the trials", 10)
    ended(tune(tmp_path / "s", "--cluster", machines.address))
    assert outcome(tmp_path / "s") == whole


@pytest.mark.exhaustive
def test_a_trial_whose_process_dies_twice_has_failed(machines: Machines, tmp_path: Path) -> None:
    process = tune(
        tmp_path / "s", "--cluster", machines.address, "--workers", "1", settings=(*LONG[1:], "tune.trials=1")
    )
    for _ in range(2):
        wait_until(lambda: trains_with(machines, tmp_path / "s"), "a process that trains", 120)
        [pid] = machines.first.trainers() + machines.second.trainers()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not command(pid), "its end")
    assert "failed (its process died: it may want more memory than there is)" in ended(process, 1)


def trains_with(machines: Machines, folder: Path) -> bool:
    """Whether a process trains the first trial: it holds the trial's lock."""
    lock = folder / "cluster" / "0001.lock"
    if not lock.is_file() or not machines.first.trainers() + machines.second.trainers():
        return False
    handle = lock_file(lock)
    if handle is not None:
        os.close(handle)
    return handle is None


@pytest.mark.exhaustive
def test_ctrl_c_stops_trials_with_a_checkpoint(machines: Machines, whole: Any, tmp_path: Path) -> None:
    process = tune(tmp_path / "s", "--cluster", machines.address)
    trains(tmp_path / "s", 2)
    process.send_signal(signal.SIGINT)
    assert "interrupted; the same command goes on" in ended(process, 130)
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "s").glob("trials/*/report.json")]
    assert "interrupted" in {report["status"] for report in reports}
    ended(tune(tmp_path / "s", "--cluster", machines.address))
    assert outcome(tmp_path / "s") == whole


@pytest.mark.exhaustive
def test_a_cluster_that_demands_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray demands the token that it finds in the home folder, and sends none by itself."""
    home = tmp_path / "home"
    (home / ".ray").mkdir(parents=True)
    (home / ".ray" / "auth_token").write_text("0123456789abcdef" * 4)
    monkeypatch.setitem(ENVIRONMENT, "HOME", str(home))
    monkeypatch.delitem(ENVIRONMENT, "RAY_AUTH_MODE")
    port = free_port()
    head = Machine("--head", f"--port={port}", "--include-dashboard=false", f"--ray-client-server-port={free_port()}")
    try:
        said = ended(tune(tmp_path / "s", "--cluster", f"127.0.0.1:{port}"), code=1)
    finally:
        head.kill()
    assert "error[E533]: cannot join the Ray cluster" in said
    assert "help: the cluster demands a token: give the command with `RAY_AUTH_MODE=token` before it" in said
