"""Meanings of ``$names`` in the generated code: a variable, or a constant that is written in."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dlspec.export.python.syntax import Unsupported, call, constant, dotted, item, name, sequence
from dlspec.semantics.environment import Environment
from dlspec.semantics.evaluate import evaluate_plain
from dlspec.syntax.expressions import Expression, is_arithmetic, is_expression, parse, size_of, template, unescape

# Functions of the expression language that are not built into Python.
_MATH = {"ceil": "math.ceil", "floor": "math.floor"}
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


@dataclass(frozen=True)
class Variable:
    """A parameter that the generated code has a variable for.

    Attributes:
        identifier: Its name there.
        many: Whether it holds a sequence: a tuple there, a list in the spec.
    """

    identifier: str
    many: bool = False


@dataclass(frozen=True)
class Constant:
    """A parameter that is written in."""

    value: Any


Meaning = Variable | Constant


@dataclass(frozen=True)
class Scope:
    """Meanings of names.

    Attributes:
        entering: The first tensor that enters the item, for ``$channels`` and ``$shape``.
        used: The names of the top level that were written.
        top: The names of the top level; others may hide them.
        tensor: Finds the variable of a tensor by its name, for ``$channels(name)`` and ``$shape(name)``.
    """

    meanings: Mapping[str, Meaning]
    entering: ast.expr | None = None
    used: set[str] = field(default_factory=set)
    top: Mapping[str, Meaning] = field(default_factory=dict)
    tensor: Callable[[str, Scope], ast.expr] | None = None

    def at(self, entering: ast.expr | None) -> Scope:
        """A copy of the scope for an item that `entering` enters."""
        return replace(self, entering=entering)

    def inner(self, meanings: Mapping[str, Meaning]) -> Scope:
        """A copy of the scope with further names."""
        return replace(self, meanings={**self.meanings, **meanings})

    def find(self, key: str) -> Meaning:
        """The meaning of ``$key``."""
        try:
            return self.meanings[key]
        except KeyError:
            raise Unsupported(f"${key}") from None

    def shape(self, of: str = "") -> ast.expr:
        """The shape of what enters, or of the tensor with a name, batch included."""
        tensor = self.tensor(of, self) if of and self.tensor is not None else self.entering
        if tensor is None or isinstance(tensor, ast.Starred):
            raise Unsupported("$shape of no tensor, or of several")
        return ast.Attribute(tensor, "shape", ast.Load())

    def sizes(self, of: str = "") -> ast.expr:
        """The shape without the batch."""
        return item(self.shape(of), ast.Slice(constant(1), None, None))

    # --- values ---------------------------------------------------------------------------------------------------

    def constant(self, raw: Any) -> Constant | None:
        """The value itself where it depends on no variable and on nothing of the graph."""
        expressions = list(_expressions(raw))
        names = [key for expression in expressions for key in expression.names]
        if any(key not in self.meanings or not isinstance(self.meanings[key], Constant) for key in names):
            return None
        values = {key: meaning.value for key, meaning in self.meanings.items() if isinstance(meaning, Constant)}
        index = values.pop("index", None)
        return Constant(evaluate_plain(raw, Environment(values, index=index), numeric=True))

    def value(self, raw: Any, *, numeric: bool = True, as_list: bool = False) -> ast.expr:
        """A plain value: literals as they are written, expressions as Python."""
        if isinstance(raw, str):
            if "$" in raw:
                plain = unescape(raw)
                return constant(plain) if plain is not None else self.expression(parse(raw))
            return self.expression(parse(raw)) if numeric and is_arithmetic(raw) else constant(raw)
        if isinstance(raw, list | tuple):
            return sequence([self.value(element, numeric=numeric, as_list=as_list) for element in raw], as_list)
        if isinstance(raw, dict):
            return ast.Dict(
                [constant(key) for key in raw], [self.value(element, numeric=numeric) for element in raw.values()]
            )
        return constant(raw)

    def many(self, raw: Any) -> bool:
        """Whether a value is a sequence."""
        return isinstance(raw, list | tuple) or (is_expression(raw) and _Translator(self).many(parse(raw).tree))

    def expression(self, expression: Expression) -> ast.expr:
        """An expression as Python; one of constants alone is worked out."""
        if expression.names and (known := self.constant(expression.text)) is not None:
            return constant(known.value)
        return _Translator(self).visit_expression(expression.tree)

    def text(self, raw: str) -> ast.expr:
        """Text with substitutions: a constant, or an f-string."""
        known = self.constant_text(raw)
        if known is not None:
            return constant(known)
        parts: list[ast.expr] = []
        for part in template(raw):
            if isinstance(part, str):
                if not part.isprintable() or "\\" in part:
                    raise Unsupported("a substitution in text with control characters")
                parts.append(ast.Constant(part))
            else:
                parts.append(ast.FormattedValue(self.expression(part), -1))
        return ast.JoinedStr(parts)

    def constant_text(self, raw: str) -> str | None:
        """The text itself where it depends on constants alone."""
        parts = []
        for part in template(raw):
            if isinstance(part, str):
                parts.append(part)
                continue
            known = self.constant(part.text)
            if known is None:
                return None
            value = known.value
            parts.append(str(value).lower() if isinstance(value, bool) else str(value))
        return "".join(parts)


def _expressions(raw: Any) -> list[Expression]:
    if isinstance(raw, dict):
        return [expression for value in raw.values() for expression in _expressions(value)]
    if isinstance(raw, list | tuple):
        return [expression for value in raw for expression in _expressions(value)]
    if is_expression(raw) and unescape(raw) is None:
        return [parse(raw)]
    return []


class _Translator:
    """Rebuilds the syntax of an expression; only what the language allows comes here, nothing else is passed on."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def visit_expression(self, node: ast.expr) -> ast.expr:
        if size := size_of(node):
            return self.size(*size)
        match node:
            case ast.Constant(value=value):
                return constant(value)
            case ast.Name(id=identifier):
                return self.named(identifier)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(left, op, right)
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op, self.visit_expression(operand))
            case ast.BoolOp(op=logical, values=values):
                return ast.BoolOp(logical, [self.visit_expression(value) for value in values])
            case ast.Compare(left=left, ops=ops, comparators=others):
                return ast.Compare(
                    self.visit_expression(left), ops, [self.visit_expression(element) for element in others]
                )
            case ast.IfExp(test=test, body=body, orelse=orelse):
                parts = (self.visit_expression(part) for part in (test, body, orelse))
                return ast.IfExp(*parts)
            case ast.Subscript(value=ast.Name(id="_shape"), slice=index):
                return self.axis(index)
            case ast.Subscript(value=ast.Call(args=[ast.Name(id=tensor)]) as inner, slice=index) if _is_shape(inner):
                return self.axis(index, tensor)
            case ast.Subscript(value=value, slice=index):
                return item(self.visit_expression(value), self.visit_expression(index))
            case ast.Slice(lower=lower, upper=upper, step=step):
                return ast.Slice(
                    *(None if part is None else self.visit_expression(part) for part in (lower, upper, step))
                )
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return sequence([self.visit_expression(element) for element in items])
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return call(_MATH.get(function, function), [self.visit_expression(element) for element in arguments])
        raise Unsupported(f"syntax {type(node).__name__}")

    def named(self, identifier: str) -> ast.expr:
        if not identifier.startswith("_"):
            return constant(_WORDS[identifier])
        if identifier in ("_channels", "_shape"):
            return self.size(identifier[1:])
        meaning = self.scope.find(identifier[1:])
        if isinstance(meaning, Constant):
            return constant(meaning.value)
        if meaning is self.scope.top.get(identifier[1:]):
            self.scope.used.add(identifier[1:])
        return name(meaning.identifier)

    def size(self, kind: str, of: str = "") -> ast.expr:
        """``$channels`` or ``$shape``, of what enters or of the tensor with a name."""
        return item(self.scope.shape(of), constant(-1)) if kind == "channels" else self.scope.sizes(of)

    def axis(self, index: ast.expr, of: str = "") -> ast.expr:
        """``$shape`` has no batch: axis 0 there is axis 1 of the tensor."""
        match index:
            case ast.Constant(value=int(number)):
                return item(self.scope.shape(of), constant(number + 1))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
                return item(self.scope.shape(of), constant(-number))
        return item(self.scope.sizes(of), self.visit_expression(index))

    def binary(self, left: ast.expr, op: ast.operator, right: ast.expr) -> ast.expr:
        if isinstance(op, ast.Add) and (self.many(left) or self.many(right)):
            # Sequences are tuples here; whatever is added to one must be one too.
            return ast.BinOp(self.as_tuple(left), op, self.as_tuple(right))
        made = self.visit_expression(right)
        if isinstance(op, ast.Pow) and isinstance(made, ast.UnaryOp) and isinstance(made.operand, ast.Constant):
            made = ast.Constant(-made.operand.value)  # type: ignore[operator]  # without needless brackets
        return ast.BinOp(self.visit_expression(left), op, made)

    def many(self, node: ast.expr) -> bool:
        match node:
            case ast.Call():
                return _is_shape(node)
            case ast.List() | ast.Tuple() | ast.Name(id="_shape") | ast.Subscript(slice=ast.Slice()):
                return True
            case ast.Name(id=identifier) if identifier.startswith("_") and identifier[1:] not in ("channels", "shape"):
                meaning = self.scope.find(identifier[1:])
                return meaning.many if isinstance(meaning, Variable) else isinstance(meaning.value, list | tuple)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.many(left) or self.many(right)
        return False

    def as_tuple(self, node: ast.expr) -> ast.expr:
        value = self.visit_expression(node)
        return value if isinstance(value, ast.Tuple) else call(dotted("tuple"), [value])


def _is_shape(node: ast.expr) -> bool:
    """Whether a part of an expression is ``$shape(name)``."""
    size = size_of(node)
    return size is not None and size[0] == "shape"
