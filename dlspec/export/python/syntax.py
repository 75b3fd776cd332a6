"""Python syntax trees: whatever a spec says becomes a constant or a checked identifier, never a piece of source."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class Unsupported(Exception):
    """Raised for what the structured emission does not support; the module is then written without structure."""


def name(identifier: str) -> ast.Name:
    """Expression of a variable.

    Raises:
        ValueError: `identifier` is none; it is never a spec's text as it stands.
    """
    if not identifier.isidentifier() or not identifier.isascii():
        raise ValueError(f"{identifier!r} is no identifier")
    return ast.Name(identifier, ast.Load())


def dotted(path: str) -> ast.expr:
    """Expression of a dotted path such as ``keras.Input``."""
    first, *rest = path.split(".")
    dotted_name: ast.expr = name(first)
    for part in rest:
        dotted_name = ast.Attribute(dotted_name, name(part).id, ast.Load())
    return dotted_name


def constant(value: Any) -> ast.expr:
    """A literal; lists become tuples, since a default or an option is never changed in place.

    Raises:
        Unsupported: The value has no literal.
    """
    if value is None or isinstance(value, str | bool | int):
        return _signed(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unsupported(f"the number {value}")
        return _signed(value)
    if isinstance(value, list | tuple):
        return sequence([constant(item) for item in value])
    if isinstance(value, dict):
        return ast.Dict([constant(key) for key in value], [constant(item) for item in value.values()])
    raise Unsupported(f"a value of type {type(value).__name__}")


def _signed(value: Any) -> ast.expr:
    if not isinstance(value, bool) and isinstance(value, int | float) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def sequence(items: Sequence[ast.expr], as_list: bool = False) -> ast.expr:
    """Expression of a tuple, or of a list."""
    return ast.List(list(items), ast.Load()) if as_list else ast.Tuple(list(items), ast.Load())


def call(
    function: str | ast.expr, positional: Iterable[ast.expr] = (), keywords: Mapping[str, ast.expr] | None = None
) -> ast.Call:
    """Expression of a call ``function(a, b, key=c)``."""
    target = dotted(function) if isinstance(function, str) else function
    return ast.Call(
        target, list(positional), [ast.keyword(name(key).id, value) for key, value in (keywords or {}).items()]
    )


def item(value: ast.expr, index: ast.expr) -> ast.Subscript:
    """Expression of ``value[index]``."""
    return ast.Subscript(value, index, ast.Load())


def assign(target: ast.expr | Sequence[str], value: ast.expr) -> ast.stmt:
    """``a = value``, or ``a, b = value``."""
    if isinstance(target, ast.expr):
        return ast.Assign([_stored(target)], value, lineno=0)
    names: list[ast.expr] = [ast.Name(identifier, ast.Store()) for identifier in target]
    return ast.Assign([names[0] if len(names) == 1 else ast.Tuple(names, ast.Store())], value, lineno=0)


def _stored(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Store())
    assert isinstance(target, ast.Subscript)
    return ast.Subscript(target.value, target.slice, ast.Store())


def expression(value: ast.expr) -> ast.stmt:
    """An expression on a line of its own."""
    return ast.Expr(value)


def same(first: ast.expr | None, other: ast.expr | None) -> bool:
    """Whether two expressions read the same."""
    if first is None or other is None:
        return first is other
    return ast.dump(first) == ast.dump(other)


def text(node: ast.AST) -> str:
    """Source of a syntax tree."""
    return ast.unparse(ast.fix_missing_locations(node))
