"""The structured program: what a spec says, with blocks, groups and expressions kept. Code generation reads it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.methods.wanted import Wanted
from dlspec.core.errors import Span
from dlspec.core.tree import Map
from dlspec.core.weights import Origin

COMMON = ("name", "from", "repeat", "if")


@dataclass(slots=True, eq=False, repr=False)
class Step:
    """One item of a list of layers.

    Attributes:
        key: The name it is called by: ``conv2d``, ``repeat``, ``ConvBN``.
        span: Where that name stands.
        value: What follows it in the spec, as loaded: options, a shorthand value, or None.
        names: The written name of each output; may hold ``$`` to substitute.
        source: The written ``from`` (or the list a merge layer has as its value); None means ``prev``.
        repeat: The written count, or None.
        condition: The written ``if``, or None.
        value_span: Where the value stands.
        number: Tells it from all other steps of the program; steps of one list have ascending ones.
    """

    key: str
    span: Span | None
    value: Any
    names: tuple[str, ...] = ()
    source: Any = None
    repeat: Any = None
    condition: Any = None
    value_span: Span | None = None
    number: int = 0

    @property
    def options(self) -> Mapping[str, Any]:
        """The options without those that every step has; empty where a shorthand value stands."""
        if not isinstance(self.value, Map):
            return {}
        return {key: value for key, value in self.value.items() if key not in COMMON}


@dataclass(slots=True, eq=False, repr=False)
class LayerStep(Step):
    """A call of a layer of the registry."""

    layer: type[Layer] = Layer


@dataclass(slots=True, eq=False, repr=False)
class CallStep(Step):
    """A call of a block or model of the spec."""


@dataclass(slots=True, eq=False, repr=False)
class RepeatStep(Step):
    """A group repeated: `times` turns, or one for each value of `each`; `let` are values that each turn works out."""

    times: Any = None
    each: Map | None = None
    let: Map | None = None
    body: tuple[Step, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class ParallelStep(Step):
    """Branches over one input, merged in written order; a residual group is one of two branches.

    Attributes:
        branches: Written name (or "") and steps of each.
        merge: The written merge layer.
    """

    branches: tuple[tuple[str, tuple[Step, ...]], ...] = ()
    merge: Any = None


@dataclass(slots=True, eq=False, repr=False)
class InvalidStep(Step):
    """Something already reported; it still binds its names, so that their uses are no further errors."""


@dataclass(slots=True, eq=False, repr=False)
class Block:
    """A declaration under ``blocks``.

    Attributes:
        params: Declared parameters with their written defaults; :data:`~dlspec.components.registry.MISSING` where
            required.
        inputs: Names of its inputs; empty for the one called ``input``.
        outputs: Names of its outputs; empty for the last layer.
    """

    name: str
    params: Mapping[str, Any]
    inputs: tuple[str, ...]
    body: tuple[Step, ...]
    outputs: tuple[str, ...]
    declaration: Map = field(repr=False, default_factory=Map)


@dataclass(slots=True, eq=False, repr=False)
class ModelDefinition:
    """A declaration under ``models``, or the spec's own model: typed inputs, steps, outputs.

    Attributes:
        wanted: What training needs of the spec's own model besides its outputs.
        average_of: The model whose moving average it is, whose inputs and outputs are its own; "" for others.
        origin: The file that it was read from, with its weights.
        frozen: Whether nothing in it learns.
        application: The name in `keras.applications`, where it is one of these.
    """

    name: str
    inputs: Map
    body: tuple[Step, ...]
    outputs: tuple[str, ...]
    declaration: Map = field(repr=False, default_factory=Map)
    wanted: tuple[Wanted, ...] = ()
    average_of: str = ""
    origin: Origin | None = None
    frozen: bool = False
    application: str = ""


@dataclass(slots=True, eq=False, repr=False)
class Program:
    """A whole spec's model part."""

    main: ModelDefinition
    params: Mapping[str, Any]
    blocks: Mapping[str, Block]
    models: Mapping[str, ModelDefinition]
    data: Map = field(repr=False, default_factory=Map)


def children(step: Step) -> Iterator[tuple[Step, ...]]:
    """The lists of steps inside a step."""
    if isinstance(step, RepeatStep):
        yield step.body
    elif isinstance(step, ParallelStep):
        for _, body in step.branches:
            yield body


def walk(body: tuple[Step, ...]) -> Iterator[Step]:
    """All steps of a body, groups before what they hold."""
    for step in body:
        yield step
        for inner in children(step):
            yield from walk(inner)
