"""The tensors of the graph that a section `train` names, read before it is evaluated: they are roots of the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from dlspec.components.registry.catalogue import Catalogue

Path = tuple[str | int, ...]


class Wanted(NamedTuple):
    """A tensor that training needs, whether or not the model's outputs do.

    Attributes:
        name: As it is written: a name, which may hold ``$…``; or an expression that gives a name, a list or a map.
        path: Keys from the root of the spec to it.
        minimised: Whether a gradient is taken of it; else it is measured only.
        on_key: Whether it stands as a key.
    """

    name: str
    path: Path
    minimised: bool = True
    on_key: bool = False


def wanted(train: Any, catalogue: Catalogue) -> Iterator[Wanted]:
    """Names of tensors that the keys `minimize`, `learners`, `phases` and `metrics` of a section ask for.

    Args:
        train: The section as it is written, mistakes included.
        catalogue: The components of the spec; a key of `metrics` that is a metric names no tensor.
    """
    yield from _of_section(train, ("train",), catalogue)


def _of_section(raw: Any, path: Path, catalogue: Catalogue) -> Iterator[Wanted]:
    if not isinstance(raw, dict):
        return
    yield from _minimised(raw.get("minimize"), (*path, "minimize"))
    for key in ("learners", "phases"):
        inner = raw.get(key)
        for name, section in inner.items() if isinstance(inner, dict) else ():
            yield from _of_section(section, (*path, key, name), catalogue)
    metrics = raw.get("metrics")
    if isinstance(metrics, dict) and not any(key in catalogue.names("metric") for key in metrics):
        for name in metrics:
            yield Wanted(name, (*path, "metrics", name), minimised=False, on_key=True)


def _minimised(raw: Any, path: Path) -> Iterator[Wanted]:
    if isinstance(raw, str):
        yield Wanted(raw, path)
    elif isinstance(raw, dict):
        yield from (Wanted(name, (*path, name), on_key=True) for name in raw)
    elif isinstance(raw, list):
        yield from (Wanted(name, (*path, index)) for index, name in enumerate(raw) if isinstance(name, str))
