"""The daemon: imports everything once, then is copied for each command that it is asked for."""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dlspec.cli.daemon.sockets import Request, received_request, send_line, short_path, user_of
from dlspec.cli.daemon.surroundings import code

# Packages that commands with TensorFlow use, and modules of others that they import while they run.
_PACKAGES = (
    *("backends", "components", "core", "data", "export", "graph", "keras_layers", "passes"),
    *("semantics", "syntax", "training", "tuning", "views"),
)
_OTHERS = ("PIL.Image", "sklearn.datasets", "sklearn.metrics", "scipy.stats", "concurrent.futures.process", "runpy")
# Seconds that a request may take to come, and after which a daemon looks whether it is of use to anyone still.
_PATIENCE, _LOOK = 10.0, 30.0
# What a terminal sends to all processes of a command.
_TO_ALL = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT)


def preload() -> dict[str, str]:
    """Imports what commands import. Nothing is computed: TensorFlow hangs in copies of a process that has computed.

    Returns:
        Variables of the environment that were set meanwhile, which each command needs as well.
    """
    from dlspec.backends.keras.starting import captured_stderr, import_keras

    before = dict(os.environ)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with captured_stderr():
        import_keras()
    for package in _PACKAGES:
        loaded = importlib.import_module(f"dlspec.{package}")
        for info in pkgutil.walk_packages(loaded.__path__, f"{loaded.__name__}."):
            _import(info.name)
    for module in ("dlspec.cli.commands.train", "dlspec.cli.commands.predict", *_OTHERS):
        _import(module)
    gc.collect()
    gc.freeze()  # copies share these objects until they write to them
    return {name: value for name, value in os.environ.items() if before.get(name) != value}


def _import(module: str) -> None:
    with suppress(ImportError):  # of a package that is not installed
        importlib.import_module(module)


@dataclass
class _Copy:
    """A command that runs.

    Attributes:
        process: Its number.
        ended: A file that can be read as soon as it has ended.
        connection: To whoever asked for it; None as soon as they are gone.
    """

    process: int
    ended: int
    connection: socket.socket | None


class Daemon:
    """Listens until nobody has asked for a while."""

    def __init__(self, path: Path, parts: dict[str, str], variables: dict[str, str], idle: float) -> None:
        """Begins to listen.

        Args:
            path: Of the socket; beside it a file ``.json`` says what the daemon is.
            parts: What the process had at its start: packages change variables of the environment while imported.
            variables: Of the environment, set by packages that were imported.
            idle: Seconds without a command after which it ends.
        """
        self._path, self._parts, self._set, self._idle = path, parts, variables, idle
        self._served = 0
        self._ending = False
        self._free_since = time.monotonic()
        self._copies: list[_Copy] = []
        self._selector = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        facts = {"process": os.getpid(), "started": time.time(), "idle": idle, "parts": self._parts}
        path.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
        hidden = path.with_suffix(f".{os.getpid()}")
        with short_path(hidden) as name:
            self._listening.bind(name)
        self._listening.listen(64)
        self._inode = hidden.stat().st_ino
        hidden.rename(path)  # whoever sees it is answered
        self._selector.register(self._listening, selectors.EVENT_READ)

    def serve(self) -> Request | None:
        """Copies the process for each command.

        Returns:
            In a copy, the command that it is to run; in the daemon itself None, as soon as it is to end.
        """
        while self._goes_on():
            for key, _ in self._selector.select(min(self._idle, _LOOK)):
                if key.fileobj is self._listening:
                    connection, _ = self._listening.accept()
                    request = self._answer(connection)
                    if request is not None:
                        return request
                else:
                    self._heed(cast("_Copy", key.data), cast("Any", key.fileobj))
        self._remove()
        return None

    def _goes_on(self) -> bool:
        if self._copies:
            return True
        if self._ending or time.monotonic() - self._free_since > self._idle:
            return False
        return self._is_there() and all(self._parts[name] == part for name, part in code().items())

    def _is_there(self) -> bool:
        """Whether the socket is still that of this daemon: its folder may be removed, or another have come."""
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def _remove(self) -> None:
        if self._is_there():
            self._path.unlink()
            self._path.with_suffix(".json").unlink(missing_ok=True)

    def _answer(self, connection: socket.socket) -> Request | None:
        """Does what a connection asks for; returns a command in the copy that is to run it."""
        connection.settimeout(_PATIENCE)
        try:
            if user_of(connection) != os.getuid():
                raise ValueError("not the same user")
            request, files = received_request(connection)
        except (OSError, ValueError, TypeError):
            connection.close()
            return None
        if isinstance(request, Request) and len(files) == 3:
            return self._copied(request, files, connection)
        if request == "stop":
            self._ending = True
            self._remove()
        send_line(connection, process=os.getpid(), served=self._served, running=len(self._copies))
        connection.close()
        return None

    def _copied(self, request: Request, files: list[int], connection: socket.socket) -> Request | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which packages begin when imported
            process = os.fork()
        if process == 0:
            self._leave(connection)
            become(request, files, self._set)
            return request
        for file in files:
            os.close(file)
        with suppress(OSError):
            os.setpgid(process, process)  # here as well: a signal may come before the copy has done it
        self._served += 1
        copy = _Copy(process, os.pidfd_open(process), connection)
        self._copies.append(copy)
        self._selector.register(copy.ended, selectors.EVENT_READ, copy)
        self._selector.register(connection, selectors.EVENT_READ, copy)
        send_line(connection, process=process)
        return None

    def _leave(self, connection: socket.socket) -> None:
        """In a copy: closes all that is the daemon's.

        The connection stays open, so that whoever asked sees the command end even if the daemon is killed before.
        """
        self._selector.close()
        self._listening.close()
        for copy in self._copies:
            os.close(copy.ended)
            if copy.connection is not None:
                copy.connection.close()
        os.setpgid(0, 0)
        os.dup(connection.fileno())
        connection.close()

    def _heed(self, copy: _Copy, source: socket.socket | int) -> None:
        """A command has ended, or whoever asked for it sends a signal or is gone."""
        if source == copy.ended:
            _, status = os.waitpid(copy.process, 0)
            if copy.connection is not None:
                send_line(copy.connection, status=os.waitstatus_to_exitcode(status))
                self._selector.unregister(copy.connection)
                copy.connection.close()
            self._selector.unregister(copy.ended)
            os.close(copy.ended)
            self._copies.remove(copy)
            self._free_since = time.monotonic()
        elif copy.connection is not None:
            try:
                numbers = copy.connection.recv(64)
            except OSError:
                numbers = b""
            for number in numbers:
                self._signal(copy, number)
            if not numbers:  # killed: what it asked for dies with it
                self._selector.unregister(copy.connection)
                copy.connection.close()
                copy.connection = None
                os.kill(copy.process, signal.SIGKILL)

    def _signal(self, copy: _Copy, number: int) -> None:
        with suppress(ProcessLookupError):
            if number in _TO_ALL:
                os.killpg(copy.process, number)
            else:
                os.kill(copy.process, number)


def become(request: Request, files: list[int], variables: dict[str, str]) -> None:
    """Turns a copy into the process that whoever asked would have started: files, environment, folder, signals.

    Args:
        request: The command.
        files: What is to become standard input, output and errors.
        variables: Of the environment, set by packages that were imported.
    """
    import tempfile

    for number, file in enumerate(files):
        os.dup2(file, number, inheritable=True)
    for file in files:
        if file > 2:
            os.close(file)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        _open_stream(number, name)
    os.environ.clear()
    os.environ.update({**variables, **request.environment})
    os.chdir(request.folder)
    sys.argv[:] = [request.program, *request.arguments]
    sys.path[:] = request.path
    importlib.invalidate_caches()
    tempfile.tempdir = None
    time.tzset()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in request.ignored else usual)
    import numpy as np

    np.random.seed()


def _open_stream(number: int, name: str) -> None:
    """Opens a stream of `sys` anew as Python does at its start: it may be a pipe now, or a terminal."""
    before = getattr(sys, name)
    stream = open(  # noqa: SIM115  stays open; a number is no path
        number,
        "w" if number else "r",
        buffering=-1,
        encoding=before.encoding,
        errors=before.errors,
        newline="\n",
        closefd=False,
    )
    stream.reconfigure(line_buffering=number == 2 or stream.isatty(), write_through=before.write_through)
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)
