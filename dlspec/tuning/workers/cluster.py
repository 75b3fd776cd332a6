"""Trials on the machines of a Ray cluster."""

from __future__ import annotations

import importlib.util
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import IO, Any

from dlspec.core.errors import Problem
from dlspec.tuning.workers import machines
from dlspec.tuning.workers.ray_driver import STOPPED_AFTER, Order
from dlspec.tuning.workers.trial import Result, Task

LOG_FILE = "log"
# How long it may take to join a cluster that answers; and to see that nothing listens.
_JOINED_AFTER, _ANSWERED_AFTER = 60.0, 5.0
# Ray reports its use to its makers unless told otherwise.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}


def require(address: str) -> None:
    """Says what is missing before anything slow begins.

    Raises:
        Problem: E533, Ray is not installed, or nothing listens at `address`.
    """
    if importlib.util.find_spec("ray") is None:
        raise Problem("E533", "`--cluster` needs Ray, which is not installed", "pip install 'dlspec[ray]'")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise Problem("E533", f"`{address}` is not HOST:PORT", "`ray start --head` prints it, as in `192.0.2.7:6379`")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWERED_AFTER).close()
    except OSError as error:
        text = f"no Ray cluster answers at `{address}`: {error.strerror or error}"
        raise Problem(
            "E533", text, f"begin one: `ray start --head --port={port}`, and on other machines its line"
        ) from error


class Cluster:
    """Processes on all machines, each with a share of the cores and a GPU where there are any.

    A process or machine that dies takes nothing with it: its trial is begun again elsewhere, from its checkpoint. The
    work is done in :mod:`dlspec.tuning.workers.ray_driver`, a process of its own.

    Args:
        address: Of the Ray cluster, HOST:PORT.
        wanted: Trials at a time; None for one on each GPU, or machine.
        job: What every machine is held against, but for the token.
        say: Called with what people should know.
    """

    def __init__(self, address: str, wanted: int | None, job: machines.Job, say: Callable[[str], None]) -> None:
        self._address, self._say = address, say
        self._log = job.folder / machines.FOLDER / LOG_FILE
        self._messages: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        self._results: dict[int, Result] = {}
        self._joined, self._last = False, 0
        self._open = ExitStack()
        with ExitStack() as begun:
            token = begun.enter_context(machines.offered(job.folder))
            log = begun.enter_context(self._log.open("ab"))
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from dlspec.tuning.workers.ray_driver import main; main()"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **_QUIET},
                start_new_session=True,  # Ctrl-C in a terminal reaches the search, which decides what follows from it
            )  # fmt: skip
            self._open = begun.pop_all()
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        self._send(Order(address, wanted, replace(job, token=token)))

    @cached_property
    def count(self) -> int:
        """Number of trials at a time, at most what was wanted; known when the cluster is joined."""
        [count] = self._until("count", _JOINED_AFTER)
        return int(count)

    def submit(self, task: Task) -> Callable[[], Result]:
        """Hands the trial out, with paths that mean the same everywhere."""
        self._last += 1
        number = self._last
        before = task.before.absolute() if task.before is not None else None
        self._send(
            ("submit", number, replace(task, spec=task.spec.absolute(), folder=task.folder.absolute(), before=before))
        )
        return lambda: self._result(number)

    def _result(self, number: int) -> Result:
        while number not in self._results:
            answered, result = self._until("result")
            self._results[answered] = result
        return self._results.pop(number)

    def _until(self, wanted: str, seconds: float | None = None) -> tuple[Any, ...]:
        """The parts of the next message of a kind; what else is said meanwhile is told."""
        while True:
            try:
                kind, *parts = self._messages.get(timeout=seconds)
            except Empty:
                raise self._lost() from None
            if kind == "problem":
                [problem] = parts
                raise Problem(problem.code, problem.message, self._help_with_token() or problem.help)
            if kind == "gone":
                self._messages.put(("gone",))  # for whoever asks again
                raise self._lost()
            self._joined = True
            if kind == wanted:
                return tuple(parts)
            self._say(*parts)

    def _read(self, answers: IO[bytes]) -> None:
        with suppress(Exception):  # its end, at whatever byte
            while True:
                self._messages.put(pickle.load(answers))
        self._messages.put(("gone",))

    def _send(self, message: Any) -> None:
        orders = self._process.stdin
        if orders is None:
            return
        with suppress(BrokenPipeError):  # what is read next says so
            pickle.dump(message, orders)
            orders.flush()

    def _help_with_token(self) -> str:
        """Help where the cluster refused this machine for want of a token; "" where it did not.

        Ray 2.60 begins a cluster that demands the token which it finds in the home folder, but sends none when it joins
        one, unless RAY_AUTH_MODE says so. Only its log tells.
        """
        with suppress(OSError):
            if b"InvalidAuthToken" in self._log.read_bytes():
                return "the cluster demands a token: give the command with `RAY_AUTH_MODE=token` before it"
        return ""

    def _lost(self) -> Problem:
        log = f"see {self._log}"
        if not self._joined:
            text = f"the Ray cluster at `{self._address}` does not take this machine's search"
            return Problem(
                "E533", text, f"the machine must be part of it: `ray start --address={self._address}`; {log}"
            )
        text = f"the Ray cluster at `{self._address}` was lost"
        return Problem("E533", text, f"begin it anew, and give the same command: it goes on with the search; {log}")

    def close(self) -> None:
        """Ends the processes; a training in them stops with a checkpoint."""
        self._send(("end",))
        try:
            self._process.wait(STOPPED_AFTER + 15 if self._joined else 0)  # Ray listens to nobody while it joins
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._open.close()
