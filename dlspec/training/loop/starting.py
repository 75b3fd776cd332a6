"""The weights that a training starts from, read from a file into the layers that `start_from` gives them to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.backends.keras.archive import Unreadable
from dlspec.backends.keras.assigning import assign, layers_in_order
from dlspec.backends.keras.weight_files import read_weights
from dlspec.components.registry import snake_case
from dlspec.components.sections.training import StartFrom
from dlspec.graph.starting import Fit, Target, fitting, unreadable


class Loaded(NamedTuple):
    """What came of a file.

    Attributes:
        fit: Which layers took weights.
        weights: Those that were set.
    """

    fit: Fit
    weights: tuple[Any, ...]


def load_weights(
    whole: Any,
    path: Path,
    start: StartFrom,
    *,
    saved: Any = None,
    called: Mapping[str, str] | None = None,
    averages: Sequence[str] = (),
    sets: bool = True,
) -> Loaded:
    """Gives layers the weights in a file.

    Args:
        whole: The model that is trained.
        path: The file.
        start: What goes where.
        saved: The part of it that is saved; the whole unless given.
        called: Further names of layers.
        averages: Names of the models inside that are moving averages.
        sets: Whether weights change; else it is only looked what fits.

    Raises:
        Problem: E516, as :func:`dlspec.graph.starting.fitting`; or the file cannot be read.
    """
    layers = layers_in_order(whole, saved)
    targets = _targets(layers, called or {}, averages)
    try:
        fit = fitting(targets, read_weights(path), start, start.file)
        if not sets:
            return Loaded(fit, ())
        weights = assign(layers, fit.pairs, path, start.file)
    except Unreadable as error:
        raise unreadable(start.file, error) from error
    return Loaded(fit, tuple(weights))


def _targets(layers: Mapping[tuple[str, ...], Any], called: Mapping[str, str], averages: Sequence[str]) -> list[Target]:
    """The layers as `start_from` looks for them."""
    further: dict[str, list[str]] = {}
    for name, own in called.items():
        further.setdefault(own, []).append(name)
    return [
        Target(
            path,
            snake_case(type(layer).__name__),
            tuple(tuple(weight.shape) for weight in layer.weights),
            tuple(".".join((name, *path[1:])) for name in further.get(path[0], ())),
            any(name in averages for name in path),
        )
        for path, layer in layers.items()
    ]
