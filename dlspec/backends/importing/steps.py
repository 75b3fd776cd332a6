"""The graph of a saved model → steps of a spec, one for each call of a layer or operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dlspec.core.ir import Tensor


class Out(NamedTuple):
    """A tensor of a body: output number `output` of step number `step`; inputs count from -1 downwards."""

    step: int
    output: int = 0


@dataclass
class Step:
    """One item of `layers`.

    Attributes:
        key: The layer, operation, or model that is called.
        options: As a spec writes them.
        sources: The tensors that enter, in the form of ``from``: one, a list, or a map.
        name: That of the saved layer.
        shorthand: The option that a single value stands for.
        lists: Whether a list of tensors may stand as the value.
        outputs: How many tensors come out.
        commutes: Whether two tensors may enter in either order.
        origin: The name of the saved layer, where `name` has become that of an output.
        path: Names of the saved models around the layer, the outermost first, and its own.
    """

    key: str
    options: dict[str, Any]
    sources: Any
    name: str
    shorthand: str = ""
    lists: bool = False
    outputs: int = 1
    commutes: bool = False
    origin: str = ""
    path: tuple[str, ...] = ()

    @property
    def layer(self) -> str:
        """The name of the saved layer."""
        return self.origin or self.name

    def rename(self, name: str) -> None:
        """Gives it the name of an output."""
        self.origin, self.name = self.layer, name


@dataclass
class Body:
    """The inputs, steps and outputs of a spec, or of one of its models.

    Attributes:
        inputs: What enters, by the names of the saved layers.
        steps: In an order in which they can run.
        outputs: The tensors that leave.
        keys: A name for each of them; "" where the file has none.
    """

    inputs: dict[str, Tensor] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    outputs: list[Out] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def add(self, step: Step) -> Out:
        """Appends a step; its first output."""
        self.steps.append(step)
        return Out(len(self.steps) - 1)


@dataclass
class Model:
    """What becomes a spec.

    Attributes:
        name: The model's.
        main: The graph.
        models: Those that are called, by name.
        train: The section `train`; empty where the file says nothing of it.
        remarks: What could not be kept, each as a sentence.
    """

    name: str
    main: Body
    models: dict[str, Body] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def outs(sources: Any) -> Iterator[Out]:
    """The tensors in `sources`, in their order."""
    if isinstance(sources, Out):
        yield sources
    elif isinstance(sources, Mapping):
        for value in sources.values():
            yield from outs(value)
    elif isinstance(sources, list):
        for value in sources:
            yield from outs(value)


def replaced(sources: Any, change: Any) -> Any:
    """`sources` with each tensor replaced by what `change` gives for it."""
    if isinstance(sources, Out):
        return change(sources)
    if isinstance(sources, Mapping):
        return {key: replaced(value, change) for key, value in sources.items()}
    return [replaced(value, change) for value in sources] if isinstance(sources, list) else sources
