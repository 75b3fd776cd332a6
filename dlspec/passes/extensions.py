"""Which files of Python code the spec may run: those that it lists, once the command line allows it."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path
from typing import Any

from dlspec.components.registry import Catalogue
from dlspec.core.errors import Problem
from dlspec.core.tree import Invalid, key_place, place
from dlspec.passes.state import Parsed, step


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
