"""The stages of a compilation, from a file to a checked graph, and how a pass states what it requires and ensures.

A stage is what a caller may rely on: none of its own fields is optional. Each holds what the one before it held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, cast

from dlspec.components.methods.base import Method
from dlspec.components.registry import BUILT_IN, Catalogue
from dlspec.components.sections.data import Data
from dlspec.components.sections.generating import Generator
from dlspec.components.sections.report import Report
from dlspec.components.sections.tune import Tune
from dlspec.core.errors import Diagnostic, Diagnostics, Note, Span, SpecError
from dlspec.core.ir import Graph, Node, SharedModel, Tensor
from dlspec.core.tree import Invalid, Map
from dlspec.core.weights import Origin
from dlspec.core.workspace import Workspace
from dlspec.graph.lower.params import TopLevel
from dlspec.graph.lower.program import Program
from dlspec.semantics.environment import Environment
from dlspec.semantics.evaluate import Evaluator

if TYPE_CHECKING:
    from dlspec.components.sections.adapting import Adapted
    from dlspec.data.binding.binding import Binding, Opened
    from dlspec.data.checks.contract import Known
    from dlspec.graph.starting import Fit

S = TypeVar("S", bound="Compilation")

# Nothing compares or prints a stage: methods for that would be made at every start.


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Reading:
    """How far the data are read by a compilation.

    Attributes:
        sound: Data that were held against their files before, and need not be again; others are added.
            See :func:`dlspec.data.checks.contract.check`.
        keeps: Whether what is read stays in memory, for the training that follows.
        alone: Whether nothing else is asked for: the spec may have neither targets nor layers.
    """

    sound: dict[str, Known] | None = None
    keeps: bool = False
    alone: bool = False


class Lent(NamedTuple):
    """A value of one spec that stands in another one as well.

    Attributes:
        value: As it is written.
        key_span: Where its key stands.
        span: Where it stands itself.
    """

    value: Any
    key_span: Span | None = None
    span: Span | None = None


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Compilation:
    """A spec of which nothing is known yet.

    Attributes:
        path: The spec's file.
        overrides: ``--set`` settings.
        workspace: Where its paths start, and what it may do.
        values: Those of a trial for the searched parameters; None where nothing is tried.
        reading: What is asked of its data.
        lent: Keys of the section `data` that another spec gives to this one, each with its value and spans; None stands
            for a key that it takes away.
        compile_other: Compiles a spec that this one names: :func:`dlspec.passes.compile_spec`.
        texts: Text of every file that a span may name.
    """

    path: Path
    overrides: tuple[str, ...] = ()
    workspace: Workspace = field(default_factory=Workspace)
    values: Mapping[str, Any] | None = None
    reading: Reading = field(default_factory=Reading)
    lent: Mapping[str, Lent | None] = field(default_factory=dict)
    compile_other: Callable[..., Compilation] | None = None
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder where the spec's paths start."""
        return self.workspace.folder or self.path.parent

    @property
    def allow_outside(self) -> bool:
        """Whether files outside the spec's folder may be read."""
        return self.workspace.allow_outside

    @property
    def allow_code(self) -> bool:
        """Whether the spec's `extensions` may run."""
        return self.workspace.allow_code

    def add(self, code: str, message: str, span: Span | None, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        """Reports a problem."""
        self.diagnostics.add(Diagnostic(code, message, span, help, notes))

    def become(self, stage: type[S], **known: Any) -> S:
        """The next stage: what this one holds, and what is `known` now.

        Raises:
            TypeError: A field of the stage is missing.
        """
        return stage(**{each.name: getattr(self, each.name) for each in fields(self)} | known)

    def reached(self, stage: type[S]) -> S:
        """This compilation as the stage that it must have come to.

        Raises:
            SpecError: It has not: with the errors that are in its way.
        """
        if not isinstance(self, stage):
            raise SpecError(self.diagnostics.errors)
        return self


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Parsed(Compilation):
    """A spec that could be read.

    Attributes:
        data: The merged mapping; where the schema finds it wrong, what is wrong is replaced.
        catalogue: The components that it finds by name, and the Python files that it may run.
        hides_code: Whether an error keeps these files from running, so that what they would tell is not known.
    """

    data: Map
    catalogue: Catalogue = BUILT_IN
    hides_code: bool = False

    @property
    def name(self) -> str:
        """The spec's name; unless given, its file's stem with `_` for what no name may hold."""
        written = self.data.get("name")
        if isinstance(written, str):
            return written
        stem = "".join(c if c.isascii() and c.isalnum() else "_" for c in self.path.stem)[:63]
        return stem if stem[:1].isalpha() else f"spec_{stem}"[:63]


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Extended(Parsed):
    """A spec whose own Python files have been read, so that all components that it may name are known."""


class SavedModel(NamedTuple):
    """A model of the spec that was read from a file.

    Attributes:
        declaration: What `models` would say of it; invalid where an error hides it.
        origin: Where its weights stand; None for a model inside of such a one, and where they are random.
        frozen: Whether nothing in it learns.
        files: The files that it was read from, by the names that their copies have in a run; none for a model inside.
        application: The name in `keras.applications`, where it is one of these.
    """

    declaration: Map | Invalid
    origin: Origin | None = None
    frozen: bool = False
    files: Mapping[str, Path] = MappingProxyType({})
    application: str = ""


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Resolved(Extended):
    """A spec whose names have been looked up.

    Attributes:
        undefined: Names that nothing defines.
        unused: Top-level parameters that nothing uses.
        saved_models: Models of the spec that were read from files, with those inside them, by name.
    """

    undefined: frozenset[str]
    unused: frozenset[str]
    saved_models: Mapping[str, SavedModel] = field(default_factory=dict)


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Structured(Resolved):
    """A spec as a program: blocks, models and steps, their expressions not evaluated."""

    program: Program


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Bound(Structured):
    """A spec whose parameters have values; its sections are evaluated one after the other.

    Attributes:
        stacked: Specs whose answers enter this one, by the name of the input; None where `train` has no `stacking`.
        given_inputs: Types of model inputs that the data tell; None where an error hides them.
        data_section: The section `data`; None where the spec has none, or an error hides it.
        opened: The source of the data, while passes ask it.
        binding: The data as they were bound, where they are kept.
        parts: Those that a column of the data gives examples to, where one decides.
        examples: How many the data have; 0 where an error hides it.
        method: The section `train`, and `tune` and `report` likewise; None as with the data.
        generator: How the model writes rows of indices; None where nothing is said of that.
    """

    params: TopLevel
    stacked: Mapping[str, Trainable] | None = None
    given_inputs: dict[str, Tensor] | None = field(default_factory=dict)
    data_section: Data | None = None
    opened: Opened | None = None
    binding: Binding | None = None
    parts: frozenset[str] = frozenset()
    examples: int = 0
    method: Method | None = None
    tune: Tune | None = None
    report: Report | None = None
    generator: Generator | None = None

    @property
    def environment(self) -> Environment:
        """The outermost environment of expressions."""
        return self.params.environment

    @property
    def outputs(self) -> tuple[str, ...] | None:
        """Names of the model's outputs; None where an error hides them."""
        return None

    @property
    def evaluator(self) -> Evaluator:
        """Evaluates options; its problems go to `diagnostics`."""
        names = tuple(name for name, _ in self.trained.objectives) if self.trained is not None else ()
        return Evaluator(self.diagnostics, outputs=self.outputs, catalogue=self.catalogue, objectives=names)

    @property
    def adapted(self) -> Adapted | None:
        """The adapters of training; None for none."""
        return self.method.adapted if self.method is not None else None

    @property
    def trained(self) -> Graph | None:
        """The graph that is trained; None where an error, or a spec without layers, hides it."""
        return None


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Lowered(Bound):
    """A spec with a graph.

    Attributes:
        graph: The graph of the saved model: what its outputs need.
        training_graph: What is trained: what the outputs and objectives need; the same object where these need nothing
            more.
        models: Graphs of the shared models.
        dead: For each graph, the nodes that were left out of it because no output depends on them.
        start: What the file of `start_from` gives; None without one, or where an error hides it.
    """

    graph: Graph
    training_graph: Graph
    models: dict[str, SharedModel]
    dead: tuple[tuple[Graph, tuple[Node, ...]], ...]
    start: Fit | None = None

    @property
    def outputs(self) -> tuple[str, ...] | None:
        """Names of the model's outputs."""
        return tuple(name for name, _ in self.graph.outputs)

    @property
    def trained(self) -> Graph | None:
        """The graph that is trained."""
        return self.training_graph

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graph that is trained and those of the models that it calls."""
        return (self.training_graph, *(model.graph for model in self.models.values()))


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Checked(Lowered):
    """A spec in which every pass found nothing wrong."""

    def trainable(self, what: str = "training") -> Trainable:
        """This spec, if it has what training needs.

        Args:
            what: What needs it, for the message.

        Raises:
            SpecError: E105, it lacks a section.
        """
        self._needs({"data": self.data_section, "train": self.method}, what)
        return self.become(Trainable)

    def searchable(self) -> Searchable:
        """This spec, if it has what a search needs.

        Raises:
            SpecError: E105, it lacks a section.
        """
        self._needs({"data": self.data_section, "train": self.method, "tune": self.tune}, "a search")
        return self.become(Searchable)

    def _needs(self, sections: Mapping[str, object], what: str) -> None:
        missing = [name for name, section in sections.items() if section is None]
        if missing:
            help = "write a section `{}:`"
            raise SpecError(
                [
                    Diagnostic("E105", f"the spec has no `{name}`, which {what} needs", None, help.format(name))
                    for name in missing
                ]
            )


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Trainable(Checked):
    """A checked spec with data and a way of training."""

    data_section: Data
    method: Method


@dataclass(kw_only=True, repr=False, eq=False, match_args=False)
class Searchable(Trainable):
    """A checked spec with a search as well."""

    tune: Tune


class Pass(Protocol):
    """One step of the pipeline."""

    __name__: str
    requires: type[Compilation]
    ensures: type[Compilation] | None
    sets: tuple[str, ...]

    def __call__(self, state: Any) -> Compilation | None:
        """Reads the state and returns the next stage, or fills in fields of this one and returns None.

        Problems become diagnostics, none is raised.
        """


def step(
    *, requires: type[Compilation], ensures: type[Compilation] | None = None, sets: tuple[str, ...] = ()
) -> Callable[[Callable[[S], Compilation | None]], Pass]:
    """Declares a pass.

    Args:
        requires: The stage that it takes; it is left out where an error keeps the compilation from coming there.
        ensures: The stage that it returns, unless there is an error.
        sets: Fields of the required stage that it may set. Those of a section are there afterwards, unless there is an
            error or the spec lacks the section. :mod:`dlspec.passes.verify` compares all three with what it does.
    """

    def declare(function: Callable[[S], Compilation | None]) -> Pass:
        declared = cast("Pass", function)
        declared.requires = requires
        declared.ensures = ensures
        declared.sets = sets
        return declared

    return declare
