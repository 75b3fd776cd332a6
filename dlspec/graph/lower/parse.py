"""Schema-checked data → :class:`~dlspec.graph.lower.program.Program`."""

from __future__ import annotations

import re
from itertools import count
from typing import Any, cast

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.methods.base import tensors_of
from dlspec.components.registry import MISSING, Catalogue
from dlspec.core.errors import Diagnostic, Diagnostics, Note, Replacement, Span, did_you_mean, suggestions
from dlspec.core.tree import Invalid, Map, Seq, is_empty, span_of, span_of_key
from dlspec.graph.lower.averages import settle
from dlspec.graph.lower.program import (
    Block,
    CallStep,
    InvalidStep,
    LayerStep,
    ModelDefinition,
    ParallelStep,
    Program,
    RepeatStep,
    Step,
)
from dlspec.semantics.schema.keywords import definition, resolve
from dlspec.syntax.expressions import RESERVED

_KEYWORDS = frozenset(
    [
        "False",
        "None",
        "True",
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
    ]
)
_NAME = re.compile(r"[a-z][A-Za-z0-9_]{0,62}\Z")


def parse(data: Map, diagnostics: Diagnostics, catalogue: Catalogue) -> Program:
    """Builds the program; mistakes of naming and of structure go to `diagnostics`."""
    return _Parser(data, diagnostics, catalogue).program()


def check_name(name: str, span: Span | None, diagnostics: Diagnostics) -> bool:
    """Whether `name` may be given; E103 otherwise."""
    if name in RESERVED or name in _KEYWORDS:
        why = "a reserved word" if name in RESERVED else "a Python keyword"
        diagnostics.add(Diagnostic("E103", f"`{name}` is {why} and cannot be a name", span, f"for example `{name}_1`"))
        return False
    if not _NAME.match(name):
        from dlspec.semantics.schema.wording import name_help

        diagnostics.add(Diagnostic("E103", f"`{name}` cannot be a name", span, name_help(name, capital=False)))
        return False
    return True


class _Parser:
    def __init__(self, data: Map, diagnostics: Diagnostics, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.data = data
        self.diagnostics = diagnostics
        self.blocks = _map(data.get("blocks"))
        self.models = _map(data.get("models"))
        self.numbers = count()
        # Where the parser is, for help: the list of items, the index in it, and the inputs of the model around it.
        self.at: tuple[Any, int] = ((), 0)
        self.declared_inputs: Any = data.get("inputs")
        self.uncertain = False  # whether something was taken from the block or model that may have declared others

    def program(self) -> Program:
        data = self.data
        for name in self.models:
            if name in self.blocks:
                first = Note("the block stands here", span_of_key(self.blocks, name))
                self.error(
                    "E104", f"`{name}` is both a block and a model", span_of_key(self.models, name), notes=(first,)
                )
        params = _map(data.get("params"))
        self.check_names(params)
        main_name = data.get("name")
        main = ModelDefinition(
            name=main_name if isinstance(main_name, str) else "model",
            inputs=self.inputs(data),
            body=self.body(data.get("layers")),
            outputs=_names(data.get("outputs")),
            declaration=data,
            wanted=tuple(tensors_of(data.get("train"), self.catalogue)),
        )
        blocks = {name: self.block(name, value) for name, value in self.blocks.items() if isinstance(value, Map)}
        models = {
            name: ModelDefinition(name, self.inputs(value), self.inner_body(value), _names(value.get("outputs")), value)
            for name, value in self.models.items()
            if isinstance(value, Map)
        }
        settle(models, self.models, self.blocks, self.diagnostics)
        return Program(main, dict(params), blocks, models, data)

    def inputs(self, declaration: Map) -> Map:
        inputs = _map(declaration.get("inputs"))
        self.check_names(inputs)
        return inputs

    def check_names(self, names: Map) -> None:
        for name in list(names):
            if not check_name(name, span_of_key(names, name), self.diagnostics):
                names[name] = Invalid(names[name])

    def block(self, name: str, value: Map) -> Block:
        params = _map(value.get("params"))
        self.check_names(params)
        inputs = value.get("inputs") or ()
        defaults = {key: MISSING if is_empty(params, key) else default for key, default in params.items()}
        names = tuple(item for item in inputs if isinstance(item, str)) if isinstance(inputs, list) else ()
        for index, item in enumerate(names):
            check_name(item, span_of(inputs, index), self.diagnostics)
        return Block(name, defaults, names, self.inner_body(value), _names(value.get("outputs")), value)

    def inner_body(self, declaration: Map) -> tuple[Step, ...]:
        """The layers of a block or model."""
        outer = self.uncertain, self.declared_inputs
        self.uncertain, self.declared_inputs = declaration.tainted, declaration.get("inputs")
        body = self.body(declaration.get("layers"))
        self.uncertain, self.declared_inputs = outer
        return body

    def body(self, items: Any) -> tuple[Step, ...]:
        if not isinstance(items, list):
            return ()
        around = self.at
        steps = []
        for index, item in enumerate(items):
            self.at = (items, index)
            steps.append(self.step(item, items, index))
        self.at = around
        return tuple(steps)

    def branch(self, value: Any, container: Any, key: Any) -> tuple[Step, ...]:
        """A branch is a step, a list of steps, or nothing."""
        if isinstance(value, list):
            return self.body(value)
        return (self.step(value, container, key),)

    def step(self, item: Any, container: Any, index: Any) -> Step:
        if isinstance(item, Invalid):
            return self.invalid(item.value, container, index)
        key, value = registry.name_and_value(item)
        if isinstance(item, str):
            return self.named(key, value, span_of(container, index))
        if isinstance(value, Invalid):
            return self.invalid(item, container, index)
        return self.named(key, value, span_of_key(item, key), span_of(item, key))

    def invalid(self, item: Any, container: Any, index: Any) -> Step:
        names: tuple[str, ...] = ()
        if isinstance(item, dict):
            names = _names(item.get("name")) if len(item) > 1 else ()
            for value in item.values():
                inner = value.value if isinstance(value, Invalid) else value
                if isinstance(inner, Map):
                    names += _names(inner.get("name"))
        return InvalidStep("", span_of(container, index), None, names)

    def named(self, key: str, value: Any, span: Span | None, value_span: Span | None = None) -> Step:
        common = self.common(key, value, span)
        common["value_span"] = value_span or span
        if key == "repeat":
            return self.repeat(common)
        if key in ("residual", "parallel"):
            return self.parallel(common)
        if key[:1].isupper():
            return self.call(common)
        layer = self.catalogue.find("layer", key)
        if layer is None:
            if "$" in key:
                help = "write the layer's name; `if:` on two layers chooses between them"
                self.error("E204", f"a layer cannot be an expression, got `{key}`", span, help)
            return InvalidStep(**common)
        return LayerStep(**common, layer=cast("type[Layer]", layer))

    def common(self, key: str, value: Any, span: Span | None) -> dict[str, Any]:
        common: dict[str, Any] = {"key": key, "span": span, "value": value, "number": next(self.numbers)}
        if isinstance(value, Map):
            names = value.get("name")
            common |= {"names": _names(names), "source": value.get("from"), "repeat": value.get("repeat")}
            common["condition"] = value.get("if")
        elif isinstance(value, Seq | str):
            layer = self.catalogue.find("layer", key)
            if layer is not None and cast("type[Layer]", layer).value_names_inputs():
                common["source"] = value
        return common

    def call(self, common: dict[str, Any]) -> Step:
        key = common["key"]
        declared = self.blocks.get(key, self.models.get(key, MISSING))
        if isinstance(declared, Invalid) or any(
            isinstance(self.data.get(part), Invalid) for part in ("blocks", "models")
        ):
            return InvalidStep(**common)
        if declared is MISSING and self.uncertain:
            return InvalidStep(**common)
        if declared is MISSING:
            self.error("E305", f"unknown block or model `{key}`", common["span"], self.call_help(key, common["value"]))
            return InvalidStep(**common)
        return CallStep(**common)

    def call_help(self, key: str, options: Any) -> str:
        """Help for a capitalised name: mostly a layer, called as Python calls it."""
        if not self.diagnostics.helps("E305"):
            return "declare it under `blocks:` or `models:`"
        known = [*self.blocks, *self.models]
        if suggestions(key, known):
            return did_you_mean(key, known)
        from dlspec.semantics.schema.unknown import layer_help

        help = layer_help(key, options, resolve(definition("layer")), self.catalogue.names("layer"), self.axes())
        text = help.replace("did you mean `", "did you mean the layer `") or "declare it under `blocks:` or `models:`"
        return Replacement(text, help.old, help.new, help.safe) if isinstance(help, Replacement) else text

    def axes(self) -> int:
        """How many axes images or sequences have where the parser is."""
        items, index = self.at
        around = [*reversed(items[:index]), *items[index + 1 :]] if isinstance(items, list) else []
        from dlspec.semantics.schema.meant import wanted_axes

        return wanted_axes(around, self.declared_inputs)

    def repeat(self, common: dict[str, Any]) -> Step:
        value: Map = common["value"]
        each, times = value.get("each"), value.get("times")
        if isinstance(value.get("layers"), Invalid) or value.tainted:
            return InvalidStep(**common)
        if (each is None) == (times is None) and not isinstance(each, Invalid) and not isinstance(times, Invalid):
            problem = "both `times` and `each`" if each is not None else "neither `times` nor `each`"
            self.error("E312", f"a repeat has {problem}", common["span"], "`times: n`, or `each: {name: [values]}`")
            return InvalidStep(**common)
        columns = each if isinstance(each, Map) else None
        let = value.get("let") if isinstance(value.get("let"), Map) else None
        for names in (columns, let):
            self.check_names(_map(names))
        for name in _map(let):
            if name in _map(columns):
                first = Note("a list of that name stands here", span_of_key(columns, name))
                help = "each turn has one value of a name: choose another"
                self.error("E104", f"the name `{name}` is given twice", span_of_key(let, name), help, (first,))
        return RepeatStep(**common, times=times, each=columns, let=let, body=self.body(value.get("layers")))

    def parallel(self, common: dict[str, Any]) -> Step:
        value = common["value"]
        merge = value.get("merge") if isinstance(value, Map) else None
        if common["key"] == "parallel":
            branches = value if isinstance(value, Seq) else value.get("branches")
            if isinstance(branches, Invalid):
                return InvalidStep(**common)
            return ParallelStep(**common, branches=self.branches(branches), merge=merge or "concatenate")
        parts = {"layers": value} if isinstance(value, Seq) else value
        # Both parts in written order, as with branches: the order decides what `concatenate` gives.
        written = [key for key in parts if key in ("layers", "shortcut")]
        if "shortcut" not in written:
            written.append("shortcut")
        both = tuple(("", self.branch(parts.get(key, Seq()), parts, key)) for key in written)
        return ParallelStep(**common, branches=both, merge=merge or "add")

    def branches(self, value: Any) -> tuple[tuple[str, tuple[Step, ...]], ...]:
        if isinstance(value, Map):
            return tuple((name, self.branch(item, value, name)) for name, item in value.items())
        if isinstance(value, list):
            return tuple(("", self.branch(item, value, index)) for index, item in enumerate(value))
        return ()

    def error(self, code: str, message: str, span: Span | None, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.diagnostics.add(Diagnostic(code, message, span, help, notes))


def _map(value: Any) -> Map:
    return value if isinstance(value, Map) else Map()


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str))
    return ()
