"""The last look at generated text: it parses, and it names nothing but what it may."""

from __future__ import annotations

import ast
import builtins

# Packages that generated code may import.
IMPORTS = frozenset(
    {"__future__", "argparse", "collections", "csv", "dataclasses", "datetime", "functools", "h5py", "hashlib", "io",
     "itertools", "json", "keras", "keras_tuner", "logging", "math", "numpy", "os", "pathlib", "PIL", "pyarrow",
     "random", "re", "scipy", "shlex", "sklearn", "tensorflow", "time", "tokenizers", "typing", "wave"}
)  # fmt: skip
# Python's own functions that generated code may call; `eval`, `exec`, `open` and their like are not among them.
BUILTINS = frozenset(
    {"abs", "all", "any", "bool", "bytes", "callable", "classmethod", "dict", "divmod", "enumerate", "float", "hasattr",
     "id", "int", "isinstance", "iter", "len", "list", "map", "max", "min", "next", "object", "print", "property",
     "range", "reversed", "round", "set", "slice", "sorted", "str", "sum", "super", "tuple", "type", "zip", "Exception",
     "FileNotFoundError", "NotImplementedError", "OSError", "StopIteration", "SystemExit", "ValueError"}
)  # fmt: skip
_ATTRIBUTES = ("__init__", "__call__", "__name__")


class Refused(Exception):
    """Generated text holds something that none of our own writers writes."""


def check(source: str, modules: frozenset[str] = frozenset()) -> None:
    """Holds generated text against the lists above.

    Args:
        source: A whole module.
        modules: Further modules of the same project that it may import.

    Raises:
        Refused: It does not parse, or names something else.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise Refused(f"line {error.lineno}: {error.msg}") from error
    names = _defined(tree) | BUILTINS | {"__name__", "__file__", "__doc__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            _packages([alias.name for alias in node.names], modules)
        elif isinstance(node, ast.ImportFrom):
            _packages([node.module or ""], modules)
        elif isinstance(node, ast.Name) and node.id not in names:
            known = "is not defined" if not hasattr(builtins, node.id) else "may not be used"
            raise Refused(f"line {node.lineno}: `{node.id}` {known}")
        elif isinstance(node, ast.Attribute) and node.attr.startswith("__") and node.attr not in _ATTRIBUTES:
            raise Refused(f"line {node.lineno}: the attribute `{node.attr}`")


def _packages(names: list[str], modules: frozenset[str]) -> None:
    for name in names:
        if name.split(".")[0] not in IMPORTS | modules:
            raise Refused(f"an import of `{name}`")


def _defined(tree: ast.Module) -> set[str]:
    """Every name that the text itself defines anywhere."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names
