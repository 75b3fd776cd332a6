"""The searched parameters of a spec, and what becomes of them in the functions of its project."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlspec.components.registry import Component
from dlspec.export.python.annotations import annotation
from dlspec.export.python.constant_params import ConstantParams, lone
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.function import Parameter
from dlspec.export.python.module import structured
from dlspec.export.python.naming import Identifiers
from dlspec.export.python.scope import Constant, Meaning, Scope, Variable
from dlspec.export.python.syntax import Unsupported, assign, constant, item, name, text
from dlspec.export.python.templates import Code
from dlspec.graph.lower.space import Space
from dlspec.passes.state import Checked
from dlspec.syntax.expressions import names_in, reach

# Names of arguments and variables in the functions of a project that train.
_TAKEN = (
    "parts", "output", "data", "epochs", "batch_size", "seed", "model", "trained", "training", "validation", "saved",
    "best", "measures", "done", "layer", "before", "fit", "optimizer", "history", "number", "values", "folder", "part",
    "found", "fitted", "preparation", "arguments", "parser", "load", "keras", "layers", "np", "tf",
    "devices", "whole", "learner", "adapters",
)  # fmt: skip
_LEARNER = frozenset({"minimize", "loss_weights", "optimizer"})
_TRAIN = frozenset({"method", "loss", "metrics", "callbacks", "jit", "phases", "learners"}) | _LEARNER
_DATA = frozenset({"batch_size", "augment", "inputs"})


@dataclass(frozen=True)
class Searched:
    """The searched parameters of a project; none where the spec has no section `tune`.

    Attributes:
        spaces: The searched parameters.
        scope: What ``$names`` become in `train` and `data`: variables where they are searched, or computed from that.
        computed: As written, the parameters that are computed from searched ones.
        values: What the parameters are in a build outside of the search.
        data: The section as written.
        train: The section as written.
    """

    spaces: Mapping[str, Space] = field(default_factory=dict)
    scope: Scope = field(default_factory=lambda: Scope({}))
    computed: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Checked) -> Searched:
        """The searched parameters of a checked spec.

        Raises:
            Unsupported: It searches something that projects do not support.
        """
        if state.tune is None:
            return cls()
        params, spaces = state.program.params, state.params.spaces
        computed = {
            param: params[param] for param in params if param not in spaces and reach([param], params) & spaces.keys()
        }
        identifiers = Identifiers(_kept_free(state))
        meanings: dict[str, Meaning] = {}
        for param, value in state.params.values.items():
            if param in spaces or param in computed:
                meanings[param] = Variable(identifiers.give(param), isinstance(value, list | tuple))
            else:
                meanings[param] = Constant(value)
        searched = cls(spaces, Scope(meanings), computed, state.params.values, state.data["data"], state.data["train"])
        searched._check()
        return searched

    def _check(self) -> None:
        for section, written, able in (("train", self.train, _TRAIN), ("data", self.data, _DATA)):
            for key, raw in written.items():
                if key not in able and self.used(raw):
                    raise Unsupported(f"a search of `{key}` in `{section}`")
        for phase in (self.train.get("phases") or {}).values():
            for key, raw in phase.items():
                if key != "optimizer" and self.used(raw):
                    raise Unsupported(f"a search of `{key}` in `phases`")
        for learner in (self.train.get("learners") or {}).values():
            for key, raw in learner.items():
                if key not in _LEARNER and self.used(raw):
                    raise Unsupported(f"a search of `{key}` in `learners`")
        for feature in (self.data.get("inputs") or {}).values():
            for key, raw in feature.items() if isinstance(feature, dict) else [("column", feature)]:
                if key not in ("augment", "prepare") and self.used(raw):
                    raise Unsupported(f"a search of `{key}` in `inputs` of `data`")

    # --- names ----------------------------------------------------------------------------------------------------

    def used(self, raw: Any) -> tuple[str, ...]:
        """The parameters in a written value that are searched, or computed from searched ones; in their order."""
        names = set(names_in(raw)) | set(names_in(raw, textual=True))
        return tuple(param for param in self.scope.meanings if param in names and self._varies(param))

    def _varies(self, param: str) -> bool:
        return param in self.spaces or param in self.computed

    def needed(self, params: Iterable[str]) -> tuple[str, ...]:
        """The searched parameters behind some words."""
        behind: set[str] = set()
        for param in params:
            behind |= {param} if param in self.spaces else reach([param], self.computed) & self.spaces.keys()
        return tuple(param for param in self.spaces if param in behind)

    def identifier(self, param: str) -> str:
        """Name of a parameter in the functions of the project."""
        meaning = self.scope.find(param)
        assert isinstance(meaning, Variable)
        return meaning.identifier

    def parameter(self, param: str) -> Parameter:
        """A parameter as one of a function, with its value outside of the search as default."""
        return Parameter(self.identifier(param), annotation([self.values[param]]), constant(self.values[param]))

    def computing(self, params: Iterable[str]) -> list[Code]:
        """Statements that compute those of `params` that are not searched themselves, in an order that works."""
        wanted = [param for param in params if param in self.computed]
        statements: dict[str, Code] = {}

        def visit(param: str) -> None:
            for inner in names_in(self.computed[param]):
                if inner in self.computed:
                    visit(inner)
            statements.setdefault(param, Code(text(assign([self.identifier(param)], self.value(self.computed[param])))))

        for param in wanted:
            visit(param)
        return list(statements.values())

    # --- values ---------------------------------------------------------------------------------------------------

    def value(self, raw: Any) -> ast.expr:
        """A written value."""
        return self.scope.value(raw)

    def component(self, kind: str, raw: Any, made: Component | Any, constructors: Constructors) -> ast.expr:
        """A component of a section: as it was evaluated, or with variables where something in it is searched.

        Args:
            raw: As it is written.
            made: What it became with the defaults.
        """
        if not self.used(raw):
            return constructors.plain(made)
        param = lone(raw)
        if param is None:
            return constructors.component(kind, raw, self.scope)
        values = self.spaces[param].values if param in self.spaces else ()
        if not all(isinstance(value, str) for value in values) or not values:
            raise Unsupported(f"a {kind} that `${param}` computes")
        choices = [constructors.component(kind, value, self.scope) for value in values]
        variable = name(self.identifier(param))
        if all(
            isinstance(choice, ast.Constant) and choice.value == value
            for choice, value in zip(choices, values, strict=True)
        ):
            return variable
        return item(ast.Dict([constant(value) for value in values], choices), variable)

    def components(self, kind: str, raw: Any, made: Any, constructors: Constructors) -> list[ast.expr]:
        """A list of components, or a single one."""
        several = list(made) if isinstance(made, list | tuple) else [made]
        if not self.used(raw):
            return [constructors.plain(component) for component in several]
        written = raw if isinstance(raw, list) else [raw]
        if len(written) != len(several):
            raise Unsupported(f"a search of a whole list of {kind}s")
        return [
            self.component(kind, raw_item, two, constructors) for raw_item, two in zip(written, several, strict=True)
        ]


def _kept_free(state: Checked) -> Iterator[str]:
    """Names that a parameter cannot have in functions; the batch size may have its own where it is one."""
    batch = lone(state.data["data"].get("batch_size"))
    yield from (taken for taken in _TAKEN if taken != "batch_size" or batch != "batch_size")


def build_arguments(state: Checked, searched: Searched) -> dict[str, str]:
    """The searched parameters that ``build_model`` takes, with their names there.

    Raises:
        Unsupported: The model needs one that its function cannot take.
    """
    if not searched.spaces:
        return {}
    model = {key: state.data.get(key) for key in ("inputs", "blocks", "models", "layers", "outputs")}
    mentioned = searched.needed(searched.used(model))
    try:
        own = structured(state)[0][-1].own
    except Unsupported as error:
        if mentioned:
            raise Unsupported(f"a search of a model that is written layer by layer, because of {error}") from error
        return {}
    hard = ConstantParams(state.program).hard
    for param in mentioned:
        if ("top", param) in hard:
            raise Unsupported(f"a search of `{param}`, which decides what is written in `model.py`")
    return {param: own[param].identifier for param in searched.spaces if param in own}
