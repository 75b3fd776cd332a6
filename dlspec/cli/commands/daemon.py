"""``dlspec daemon``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from dlspec.cli.daemon.client import daemons
from dlspec.cli.daemon.sockets import SUFFIX, connected, folder_of_daemons, is_private, send_request, supported
from dlspec.cli.daemon.surroundings import differences, key_of, surroundings
from dlspec.cli.helping import helped_group
from dlspec.cli.output import print_text
from dlspec.core.terminal import table

# Seconds that a start may take, on the slowest machine.
_PATIENCE = 300.0


@helped_group(
    "Train",
    "Keep TensorFlow ready, so that commands start at once",
    """
    dlspec daemon start          # commands of this shell start at once
    dlspec daemon                # which there are
    dlspec daemon stop
    """,
)
@click.pass_context
def command(context: click.Context) -> None:
    """Keep TensorFlow ready, so that commands start at once.

    A daemon imports TensorFlow once. Each later command that needs it runs in a copy of the daemon, with the files,
    the environment and the signals of the shell that gave the command. Commands that differ from the daemon in what
    is fixed at a start (packages, variables such as CUDA_VISIBLE_DEVICES, limits) start by themselves, as ever; so do
    all with DLSPEC_DAEMON=0. It ends by itself. Linux only.
    """
    if context.invoked_subcommand is None:
        print_text(_list() or "no daemon; `dlspec daemon start` starts one")


@command.command(short_help="Start one for the environment of this shell")
@click.option(
    "--idle",
    type=click.FloatRange(0, 1440),
    default=15,
    show_default=True,
    help="Minutes without a command to its end.",
)
def start(idle: float) -> None:
    """Start a daemon for the environment of this shell."""
    folder = _folder()
    path = folder / f"{key_of(surroundings())}{SUFFIX}"
    if _asked(path, "status"):
        print_text("a daemon for this environment runs already")
        return
    log = path.with_suffix(".log")
    with log.open("wb") as errors:
        started = subprocess.Popen(
            [sys.executable, "-m", "dlspec.cli.daemon", str(path), str(idle * 60)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    until = time.monotonic() + _PATIENCE
    while not path.exists():
        if started.poll() is not None or time.monotonic() > until:
            text = log.read_text(encoding="utf-8", errors="replace").strip()
            raise click.ClickException("\n".join(["the daemon did not start", *text.splitlines()[-5:]]))
        time.sleep(0.05)
    print_text(f"ready: commands of this environment start at once; it ends after {idle:g} minutes without one")


@command.command(short_help="End all of them")
def stop() -> None:
    """End all daemons; commands that run go on to their end."""
    ended = [path for path in daemons() if _asked(path, "stop")]
    print_text(f"{len(ended)} ended" if ended else "no daemon")


def _folder() -> Path:
    """The folder of daemons, made where it is missing."""
    folder = folder_of_daemons()
    if not supported():
        raise click.ClickException("a daemon needs Linux and Python with `os.pidfd_open`")
    if folder is None:
        raise click.ClickException("DLSPEC_DAEMON=0 says that no daemon is to be used")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"cannot make the folder of daemons `{folder}`: {error.strerror}") from error
    if not is_private(folder):
        message = f"`{folder}` must be a folder of yours that nobody else can enter: chmod 700, or name another one"
        raise click.ClickException(f"{message} in DLSPEC_DAEMON")
    return folder


def _asked(path: Path, question: str) -> dict[str, Any]:
    """What a daemon answers; nothing where none listens."""
    if not path.exists():
        return {}
    connection = connected(path)
    if connection is None:
        return {}
    with connection:
        connection.settimeout(10)
        try:
            send_request(connection, question, [])
            text = b""
            while part := connection.recv(1 << 12):
                text += part
        except OSError:
            return {}
    return dict(json.loads(text)) if text else {}


def _list() -> str:
    here = surroundings()
    rows = []
    for path in daemons():
        answer = _asked(path, "status")
        if not answer:
            continue
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        other = differences(here, facts["parts"])
        minutes = (time.time() - facts["started"]) / 60
        use = "yes" if not other else "no: " + ", ".join(other)
        rows.append([str(answer["process"]), f"{minutes:.0f} min", str(answer["served"]), str(answer["running"]), use])
    if not rows:
        return ""
    return "\n".join(table([["process", "since", "commands", "running", "of use here"], *rows], numbers=(0, 1, 2, 3)))
