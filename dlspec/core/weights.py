"""The weights in a file, values left out: layers with names, and the shapes of what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

Shape = tuple[int, ...]


class Stored(NamedTuple):
    """A layer in a file.

    Attributes:
        path: Names of the models around it, the outermost first, and its own.
        kind: Its class in snake_case; "" where the file does not tell.
        group: Where its datasets stand.
        shapes: Of its weights, by their places in the group; in the order of the file's list where `listed`.
        listed: Whether the file lists the weights of a layer in the order in which the layer has them.
        root: What stands before `group` in the file.
    """

    path: tuple[str, ...]
    kind: str
    group: str
    shapes: Mapping[str, Shape]
    listed: bool = False
    root: str = ""

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path[-1]


class WeightFile(NamedTuple):
    """The layers with weights of a file.

    Attributes:
        layers: Each once.
        ordered: Whether they stand in the order of the model; else those of one class and one model do.
    """

    layers: tuple[Stored, ...]
    ordered: bool


class Origin(NamedTuple):
    """The file that a model of a spec was read from, with its weights.

    Attributes:
        model: Name of the model in the spec; averages of it have the same origin.
        shown: What the spec calls it.
        path: The file.
        layers: For each layer, by its name in the model, the names of the saved models around the layer that it was,
            and its own.
        orders: Whether layers of other names take the weights in their order, where all of them fit.
    """

    model: str
    shown: str
    path: Path
    layers: Mapping[str, tuple[str, ...]]
    orders: bool = False
