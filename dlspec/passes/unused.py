"""Warns of declarations that nothing uses."""

from __future__ import annotations

from dlspec.core.errors import Span
from dlspec.core.tree import Map, key_place
from dlspec.graph.lower.program import Program, walk
from dlspec.passes.state import Structured, step


@step(requires=Structured)
def unused(state: Structured) -> None:
    """Top-level parameters, blocks and models; silent while there are errors, which may hide their uses."""
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


def _own(span: Span | None, state: Structured) -> bool:
    """Whether the declaration stands in the spec itself: a variant need not use all that it extends."""
    return span is None or span.file == str(state.path)


def _called(program: Program) -> set[str]:
    bodies = [program.main.body, *(b.body for b in program.blocks.values()), *(m.body for m in program.models.values())]
    return {step.key for body in bodies for step in walk(body)}


def _key(data: Map, section: str, name: str) -> Span | None:
    return key_place(data.get(section), name)
