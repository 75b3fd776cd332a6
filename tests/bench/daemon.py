"""Commands that a daemon runs against the same ones alone."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path

from tests.bench.measuring import ROOT, paired, process, report
from tests.bench.training import digits_training


def daemon_speed() -> bool:
    """Wall time of the shortest command that starts TensorFlow, and of a training from the command to the report."""
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train = digits_training(folder)
        build = ["-m", "dlspec", "build", str(ROOT / "specs/linear/linear_unit.yaml")]

        def by_daemon(arguments: list[str]) -> float:
            os.environ["DLSPEC_DAEMON"] = str(folder / "daemon")
            return process(arguments)

        def alone(arguments: list[str]) -> float:
            os.environ["DLSPEC_DAEMON"] = "0"
            return process(arguments)

        before = os.environ.get("DLSPEC_DAEMON")
        try:
            print(f"     the daemon is ready after {by_daemon(['-m', 'dlspec', 'daemon', 'start']):.1f} s", flush=True)
            for what, arguments, limit in (("build a linear unit", build, 0.25), ("digits as a table", train, 0.6)):
                warm, cold, ratio = paired(partial(by_daemon, arguments), partial(alone, arguments), 5)
                good &= report(f"{what}, by a daemon ({warm:.2f} s) / alone ({cold:.2f} s)", ratio, limit)
        finally:
            by_daemon(["-m", "dlspec", "daemon", "stop"])
            os.environ.pop("DLSPEC_DAEMON")
            if before is not None:
                os.environ["DLSPEC_DAEMON"] = before
    return good
