"""Trains specs one after another, each in a process of its own: ``python -m tests.apart SPEC...``

What one takes of memory or time ends that one alone. For each a line of JSON says how it ended.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

# Bytes that a training may take, and seconds.
MEMORY = 6 << 30
SECONDS = 300


def main(specs: list[str]) -> None:
    """Trains all of them for one epoch."""
    from dlspec.tuning.workers import preloaded  # noqa: F401  what is loaded before a fork is loaded once

    for spec in specs:
        print(json.dumps({"spec": spec, **apart(Path(spec))}), flush=True)


def apart(spec: Path) -> dict[str, object]:
    """Trains one spec.

    Returns:
        Its exit code, negative for a signal that ended it, and what it wrote to stderr.
    """
    said = spec.with_suffix(".txt")
    child = os.fork()
    if child == 0:
        _train(spec, said)
    end = time.monotonic() + SECONDS
    while (found := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
    return {"code": os.waitstatus_to_exitcode(found[1]), "said": said.read_text(encoding="utf-8", errors="replace")}


def _train(spec: Path, said: Path) -> None:
    """Does not return."""
    code = 70
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        file = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        from dlspec.cli.main import run

        runs = spec.parent / f"runs {spec.stem}"
        code = run(["train", str(spec), "--new", "--quiet", "--runs", str(runs), "--set", "train.epochs=1"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
