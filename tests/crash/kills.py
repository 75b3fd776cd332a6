"""Kills a real training at random moments, lets it go on, and compares with one that nobody disturbed.

TensorFlow is imported once; each run is a process forked from that one, which has started no thread and executed no
operation, so that the copy is as good as a process of its own.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.crash.results import different, results

SPEC = Path(__file__).parent / "spec.yaml"


def load() -> None:
    """Imports what a training imports; has to come before the first fork."""
    # NumPy's linear algebra would start threads, which no fork survives; training does not use it.
    os.environ.update(OPENBLAS_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3")
    import keras  # noqa: F401
    import sklearn.datasets  # noqa: F401

    import dlspec.backends.keras.build
    import dlspec.keras_layers
    import dlspec.training.train  # noqa: F401

    threads = len(list(Path("/proc/self/task").iterdir()))
    assert threads == 1, f"{threads} threads run already"


def child(work: Callable[[], int], log: Path) -> int:
    """Forks a process that does `work`; its identifier."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        with log.open("a") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        code = work()
    finally:
        os._exit(code)


def train(run: Path, *options: str, spec: Path = SPEC) -> Callable[[], int]:
    """The real command line, in the run folder `run`."""

    def work() -> int:
        from dlspec.cli.main import run as command

        return command(["train", str(spec), "--run", str(run), *options])

    return work


def wait(pid: int, seconds: float | None = None, number: int = signal.SIGKILL) -> int:
    """Waits for a process, and sends a signal after `seconds` if it still runs; the exit code, or minus the signal."""
    if seconds is not None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        os.kill(pid, number)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def undisturbed(folder: Path, *options: str, spec: Path = SPEC) -> tuple[Path, float]:
    """A run from beginning to end, and the seconds that it takes."""
    start = time.monotonic()
    code = wait(child(train(folder / "whole", *options, spec=spec), folder / "whole.log"))
    assert code == 0, (folder / "whole.log").read_text()
    return folder / "whole", time.monotonic() - start


def kill_once(folder: Path, name: str, moment: float, *options: str, spec: Path = SPEC) -> bool:
    """Kills a run after `moment` seconds and lets it go on to its end; whether it was still running then."""
    run, log = folder / name, folder / f"{name}.log"
    killed = wait(child(train(run, *options, spec=spec), log), moment) == -signal.SIGKILL
    code = wait(child(train(run, *options, spec=spec), log))
    assert code == 0, f"{name}: exit code {code}\n{log.read_text()}"
    return killed


def stop(folder: Path, number: int, *options: str, spec: Path = SPEC) -> Path:
    """Stops a run with a signal once it trains, and lets it go on; checks the exit codes and what a second run says."""
    run, log = folder / signal.Signals(number).name, folder / "stop.log"
    pid = child(train(run, *options, spec=spec), log)
    while not any((run / "checkpoints").glob("*.checkpoint")):
        time.sleep(0.002)
    rival = wait(child(train(run, *options, spec=spec), folder / "rival.log"))
    assert rival == 1 and "error[E513]: another process trains in" in (folder / "rival.log").read_text()
    os.kill(pid, number)
    code = wait(pid)
    assert code == 128 + number, f"exit code {code}\n{log.read_text()}"
    assert "interrupted; the same command goes on from epoch" in log.read_text()
    assert wait(child(train(run, *options, spec=spec), log)) == 0, log.read_text()
    assert wait(child(train(run, *options, spec=spec), log)) == 0
    assert "is finished" in log.read_text().splitlines()[-5], log.read_text()
    return run


def main(folder: Path, kills: int, seed: int, *options: str, spec: Path = SPEC) -> int:
    """Kills `kills` runs with `options`; the number of those that ended otherwise than the undisturbed one."""
    load()
    random.seed(seed)
    whole, seconds = undisturbed(folder, *options, spec=spec)
    expected = results(whole)
    print(f"undisturbed: {seconds:.1f} s", flush=True)
    wrong = 0
    for number in (signal.SIGTERM, signal.SIGINT):
        found = different(expected, results(stop(folder, number, *options, spec=spec)))
        wrong += bool(found)
        print(f"stopped with exit code {128 + number}: {'DIFFERS' if found else 'identical'}", flush=True)
    for turn in range(kills):
        moment = random.uniform(0.05, 1) * seconds
        killed = kill_once(folder, f"run{turn}", moment, *options, spec=spec)
        found = different(expected, results(folder / f"run{turn}"))
        wrong += bool(found)
        verdict = f"DIFFERS in {', '.join(found[:5])}" if found else "identical"
        print(f"{turn + 1:3}/{kills} {'killed' if killed else 'ended'} after {moment:5.2f} s: {verdict}", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:], spec=Path(sys.argv[1])))
