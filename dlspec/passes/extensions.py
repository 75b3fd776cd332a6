"""The files of Python code that the spec may run, and the components that they declare.

The files are read as text to know their components. They run only where the command line allows it.
"""

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
from dlspec.core.tree import span_of, span_of_key
from dlspec.core.workspace import Workspace
from dlspec.passes.state import Extended, Parsed, step

# Packages with bases of components; the classes of Keras in others would start TensorFlow.
_DECLARING = ("dlspec.components.", "dlspec.data.sources.")


@step(requires=Parsed, ensures=Extended, sets=("catalogue", "hides_code"))
def extensions(state: Parsed) -> Extended | None:
    """Finds the files and what they declare; without ``--allow-code`` they may not run (E110)."""
    written = state.data.get("extensions")
    named = [written] if isinstance(written, str) else written
    if not named:
        return state.become(Extended)
    state.hides_code = True
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        return state.become(Extended)  # which the schema says
    files: dict[str, Path] = {}
    before = len(state.diagnostics.errors)
    for position, name in enumerate(named):
        span = span_of(written, position) if isinstance(written, list) else span_of(state.data, "extensions")
        try:
            path = _file(name, state, files)
            _hold_no_component(path, state.workspace)
            files[path.stem] = path
        except Problem as problem:
            if state.allow_code:
                state.diagnostics.add(problem.at(span))
    allowed = state.allow_code and len(state.diagnostics.errors) == before
    catalogue = Catalogue(files if allowed else None)
    try:
        _add_components(catalogue, files, state.workspace)
    except Problem as problem:
        state.diagnostics.add(problem.at(span_of_key(state.data, "extensions")))
        return None
    state.catalogue = catalogue
    if allowed:
        state.hides_code = False
    elif not state.allow_code:
        names = ", ".join(f"`{name}`" for name in named)
        help = "read that code, then pass `--allow-code`"
        state.add("E110", f"the spec runs code of its own ({names})", span_of_key(state.data, "extensions"), help)
    return state.become(Extended)


def _add_components(catalogue: Catalogue, files: dict[str, Path], workspace: Workspace) -> None:
    """Lets the catalogue know the components of the files.

    Raises:
        Problem: E104 or E111, one of them cannot be used from a spec.
    """
    texts: dict[str, str] = {}
    for module, path in files.items():
        with suppress(OSError, ValueError):  # said where it runs
            unsaved = workspace.text(path)
            texts[module] = path.read_text(encoding="utf-8") if unsaved is None else unsaved
    if not any("class " in text for text in texts.values()):
        return
    from dlspec.components.own.declaring import declare
    from dlspec.components.own.reading import read
    from dlspec.semantics.schema.own import definitions

    components = declare(read(texts), catalogue)
    own = {(owner.kind, owner.registered_name): owner for owner in components}
    catalogue.add(components, definitions(own))


def _file(name: Any, state: Parsed, files: dict[str, Path]) -> Path:
    """Path of an extension file, after a check that its name can be a module's."""
    from dlspec.data.sources.paths import locate

    path = locate(str(name), state.folder, allow_outside=state.allow_outside)
    if state.workspace.code is not None and (state.workspace.code / path.name).is_file():
        path = (state.workspace.code / path.name).resolve()
    stem = path.stem
    if path.suffix != ".py" or not stem.isidentifier() or keyword.iskeyword(stem):
        raise Problem("E110", f"`{name}` is no Python module", "name a file such as `loading.py`")
    if stem in files or stem in sys.stdlib_module_names:
        whose = f"`{files[stem].name}`" if stem in files else "Python itself"
        raise Problem("E110", f"`{name}` has the name of a module of {whose}", "rename it")
    return path


def _hold_no_component(path: Path, workspace: Workspace) -> None:
    """Files of a spec declare components as classes of Keras: one of dlspec's own would be found by nobody.

    Raises:
        Problem: E110, the file declares one.
    """
    declared = next(_components(path, workspace.text(path)), None)
    if declared is not None:
        name, kind = declared
        message = f"`{path.name}` declares the {kind} `{name}` as dlspec itself does, which is for dlspec alone"
        help = "let it descend from a class of Keras, such as `keras.layers.Layer`"
        raise Problem("E110", message, help)


def _components(path: Path, unsaved: str | None) -> Iterator[tuple[str, str]]:
    """Name and kind of each component that a Python file declares, as its text tells: it is not run.

    Args:
        unsaved: Its text in an editor; None where the file counts.
    """
    try:
        tree = ast.parse(path.read_bytes() if unsaved is None else unsaved)
    except (OSError, SyntaxError, ValueError):  # told where the file is run
        return
    homes: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            homes |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            homes |= {alias.asname: alias.name for alias in node.names if alias.asname}
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
