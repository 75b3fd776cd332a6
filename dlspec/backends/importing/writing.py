"""Steps as the text of a spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dlspec.backends.importing.naming import Names, clean, is_given, referenced
from dlspec.backends.importing.steps import Body, Model, Out, Step, replaced
from dlspec.core.ir import Tensor
from dlspec.syntax.dumping import inline

_PREVIOUS = "prev"


def flat_text(model: Model, head: Iterable[str] = (), expect: Mapping[str, Any] | None = None) -> str:
    """A spec with one line for each layer.

    Args:
        model: What it says.
        head: Comments at its top.
        expect: The section `expect`.
    """
    lines = [*(f"# {line}" for line in head), f"name: {clean(model.name)}"]
    names = Names(model.main)
    lines += inputs_of(model.main, names)
    if model.models:
        lines.append("models:")
    for name, body in model.models.items():
        inner = Names(body)
        lines += [f"  {name}:", *(f"    {line}" for line in body_lines(body, inner, inputs_of(body, inner)))]
    lines += body_lines(model.main, names, [])
    lines += sections(model, expect)
    return "\n".join(lines) + "\n"


def output_names(body: Body) -> list[str]:
    """The name of each output, as the text will have it."""
    names = Names(body)
    name_steps(body, names)
    return [_tensor(body, names, out) for out in body.outputs]


def name_steps(body: Body, names: Names) -> set[int]:
    """Gives names to the steps that need or deserve one, in their order; returns which those are."""
    wanted = referenced(body)
    named = {number for number, step in enumerate(body.steps) if number in wanted or is_given(step)}
    for number in sorted(named):
        names.of_step(number)
    return named


def sections(model: Model, expect: Mapping[str, Any] | None) -> Iterator[str]:
    """What follows the graph."""
    if expect:
        yield f"expect: {inline(dict(expect))}"
    if model.train:
        yield "train:"
        for key, value in model.train.items():
            yield f"  {key}: {inline(value)}"


def inputs_of(body: Body, names: Names) -> list[str]:
    """The section `inputs`."""
    entering = {names.inputs[name]: type_of(tensor) for name, tensor in body.inputs.items()}
    return [f"inputs: {inline(entering)}"]


def type_of(tensor: Tensor) -> Any:
    """A tensor as the section `inputs` has it."""
    shape = list(tensor.shape)
    return shape if tensor.dtype == "float32" else {"shape": shape, "dtype": tensor.dtype}


def body_lines(body: Body, names: Names, before: list[str]) -> list[str]:
    """The layers of a body with its outputs."""
    named = name_steps(body, names)
    lines = [*before, "layers:"]
    for number in range(len(body.steps)):
        lines.append(f"  - {item_text(item(body, names, number, number in named))}")
    outputs = [_tensor(body, names, out) for out in body.outputs]
    if body.outputs != [Out(len(body.steps) - 1)]:
        lines.append(f"outputs: {inline(outputs if len(outputs) > 1 else outputs[0])}")
    return lines


def item(body: Body, names: Names, number: int, named: bool) -> Any:
    """One step as plain data."""
    step = body.steps[number]
    options = dict(step.options)
    if named:
        options["name"] = _own_names(names, step, number)
    if step.sources != previous(body, number):
        options["from"] = replaced(step.sources, lambda out: _source(body, names, number, out))
    return shortest_item(step, options)


def item_text(value: Any) -> str:
    """An item of `layers` on one line."""
    if isinstance(value, dict) and len(value) == 1:
        ((key, options),) = value.items()
        return f"{key}: {inline(options)}"
    return inline(value)


def shortest_item(step: Step, options: dict[str, Any]) -> Any:
    """A step in the shortest of the forms of a spec."""
    if not options:
        return step.key
    if list(options) == ["from"] and step.lists and isinstance(options["from"], list):
        return {step.key: options["from"]}
    value = options.get(step.shorthand) if list(options) == [step.shorthand] else None
    if value is not None and not isinstance(value, dict) and not (step.lists and isinstance(value, list | str)):
        return {step.key: value}
    return {step.key: options}


def previous(body: Body, number: int) -> Out | None:
    """What enters a step that does not say it: the output of the step before, or the only input."""
    if number:
        return Out(number - 1) if body.steps[number - 1].outputs == 1 else None
    return Out(-1) if len(body.inputs) == 1 else None


def _own_names(names: Names, step: Step, number: int) -> Any:
    given = names.of_step(number)
    return given[0] if step.outputs == 1 else given


def _source(body: Body, names: Names, number: int, out: Out) -> str:
    if out == previous(body, number) and out.step >= 0:
        return _PREVIOUS
    return _tensor(body, names, out)


def _tensor(body: Body, names: Names, out: Out) -> str:
    if out.step < 0:
        return names.of_input(-1 - out.step)
    return names.of(out)
