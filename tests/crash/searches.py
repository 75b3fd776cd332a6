"""``make crash-tune``: 20 kills of each algorithm's search at random moments; it must end as if nothing had happened.

TensorFlow is imported once; each search is a process forked from that one, as in :mod:`tests.crash.kills`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash import kills

SPEC = Path(__file__).parent.parent / "tuning" / "iris.yaml"
ALGORITHMS = {"random": 6, "bayesian": 6, "grid": 6, "hyperband": 8}
KILLS = 20


def search(folder: Path, algorithm: str) -> Callable[[], int]:
    """The real command line, in `folder`."""
    values = {"algorithm": algorithm, "trials": ALGORITHMS[algorithm], "epochs": 4}

    def work() -> int:
        from dlspec.cli.main import run as command

        options = [part for key, value in values.items() for part in ("--set", f"tune.{key}={value}")]
        return command(["tune", str(SPEC), "--search", str(folder), "-o", f"{folder}.yaml", "-q", *options])

    return work


def ended(pid: int) -> int:
    """Waits for a process; its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def outcome(folder: Path) -> Any:
    """Values, state and score of all trials, and the best."""
    facts = json.loads((folder / "search.json").read_text(encoding="utf-8"))
    assert facts["finished"], folder
    return [(trial["values"], trial["status"], trial["score"]) for trial in facts["trials"]], facts["best"]


def disturbed(folder: Path, algorithm: str, seconds: float, chance: random.Random) -> int:
    """A search that is killed until :data:`KILLS` kills have hit; how many of them came while it ran."""
    hits = 0
    while hits < KILLS:
        pid = kills.child(search(folder, algorithm), folder.with_suffix(".log"))
        # Short lives near the start, since every one goes on where the last one died.
        time.sleep(chance.uniform(0.05, seconds / 4))
        os.kill(pid, signal.SIGKILL)
        if ended(pid) != -signal.SIGKILL:
            break
        hits += 1
    ended(kills.child(search(folder, algorithm), folder.with_suffix(".log")))
    return hits


def main(names: list[str]) -> int:
    """All algorithms, or those that are named."""
    kills.load()
    import keras_tuner  # noqa: F401

    wrong, chance = 0, random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        for algorithm in names or list(ALGORITHMS):
            whole, hits = Path(place, f"{algorithm}_whole"), 0
            start = time.monotonic()
            assert ended(kills.child(search(whole, algorithm), whole.with_suffix(".log"))) == 0, whole
            seconds = time.monotonic() - start
            for attempt in range(KILLS):
                folder = Path(place, f"{algorithm}_{attempt}")
                hits += disturbed(folder, algorithm, seconds, chance)
                wrong += outcome(folder) != outcome(whole)
                if hits >= KILLS:
                    break
            trials = len(outcome(whole)[0])
            print(f"{algorithm}: {trials} trials; {hits} kills, {wrong} searches ended otherwise so far", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
