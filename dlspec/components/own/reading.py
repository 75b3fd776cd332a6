"""Reads which components a Python file declares, from its text alone: nothing of it runs."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlspec.core.errors import Problem

# Names under which Keras has bases of components besides those of their modules.
BASES = {
    "keras.Layer": "layer",
    "keras.Loss": "loss",
    "keras.Metric": "metric",
    "keras.Optimizer": "optimizer",
    "keras.Regularizer": "regularizer",
    "keras.Initializer": "initializer",
}
# Modules of Keras whose classes are components of a kind.
HOMES = {
    "keras.layers": "layer",
    "keras.losses": "loss",
    "keras.metrics": "metric",
    "keras.optimizers": "optimizer",
    "keras.optimizers.schedules": "schedule",
    "keras.regularizers": "regularizer",
    "keras.initializers": "initializer",
    "keras.constraints": "constraint",
    "keras.callbacks": "callback",
}
# Constructor arguments that dlspec gives itself.
_GIVEN = ("self", "name")
_NO_DEFAULT: Any = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a constructor.

    Attributes:
        annotation: As it is written; "" for none.
        default: Its literal value; ``inspect.Parameter.empty`` where there is no default.
        computed: Whether it has a default that is no literal, which only Python knows.
    """

    name: str
    annotation: str
    default: Any
    computed: bool = False

    @property
    def required(self) -> bool:
        """Whether a spec must give it."""
        return self.default is _NO_DEFAULT and not self.computed


@dataclass(frozen=True, slots=True)
class OwnClass:
    """A class of a Python file that is a component.

    Attributes:
        name: The name of the class.
        module: The file's name without its ending.
        line: Where it stands in the file, from 1.
        kind: What it is: ``layer``, ``loss`` …
        keras: Dotted path of the class of Keras that it descends from.
        doc: Its docstring; "" for none.
        parameters: What its constructor takes, `self` and `name` left out.
        takes_others: Whether the constructor takes any other options (``**kwargs``) and hands them to Keras.
        takes_name: Whether the constructor takes `name`, by itself or among others.
        call: Arguments of ``call`` that are tensors; a trailing ``?`` marks one that may be missing.
        constants: Class attributes with literal values.
    """

    name: str
    module: str
    line: int
    kind: str
    keras: str
    doc: str
    parameters: tuple[Parameter, ...]
    takes_others: bool
    takes_name: bool
    call: tuple[str, ...] = ("inputs",)
    constants: Mapping[str, Any] = field(default_factory=dict)


def read(texts: Mapping[str, str]) -> list[OwnClass]:
    """The components that Python files declare, in written order; classes whose names begin with ``_`` are none.

    Args:
        texts: The text of each file, by module.

    Raises:
        Problem: E111, one of them is no Python.
    """
    modules = {name: _Module(name, text) for name, text in texts.items()}
    reader = _Reader(modules)
    classes = [(module, node) for module in modules.values() for node in module.classes.values()]
    components = (reader.component(module, node) for module, node in classes if not node.name.startswith("_"))
    return [item for item in components if item is not None]


class _Module:
    """One file: its classes, and what the names in it stand for."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.homes: dict[str, str] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            raise Problem("E111", f"`{name}.py`, line {error.lineno}, is no Python: {error.msg}") from error
        except (ValueError, RecursionError, MemoryError) as error:
            raise Problem("E111", f"`{name}.py` is no Python: {error}") from error
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                self.homes |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
            elif isinstance(node, ast.Import):
                self.homes |= {item.asname: item.name for item in node.names if item.asname}
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = node

    def path(self, written: ast.expr) -> str:
        """The dotted path of a base; "" where it is no name."""
        text = ast.unparse(written)
        first, _, rest = text.partition(".")
        if first in self.classes:
            first = f"{self.name}.{first}"
        path = ".".join(part for part in (self.homes.get(first, first), rest) if part)
        return path.removeprefix("tensorflow.")


class _Reader:
    def __init__(self, modules: Mapping[str, _Module]) -> None:
        self.modules = modules

    def ancestors(self, module: _Module, node: ast.ClassDef, depth: int = 0) -> Iterator[tuple[_Module, ast.ClassDef]]:
        """The class itself, and those of the files that it descends from, nearest first."""
        yield module, node
        for base in node.bases if depth < 20 else ():
            home, _, name = module.path(base).rpartition(".")
            other = self.modules.get(home)
            if other is not None and name in other.classes:
                yield from self.ancestors(other, other.classes[name], depth + 1)

    def component(self, module: _Module, node: ast.ClassDef) -> OwnClass | None:
        """The component that a class declares; None where it is none."""
        line = list(self.ancestors(module, node))
        keras = next((path for owner, each in line for path in map(owner.path, each.bases) if _kind(path)), "")
        if not keras:
            return None
        parameters, others, named = _constructor([each for _, each in line])
        return OwnClass(
            name=node.name,
            module=module.name,
            line=node.lineno,
            kind=_kind(keras),
            keras=keras,
            doc=ast.get_docstring(node) or "",
            parameters=parameters,
            takes_others=others,
            takes_name=named or others,
            call=_call([each for _, each in line]),
            constants={name: value for _, each in reversed(line) for name, value in _constants(each)},
        )


def _kind(path: str) -> str:
    return BASES.get(path) or HOMES.get(path.rpartition(".")[0], "")


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == name), None)


def _constructor(line: list[ast.ClassDef]) -> tuple[tuple[Parameter, ...], bool, bool]:
    """Parameters of the constructor, whether it takes others, and whether it takes `name`."""
    parameters: dict[str, Parameter] = {}
    named = False
    for node in line:
        method = _method(node, "__init__")
        if method is None:
            continue
        for parameter in _parameters(method):
            named = named or parameter.name == "name"
            if parameter.name not in _GIVEN:
                parameters.setdefault(parameter.name, parameter)
        if method.args.kwarg is None:
            return tuple(parameters.values()), False, named
    return tuple(parameters.values()), True, named


def _parameters(method: ast.FunctionDef) -> Iterator[Parameter]:
    arguments = method.args
    plain = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    yield from map(_parameter, plain, [*missing, *arguments.defaults])
    yield from map(_parameter, arguments.kwonlyargs, arguments.kw_defaults)


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
    annotation = annotation.strip("\"'")
    if default is None:
        return Parameter(argument.arg, annotation, _NO_DEFAULT)
    try:
        return Parameter(argument.arg, annotation, _plain(ast.literal_eval(default)))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return Parameter(argument.arg, annotation, None, computed=True)


def _plain(value: Any) -> Any:
    """A literal as YAML would give it.

    Raises:
        ValueError: YAML has no such value.
    """
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(value)


def _call(line: list[ast.ClassDef]) -> tuple[str, ...]:
    """Arguments of ``call`` that tensors enter; those of the nearest class that has one."""
    method = next((candidate for node in line if (candidate := _method(node, "call")) is not None), None)
    if method is None:
        return ("inputs",)
    optional = len(method.args.defaults)
    plain = method.args.args[1:]
    required = len(plain) - optional
    names = [item.arg if index < required else f"{item.arg}?" for index, item in enumerate(plain)]
    return tuple(name for name in names if name.rstrip("?") not in ("training", "mask")) or ("inputs",)


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for item in node.body:
        target = item.targets[0] if isinstance(item, ast.Assign) and len(item.targets) == 1 else None
        target = item.target if isinstance(item, ast.AnnAssign) else target
        value = item.value if isinstance(item, ast.Assign | ast.AnnAssign) else None
        if isinstance(target, ast.Name) and value is not None:
            try:
                yield target.id, _plain(ast.literal_eval(value))
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                continue
