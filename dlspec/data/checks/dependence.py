"""A key of prepared data: where it has not changed, a process need not read and prepare them again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.components.registry import Component
from dlspec.components.registry.component import describe
from dlspec.components.sections.data import Data
from dlspec.data.binding.drawn import seed_of
from dlspec.data.binding.signature import Signature
from dlspec.data.sources.base import Source

# Options of `data` that only say how prepared examples are visited.
VISITING = ("batch_size", "shuffle", "seed")

Fact = tuple[str, int, int]


def dependence(
    data: Data, folder: Path, signature: Signature, method: Method | None, *, allow_outside: bool = False
) -> str:
    """A key that is equal where :func:`dlspec.data.feeding.pipeline.prepare` would give equal results.

    Files count by name, size and time of change: those that options name or match, and the images that a table names.
    What a function of a source `python` reads is not known.
    """
    options = {name: value for name, value in data.given.items() if name not in VISITING}
    compared = {
        name: (describe(method.loss_of(name)), describe(tuple(method.chosen_metrics(name))))
        for name in (signature.outputs if method is not None else ())
        if method is not None
    }
    facts = (
        describe(options),
        str(folder.resolve()),
        [(name, str(tensor)) for name, tensor in (*signature.inputs.items(), *signature.outputs.items())],
        [(name, str(tensor), describe(draw)) for name, (tensor, draw) in signature.drawn.items()],
        seed_of(data, method) if signature.drawn else None,
        compared,
        sorted(set(_files(options, folder, allow_outside))),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def files(data: Data, folder: Path, *, allow_outside: bool = False) -> list[tuple[str, int]]:
    """Names and sizes of the files that data are read from; copies elsewhere have the same."""
    facts = _files(data.given, folder, allow_outside)
    return sorted((os.path.relpath(name, folder), size) for name, size, _ in facts)


def _files(value: Any, folder: Path, allow_outside: bool) -> Iterator[Fact]:
    """Every file that an option or a table names, or that stands in a folder that an option names."""
    if isinstance(value, Source):
        for name in value.named_files(folder, allow_outside=allow_outside):
            with suppress(OSError, ValueError):
                facts = os.stat(name)  # noqa: PTH116 - there may be many: no `Path` for each
                yield name, facts.st_size, facts.st_mtime_ns
    if isinstance(value, Component):
        value = value.given
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _files(item, folder, allow_outside)
    elif isinstance(value, str) and "\0" not in value:
        with suppress(OSError, ValueError, NotImplementedError):  # a text that is no path
            yield from _facts_below(folder / value)
            if set("*?[") & set(value):  # several files of records
                for path in folder.glob(value):
                    yield from _facts_below(path)


def _facts_below(path: Path) -> Iterator[Fact]:
    if path.is_dir():
        for parent, _, names in os.walk(path):
            yield from (_fact(Path(parent, name)) for name in names)
    elif path.is_file():
        yield _fact(path)


def _fact(path: Path) -> Fact:
    facts = path.stat()
    return str(path), facts.st_size, facts.st_mtime_ns
