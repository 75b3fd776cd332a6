"""What a syntax tree tells of a file: the facts behind the rules in ``test_architecture.py``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

_PRIVATE = re.compile(r"_[^_]\w*")
_INSIDE = re.compile(r"keras\.src\b|keras_tuner\.(src|engine)\b|tensorflow\.python\b")
# Public in what they belong to, for all their underscore: named tuples, and the end of a process.
_PUBLIC = {"_replace", "_asdict", "_fields", "_exit"}
# What tells which component something is: nothing of that may be compared with a name.
_IDENTITY = ("name", "registered_name", "kind", "key")


_PRINTING = ("print", "sys.exit", "exit", "click.echo")


class Private(NamedTuple):
    """The use of an attribute with an underscore, or of a module that a package keeps to itself.

    Attributes:
        own: Whether it is one of `self`, a class or `super()`.
    """

    line: int
    name: str
    own: bool


class Words(NamedTuple):
    """Strings that are compared with something, or that make up a collection.

    Attributes:
        table: Whether they are all of a collection.
        beside: Whether they stand beside something that tells what a component is, such as ``layer.name``.
        parts: Whether the beginning or end of a name is compared.
    """

    line: int
    words: list[str]
    table: bool = False
    beside: bool = False
    parts: bool = False


class Function(NamedTuple):
    """A function: where it begins, its name, and how many lines and parameters it has."""

    line: int
    name: str
    lines: int
    parameters: int


@dataclass
class Facts:
    """What the rules ask of one file.

    Attributes:
        defined: Names of its functions, classes, class fields and attributes of `self`.
        asserts: Lines that assert that something is not None.
        defaults: Lines that ask for an attribute with a default.
        homes: Lines that ask for the module of a class.
        printing: Lines that print or exit.
        methods: Lines that name the way of training called ``supervised``, or its class.
        bound: Names that it gives to anything: variables, arguments, functions, classes, attributes, imports.
    """

    defined: set[str] = field(default_factory=set)
    privates: list[Private] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    asserts: list[int] = field(default_factory=list)
    defaults: list[int] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    homes: list[int] = field(default_factory=list)
    printing: list[int] = field(default_factory=list)
    methods: list[int] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)


@cache
def facts(path: Path) -> Facts:
    """The facts of a file; its tree is not kept."""
    found = Facts()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if reader := _READERS.get(type(node)):
            reader(found, node)
    return found


def _class(found: Facts, node: ast.ClassDef) -> None:
    found.defined.add(node.name)
    found.bound.add(node.name)


def _function(found: Facts, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    found.defined.add(node.name)
    found.bound.add(node.name)
    arguments = node.args
    counted = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    parameters = [one.arg for one in counted if one is not None and one.arg not in ("self", "cls")]
    found.functions.append(Function(node.lineno, node.name, (node.end_lineno or 0) - node.lineno + 1, len(parameters)))


def _assignment(found: Facts, node: ast.Assign | ast.AnnAssign) -> None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    found.defined |= {target.id for target in targets if isinstance(target, ast.Name)}


def _argument(found: Facts, node: ast.arg) -> None:
    found.bound.add(node.arg)


def _attribute(found: Facts, node: ast.Attribute) -> None:
    if isinstance(node.ctx, ast.Store):
        found.bound.add(node.attr)
    if node.attr == "__module__":
        found.homes.append(node.lineno)
    if not _PRIVATE.fullmatch(node.attr) or node.attr in _PUBLIC:
        return
    owner = node.value
    own = isinstance(owner, ast.Name) and owner.id in ("self", "cls", "owner")
    own = own or (isinstance(owner, ast.Call) and ast.unparse(owner.func) == "super")
    if own and isinstance(node.ctx, ast.Store):
        found.defined.add(node.attr)
    found.privates.append(Private(node.lineno, node.attr, own))


def _name(found: Facts, node: ast.Name | ast.alias) -> None:
    if isinstance(node, ast.alias):
        found.bound.add(node.asname or node.name)
    elif isinstance(node.ctx, ast.Store):
        found.bound.add(node.id)
    if (node.id if isinstance(node, ast.Name) else node.name) == "Supervised":
        found.methods.append(node.lineno)


def _constant(found: Facts, node: ast.Constant) -> None:
    if node.value == "__module__":
        found.homes.append(node.lineno)
    elif node.value == "supervised":
        found.methods.append(node.lineno)


def _import(found: Facts, node: ast.Import | ast.ImportFrom) -> None:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    found.privates += [Private(node.lineno, name, False) for name in names if _INSIDE.match(name)]


def _call(found: Facts, node: ast.Call) -> None:
    if isinstance(node.func, ast.Name | ast.Attribute) and ast.unparse(node.func) in _PRINTING:
        found.printing.append(node.lineno)
    match node:
        case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr" as asks), args=[_, second, *more]):
            if isinstance(second, ast.Constant) and _PRIVATE.fullmatch(str(second.value)):
                found.privates.append(Private(node.lineno, str(second.value), False))
            if asks == "getattr" and more:
                found.defaults.append(node.lineno)
        case ast.Call(func=ast.Attribute(value=asked, attr="startswith" | "endswith"), args=given) if _tells(asked):
            words = [word for one in given for word in _strings(one)]
            found.words.append(Words(node.lineno, words, beside=True, parts=True))


def _comparison(found: Facts, node: ast.Compare) -> None:
    sides = [node.left, *node.comparators]
    words = [word for side in sides for word in _strings(side)]
    if words:
        found.words.append(Words(node.lineno, words, beside=any(_tells(side) for side in sides)))


def _capture(found: Facts, node: ast.MatchAs | ast.MatchStar | ast.ExceptHandler) -> None:
    found.bound.add(node.name or "")


def _case(found: Facts, node: ast.MatchValue) -> None:
    found.words.append(Words(node.lineno, _strings(node.value)))


def _collection(found: Facts, node: ast.Tuple | ast.List | ast.Set | ast.Dict) -> None:
    elements = node.keys if isinstance(node, ast.Dict) else node.elts
    words = [one.value for one in elements if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if words and len(words) == len(elements) and not (isinstance(node, ast.Dict) and len(words) == 1):
        found.words.append(Words(node.lineno, words, table=True))


def _assertion(found: Facts, node: ast.Assert) -> None:
    if re.search(r"\bis not None\b", ast.unparse(node.test)):
        found.asserts.append(node.lineno)


_READERS = {
    ast.ClassDef: _class,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Assign: _assignment,
    ast.AnnAssign: _assignment,
    ast.arg: _argument,
    ast.Attribute: _attribute,
    ast.Name: _name,
    ast.alias: _name,
    ast.Constant: _constant,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Call: _call,
    ast.Compare: _comparison,
    ast.MatchValue: _case,
    ast.MatchAs: _capture,
    ast.MatchStar: _capture,
    ast.ExceptHandler: _capture,
    ast.Tuple: _collection,
    ast.List: _collection,
    ast.Set: _collection,
    ast.Dict: _collection,
    ast.Assert: _assertion,
}


def _tells(side: ast.expr) -> bool:
    """Whether an expression ends in an attribute that tells which component something is."""
    match side:
        case ast.Attribute(attr=name):
            return name in _IDENTITY
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
            return name in _IDENTITY
    return False


def _strings(side: ast.expr | None) -> list[str]:
    """The strings of a constant, of a collection, or of the keys of a dictionary."""
    match side:
        case ast.Constant(value=str(word)):
            return [word]
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return [word for one in elements for word in _strings(one)]
        case ast.Dict(keys=keys):
            return [word for key in keys for word in _strings(key)]
        case ast.Call(func=ast.Name(id="set" | "frozenset" | "tuple"), args=arguments):
            return [word for one in arguments for word in _strings(one)]
    return []


def foreign_privates(path: Path, inherited: set[str]) -> list[Private]:
    """Uses of what another package keeps to itself.

    Args:
        inherited: Private names that an object of ours may have from a class in another file.
    """
    found = facts(path)
    return [one for one in found.privates if one.name not in found.defined and not (one.own and one.name in inherited)]


def named(words: Words, kinds: dict[str, set[str]]) -> Iterable[str]:
    """Those of some words that are names of components; of a collection, all or none.

    Args:
        kinds: The kinds of each component, by name.
    """
    if words.parts:
        return [word for word in words.words if any(name.startswith(word) or name.endswith(word) for name in kinds)]
    found = [word for word in words.words if word in kinds]
    if words.table and not (len(found) == len(words.words) and set.intersection(*(kinds[word] for word in found))):
        return []
    return found
