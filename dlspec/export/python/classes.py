"""Source of our own classes for Keras, as the generated module carries them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_FUNCTIONS = "dlspec.standalone."
_DLSPEC = Path(__file__).resolve().parents[2]


def class_source(file: str, package: str) -> str:
    """The class of a module of `dlspec.keras_layers` or `dlspec.standalone`, registered for `package`, not dlspec.

    Before it come the functions of `dlspec.standalone` that it imports.

    Args:
        file: The module's own name.
        package: A checked name, under which Keras keeps the class apart from others of the same name.
    """
    packages = (_DLSPEC / name for name in ("keras_layers", "standalone"))
    text = next(path for folder in packages if (path := folder / f"{file}.py").is_file()).read_text(encoding="utf-8")
    tree = ast.parse(text)
    parts = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    if ast.get_docstring(tree) is not None:
        parts = parts[1:]
    lines = text.splitlines()
    first = min([parts[0].lineno, *(node.lineno for node in getattr(parts[0], "decorator_list", []))])
    own = "\n".join(lines[first - 1 :]).replace('package="dlspec"', f"package={package!r}")
    taken = [class_source(name, package) for name in _functions_taken(tree)]
    return "\n\n\n".join([*taken, own])


def _functions_taken(tree: ast.Module) -> Iterator[str]:
    """The modules of functions that a module of a class imports, by their own names."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_FUNCTIONS):
            yield str(node.module).removeprefix(_FUNCTIONS)
