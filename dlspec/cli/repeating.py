"""The command that repeats a training: for pages and reports, where people copy it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from dlspec.cli.output import code_allowed


def repeated(
    command: str,
    spec: Path,
    overrides: Sequence[str],
    *,
    options: Sequence[str] = (),
    allow_outside: bool = False,
    runs: Path = Path("runs"),
) -> str:
    """The line that does the same again, quoted for a shell.

    Args:
        command: A command of dlspec, such as `train`.
        spec: The file of the spec.
        overrides: Values of `--set`.
        options: Further options and their values, as they are typed.
        allow_outside: Whether files outside the spec's folder may be read.
        runs: The folder of all runs.
    """
    arguments = ["dlspec", command, str(spec), *options]
    for setting in overrides:
        arguments += ["--set", setting]
    if allow_outside:
        arguments.append("--allow-outside")
    if code_allowed():
        arguments.append("--allow-code")
    if runs != Path("runs"):
        arguments += ["--runs", str(runs)]
    return shlex.join(arguments)
