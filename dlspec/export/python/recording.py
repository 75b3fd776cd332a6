"""A record of the expansion of each step of a program, from which the emitter reads types of values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import BUILT_IN, Catalogue
from dlspec.core.errors import Diagnostics, SpecError
from dlspec.core.ir import Argument, Graph, Tensor
from dlspec.graph.lower.expand import Body, Expander
from dlspec.graph.lower.graph_builder import Frame
from dlspec.graph.lower.program import ModelDefinition, Program, Step
from dlspec.graph.lower.scope import Binding
from dlspec.graph.lower.sources import Sources
from dlspec.semantics.environment import Environment
from dlspec.semantics.evaluate import Evaluator


@dataclass
class Record:
    """The calls that each step made, by the step's identity.

    Attributes:
        layers: Instances of the layer, with the shapes that entered, without batch.
        values: Parameters of the calls of a block.
    """

    layers: dict[int, list[tuple[Layer, tuple[Tensor, ...]]]] = field(default_factory=lambda: defaultdict(list))
    values: dict[int, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))


class _Recorder(Expander):
    def __init__(self, program: Program, environment: Environment, evaluator: Evaluator) -> None:
        super().__init__(program, environment, evaluator)
        self.record = Record()

    def body(self, definition: ModelDefinition) -> Body:
        return _Body(self, definition, self.record)


class _Body(Body):
    def __init__(self, expander: Expander, definition: ModelDefinition, record: Record) -> None:
        super().__init__(expander, definition)
        self.record = record

    def call(self, layer: Any, sources: Sources, name: str, step: Step, frame: Frame) -> Binding:
        binding = super().call(layer, sources, name, step, frame)
        node = self.nodes[-1]
        self.record.layers[id(step)].append((layer, tuple(self._entering(node.arguments))))
        return binding

    def _entering(self, arguments: tuple[Argument, ...]) -> list[Tensor]:
        edges = [edge for argument in arguments for edge in ([argument] if hasattr(argument, "node") else argument)]
        return [self.tensor(edge) for edge in edges]  # type: ignore[arg-type]

    def entered(self, step: Step, values: Mapping[str, Any]) -> None:
        self.record.values[id(step)].append(values)


def record(
    program: Program, environment: Environment, given: Mapping[str, Tensor], catalogue: Catalogue = BUILT_IN
) -> tuple[Record, Graph]:
    """Expands a checked program once more.

    Args:
        environment: The outermost one.
        given: Types of inputs that the data tell.
        catalogue: The components that the program's spec knows.

    Raises:
        SpecError: The program has no graph: it was not checked.
    """
    recorder = _Recorder(program, environment, Evaluator(Diagnostics(), catalogue=catalogue))
    graph = recorder.body(program.main).graph(given)
    if graph is None:
        raise SpecError(recorder.evaluator.diagnostics.errors)
    return recorder.record, graph
