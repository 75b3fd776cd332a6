"""The expressions behind ``$``: a small whitelisted part of Python's grammar, evaluated without ``eval``."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from dlspec.core.errors import Problem

MAX_LENGTH = 500
MAX_INTEGER = 2**63

RESERVED = ("input", "prev", "shape", "channels", "index")
Lookup = Callable[[str], Any]

_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|\$\$|\$\(|\$([A-Za-z][A-Za-z0-9_]*)|\$|[A-Za-z_][A-Za-z0-9_]*""")
_REFERENCE = re.compile(r"\$\$|\$\(|\$([A-Za-z][A-Za-z0-9_]*)")
_INNER = re.compile(r"\b_([A-Za-z][A-Za-z0-9_]*)")
_BRACES = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_]*)\}")
_ARITHMETIC = re.compile(r"[-+( ]*[0-9.]+([eE]-?[0-9]+)?[-+*/() ][-+*/(). 0-9eE]*\Z")
_CONSTANTS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


def _round(value: Any, digits: Any = 0) -> Any:
    """Python's ``round`` with few digits: it would compute ``10 ** digits``."""
    if type(digits) is not int or abs(digits) > 20:
        raise ValueError("`round` takes at most 20 digits")
    return round(value, digits) if digits else round(value)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min, "max": max, "round": _round, "int": int, "ceil": math.ceil, "floor": math.floor, "abs": abs, "len": len,
}  # fmt: skip
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip


class UnknownValue(Exception):
    """A name's value is unknown because of a mistake that is already reported; the expression stays silent."""


class Expression(NamedTuple):
    """A parsed expression.

    Attributes:
        text: As written in the spec.
        tree: Whitelisted Python syntax; ``$name`` stands in it as the name ``_name``.
        names: The ``$names`` it uses, in order, each once; ``$channels(tensor)`` is a name too.
    """

    text: str
    tree: ast.expr
    names: tuple[str, ...]

    def evaluate(self, lookup: Lookup) -> Any:
        """The value, with `lookup` giving the value of each name.

        Raises:
            Problem: E303 (division by zero, wrong types, too large), or what `lookup` raises.
        """
        try:
            return _bounded(_evaluate(self.tree, lookup), self.text)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError, IndexError, KeyError) as error:
            known = ", ".join(f"`${name}` is {_shown(lookup(name))}" for name in self.names[:4])
            raise Problem("E303", f"`{self.text}` cannot be computed: {_reason(error)}", known) from None


def is_expression(value: Any) -> bool:
    """Whether a value is text that holds a ``$``."""
    return isinstance(value, str) and "$" in value


def is_arithmetic(value: str) -> bool:
    """Whether text is constant arithmetic such as ``1 / 255``."""
    return _ARITHMETIC.match(value) is not None


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Parses an expression (or constant arithmetic).

    Raises:
        Problem: E301, it is no expression of the language.
    """
    if len(text) > MAX_LENGTH:
        raise Problem("E301", f"an expression of {len(text)} characters", f"at most {MAX_LENGTH}")
    _check_brackets(text)
    names: dict[str, None] = {}

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        if match.group(1):
            names.setdefault(match.group(1))
            return "_" + match.group(1)
        if token == "$(":
            return " ("
        if token.startswith("$"):
            name = _BRACES.search(text)
            help = f"write `${name.group(1)}`" if name else "write `$name`, or `$$` for a dollar sign"
            raise Problem("E301", f"`$` without a name in `{text}`", help)
        if token[0] == "_":
            raise Problem("E301", f"`{token}` in `{text}` is no name", "names start with a letter")
        return token

    source = _TOKEN.sub(replace, text)
    try:
        tree = ast.parse(source.strip(), mode="eval").body
        _check(tree, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        help = "write it as in Python, each name with `$`"
        help = "quote words: `'relu' if $deep else 'gelu'`" if " if " in text else help
        raise Problem("E301", f"`{text}` is not an expression", help) from None
    sizes = {f"{size[0]}({size[1]})": size[0] for node in ast.walk(tree) if (size := size_of(node))}
    bare = {node.id[1:] for node in ast.walk(tree) if isinstance(node, ast.Name)} if sizes else names
    return Expression(text, tree, (*(name for name in names if name in bare), *sizes))


def size_of(node: ast.AST) -> tuple[str, str] | None:
    """The word and the name of the tensor in ``$channels(tensor)`` or ``$shape(tensor)``; None for all else."""
    match node:
        case ast.Call(func=ast.Name(id="_channels" | "_shape" as kind), args=[ast.Name(id=tensor)], keywords=[]):
            return kind[1:], tensor
    return None


def unescape(text: str) -> str | None:
    """Text whose only dollars are ``$$``, with them read as ``$``; None when it holds an expression."""
    return text.replace("$$", "$") if "$" not in text.replace("$$", "") else None


def substitute(text: str, lookup: Lookup) -> str:
    """Text with ``$name`` and ``$(expression)`` replaced by their values and ``$$`` by ``$``.

    Raises:
        Problem: E301 or E303, or what `lookup` raises.
    """
    return "".join(
        part if isinstance(part, str) else _as_text(part.evaluate(lookup), part.text) for part in template(text)
    )


@lru_cache(maxsize=4096)
def template(text: str) -> tuple[str | Expression, ...]:
    """A text cut into plain parts and expressions."""
    parts: list[str | Expression] = []
    position = 0
    while match := _REFERENCE.search(text, position):
        parts.append(text[position : match.start()])
        position = match.end()
        if match.group() == "$$":
            parts.append("$")
        elif match.group() == "$(":
            end = _closing(text, position)
            parts.append(parse(text[position:end]))
            position = end + 1
        else:
            parts.append(parse(match.group()))
    parts.append(text[position:])
    return tuple(part for part in parts if part != "")


@lru_cache(maxsize=4096)
def pattern(text: str) -> re.Pattern[str]:
    """A regular expression of the names that a text with substitutions may become."""
    parts = (".*" if isinstance(part, Expression) else re.escape(part) for part in template(text))
    return re.compile("".join(parts))


def names_in(value: Any, textual: bool = False) -> Iterator[str]:
    """Every ``$name`` in a value and all values inside it; text that does not parse gives none."""
    if isinstance(value, dict):
        for item in value.values():
            yield from names_in(item, textual)
    elif isinstance(value, list):
        for item in value:
            yield from names_in(item, textual)
    elif is_expression(value) and unescape(value) is None:
        try:
            for part in template(value) if textual else (parse(value),):
                if isinstance(part, Expression):
                    yield from part.names
        except Problem:
            return


def rename(text: str, name: str, expression: str) -> str:
    """An expression in which another one, such as ``$name[0]``, stands for ``$name``."""
    return _TOKEN.sub(lambda match: expression if match.group(1) == name else match.group(), text)


def reach(names: Iterable[str], params: Mapping[str, Any]) -> set[str]:
    """These names, and those that they are computed from, directly or not."""
    reached = set(names)
    waiting = list(reached)
    while waiting:
        for inner in names_in(params.get(waiting.pop())):
            if inner not in reached:
                reached.add(inner)
                waiting.append(inner)
    return reached


def _closing(text: str, start: int) -> int:
    depth = 1
    for position in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise Problem("E301", f"`$(` is not closed in `{text}`", "close it with `)`")


def _check_brackets(text: str) -> None:
    pairs = {")": "(", "]": "[", "}": "{"}
    stack: list[str] = []
    for character in text:
        if character in "([{":
            stack.append(character)
        elif character in pairs and (not stack or stack.pop() != pairs[character]):
            stack.append("unbalanced")
            break
    if stack:
        help = "close what is opened; inside `{}` and `[]` quote the whole expression, or YAML splits it at `, [ ] { }`"
        raise Problem("E301", f"the brackets of `{text}` are not balanced", help)


def _check(node: ast.AST, text: str) -> None:
    """Raises E301 for whatever is outside the language."""
    allowed: tuple[type[ast.AST], ...] = (
        ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript, ast.Slice, ast.List, ast.Tuple,
        ast.Load, ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd, ast.Pow, *_BINARY, *_COMPARE,
    )  # fmt: skip
    if isinstance(node, ast.Constant):
        if type(node.value) not in (int, float, str, bool, type(None)):
            raise Problem("E301", f"{node.value!r} in `{text}` is no value of the language")
        return
    if isinstance(node, ast.Name):
        if not node.id.startswith("_") and node.id not in _CONSTANTS:
            help = f"`{node.id}` is a function: write `{node.id}(…)`" if node.id in _FUNCTIONS else ""
            help = help or f"write `${node.id}` for a parameter, or `'{node.id}'` for text"
            raise Problem("E301", f"`{node.id}` in `{text}` is no value", help)
        return
    if size_of(node) is not None:
        return
    if isinstance(node, ast.Call):
        function = node.func.id if isinstance(node.func, ast.Name) else ""
        if function not in _FUNCTIONS or node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            name = _unparse(node.func)
            help = "functions: " + ", ".join(_FUNCTIONS)
            if name in ("$channels", "$shape"):
                help = f"in the brackets stands the name of one tensor, without `$`: `{name}(skip)`"
            raise Problem("E301", f"`{name}` in `{text}` cannot be called" + (" so" if "$" in name else ""), help)
        for argument in node.args:
            _check(argument, text)
        return
    if isinstance(node, ast.Attribute):
        name = node.attr if _unparse(node.value) in ("$params", "params") else ""
        help = f"write `${name}`: parameters are used by their name alone" if name else "values have no attributes"
        raise Problem("E301", f"`{text}` uses a dot", help)
    if not isinstance(node, allowed):
        help = "there are arithmetic, comparisons, `and or not`, `a if b else c`, subscripts, and " + ", ".join(
            _FUNCTIONS
        )
        raise Problem("E301", f"`{text}` uses Python that expressions do not have", help)
    for child in ast.iter_child_nodes(node):
        _check(child, text)


def _unparse(node: ast.expr) -> str:
    """A part of an expression as it is written in a spec."""
    return _INNER.sub(r"$\1", ast.unparse(node))


def _evaluate(node: ast.expr, lookup: Lookup) -> Any:
    if size := size_of(node):
        return lookup(f"{size[0]}({size[1]})")
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return lookup(name[1:]) if name.startswith("_") else _CONSTANTS[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _evaluate(left, lookup), _evaluate(right, lookup))
        case ast.UnaryOp(op=op, operand=operand):
            value = _evaluate(operand, lookup)
            return (
                (not value)
                if isinstance(op, ast.Not)
                else -_number(value)
                if isinstance(op, ast.USub)
                else +_number(value)
            )
        case ast.BoolOp(op=op, values=values):
            return _boolean(isinstance(op, ast.And), values, lookup)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compare(_evaluate(left, lookup), ops, [_evaluate(item, lookup) for item in comparators])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _evaluate(body if _evaluate(test, lookup) else orelse, lookup)
        case ast.Subscript(value=value, slice=index):
            return _evaluate(value, lookup)[_evaluate(index, lookup)]
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(None if part is None else _evaluate(part, lookup) for part in (lower, upper, step)))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_evaluate(item, lookup) for item in items]
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return _FUNCTIONS[function](*(_evaluate(argument, lookup) for argument in arguments))
    raise AssertionError(f"unchecked syntax {node!r}")


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(left, str | list) or isinstance(right, str | list):
        if isinstance(op, ast.Add) and type(left) is type(right) and len(left) + len(right) <= 1000:
            return left + right
        raise TypeError(f"{_kind(left)} and {_kind(right)} do not go together here")
    left, right = _number(left), _number(right)
    if isinstance(op, ast.Pow):
        if abs(right) > 64 or abs(left) > MAX_INTEGER:
            raise OverflowError("the power is too large")
        result = left**right
        if isinstance(result, complex):
            raise ValueError("the power is not a real number")
        return result
    return _BINARY[type(op)](left, right)


def _boolean(conjunction: bool, values: list[ast.expr], lookup: Lookup) -> Any:
    value: Any = conjunction
    for item in values:
        value = _evaluate(item, lookup)
        if bool(value) is not conjunction:
            return value
    return value


def _compare(left: Any, ops: list[ast.cmpop], rights: list[Any]) -> bool:
    for op, right in zip(ops, rights, strict=True):
        if not _COMPARE[type(op)](left, right):
            return False
        left = right
    return True


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{_kind(value)} is no number")
    return value


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {str: "text", list: "a list", bool: "a truth value", dict: "a mapping"}
    return names.get(type(value), "a number")


def _bounded(value: Any, text: str) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError("the result is not finite")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise OverflowError("the result is too large")
    if isinstance(value, slice):
        raise TypeError("a slice needs a list")
    return value


def _as_text(value: Any, text: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise Problem("E303", f"`{text}` is {_kind(value)}, which cannot stand inside text")


def _shown(value: Any) -> str:
    text = (
        {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)
    )
    return text if len(text) <= 40 else _kind(value)


def _reason(error: Exception) -> str:
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, IndexError):
        return "the index is out of range"
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return str(error)
