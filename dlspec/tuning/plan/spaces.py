"""The spec's search spaces in Keras Tuner's terms, with conditional scopes; ranges with steps are exact."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from dlspec.graph.lower.space import Space, stepped

# Values of a range without a step in a grid.
_GRID = 10
_MOST = 10_000

Conditions = Mapping[str, Mapping[str, tuple[Any, ...]]]


def hyperparameters(spaces: Mapping[str, Space], conditions: Conditions, *, grid: bool) -> Any:
    """Keras Tuner's ``HyperParameters`` of a spec.

    Args:
        spaces: The searched parameters.
        conditions: For each that is used only sometimes: its parents and their values then.
        grid: Whether every range becomes a list of values.
    """
    import keras_tuner

    made = keras_tuner.HyperParameters()
    for name in ordered(spaces, conditions):
        with ExitStack() as scopes:
            for parent, values in conditions.get(name, {}).items():
                scopes.enter_context(made.conditional_scope(parent, list(values)))
            _add(made, name, spaces[name], grid)
    return made


def ordered(spaces: Mapping[str, Space], conditions: Conditions) -> Iterator[str]:
    """Parameters, those that others depend on first."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name not in done:
            done.add(name)
            for parent in conditions.get(name, {}):
                yield from visit(parent)
            yield name

    for name in spaces:
        yield from visit(name)


def _add(made: Any, name: str, space: Space, grid: bool) -> None:
    low, high = space.values[0], space.values[-1]
    if space.head == "bool":
        made.Boolean(name, default=space.default)
    elif space.head == "choice":
        made.Choice(name, list(space.values), default=space.default)
    elif (values := listed(space, grid)) is not None:
        # Keras Tuner's own ranges of floats miss the upper end now and then.
        made.Choice(name, values, ordered=True, default=nearest(values, space.default))
    elif space.head == "int":
        made.Int(name, low, high, step=None if space.log else int(space.step or 1),
                 sampling="log" if space.log else None, default=space.default)  # fmt: skip
    else:
        made.Float(name, low, high, sampling="log" if space.log else "linear", default=space.default)


def listed(space: Space, grid: bool) -> list[Any] | None:
    """All values of a range, both ends included; None for one that is drawn from as a whole."""
    low, high = space.values[0], space.values[-1]
    if space.head == "int" and space.step is None and not space.log:
        return list(range(low, high + 1)) if grid and high - low < _MOST else None
    if space.step is None:
        return _spread(space) if grid else None
    return stepped(space, space.step)


def _spread(space: Space) -> list[Any]:
    """Some values from end to end, evenly or evenly on a logarithmic scale."""
    low, high = space.values[0], space.values[-1]
    shares = [index / (_GRID - 1) for index in range(_GRID)]
    if space.log:
        values = [low * (high / low) ** share for share in shares]
    else:
        values = [low + (high - low) * share for share in shares]
    return _rounded([*values[:-1], high], space.head)


def _rounded(values: list[float], head: str) -> list[Any]:
    if head == "int":
        return list(dict.fromkeys(round(value) for value in values))
    # 0.1 + 0.2 is meant to be 0.3.
    return [float(f"{value:.12g}") for value in values]


def nearest(values: list[Any], wanted: Any) -> Any:
    """The value next to `wanted`."""
    return min(values, key=lambda value: abs(value - wanted))


def size(spaces: Mapping[str, Space]) -> float:
    """Number of combinations, conditions aside; infinite where a range is drawn from as a whole."""
    total = 1.0
    for space in spaces.values():
        if space.head in ("choice", "bool"):
            total *= len(space.values)
        elif space.step is None and (space.head == "float" or space.log):
            return math.inf
        else:
            total *= len(listed(space, grid=True) or [0])
    return total
