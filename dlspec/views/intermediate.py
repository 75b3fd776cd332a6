"""What a compilation holds after one of its passes, as text: `dlspec show --dump-ir=PASS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import Any

from dlspec.components.registry import MISSING
from dlspec.core.ir import print_graph
from dlspec.core.tree import Invalid, Map, Seq
from dlspec.graph.lower.each_time import Drawn, Listed
from dlspec.graph.lower.params import TopLevel
from dlspec.graph.lower.program import ParallelStep, Program, RepeatStep, Step
from dlspec.passes.state import Bound, Compilation, Lowered, Parsed, Resolved, Structured
from dlspec.semantics.environment import LOST
from dlspec.syntax.dumping import dump, flow


def print_state(state: Compilation) -> str:
    """Everything that is known so far, from the data to the graph; the same text for the same spec."""
    return "\n".join(f"{title}:\n{indent(text.rstrip(), '  ')}" for title, text in _parts(state) if text)


def _parts(state: Compilation) -> Iterator[tuple[str, str]]:
    if isinstance(state, Parsed):
        yield "data", dump(_plain(state.data))
    if isinstance(state, Resolved):
        yield "undefined names", ", ".join(sorted(state.undefined))
        yield "unused parameters", ", ".join(sorted(state.unused))
    if isinstance(state, Structured):
        yield "program", "\n".join(_program(state.program))
    if isinstance(state, Parsed):
        yield "extensions", "\n".join(f"{name}: {path.name}" for name, path in state.catalogue.files.items())
    if isinstance(state, Bound):
        yield "parameters", "\n".join(_parameters(state.params))
        yield "data section", state.data_section.describe() if state.data_section else ""
        given = state.given_inputs or {}
        yield "inputs from the data", "\n".join(f"{name}: {tensor}" for name, tensor in given.items())
    if isinstance(state, Lowered):
        yield "graph", print_graph(state.graph)
        if state.training_graph is not state.graph:
            yield "graph in training", print_graph(state.training_graph)
        yield "left out", "\n".join(f"{graph.name}: {node.name}" for graph, nodes in state.dead for node in nodes)
    if isinstance(state, Bound) and state.method is not None:
        yield f"training by {state.method.name}", state.method.describe()
    if isinstance(state, Bound) and state.tune is not None:
        yield "search", state.tune.describe()


def _plain(value: Any) -> Any:
    """Data without the marks of what is wrong: the value that was written stands in its place."""
    if isinstance(value, Invalid):
        return {"INVALID": _plain(value.value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _program(program: Program) -> Iterator[str]:
    for name, block in program.blocks.items():
        defaults = (key if value is MISSING else f"{key}: {flow(_plain(value))}" for key, value in block.params.items())
        yield f"block {name}({', '.join(defaults)})"
        yield from _body(block.body, "  ")
        yield from _returned(block.outputs)
    for model in (*program.models.values(), program.main):
        inputs = (f"{name}: {flow(_plain(value))}" for name, value in model.inputs.items())
        average = f": average of {model.average_of}" if model.average_of else ""
        yield f"model {model.name}({', '.join(inputs)}){average}"
        yield from _body(model.body, "  ")
        yield from _returned(model.outputs)


def _returned(outputs: tuple[str, ...]) -> Iterator[str]:
    if outputs:
        yield f"  return {', '.join(outputs)}"


def _body(steps: tuple[Step, ...], before: str) -> Iterator[str]:
    for step in steps:
        yield before + _step(step)
        if isinstance(step, RepeatStep):
            yield from _body(step.body, before + "  ")
        elif isinstance(step, ParallelStep):
            for name, body in step.branches:
                yield f"{before}  branch {name}".rstrip()
                yield from _body(body, before + "    ")


def _step(step: Step) -> str:
    """A step in one line: its name, options or value, and what every step may have."""
    parts = [f"{', '.join(step.names)} = {step.key}" if step.names else step.key]
    if isinstance(step, RepeatStep):
        parts.append(f"times {flow(_plain(step.times))}" if step.each is None else f"each {flow(_plain(step.each))}")
    elif isinstance(step, ParallelStep):
        parts.append(f"merge {flow(_plain(step.merge))}")
    elif isinstance(step.value, Map):
        parts += [flow(_plain(step.options))] if step.options else []
    elif step.value is not None and not (isinstance(step.value, Seq) and step.value is step.source):
        parts.append(flow(_plain(step.value)))
    written = (("from", step.source), ("repeat", step.repeat), ("if", step.condition))
    return " ".join([*parts, *(f"{key} {flow(_plain(value))}" for key, value in written if value is not None)])


def _parameters(params: TopLevel) -> Iterator[str]:
    for name, value in params.values.items():
        shown = "?" if value is LOST else flow(_plain(value.default if isinstance(value, Drawn) else value))
        if isinstance(value, Listed):
            shown = f"each of {flow(_plain(value.values))}"
        space = params.spaces.get(name)
        yield f"{name} = {shown}" + (f", searched in {space.head} {flow(_plain(space.values))}" if space else "")
