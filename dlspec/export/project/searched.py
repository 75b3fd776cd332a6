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
    "devices",
)  # fmt: skip
_TRAIN = frozenset({"method", "loss", "loss_weights", "optimizer", "metrics", "callbacks", "jit", "phases"})
_DATA = frozenset({"batch_size", "augment", "inputs"})


@dataclass(frozen=True)
class Searched:
    """What a project searches; nothing where the spec has no section `tune`.

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
        """What a checked spec searches.

        Raises:
            Unsupported: It searches something that projects do not support.
        """
        if state.tune is None:
            return cls()
        params, spaces = state.program.params, state.params.spaces
        computed = {
            word: params[word] for word in params if word not in spaces and reach([word], params) & spaces.keys()
        }
        identifiers = Identifiers(_kept_free(state))
        meanings: dict[str, Meaning] = {}
        for word, value in state.params.values.items():
            if word in spaces or word in computed:
                meanings[word] = Variable(identifiers.give(word), isinstance(value, list | tuple))
            else:
                meanings[word] = Constant(value)
        found = cls(spaces, Scope(meanings), computed, state.params.values, state.data["data"], state.data["train"])
        found._check()
        return found

    def _check(self) -> None:
        for section, written, able in (("train", self.train, _TRAIN), ("data", self.data, _DATA)):
            for key, raw in written.items():
                if key not in able and self.used(raw):
                    raise Unsupported(f"a search of `{key}` in `{section}`")
        for phase in (self.train.get("phases") or {}).values():
            for key, raw in phase.items():
                if key != "optimizer" and self.used(raw):
                    raise Unsupported(f"a search of `{key}` in `phases`")
        for feature in (self.data.get("inputs") or {}).values():
            for key, raw in feature.items() if isinstance(feature, dict) else [("column", feature)]:
                if key not in ("augment", "prepare") and self.used(raw):
                    raise Unsupported(f"a search of `{key}` in `inputs` of `data`")

    # --- names ----------------------------------------------------------------------------------------------------

    def used(self, raw: Any) -> tuple[str, ...]:
        """The parameters in a written value that are searched, or computed from searched ones; in their order."""
        names = set(names_in(raw)) | set(names_in(raw, textual=True))
        return tuple(word for word in self.scope.meanings if word in names and self._varies(word))

    def _varies(self, word: str) -> bool:
        return word in self.spaces or word in self.computed

    def needed(self, words: Iterable[str]) -> tuple[str, ...]:
        """The searched parameters behind some words."""
        found: set[str] = set()
        for word in words:
            found |= {word} if word in self.spaces else reach([word], self.computed) & self.spaces.keys()
        return tuple(word for word in self.spaces if word in found)

    def identifier(self, word: str) -> str:
        """What a parameter is called in functions."""
        meaning = self.scope.find(word)
        assert isinstance(meaning, Variable)
        return meaning.identifier

    def parameter(self, word: str) -> Parameter:
        """A parameter as one of a function, with its value outside of the search as default."""
        return Parameter(self.identifier(word), annotation([self.values[word]]), constant(self.values[word]))

    def computing(self, words: Iterable[str]) -> list[Code]:
        """Statements that compute those of `words` that are not searched themselves, in an order that works."""
        wanted = [word for word in words if word in self.computed]
        found: dict[str, Code] = {}

        def visit(word: str) -> None:
            for inner in names_in(self.computed[word]):
                if inner in self.computed:
                    visit(inner)
            found.setdefault(word, Code(text(assign([self.identifier(word)], self.value(self.computed[word])))))

        for word in wanted:
            visit(word)
        return list(found.values())

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
        word = lone(raw)
        if word is None:
            return constructors.component(kind, raw, self.scope)
        values = self.spaces[word].values if word in self.spaces else ()
        if not all(isinstance(value, str) for value in values) or not values:
            raise Unsupported(f"a {kind} that `${word}` computes")
        choices = [constructors.component(kind, value, self.scope) for value in values]
        variable = name(self.identifier(word))
        if all(
            isinstance(one, ast.Constant) and one.value == value for one, value in zip(choices, values, strict=True)
        ):
            return variable
        return item(ast.Dict([constant(value) for value in values], choices), variable)

    def components(self, kind: str, raw: Any, made: Any, constructors: Constructors) -> list[ast.expr]:
        """A list of components, or a single one."""
        several = list(made) if isinstance(made, list | tuple) else [made]
        if not self.used(raw):
            return [constructors.plain(one) for one in several]
        written = raw if isinstance(raw, list) else [raw]
        if len(written) != len(several):
            raise Unsupported(f"a search of a whole list of {kind}s")
        return [self.component(kind, one, two, constructors) for one, two in zip(written, several, strict=True)]


def _kept_free(state: Checked) -> Iterator[str]:
    """Names that a parameter cannot have in functions; the batch size may have its own where it is one."""
    batch = lone(state.data["data"].get("batch_size"))
    yield from (word for word in _TAKEN if word != "batch_size" or batch != "batch_size")


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
    for word in mentioned:
        if ("top", word) in hard:
            raise Unsupported(f"a search of `{word}`, which decides what is written in `model.py`")
    return {word: own[word].identifier for word in searched.spaces if word in own}
