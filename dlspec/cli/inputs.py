"""The files that a command reads, which nothing that it writes may replace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from dlspec.passes.state import Bound


def keep_inputs(output: Path | None, inputs: Iterable[Path], option: str = "-o") -> None:
    """Says before any work is done that a result would replace something that it is made of.

    Args:
        output: The file or folder to be written; where nothing stands there, nothing is asked of `inputs`.
        inputs: Files and folders that are read. A file is the same by whatever path or link it is named.
        option: The option that names `output`, for the message.

    Raises:
        click.BadParameter: `output` is one of them, holds one of them, or stands in one of the folders.
    """
    if output is None or not output.exists():
        return
    written = output.resolve()
    for read in _files(inputs):
        if read.samefile(output) or (written.is_dir() and read.resolve().is_relative_to(written)):
            name = f"`{output}`" if read.samefile(output) else f"`{read}`"
            text = f"this would replace {name}, which is read here; name another file"
            raise click.BadParameter(text, param_hint=option)


def inputs_of_spec(state: Bound) -> Iterator[Path]:
    """The files of a spec, the Python files that it names, and its data."""
    from dlspec.data.checks.dependence import files

    yield state.path
    yield from (Path(name) for name in state.texts if not name.startswith("--set"))
    yield from state.catalogue.files.values()
    if state.data_section is not None:
        names = files(state.data_section, state.folder, allow_outside=state.allow_outside)
        yield from (state.folder / name for name, _ in names)
    yield from (path for saved in state.saved_models.values() for path in saved.files.values())
    if state.method is not None and state.method.start_from:
        yield state.folder / state.method.start_from.file


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that exist, those in folders included."""
    for path in paths:
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file())
