"""Which files of Python code the spec may run: those that it lists, once the command line allows it."""

from __future__ import annotations

import ast
import keyword
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlspec.components.registry import Catalogue, Component, load_attribute
from dlspec.core.errors import Problem
from dlspec.core.tree import Invalid, key_place, place
from dlspec.passes.state import Parsed, step

# Packages with bases of components; the classes of Keras in others would start TensorFlow.
_DECLARING = ("dlspec.components.", "dlspec.data.sources.")


@step(requires=Parsed, sets=("catalogue", "hides_code"))
def extensions(state: Parsed) -> None:
    """Finds the files; without ``--allow-code`` none of them is read."""
    written = state.data.get("extensions")
    if not written:
        return
    state.hides_code = True
    if isinstance(written, Invalid):
        return
    named = [written] if isinstance(written, str) else written
    if not state.allow_code:
        names = ", ".join(f"`{name}`" for name in named)
        help = "read that code, then pass `--allow-code`"
        state.add("E110", f"the spec runs code of its own ({names})", key_place(state.data, "extensions"), help)
        return
    files: dict[str, Path] = {}
    before = len(state.diagnostics.errors)
    for position, name in enumerate(named):
        try:
            path = _file(name, state, files)
            _hold_no_component(path)
        except Problem as problem:
            span = place(written, position) if isinstance(written, list) else place(state.data, "extensions")
            state.diagnostics.add(problem.at(span))
        else:
            files[path.stem] = path
    if len(state.diagnostics.errors) == before:
        state.catalogue, state.hides_code = Catalogue(files), False


def _file(name: Any, state: Parsed, found: dict[str, Path]) -> Path:
    """One of the files, whose name can be a module's."""
    from dlspec.data.sources.paths import locate

    path = locate(str(name), state.folder, allow_outside=state.allow_outside)
    stem = path.stem
    if path.suffix != ".py" or not stem.isidentifier() or keyword.iskeyword(stem):
        raise Problem("E110", f"`{name}` is no Python module", "name a file such as `loading.py`")
    if stem in found or stem in sys.stdlib_module_names:
        whose = f"`{found[stem].name}`" if stem in found else "Python itself"
        raise Problem("E110", f"`{name}` has the name of a module of {whose}", "rename it")
    return path


def _hold_no_component(path: Path) -> None:
    """Files of a spec are for its data: a layer or a loss of their own would be found by nobody.

    Raises:
        Problem: E110, the file declares one.
    """
    declared = next(_components(path), None)
    if declared is not None:
        name, kind = declared
        message = f"`{path.name}` declares the {kind} `{name}`, but files of a spec hold functions for its data alone"
        help = f"use a {kind} that there is (`dlspec layers`), or add this one to dlspec itself, and leave it out here"
        raise Problem("E110", message, help)


def _components(path: Path) -> Iterator[tuple[str, str]]:
    """Name and kind of each component that a Python file declares, as its text tells: it is not run."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):  # told where the file is run
        return
    homes: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            homes |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            homes |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ClassDef):
            for base in map(ast.unparse, node.bases):
                first, _, rest = base.partition(".")
                kind = _kind(".".join(part for part in (homes.get(first, first), rest) if part))
                if kind:
                    yield node.name, kind


def _kind(path: str) -> str:
    """The kind of components whose base has this dotted path; "" where it is the base of none."""
    if path.startswith(_DECLARING):
        with suppress(ImportError, AttributeError):
            owner = load_attribute(path)
            if isinstance(owner, type) and issubclass(owner, Component):
                return owner.kind
    return ""
