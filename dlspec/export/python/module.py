"""The Python module of a checked spec."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.core.collecting import without_collecting
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, Node, shared_models, show_shape
from dlspec.export.python.classes import class_source
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.flat import flat_functions
from dlspec.export.python.formatting import formatted
from dlspec.export.python.function import Function, Parameter
from dlspec.export.python.functions import Module
from dlspec.export.python.guard import check
from dlspec.export.python.imports import standard_lines
from dlspec.export.python.model_files import NEEDS, needs_path
from dlspec.export.python.recording import record
from dlspec.export.python.syntax import Unsupported, call, constant, item, name, sequence
from dlspec.export.python.templates import Code, environment
from dlspec.graph.lower.averages import averages_in
from dlspec.graph.lower.each_time import Listed
from dlspec.graph.lower.own_tensors import own_tensors
from dlspec.passes.state import Checked
from dlspec.passes.word_vectors import files_of_vectors
from dlspec.semantics.environment import Environment

_FROM_KERAS = ("layers", "ops")


@without_collecting()
def emit_model(state: Checked, template_dir: Path | None = None, exact: bool = True) -> str:
    """Source of a module with ``build_model()``, formatted.

    Blocks are functions, repeats loops, parameters arguments; where the spec's structure cannot be written in Python,
    the model is written out layer by layer.

    Args:
        state: A spec without errors.
        template_dir: A folder whose templates replace those of the same name.
        exact: Whether the first weights must be those of dlspec for the same seed. Where the last turn of a repeat ends
            in layers that no output depends on, a loop makes them too, and they draw random numbers.

    Raises:
        jinja2.TemplateError: A template of the user's folder is wrong.
        Problem: E562, an embedding begins with vectors of words, which Python without data has not.
    """
    if (begun := next(files_of_vectors(state.training_graph), None)) is not None:
        message = f"`vectors` of `{begun[0].name}` belong to words of the data, which a model as Python has not"
        raise Problem("E562", message, "export the model of a run: `--to keras`")
    functions, constructors = functions_of(state, exact)
    classes = [class_source(file, state.name) for file in constructors.own.values()]
    source = (
        environment(template_dir)
        .get_template("model.py.jinja")
        .render(
            title=Code(f"The model {state.name}."),
            imports=Code(_imports(classes, [_source(function) for function in functions], constructors.users)),
            classes=[Code(source) for source in classes],
            functions=[_shown(function) for function in functions],
        )
    )
    check(source, frozenset(constructors.users.values()))
    return formatted(source)


def functions_of(state: Checked, exact: bool = True) -> tuple[list[Function], Constructors]:
    """The functions of a spec's model, ``build_model`` last.

    Where more is trained, ``build_whole`` and ``saved_part`` stand before it.
    """
    functions, constructors = _functions_of(state, exact)
    whole = functions[-1]
    if state.training_graph is not state.graph:
        whole.identifier = "build_whole"
        whole.summary = _summary(state.training_graph, "all that is trained")
        functions += [saved_function(state), _model_function(whole)]
    functions[-1].summary = _summary(state.graph)
    return functions, constructors


def _functions_of(state: Checked, exact: bool) -> tuple[list[Function], Constructors]:
    """The same with what is trained as the last one."""
    if exact and draws_needlessly(state):
        return flat(state)
    try:
        return structured(state)
    except Unsupported:
        return flat(state)


def saved_function(state: Checked) -> Function:
    """``saved_part``, which takes what is saved from what ``build_whole`` makes."""
    graph, trained = state.graph, state.training_graph
    places = {trained.nodes[index].name: position for position, index in enumerate(trained.inputs)}
    made = name("whole")
    inputs = [item(_part(made, "inputs"), constant(places[graph.nodes[index].name])) for index in graph.inputs]
    outputs = {output: item(_part(made, "output"), constant(output)) for output, _ in graph.outputs}
    entering = inputs[0] if len(inputs) == 1 else sequence(inputs, as_list=True)
    leaving: ast.expr = next(iter(outputs.values()))
    if len(outputs) > 1:
        leaving = ast.Dict([constant(output) for output in outputs], list(outputs.values()))
    model = call("keras.Model", [entering, leaving], {"name": constant(state.name)})
    summary = "The model that is saved: a part of all that is trained, over the same layers."
    function = Function("saved_part", summary, returns="keras.Model", body=[ast.Return(model)])
    function.inputs = [Parameter("whole", "keras.Model")]
    return function


def _model_function(whole: Function) -> Function:
    """``build_model``, with the parameters of ``build_whole``."""
    given = {parameter.identifier: name(parameter.identifier) for parameter in whole.own.values()}
    made = call("saved_part", [call("build_whole", [], given)])
    return Function("build_model", own=whole.own, returns="keras.Model", body=[ast.Return(made)])


def _part(value: ast.expr, attribute: str) -> ast.expr:
    return ast.Attribute(value, attribute, ast.Load())


def draws_needlessly(state: Checked) -> bool:
    """Whether loops make layers that no output depends on, and that draw random numbers."""
    return any(_draws(node) for _, dead in state.dead for node in dead)


def structured(state: Checked) -> tuple[list[Function], Constructors]:
    """With a function for each block, and loops.

    Raises:
        Unsupported: The spec says something that this cannot write.
    """
    if any(isinstance(value, Listed) for value in state.params.varying.values()):
        raise Unsupported("a parameter whose uses have different values")
    given = state.given_inputs or {}
    values = {**state.params.values, **{name: space.default for name, space in state.params.spaces.items()}}
    recorded, graph = record(state.program, Environment(values), given, state.catalogue)
    models = [model.name for model in shared_models(graph)]
    typed = {**given, **{graph.nodes[index].name: graph.nodes[index].outputs[0] for index in graph.inputs}}
    module = Module(state.program, values, recorded, typed, models, own_tensors(graph), state.catalogue)
    module.averages = {model: origin for model, (origin, _) in averages_in(graph).items()}
    if graph.objectives:
        module.roots = tuple(key for key, _ in graph.outputs), tuple(key for key, _ in graph.objectives)
    function = module.main()
    function.identifier = "build_model"
    _rename(function, state)
    return module.functions, module.constructors


def _draws(node: Node) -> bool:
    """Whether making a layer draws random numbers."""
    fields = node.layer.fields if isinstance(node.layer, Layer) else {}
    return bool(node.weights) or "seed" in fields or any(field.kind in ("layer", "cell") for field in fields.values())


def _rename(function: Function, state: Checked) -> None:
    """The model carries the spec's name, which may follow from its file."""
    last = function.body[-1]
    assert isinstance(last, ast.Return) and isinstance(last.value, ast.Call)
    last.value.keywords[-1].value = ast.Constant(state.name)


def flat(state: Checked) -> tuple[list[Function], Constructors]:
    """Without structure: every layer on a line of its own."""
    written = frozenset(key for step in state.program.main.body for key in step.names if step.repeat is None)
    return flat_functions(state.training_graph, written, state.catalogue)


def _summary(graph: Graph, what: str = "the model") -> str:
    inputs = ", ".join(f"{graph.nodes[index].name} {graph.nodes[index].outputs[0]}" for index in graph.inputs)
    outputs = ", ".join(show_shape(graph.tensor(edge).shape) for _, edge in graph.roots)
    return f"Builds {what}: {inputs} → {outputs}, {graph.parameters:,} parameters.".replace("null", "None")


def _shown(function: Function) -> dict[str, Any]:
    """A function as templates see it."""
    facts = ("identifier", "signature", "returns", "summary")
    code = "\n".join("    " + line for line in function.code.splitlines())
    return {**{fact: Code(getattr(function, fact)) for fact in facts}, "code": Code(code)}


def _source(function: Function) -> str:
    return f"def {function.identifier}({function.signature}) -> {function.returns}:\n    pass\n{function.code}"


def _imports(classes: Iterable[str], functions: Iterable[str], users: Mapping[str, str]) -> str:
    """The import lines that classes and functions need, and those of the user's own classes, by their modules."""
    functions = [*functions]
    ours, written = _roots(classes), _roots(functions)
    standard = standard_lines("\n\n".join(classes))
    standard += [
        line for line, needed in (("import math", "math" in written), (NEEDS, needs_path(functions))) if needed
    ]
    standard = sorted(dict.fromkeys(standard), key=lambda line: (line.startswith("from "), line.lower()))
    lines = [*standard, ""] if standard else []
    lines += ["import keras"]
    # A variable of a function may be called `np` or `tf`.
    lines += ["import numpy as np"] if "np" in ours else []
    lines += ["import tensorflow as tf"] if "tf" in ours else []
    names = [imported for imported in _FROM_KERAS if imported in ours | written]
    lines += [f"from keras import {', '.join(names)}"] if names else []
    lines += [""] if users else []
    for module in sorted(set(users.values())):
        lines.append(
            f"from {module} import {', '.join(sorted(imported for imported in users if users[imported] == module))}"
        )
    return "\n".join(lines)


def _roots(parts: Iterable[str]) -> set[str]:
    """The names whose attributes are used."""
    nodes = [node for part in parts for node in ast.walk(ast.parse(part))]
    return {node.value.id for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
