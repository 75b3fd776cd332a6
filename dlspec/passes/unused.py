"""Warns of declarations that nothing uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dlspec.components.sections.data import Data
from dlspec.core.errors import Span
from dlspec.core.tree import Map, span_of, span_of_key
from dlspec.graph.lower.program import Program, walk
from dlspec.passes.state import Bound, Structured, step


@step(requires=Structured)
def unused(state: Structured) -> None:
    """Parameters, blocks, models and Python files; silent while there are errors, which may hide their uses."""
    if state.diagnostics.errors:
        return
    for name in state.unused:
        span = _key(state.data, "params", name)
        if _own(span, state):
            state.add("W301", f"parameter `{name}` is used nowhere", span, "use it, or delete it")
    called = _called(state.program)
    for section, what, names in (("blocks", "block", state.program.blocks), ("models", "model", state.program.models)):
        for name in names:
            span = _key(state.data, section, name)
            if name not in called and _own(span, state):
                state.add("W401", f"{what} {name} is used nowhere", span, "call it, or delete it")
    if state.catalogue.files and isinstance(state, Bound):
        _files(state)


def _files(state: Bound) -> None:
    """The files of `extensions` that no source runs, and that none of those imports which one does."""
    files, written = state.catalogue.files, state.data["extensions"]
    waiting, used = [*_run(state.data_section), *state.catalogue.used], set[str]()
    while waiting:
        name = waiting.pop()
        if name in files and name not in used:
            used.add(name)
            waiting += _imported(files[name])
    for position, (name, path) in enumerate(files.items()):
        span = span_of(written, position) if isinstance(written, list) else span_of_key(state.data, "extensions")
        if name not in used and _own(span, state):
            help = f"use what it declares, write `source: {{python: {name}:FUNCTION}}`, or leave the file out"
            state.add("W401", f"`{path.name}` of `extensions` is used nowhere", span, help)


def _run(data: Data | None) -> Iterator[str]:
    """The modules that the sources of the data run."""
    from dlspec.data.sources.base import Source  # only a spec with files of its own needs it here

    sources = []
    if data is not None:
        parts = (data.parts.source(part) for part in ("validation", "test"))
        sources = [data.source, *data.sources.values(), *parts]
    for source in sources:
        if isinstance(source, Source):
            yield from source.modules


def _imported(path: Path) -> Iterator[str]:
    """Names of the modules that a Python file imports, as its text tells."""
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]
            elif isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)


def _own(span: Span | None, state: Structured) -> bool:
    """Whether the declaration stands in the spec itself: a variant need not use all that it extends."""
    return span is None or span.file == str(state.path)


def _called(program: Program) -> set[str]:
    bodies = [program.main.body, *(b.body for b in program.blocks.values()), *(m.body for m in program.models.values())]
    averaged = {model.average_of for model in program.models.values()}
    return {step.key for body in bodies for step in walk(body)} | averaged


def _key(data: Map, section: str, name: str) -> Span | None:
    return span_of_key(data.get(section), name)
