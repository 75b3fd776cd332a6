"""What the passes share, and how a pass states what it requires and ensures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.components.sections.tune import Tune
from dlspec.core.errors import Diagnostic, Diagnostics, Note, Span
from dlspec.core.ir import Graph, Node, SharedModel, Tensor
from dlspec.core.tree import Map
from dlspec.graph.lower.params import TopLevel
from dlspec.graph.lower.program import Program
from dlspec.semantics.environment import Environment
from dlspec.semantics.evaluate import Evaluator

if TYPE_CHECKING:
    from dlspec.data.binding.binding import Binding, Opened


@dataclass
class Compilation:
    """A spec on its way from text to a checked graph; each pass fills in more.

    Attributes:
        path: The spec's file.
        overrides: ``--set`` settings.
        allow_outside: Whether files outside the spec's folder may be read.
        allow_code: Whether the spec's `extensions` may run.
        values: Those of a trial for the searched parameters; None where nothing is tried.
        sound: Data that are known to be right, as :func:`dlspec.data.checks.contract.check` knows them.
        home: The folder where the spec's paths start, for a copy of a spec that stands elsewhere.
        texts: Text of every file that a span may name.
        data: The merged, schema-checked mapping.
        extensions: Python files that may run, by module; None where an error forbids them.
        unused: Top-level parameters that nothing uses.
        given_inputs: Types of model inputs that the data tell; None where an error hides them.
        graph: The model's graph; None where an error hides it.
        dead: For each graph, the nodes that were left out of it because no output depends on them.
        models: Graphs of the shared models.
        looks: Whether the data alone are asked for, which are there without targets and layers.
        keeps_data: Whether what checking reads of the data stays in memory, for the training that follows.
        opened: The source of the data, while passes ask it.
        binding: The data as they were bound, where they are kept.
        parts: Those that a column of the data gives examples to, where one decides.
    """

    path: Path
    overrides: tuple[str, ...] = ()
    allow_outside: bool = False
    allow_code: bool = False
    home: Path | None = None
    values: Mapping[str, Any] | None = None
    sound: set[str] | None = None
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    texts: dict[str, str] = field(default_factory=dict)
    data: Map | None = None
    extensions: dict[str, Path] | None = field(default_factory=dict)
    undefined: frozenset[str] | None = None
    unused: frozenset[str] = frozenset()
    program: Program | None = None
    params: TopLevel | None = None
    data_section: Data | None = None
    given_inputs: dict[str, Tensor] | None = field(default_factory=dict)
    graph: Graph | None = None
    dead: tuple[tuple[Graph, tuple[Node, ...]], ...] = ()
    models: dict[str, SharedModel] = field(default_factory=dict)
    method: Method | None = None
    tune: Tune | None = None
    looks: bool = False
    keeps_data: bool = False
    opened: Opened | None = None
    binding: Binding | None = None
    parts: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        """The folder where the spec's paths start."""
        return self.home if self.home is not None else self.path.parent

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The model's graph and those of the models that it calls; () where an error hides it."""
        return () if self.graph is None else (self.graph, *(model.graph for model in self.models.values()))

    @property
    def environment(self) -> Environment:
        """The outermost environment of expressions."""
        assert self.params is not None
        return self.params.environment

    @property
    def evaluator(self) -> Evaluator:
        """Evaluates options; its problems go to `diagnostics`."""
        outputs = tuple(name for name, _ in self.graph.outputs) if self.graph else None
        return Evaluator(self.diagnostics, outputs=outputs)

    @property
    def name(self) -> str:
        """The spec's name; unless given, its file's stem with `_` for what no name may hold."""
        written = self.data.get("name") if self.data is not None else None
        if isinstance(written, str):
            return written
        stem = "".join(c if c.isascii() and c.isalnum() else "_" for c in self.path.stem)[:63]
        return stem if stem[:1].isalpha() else f"spec_{stem}"[:63]

    def add(self, code: str, message: str, span: Span | None, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        """Reports a problem."""
        self.diagnostics.add(Diagnostic(code, message, span, help, notes))


class Pass(Protocol):
    """One step of the pipeline."""

    __name__: str
    requires: tuple[str, ...]
    ensures: tuple[str, ...]
    sets: tuple[str, ...]

    def __call__(self, state: Compilation) -> None:
        """Reads and extends the state; problems become diagnostics, none is raised."""


def step(
    *, requires: tuple[str, ...] = (), ensures: tuple[str, ...] = (), sets: tuple[str, ...] = ()
) -> Callable[[Callable[[Compilation], None]], Pass]:
    """Declares a pass.

    Args:
        requires: Attributes of the state that must be there; the pass is left out where an error hid one.
        ensures: Attributes that it fills in, unless there is an error or the spec lacks the section they come from.
        sets: Further attributes that it may set. :mod:`dlspec.passes.verify` compares all three with what it does.
    """

    def declare(function: Callable[[Compilation], None]) -> Pass:
        declared = cast("Pass", function)
        declared.requires = requires
        declared.ensures = ensures
        declared.sets = sets
        return declared

    return declare
