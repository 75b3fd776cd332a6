"""What prepared data depend on: where none of it changed, one process need not read and prepare them again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlspec.data.signature import Signature
from dlspec.registry import Component
from dlspec.registry.component import describe
from dlspec.sections.data import Data
from dlspec.sections.train import Supervised

# Options of `data` that only say how prepared examples are visited.
VISITING = ("batch_size", "shuffle", "seed")


def dependence(data: Data, folder: Path, signature: Signature, method: Supervised | None) -> str:
    """The same text wherever :func:`dlspec.data.pipeline.prepare` makes the same of the same arguments.

    Files count by name, size and time of change.
    """
    options = {name: value for name, value in data.given.items() if name not in VISITING}
    compared = {
        name: (describe(method.loss_of(name)), describe(method.metrics_of(name)))
        for name in (signature.outputs if method is not None else ())
        if method is not None
    }
    facts = (
        describe(options),
        str(folder.resolve()),
        [(name, str(tensor)) for name, tensor in (*signature.inputs.items(), *signature.outputs.items())],
        compared,
        sorted(_files(options, folder)),
    )
    return repr(facts)


def files(data: Data, folder: Path) -> list[tuple[str, int]]:
    """Names and sizes of the files that data are read from; copies elsewhere have the same."""
    return sorted((os.path.relpath(name, folder), size) for name, size, _ in _files(data.given, folder))


def _files(value: Any, folder: Path) -> Iterator[tuple[str, int, int]]:
    """Every file that an option names, or that stands in a folder that one names."""
    if isinstance(value, Component):
        value = value.given
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _files(item, folder)
    elif isinstance(value, str) and "\0" not in value:
        try:
            yield from _found(folder / value)
        except OSError:  # a text that is no path
            return


def _found(path: Path) -> Iterator[tuple[str, int, int]]:
    if path.is_dir():
        for place, _, names in os.walk(path):
            yield from (_fact(Path(place, name)) for name in names)
    elif path.is_file():
        yield _fact(path)


def _fact(path: Path) -> tuple[str, int, int]:
    facts = path.stat()
    return str(path), facts.st_size, facts.st_mtime_ns
