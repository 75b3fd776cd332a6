"""The process between a search and a Ray cluster: it hands out trials, and begins them again where a machine is lost.

Ray ends its process where it loses the cluster, past all exceptions; so the search itself has none of it. It speaks
with this process through two pipes. When the search dies, this process ends, and Ray ends the trials of a dead one.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, NamedTuple

from dlspec.core.errors import Diagnostic, Problem
from dlspec.tuning.workers.machines import Job, shares
from dlspec.tuning.workers.remote import Location, Trainer, stop
from dlspec.tuning.workers.trial import Result, Task, died
from dlspec.tuning.workers.worker import DEATHS

# How long a search waits for a machine that takes a trial: until it says so, and until it gives up.
_SAID_AFTER, _OVER_AFTER = 30.0, 600.0
# How long a trial may take to stop with a checkpoint.
STOPPED_AFTER = 60.0
# Processes that end while they begin, in a row, before the search gives up.
_FAILED_STARTS = 4
# How long Ray takes to notice that a machine is lost which says nothing any more.
_NOTICED_AFTER = 45.0


class Order(NamedTuple):
    """The settings with which a search on a cluster begins."""

    address: str
    wanted: int | None
    job: Job


@dataclass(eq=False)
class _Trial:
    number: int
    task: Task
    deaths: list[str] = field(default_factory=list)  # the machines where its processes died

    @property
    def name(self) -> str:
        """The name of the trial in messages."""
        return f"trial {int(self.task.folder.name)}"


@dataclass(eq=False)
class _Process:
    actor: Any
    location: Location | None = None
    trial: _Trial | None = None


@dataclass
class RayDriver:
    """The trials and processes of one search; one event after another.

    Attributes:
        tell: Answers the search: what kind of answer, and its parts.
    """

    order: Order
    tell: Callable[..., None]
    events: SimpleQueue[Callable[[], None]] = field(default_factory=SimpleQueue)
    _waiting: deque[_Trial] = field(default_factory=deque)
    _processes: list[_Process] = field(default_factory=list)
    _failed_starts: int = 0
    _idle_since: float | None = None
    _said: bool = False
    _stopping: bool = False

    def run(self) -> None:
        """Serves the search until it wants no more.

        Raises:
            Problem: The search cannot go on.
        """
        _join(self.order.address)
        self._share = shares(_machines(), self.order.wanted)
        self.tell("count", self._share.trials)
        for _ in range(self._share.trials):
            self._open()
        while not self._stopping:
            try:
                self.events.get(timeout=1.0)()
            except Empty:
                self._watch()
            self._hand_out()
        self._stop_trials()

    # --- what the search wants ------------------------------------------------------------------------------------

    def submit(self, number: int, task: Task) -> None:
        """Queues a trial."""
        self._waiting.append(_Trial(number, task))

    def end(self) -> None:
        """Ends the driver: no further trials are submitted."""
        self._stopping = True

    # --- processes ------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        import ray

        options = {"num_cpus": self._share.cores, "num_gpus": self._share.gpus, "max_restarts": 0}
        actor = ray.remote(Trainer).options(**options, scheduling_strategy="SPREAD").remote()
        process = _Process(actor)
        self._processes.append(process)
        self._then(actor.begin.remote(self.order.job, self._share.cores), partial(self._begun, process))

    def _then(self, outcome: Any, event: Callable[[Future[Any]], None]) -> None:
        outcome.future().add_done_callback(lambda future: self.events.put(lambda: event(future)))

    def _begun(self, process: _Process, future: Future[Location]) -> None:
        try:
            location = process.location = _outcome(future)
        except _Lost as lost:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise Problem("E534", f"no process for trials begins on the machines: {lost}", _LOG) from lost
            self._close(process)
            self._open()
            return
        self._failed_starts = 0
        if location.problem is not None:
            raise _raised(location.problem)

    def _hand_out(self) -> None:
        for process in self._processes:
            if self._waiting and process.location is not None and process.trial is None and not self._stopping:
                process.trial = trial = self._waiting.popleft()
                outcome = process.actor.run.remote(trial.task)
                self._then(outcome, partial(self._ended, process, trial, process.location))

    def _ended(
        self, process: _Process, trial: _Trial, location: Location, future: Future[Result | Diagnostic | None]
    ) -> None:
        process.trial = None
        try:
            result = _outcome(future)
        except _Lost as lost:
            self._lose(process, trial, location, lost)
            return
        if result is None:  # a signal, as of a machine that shuts down
            self._waiting.appendleft(trial)
        elif isinstance(result, Diagnostic):
            raise _raised(result)
        else:
            self.tell("result", trial.number, result)

    def _lose(self, process: _Process, trial: _Trial, location: Location, lost: _Lost) -> None:
        """Another process takes the trial of one that died; a machine that is lost is not the trial's fault."""
        self._close(process)
        if self._stopping:
            return
        host, trial.deaths = location.host, [*trial.deaths, location.node]
        if lost.in_doubt or location.node not in _alive():
            self.tell("note", f"the machine `{host}` does not answer: {trial.name} goes on elsewhere")
        else:
            self.tell("note", f"the process of {trial.name} on `{host}` died")
        if _is_to_blame(trial, _NOTICED_AFTER if lost.in_doubt else 0.0):
            self.tell("result", trial.number, died())
        else:
            self._waiting.appendleft(trial)
        self._open()

    def _close(self, process: _Process) -> None:
        import ray

        self._processes.remove(process)
        ray.kill(process.actor)  # it may live, where only the connection is lost

    def _watch(self) -> None:
        """Says where no machine takes a trial, and gives up after a while."""
        if not self._waiting or any(process.location is not None for process in self._processes):
            self._idle_since, self._said = None, False
            return
        self._idle_since = self._idle_since or time.monotonic()
        waited = time.monotonic() - self._idle_since
        if waited > _OVER_AFTER:
            text = f"no machine of the cluster took a trial for {_OVER_AFTER / 60:.0f} minutes"
            raise Problem("E533", text, "`ray status` shows its machines; the same command goes on with the search")
        if waited > _SAID_AFTER and not self._said:
            self._said = True
            self.tell("note", "no machine of the cluster takes a trial now; waiting for one")

    # --- the end --------------------------------------------------------------------------------------------------

    def _stop_trials(self) -> None:
        """Stops running trials with a checkpoint, where they can in time."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        for process in self._processes:
            if process.trial is not None and process.location is not None:
                where = On(node_id=process.location.node, soft=False)
                ray.remote(stop).options(num_cpus=0, scheduling_strategy=where).remote(process.location.pid)
        until = time.monotonic() + STOPPED_AFTER
        while any(process.trial is not None for process in self._processes) and time.monotonic() < until:
            try:
                self.events.get(timeout=0.5)()
            except (Empty, Problem):
                continue


_LOG = "see cluster/log in the search's folder; `dlspec` must be installed for Ray's Python on all machines"


class _Lost(Exception):
    """A process cannot be reached; whether it died is in doubt where only the connection broke."""

    def __init__(self, text: str, in_doubt: bool) -> None:
        super().__init__(text)
        self.in_doubt = in_doubt


def _outcome(future: Future[Any]) -> Any:
    """The answer of a process.

    Raises:
        _Lost: Nothing, any more.
        Problem: E534, it cannot do what it was asked.
    """
    from ray.exceptions import ActorUnavailableError, RayActorError, RayTaskError

    try:
        return future.result()
    except RayTaskError as error:
        raise Problem("E534", f"a machine cannot run trials: {_last_line(error.cause or error)}", _LOG) from error
    except RayActorError as error:
        raise _Lost(_last_line(error), isinstance(error, ActorUnavailableError)) from error
    except Exception as error:
        raise Problem("E534", f"a machine cannot run trials: {_last_line(error)}", _LOG) from error


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1][:300]}" if lines else type(error).__name__


def _raised(diagnostic: Diagnostic) -> Problem:
    return Problem(diagnostic.code, diagnostic.message, diagnostic.help)


def _join(address: str) -> None:
    import ray

    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # of every kind
        help = f"this machine must be part of it, with the same versions and token: `ray start --address={address}`"
        raise Problem("E533", f"cannot join the Ray cluster at `{address}`: {_last_line(error)}", help) from error


def _machines() -> list[tuple[int, int]]:
    """Cores and GPUs of each."""
    import ray

    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [(int(machine.get("CPU", 0)), int(machine.get("GPU", 0))) for machine in resources]


def _alive() -> set[str]:
    """The machines that Ray believes to be there."""
    import ray

    return {machine["NodeID"] for machine in ray.nodes() if machine["Alive"]}


def _is_to_blame(trial: _Trial, seconds: float) -> bool:
    """Whether its processes died too often on machines that live, or are not found dead in so many seconds."""
    until = time.monotonic() + seconds
    while len([node for node in trial.deaths if node in _alive()]) >= DEATHS:
        if time.monotonic() >= until:
            return True
        time.sleep(0.5)
    return False


def _read(commands: BinaryIO, driver: RayDriver) -> None:
    """Takes what the search wants; ends with it, however it ends."""
    while True:
        try:
            name, *parts = pickle.load(commands)
        except Exception:  # nobody is there
            os._exit(1)
        driver.events.put(partial(getattr(driver, name), *parts))


def _write(answers: BinaryIO, kind: str, *parts: Any) -> None:
    pickle.dump((kind, *parts), answers)
    answers.flush()


def main() -> None:
    """Serves the search at the other end of the standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    commands, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what Ray prints goes where its messages go
    tell = partial(_write, answers)
    driver = RayDriver(pickle.load(commands), tell)
    threading.Thread(target=_read, args=(commands, driver), daemon=True).start()
    try:
        driver.run()
    except Problem as problem:
        tell("problem", problem.at(None))
    sys.stderr.flush()
    os._exit(0)  # Ray ends what still runs when this process is gone
