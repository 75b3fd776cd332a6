"""``make crash-cluster``: a search on two machines of a Ray cluster, of which something dies at random moments.

Each search ends with the trials, scores and best of an undisturbed one with as many workers on one machine.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.crash.searches import outcome
from tests.tuning.machines import ENVIRONMENT, Machines

SPEC = Path(__file__).parent.parent / "tuning" / "iris.yaml"
SETTINGS = ("tune.trials=6", "tune.epochs=300", "tune.objective=val_loss")
KILLS = 12


def search(folder: Path, *options: str) -> subprocess.Popen[str]:
    """The real command line."""
    words = [sys.executable, "-m", "dlspec", "tune", str(SPEC), "--search", str(folder), "-o", f"{folder}.yaml"]
    words += [*options, *(word for setting in SETTINGS for word in ("--set", setting))]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def kill_process(machines: Machines, process: subprocess.Popen[str]) -> bool:
    """One of those that train."""
    pids = machines.first.trainers() + machines.second.trainers()
    if pids:
        os.kill(random.choice(pids), signal.SIGKILL)
    return bool(pids)


def kill_machine(machines: Machines, process: subprocess.Popen[str]) -> bool:
    """The one that the search does not run on; another one comes in its place."""
    machines.second.kill()
    machines.mend()
    return True


def kill_search(machines: Machines, process: subprocess.Popen[str]) -> bool:
    """The command itself; it is given again."""
    process.kill()
    return True


def disturbed(folder: Path, machines: Machines, kinds: list[Callable[..., bool]], seconds: float) -> list[str]:
    """One search, of which something dies every few seconds; the names of the kills that hit."""
    hits: list[str] = []
    while True:
        process = search(folder, "--cluster", machines.address)
        while process.poll() is None:
            time.sleep(random.uniform(0, seconds / 2))
            if process.poll() is None and len(hits) < 3:
                kind = random.choice(kinds)
                hits += [kind.__name__] if kind(machines, process) else []
        error = process.communicate()[1]
        assert "Traceback" not in error, error
        if process.returncode == 0:
            return hits
        assert process.returncode == -signal.SIGKILL, error


def main() -> int:
    """Searches until so many kills have hit."""
    random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    hits: Counter[str] = Counter()
    searches = wrong = 0
    machines = Machines()
    try:
        with tempfile.TemporaryDirectory() as place:
            start = time.monotonic()
            whole = Path(place, "whole")
            assert search(whole, "--workers", "2").wait() == 0
            seconds = time.monotonic() - start
            while hits.total() < KILLS:
                searches += 1
                folder = Path(place, str(searches))
                hits.update(disturbed(folder, machines, [kill_process, kill_machine, kill_search], seconds))
                wrong += outcome(folder) != outcome(whole)
                print(f"{searches} searches, {dict(hits)}, {wrong} ended otherwise", flush=True)
    finally:
        machines.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
