"""Files of specs written anew, and the difference that this makes."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from dlspec.core.files import write_atomically

_BOM = "\ufeff"


def difference(before: Mapping[Path, str], after: Mapping[Path, str]) -> str:
    """A unified diff of texts, "" where they are equal."""
    parts: list[str] = []
    for path, text in after.items():
        old, new = before[path].splitlines(keepends=True), text.splitlines(keepends=True)
        for line in difflib.unified_diff(old, new, str(path), str(path)):
            parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(parts)


def rewrite(path: Path, text: str) -> None:
    """Puts a text in place of that of a file: whole or not at all, with the file's line ends, mark and permissions.

    Args:
        path: The file; of a link, the file behind it is written.
        text: With ``\\n`` as its line end.

    Raises:
        click.ClickException: It cannot be written.
    """
    path = path.resolve()
    try:
        raw = path.read_bytes().decode("utf-8")
        if "\r" in raw.replace("\r\n", ""):
            raise click.ClickException(f"`{path}` has line ends of Mac OS 9, which are not changed")
        if "\r\n" in raw:
            if raw.count("\r\n") != raw.count("\n"):
                raise click.ClickException(f"`{path}` has line ends of two kinds, which are not changed")
            text = text.replace("\n", "\r\n")
        mark = _BOM if raw.startswith(_BOM) else ""

        def write(file: Path) -> None:
            file.write_bytes((mark + text).encode("utf-8"))
            shutil.copymode(path, file)

        write_atomically(path, write)
    except OSError as error:
        raise click.ClickException(f"`{path}` cannot be written: {error.strerror or error}") from error
