"""Source of our own classes for Keras, as the generated module carries them."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path


def class_source(file: str, package: str) -> str:
    """The class of a module of `dlspec.keras_layers` or `dlspec.keras_training`, registered for `package`, not dlspec.

    Args:
        file: The module's own name.
        package: A checked name, under which Keras keeps the class apart from others of the same name.
    """
    spec = importlib.util.find_spec("dlspec.emit")
    assert spec is not None and spec.origin is not None
    packages = (Path(spec.origin).parent.parent / name for name in ("keras_layers", "keras_training"))
    text = next(path for one in packages if (path := one / f"{file}.py").is_file()).read_text(encoding="utf-8")
    tree = ast.parse(text)
    parts = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    lines = text.splitlines()
    first = min([parts[0].lineno, *(node.lineno for node in getattr(parts[0], "decorator_list", []))])
    return "\n".join(lines[first - 1 :]).replace('package="dlspec"', f"package={package!r}")
