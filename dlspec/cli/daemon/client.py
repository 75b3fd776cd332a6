"""Hands a command over to a daemon, and stands for it: its files, its signals, its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

from dlspec.cli.daemon.sockets import SUFFIX, Request, connected, folder_of_daemons, is_private, send_request, supported

# Signals that are handed on. What stops a process cannot be caught; what a terminal stops it with can.
_HANDED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGCONT")


def daemons() -> list[Path]:
    """Sockets in the folder of daemons, sorted; none where the folder is not the user's own."""
    folder = folder_of_daemons()
    if folder is None or not supported() or not is_private(folder):
        return []
    return sorted(folder.glob(f"*{SUFFIX}"))


def run_by_daemon(arguments: list[str]) -> int | None:
    """Runs a command by a daemon that would run it as this process does.

    Args:
        arguments: Of the command line, without the name of the program.

    Returns:
        Its exit code; None where there is no such daemon: nothing has happened then.
    """
    sockets = daemons()
    if not sockets:
        return None
    from dlspec.cli.daemon.surroundings import key_of, surroundings

    path = sockets[0].with_name(key_of(surroundings()) + SUFFIX)
    if path not in sockets or not all(_is_open(number) for number in (0, 1, 2)):
        return None
    connection = connected(path)
    return None if connection is None else _handed_over(connection, arguments)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _handed_over(connection: socket.socket, arguments: list[str]) -> int | None:
    numbers = [getattr(signal, name) for name in _HANDED_ON]
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    try:
        folder = str(Path.cwd())
    except OSError:  # it was removed
        return None
    request = Request(arguments, sys.argv[0], sys.path, dict(os.environ), folder, ignored)

    def hand_on(number: int, frame: FrameType | None) -> None:
        with suppress(OSError):
            connection.send(bytes([number]))
        if number == signal.SIGTSTP:
            os.kill(os.getpid(), signal.SIGSTOP)

    sys.stdout.flush()
    sys.stderr.flush()
    allowed = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # what comes meanwhile is sent behind the request
    before = {number: signal.signal(number, hand_on) for number in numbers if number not in ignored}
    try:
        send_request(connection, request, [0, 1, 2])
    except (OSError, ValueError):
        for number, handler in before.items():
            signal.signal(number, handler)
        return None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, allowed)
    return _end(_status(connection))


def _status(connection: socket.socket) -> int | None:
    """Waits for the end of the command: its exit code, less than 0 for a signal; None where nobody says it."""
    text = b""
    while part := connection.recv(1 << 12):
        text += part
        for line in text.splitlines():
            status = json.loads(line).get("status") if line.endswith(b"}") else None
            if status is not None:
                return int(status)
    return None


def _end(status: int | None) -> int:
    """Ends as the command did, by a signal as well; returns its exit code."""
    if status is None:
        message = "the daemon was ended: what became of the command is unknown; `dlspec runs` lists what there is"
        print(message, file=sys.stderr)
        return 3
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status
