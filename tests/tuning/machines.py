"""Two machines of a Ray cluster on this one, each a process that can be killed with all that it started."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RAY = Path(sys.executable).with_name("ray")
# Whatever the person or the CI machine that runs the tests has set, or left in the home folder (a token of Ray).
ENVIRONMENT = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def command(pid: int) -> str:
    """Of a process; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " ")
    except OSError:
        return ""


def below(pid: int) -> list[int]:
    """The processes that one started, and those that they did."""
    try:
        found = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    except OSError:
        return []
    return [*found, *(one for child in found for one in below(child))]


def wait_until(condition: object, what: str, seconds: float = 60.0) -> None:
    """Waits for a function to say yes."""
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.05)


class Machine:
    """One machine with a core, or more."""

    def __init__(self, *options: str, cores: int = 1) -> None:
        words = [RAY, "start", "--block", f"--num-cpus={cores}", "--object-store-memory=100000000", *options]
        self._process = subprocess.Popen(
            words, env=ENVIRONMENT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(self.serves, "the start of a machine")
        except AssertionError:
            self.kill()
            raise

    def serves(self) -> bool:
        """Whether its scheduler runs, with the process that starts others."""
        assert self._process.poll() is None, "`ray start` ended"
        return any("RuntimeEnvAgent" in command(pid) for pid in below(self._process.pid))

    def trainers(self) -> list[int]:
        """The processes that run trials."""
        return [pid for pid in below(self._process.pid) if command(pid).startswith("ray::Trainer")]

    def kill(self) -> None:
        """As if its plug were pulled."""
        for pid in [self._process.pid, *below(self._process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()


class Machines:
    """A cluster of two."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="ray")  # short: the names of sockets stand in it
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        options = ["--head", f"--port={port}", f"--temp-dir={self._folder}", "--include-dashboard=false"]
        self.first = Machine(*options, f"--ray-client-server-port={free_port()}")
        try:
            self.second = Machine(f"--address={self.address}")
        except AssertionError:
            self.first.kill()
            raise

    def mend(self) -> None:
        """Another second machine in place of one that was killed."""
        self.second = Machine(f"--address={self.address}")

    def close(self) -> None:
        """Ends everything."""
        self.second.kill()
        self.first.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
