"""Options as written → component instances: expressions evaluated, results held against the schema, defaults filled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from dlspec.components import registry
from dlspec.components.registry import BUILT_IN, JSON, Alike, Catalogue, Component, Field
from dlspec.core.errors import Diagnostic, Diagnostics, Note, Problem, Span, did_you_mean, suggestions
from dlspec.core.tree import Invalid, Map, span_of, span_of_key
from dlspec.semantics.environment import LOST, Environment, Lost
from dlspec.semantics.schema.conforming import check, check_value
from dlspec.semantics.schema.context import Context
from dlspec.semantics.schema.keywords import definition, opened_to
from dlspec.syntax.expressions import UnknownValue, is_arithmetic, is_expression, parse, substitute, unescape

MAX_ITEMS = 10_000
# By component, as long as it is there: those of a spec's own files go with its catalogue.
_LITERALS: WeakKeyDictionary[type[Component], dict[str, tuple[JSON, bool]]] = WeakKeyDictionary()


@dataclass(slots=True)
class Evaluator:
    """Evaluates values of one spec.

    Attributes:
        diagnostics: Where problems go.
        trace: Notes added to every problem: the calls that led here.
        outputs: Names of the model's outputs, for options given per output; None where an error hides them.
        objectives: Names of the tensors that training needs besides.
        catalogue: The components that it finds by name.
    """

    diagnostics: Diagnostics
    trace: tuple[Note, ...] = ()
    outputs: tuple[str, ...] | None = ()
    catalogue: Catalogue = BUILT_IN
    objectives: tuple[str, ...] = ()

    def component(self, kind: str, raw: Any, environment: Environment, context: Context, span: Span | None) -> Any:
        """``name | name: value | name: {options}`` as an instance, or LOST."""
        if isinstance(raw, Invalid):
            return LOST
        if is_expression(raw) and unescape(raw) is None:
            with self.knowing():
                value = self.value(raw, environment, definition(kind), context, span)
            return LOST if isinstance(value, Lost) else self.component(kind, value, environment, context, span)
        name, value = registry.name_and_value(raw)
        name_span, value_span = span, span
        if isinstance(raw, dict):
            name_span, value_span = span_of_key(raw, name) or span, span_of(raw, name) or span
        if isinstance(value, Invalid):
            return LOST
        owner = self.catalogue.find(kind, name)
        if owner is None:
            self.report(
                Problem("E206", f"unknown {kind} `{name}`", did_you_mean(name, self.catalogue.names(kind))), name_span
            )
            return LOST
        instance = self.options(owner, value, environment, context.inside([name]), name_span, value_span)
        if not isinstance(instance, Lost):
            instance.called(name)
            for option in instance.call_arguments() if context.path[-1:] != ("merge",) else ():
                # A layer inside another one is called by that one, which knows nothing of our constants.
                message = f"`{option}` has no effect on a layer inside another one"
                self.report(
                    Problem("E207", message, f"use `{name}` as a step"), span_of_key(value, option) or name_span
                )
                return LOST
        return instance

    def options(
        self,
        owner: type[Component],
        raw: Any,
        environment: Environment,
        context: Context,
        span: Span | None,
        value_span: Span | None = None,
        keep_going: bool = False,
    ) -> Any:
        """An instance of `owner` from its written options (or shorthand value), or LOST.

        Args:
            owner: The component.
            raw: Its options, or the value of its shorthand option.
            environment: Meaning of ``$names``.
            context: Where in the spec `raw` stands.
            span: Where the component's name stands.
            value_span: Where what follows the name stands.
            keep_going: Leave out optional options that an error hides, so that the others can be checked further.
        """
        written = registry.options_by_name(owner, raw)
        given: dict[str, Any] = {}
        lost = isinstance(raw, Invalid) or (isinstance(raw, Map) and raw.tainted)
        for name, value in written.items():
            field = owner.fields.get(name)
            if field is None:
                continue
            where = (span_of(raw, name) if isinstance(raw, dict) else value_span) or span
            result = self.field(owner, field, value, environment, context.inside([name]), where)
            if isinstance(result, Lost):
                needed = field.required or field.decisive or field.container == "map"
                lost = lost or needed or not keep_going
                continue
            given[name] = result
        if lost:
            return LOST
        try:
            instance = owner(**given)
            instance.found_in(self.catalogue)
            instance.validate()
        except Problem as problem:
            shorthand = problem.option == owner.shorthand and not isinstance(raw, dict)
            self.report(
                problem, value_span if shorthand and value_span else self.option_span(raw, problem.option, span)
            )
            return LOST
        return instance if instance.usable else LOST

    def option_span(self, raw: Any, option: str, span: Span | None) -> Span | None:
        """The span of `option`, or else that of the component."""
        return span_of_key(raw, option) if option and isinstance(raw, Map) and option in raw else span

    def field(
        self,
        owner: type[Component],
        field: Field[Any],
        raw: Any,
        environment: Environment,
        context: Context,
        span: Span | None,
    ) -> Any:
        """The converted value of one option, or LOST."""
        if isinstance(raw, Invalid):
            return LOST
        if field.kind and not (raw is None and field.nullable):
            return self.nested(field, raw, environment, context, span)
        if isinstance(raw, Map) and raw.tainted:  # an error took something from it
            return LOST
        literal, numeric = literal_of(owner, field)
        if field.textual:
            value = self.text(raw, environment, span)
        elif _is_plain(raw) and not (numeric and isinstance(raw, str)):
            value = raw
        else:
            value = self.value(raw, environment, literal, context, span, numeric)
        return LOST if isinstance(value, Lost) else field.convert(value, owner)

    def nested(self, field: Field[Any], raw: Any, environment: Environment, context: Context, span: Span | None) -> Any:
        """The components of an option that holds some."""
        kind = field.kind
        if field.container in ("options", "map") and is_expression(raw):
            raw = self.value(raw, environment, {"type": "object"}, context, span)
            if isinstance(raw, Lost):
                return LOST
        if field.container == "options":
            owner = cast("type[Component]", self.catalogue.find(kind, field.target))
            return self.options(owner, raw, environment, context, span)
        if field.container == "map":
            return self.map(field, raw, environment, context, span)
        if field.alike and isinstance(raw, Map):
            name = LOST if raw.tainted else self.text(raw["like"], environment, span)
            return LOST if isinstance(name, Lost) else Alike((), str(name))
        if field.container == "many":
            return self.many(kind, raw, environment, context, span)
        if field.container == "per_output":
            return self.per_output(field, raw, environment, context, span)
        if field.nullable and is_expression(raw) and unescape(raw) is None:
            raw = self.value(raw, environment, field.literal(Component), context, span)
            if raw is None or isinstance(raw, Lost):
                return raw
        if field.container == "number" and not isinstance(raw, dict):
            value = self.value(raw, environment, field.literal(Component), context, span, numeric=True)
            if isinstance(value, int | float | Lost):
                return value if isinstance(value, Lost) else float(value)
            raw = value
        return self.component(kind, raw, environment, context, span)

    def map(self, field: Field[Any], raw: Any, environment: Environment, context: Context, span: Span | None) -> Any:
        """The components of a map from names, or the options of as many instances of one, as a dict."""
        results: dict[str, Any] = {}
        for name, value in raw.items():
            inside, where = context.inside([name]), span_of(raw, name) or span
            if field.target:
                owner = cast("type[Component]", self.catalogue.find(field.kind, field.target))
                results[name] = self.options(owner, value, environment, inside, where)
            else:
                results[name] = self.component(field.kind, value, environment, inside, where)
        return LOST if any(isinstance(item, Lost) for item in results.values()) else results

    def many(self, kind: str, raw: Any, environment: Environment, context: Context, span: Span | None) -> Any:
        """The components of a list, as a tuple."""
        if is_expression(raw):
            raw = self.value(raw, environment, {"type": "array"}, context, span)
        if isinstance(raw, Lost | Invalid):
            return LOST
        results = tuple(
            self.component(kind, item, environment, context.inside([index]), span_of(raw, index) or span)
            for index, item in enumerate(raw)
        )
        return LOST if any(isinstance(item, Lost) for item in results) else results

    def per_output(
        self, field: Field[Any], raw: Any, environment: Environment, context: Context, span: Span | None
    ) -> Any:
        """One value for all outputs, or a dict with one for each named output."""
        if is_expression(raw) and unescape(raw) is None:
            raw = self.value(raw, environment, {}, context, span)
        if isinstance(raw, Lost):
            return LOST
        schema = field.literal(Component)["anyOf"][0]
        many = schema.get("type") == "array"
        if isinstance(raw, dict) and not (not many and any(key in self.catalogue.names(field.kind) for key in raw)):
            return self.each_output(field, many, raw, environment, context, span)
        key = str(context.path[-1])
        around = Map(span)
        around.put(key, raw, span, span)
        value = self.checked(around, key, schema, Context(context.path[:-1]))
        evaluate = self.many if many else self.component
        return evaluate(field.kind, value, environment, context, span)

    def each_output(
        self,
        field: Field[Any],
        many: bool,
        raw: dict[str, Any],
        environment: Environment,
        context: Context,
        span: Span | None,
    ) -> Any:
        """The map form: keys are names of outputs, and of other tensors where the option takes those."""
        kind = field.kind
        schema: JSON = {"$ref": f"#/$defs/{kind}"}
        if many:
            schema = {"type": "array", "items": schema}
        results: dict[str, Any] = {}
        there = frozenset((*(self.outputs or ()), *(self.objectives if field.tensors else ())))
        for name in list(raw):
            if self.outputs is not None and name not in there:
                known = [*self.outputs, *self.catalogue.names(kind)]
                code, what = "E502", f"`{name}` is neither an output of the model nor a {kind}"
                outputs = "outputs: " + ", ".join(f"`{output}`" for output in self.outputs[:12])
                close = self.diagnostics.helps(code) and suggestions(name, known)
                help = did_you_mean(name, known) if close else outputs
                self.report(Problem(code, what, help), span_of_key(raw, name) or span)
                results[name] = LOST
                continue
            single = many and self._is_component(kind, raw[name])
            value = self.checked(raw, name, {"$ref": f"#/$defs/{kind}"} if single else schema, context)
            evaluate = self.many if many and not single else self.component
            evaluated = evaluate(kind, value, environment, context.inside([name]), span_of(raw, name) or span)
            results[name] = (evaluated,) if single and not isinstance(evaluated, Lost) else evaluated
        return LOST if any(isinstance(item, Lost) for item in results.values()) else results

    def _is_component(self, kind: str, raw: Any) -> bool:
        """Whether one component stands where several may."""
        if isinstance(raw, dict):
            return next(iter(raw), None) in self.catalogue.names(kind)
        return isinstance(raw, str) and not is_expression(raw)

    def checked(self, container: dict[str, Any], key: str, schema: JSON, context: Context) -> Any:
        """``container[key]`` held against a schema, what is wrong in it replaced by :class:`Invalid`."""
        with self.knowing():
            self.diagnostics.extend(check(container, {"properties": {key: schema}}, context))
        return container[key]

    def value(
        self,
        raw: Any,
        environment: Environment,
        literal: JSON,
        context: Context,
        span: Span | None,
        numeric: bool = False,
    ) -> Any:
        """A plain value with every expression in it evaluated and the result held against `literal`, or LOST."""
        try:
            value = evaluate_plain(raw, environment, numeric)
        except UnknownValue:
            return LOST
        except Problem as problem:
            self.report(problem, span)
            return LOST
        with self.knowing():
            problems = check_value(value, literal, context, span)
        if problems:
            from dlspec.semantics.schema.wording import shown

            first = problems[0]
            note = (Note(f"`{raw}` gives {shown(value)}"),) if isinstance(raw, str) and raw != str(value) else ()
            code = "E304" if first.code in ("E204", "E504", "E614", "E102") and isinstance(raw, str) else first.code
            self.diagnostics.add(Diagnostic(code, first.message, span, first.help, (*note, *self.trace)))
            return LOST
        return value

    def text(self, raw: Any, environment: Environment, span: Span | None) -> Any:
        """Text (or a list of texts) with ``$name`` and ``$(expression)`` substituted, or LOST."""
        if isinstance(raw, Invalid):
            return LOST
        if isinstance(raw, list):
            items = [self.text(item, environment, span) for item in raw]
            return LOST if any(isinstance(item, Lost) for item in items) else items
        if not isinstance(raw, str) or "$" not in raw:
            return raw
        try:
            return substitute(raw, environment.lookup)
        except UnknownValue:
            return LOST
        except Problem as problem:
            self.report(problem, span)
            return LOST

    def knowing(self) -> AbstractContextManager[None]:
        """Inside, the schema knows the components of the spec's own files."""
        return opened_to(self.catalogue.definitions) if self.catalogue.definitions else nullcontext()

    def report(self, problem: Problem, span: Span | None, notes: tuple[Note, ...] = ()) -> None:
        """Adds a problem at its place, with the calls that led to it."""
        self.diagnostics.add(problem.at(span, (*notes, *self.trace)))


def evaluate_plain(raw: Any, environment: Environment, numeric: bool = False) -> Any:
    """A value with every expression in it evaluated.

    Raises:
        Problem: E301, E302, E303 or E311.
        UnknownValue: A name in it is lost.
    """
    if isinstance(raw, str):
        if "$" in raw:
            plain = unescape(raw)
            return plain if plain is not None else parse(raw).evaluate(environment.lookup)
        return parse(raw).evaluate(environment.lookup) if numeric and is_arithmetic(raw) else raw
    if isinstance(raw, list):
        return _limited([evaluate_plain(item, environment, numeric) for item in raw])
    if isinstance(raw, Mapping):
        return _limited({key: evaluate_plain(item, environment, numeric) for key, item in raw.items()})
    if isinstance(raw, Invalid):
        raise UnknownValue
    return raw


def _limited(value: Any) -> Any:
    """`value`, unless it is too large written out: lists of lists that share their items grow without costing anything.

    Raises:
        Problem: E303, it has more than :data:`MAX_ITEMS` items.
    """
    count, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list | dict):
            count += len(item)
            waiting.extend(item.values() if isinstance(item, dict) else item)
        if count > MAX_ITEMS:
            raise Problem("E303", f"a value of more than {MAX_ITEMS:,} items, written out", "keep values small")
    return value


def _is_plain(raw: Any) -> bool:
    if isinstance(raw, str):
        return "$" not in raw
    if isinstance(raw, list):
        return all(not isinstance(item, str | list | dict | Invalid) for item in raw)
    return not isinstance(raw, dict)


def literal_of(owner: type[Component], field: Field[Any]) -> tuple[JSON, bool]:
    """JSON schema of a field's plain values, and whether numbers are among them."""
    known = _LITERALS.setdefault(owner, {})
    if field.name not in known:
        literal = field.literal(owner)
        known[field.name] = literal, _takes_numbers(literal)
    return known[field.name]


def _takes_numbers(literal: JSON) -> bool:
    types = literal.get("type", [])
    types = types if isinstance(types, list) else [types]
    if "integer" in types or "number" in types:
        return True
    inner = [literal.get("items"), literal.get("additionalProperties")]
    return any(isinstance(part, dict) and _takes_numbers(part) for part in inner)
