"""Components as Python: ``layers.Conv2D(filters, 3, padding="same")``."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.components.registry import BUILT_IN, Catalogue, Component, Field, snake_case
from dlspec.export.python.constant_params import transforms
from dlspec.export.python.scope import Scope
from dlspec.export.python.syntax import Unsupported, call, constant, dotted, name, sequence
from dlspec.graph.lower.program import COMMON
from dlspec.semantics.evaluate import literal_of
from dlspec.syntax.expressions import is_expression, unescape

OWN = ("dlspec.keras_layers.", "dlspec.standalone.")


class Constructors:
    """Writes constructor calls.

    Args:
        catalogue: The components that the spec knows.

    Attributes:
        own: The classes of our own that were used, with the module of one of these packages that holds each.
        users: The classes of the spec's own Python files that were used, with the module of each.
    """

    def __init__(self, catalogue: Catalogue = BUILT_IN) -> None:
        self.catalogue = catalogue
        self.own: dict[str, str] = {}
        self.users: dict[str, str] = {}

    # --- components -----------------------------------------------------------------------------------------------

    def component(self, kind: str, raw: Any, scope: Scope) -> ast.expr:
        """``name | name: value | name: {options}`` of any kind."""
        if is_expression(raw) and unescape(raw) is None:
            known = scope.constant(raw)
            return self.component(kind, known.value, scope) if known is not None else scope.value(raw)
        if raw is None or isinstance(raw, bool | int | float):
            return constant(raw)
        key, value = registry.name_and_value(raw)
        owner = self.catalogue.find(kind, key)
        if owner is None:
            raise Unsupported(f"{kind} {key}")
        return self.named(owner, value, scope)

    def named(self, owner: type[Component], value: Any, scope: Scope, label: str = "") -> ast.expr:
        """One component with its options; where Keras takes a plain name, that name."""
        if owner.plain_name and not value:
            return constant(owner.registered_name)
        if not owner.keras:
            return constant(owner.registered_name)
        positional, keywords = self.options(owner, value, scope)
        made = call(self.path(owner.constructor()), positional, keywords)
        if owner.wrapped_in:
            made = call(self.path(owner.wrapped_in), [sequence([made], as_list=True)])
        if label:
            made.keywords.append(ast.keyword("name", constant(label)))
        return made

    def path(self, path: str) -> ast.expr:
        """A Keras class as the module names it: ``layers.Conv2D``; one of ours by its own name."""
        if path.startswith(OWN):
            *_, file, own = path.split(".")
            self.own[own] = file if path.count(".") > 2 else snake_case(own)
            return name(own)
        home, _, own = path.rpartition(".")
        if home in self.catalogue.used:
            self.users[own] = home
            return name(own)
        for package in ("layers", "ops"):
            if path.startswith(f"keras.{package}."):
                return dotted(path.removeprefix("keras."))
        return dotted(path)

    def instance(self, component: Component, label: str = "") -> ast.expr:
        """One component that was already made from its options: all values are constants."""
        if not component.keras:  # `accuracy`, `crossentropy`: Keras takes the word in `compile`
            return constant(component.name)
        if component.plain_name and not component.given:
            return constant(component.registered_name)
        given = {option: self.plain(value) for option, value in component.keras_arguments().items()}
        given = {option: given[option] for option in sorted(given, key=_order(type(component)))}
        first = list(given)[: _positional(type(component), list(given))]
        keywords = {option: value for option, value in given.items() if option not in first}
        made = call(self.path(component.constructor()), [given[option] for option in first], keywords)
        if component.wrapped_in:
            made = call(self.path(component.wrapped_in), [sequence([made], as_list=True)])
        if label:
            made.keywords.append(ast.keyword("name", constant(label)))
        return made

    def plain(self, value: Any) -> ast.expr:
        """Expression of a value that may hold components."""
        if isinstance(value, Component):
            return self.instance(value)
        if isinstance(value, list | tuple):
            return sequence([self.plain(item) for item in value], as_list=isinstance(value, list))
        if isinstance(value, dict):
            return ast.Dict([constant(key) for key in value], [self.plain(item) for item in value.values()])
        return constant(value)

    # --- options --------------------------------------------------------------------------------------------------

    def options(self, owner: type[Component], value: Any, scope: Scope) -> tuple[list[ast.expr], dict[str, ast.expr]]:
        """Positional and named constructor arguments."""
        written = self.written(owner, value, scope)
        calls = owner.call_options if issubclass(owner, Layer) else ()
        given = {name: made for name, made in written.items() if name not in calls}
        count = _positional(owner, list(given))
        first = list(given)[:count]
        return [given[name] for name in first], {name: made for name, made in given.items() if name not in first}

    def call_options(self, owner: type[Layer], value: Any, scope: Scope) -> dict[str, ast.expr]:
        """Expressions of the options that go to the layer's call, by name."""
        written = self.written(owner, value, scope) if owner.call_options else {}
        return {name: made for name, made in written.items() if name in owner.call_options}

    def written(self, owner: type[Component], value: Any, scope: Scope) -> dict[str, ast.expr]:
        """The given options in Keras's order, each as Python."""
        raw = registry.options_by_name(owner, value)
        known = owner.fields.keys() - {*COMMON, *owner.apart}
        raw = {name: option for name, option in raw.items() if name in known}
        if not issubclass(owner, Op) and transforms(owner):
            return self.transformed(owner, raw, scope)
        return {
            name: self.option(owner, field, raw[name], scope) for name, field in owner.fields.items() if name in raw
        }

    def transformed(self, owner: type[Component], raw: dict[str, Any], scope: Scope) -> dict[str, ast.expr]:
        """Arguments of a component that turns its options into others: they are constants here."""
        known = scope.constant(raw)
        if known is None:
            raise Unsupported(f"an expression in {owner.registered_name}")
        given = {name: owner.fields[name].convert(value, owner) for name, value in known.value.items()}
        return {name: self.plain(value) for name, value in owner(**given).keras_arguments().items()}

    def option(self, owner: type[Component], field: Field[Any], raw: Any, scope: Scope) -> ast.expr:
        """Expression of one option."""
        if field.kind and raw is not None:
            return self.nested(field, raw, scope)
        if field.textual:
            return constant(raw) if not isinstance(raw, str) else scope.text(raw)
        _, numeric = literal_of(owner, field)
        return scope.value(raw, numeric=numeric, as_list=_as_list(owner, field, raw))

    def nested(self, field: Field[Any], raw: Any, scope: Scope) -> ast.expr:
        """Expression of an option that holds components."""
        if field.container == "number" and not isinstance(raw, dict):
            return scope.value(raw)
        if field.container in ("one", "number"):
            return self.component(field.kind, raw, scope)
        if field.container == "many" and isinstance(raw, list):
            return sequence([self.component(field.kind, item, scope) for item in raw], as_list=True)
        raise Unsupported(f"option {field.name}")


def _as_list(owner: type[Component], field: Field[Any], raw: Any) -> bool:
    """Whether Keras keeps the list as a list: what operations are saved with differs."""
    if issubclass(owner, Op):
        return True
    if not isinstance(raw, list) or any(isinstance(item, str) and "$" in item for item in raw):
        return False
    return isinstance(field.convert(raw, owner), list)


def _positional(owner: type[Component], given: list[str]) -> int:
    """Number of options written without names: the shorthand first, of a convolution also its window."""
    if owner.kind in ("loss", "metric"):  # Keras has `name` and others before them
        return 0
    order = list(owner.fields)
    count = 0
    for index, option in enumerate(given[:2]):
        window = owner.rank > 0 and option in owner.fields and owner.fields[option].required
        if order[index] != option or not (option == owner.shorthand or window or _single(owner, option)):
            break
        count += 1
    return count


def _single(owner: type[Component], name: str) -> bool:
    """Whether `name` is the only option that must be given."""
    required = [option for option, field in owner.fields.items() if field.required]
    return required == [name]


def _order(owner: type[Component]) -> Callable[[str], int]:
    """Keras's order of a component's options; further arguments come last."""
    order = list(owner.fields)
    return lambda option: order.index(option) if option in order else len(order)
