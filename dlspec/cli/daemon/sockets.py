"""Where daemons are asked, and what is said: a request with three open files, and lines of JSON back."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlspec.core.files import cache_folder

SUFFIX = ".sock"
_LENGTH = struct.Struct("!Q")
# Bytes of a request: the kernel allows arguments and environment of 6 MB at most.
_MOST = 64 << 20


@dataclass(frozen=True)
class Request:
    """A command for a daemon.

    Attributes:
        arguments: Of the command line, without the name of the program.
        program: ``sys.argv[0]`` of whoever asks.
        path: Its ``sys.path``.
        environment: Its environment.
        folder: Its working folder.
        ignored: Numbers of the signals that it ignores.
    """

    arguments: list[str]
    program: str
    path: list[str]
    environment: dict[str, str]
    folder: str
    ignored: list[int]


def supported() -> bool:
    """Whether this system can copy a process that has imported TensorFlow, and wait for one by a file: Linux."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def folder_of_daemons() -> Path | None:
    """``$DLSPEC_DAEMON``, or a folder of the user's; None where `0` says that none is to be asked."""
    chosen = os.environ.get("DLSPEC_DAEMON")
    if chosen == "0":
        return None
    if chosen:
        return Path(chosen)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "dlspec" if runtime else cache_folder() / "daemons"


def is_private(folder: Path) -> bool:
    """Whether a folder is the user's own and nobody else can write into it or look into it."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for a socket that the system takes: at most 107 bytes, however deep its folder lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connected(path: Path) -> socket.socket | None:
    """A connection to a daemon of the same user; None where none listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_path(path) as name:
            connection.connect(name)
        if user_of(connection) == os.getuid():
            return connection
    except ConnectionRefusedError:
        with suppress(OSError):
            path.unlink()  # its daemon was killed
    except OSError:
        pass
    connection.close()
    return None


def user_of(connection: socket.socket) -> int:
    """The number of the user whose process is at the other end."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[1])


def send_request(connection: socket.socket, request: Request | str, files: list[int]) -> None:
    """Sends a command with the files it reads and writes, or a question: ``stop`` or ``status``."""
    body = json.dumps(request if isinstance(request, str) else asdict(request)).encode()
    if files:
        socket.send_fds(connection, [_LENGTH.pack(len(body))], files)
    else:
        connection.sendall(_LENGTH.pack(len(body)))
    connection.sendall(body)


def received_request(connection: socket.socket) -> tuple[Request | str, list[int]]:
    """What :func:`send_request` sent, with the files.

    Raises:
        OSError: Whoever asked is gone, or takes too long.
        ValueError: It is no request.
    """
    head, files, _, _ = socket.recv_fds(connection, _LENGTH.size, 3)
    with ExitStack() as closing:
        for file in files:
            closing.callback(os.close, file)
        if len(head) != _LENGTH.size:
            raise ValueError("no request")
        length = int(_LENGTH.unpack(head)[0])
        if length > _MOST:
            raise ValueError("too long")
        body = bytearray()
        while len(body) < length:
            part = connection.recv(min(1 << 16, length - len(body)))
            if not part:
                raise ValueError("cut off")
            body += part
        data = json.loads(body)
        request = data if isinstance(data, str) else Request(**data)
        closing.pop_all()  # whoever asked for the request closes them
    return request, files


def send_line(connection: socket.socket, **facts: Any) -> None:
    """Tells whoever asked; nothing happens where it is gone."""
    with suppress(OSError):
        connection.sendall(json.dumps(facts).encode() + b"\n")
