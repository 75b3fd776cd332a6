"""Evaluates the section ``generate`` and holds it against the targets and the model."""

from __future__ import annotations

from dlspec.components.sections.generating import Generator
from dlspec.components.sections.sequences import START
from dlspec.core.errors import Problem
from dlspec.core.ir import Node
from dlspec.core.tree import Invalid, span_of, span_of_key
from dlspec.graph.lower.prune import saved_part
from dlspec.graph.stepwise import StepPlan, step_plan
from dlspec.passes.state import Lowered, step
from dlspec.semantics.environment import Lost
from dlspec.semantics.schema.context import Context


@step(requires=Lowered, sets=("generator",))
def generating(state: Lowered) -> None:
    """There is a target whose answers can be fed back into its input (E535)."""
    raw = state.data.get("generate")
    if raw is None or isinstance(raw, Invalid):
        return
    span = span_of(state.data, "generate")
    made = state.evaluator.component("generator", raw, state.environment, Context(("generate",)), span)
    if isinstance(made, Lost):
        return
    state.generator = made
    if "data" in state.data and state.data_section is None:  # what is wrong with it is said already
        return
    problem = _problem(state, made)
    if problem is not None:
        state.diagnostics.add(problem.at(span_of_key(state.data, "generate")))
    else:
        _warn_of_whole_rows(state)


def _warn_of_whole_rows(state: Lowered) -> None:
    """Says that the model computes whole rows for each step that it writes (W642)."""
    targets = state.data_section.targets.values() if state.data_section is not None else ()
    fed = next((target.input for target in targets if target.shift is not None), None)
    plan = step_plan(saved_part(state.graph), fed) if fed is not None else StepPlan()
    if plan.reason and plan.span is not None:
        message = f"for each step that `generate` writes the whole row is computed again, since {plan.reason}"
        help = (
            "what is written is the same, and takes longer: `dlspec explain W642` lists the layers that need one step"
        )
        state.add("W642", message, plan.span, help)


def _problem(state: Lowered, generator: Generator) -> Problem | None:
    """Why the model cannot write."""
    section = state.data_section
    targets = section.targets if section is not None else {}
    shifted = [target for target in targets.values() if target.input is not None]
    outputs = [name for name, _ in state.graph.outputs]
    if section is None or len(shifted) != 1:
        message = "`generate` needs a target that is an input shifted by a step: what is written enters that input"
        return Problem("E535", message, "write `targets: {next: {input: decoder, shift: 1}}` in `data`")
    if shifted[0].shift is None:
        message = "`generate` writes one step after the other, and this target is hidden steps of an input"
        return Problem("E535", message, "write `shift: 1` in place of `masked`, or leave `generate` out")
    if shifted[0].shift != 1:
        message = f"`generate` writes one step after the other, and the target is {shifted[0].shift} steps ahead"
        return Problem("E535", message, "write `shift: 1`")
    if len(outputs) > 1:
        message = f"`generate` works with a single output, and the model has {len(outputs)}"
        return Problem("E535", message, "name one in `outputs`")
    name = str(shifted[0].input)
    feature = section.features.get(name)
    if feature is None:  # said where the target names it
        return None
    maker = section.maker
    if maker is not None and maker.in_line:  # what is written may begin anywhere, and be longer than a piece
        return None
    if START not in (feature.marks or ()):
        message = f"input `{name}` has no mark that a row begins with"
        return Problem("E535", message, f"write `marks: [start, end]` for input `{name}` of `data`")
    steps = next((node.outputs[0].shape[:1] for node in _inputs(state) if node.name == name), ())
    most = steps[0] if steps and steps[0] is not None else feature.length - 1 if feature.length else None
    if generator.length is not None and most is not None and generator.length > most:
        message = f"`length: {generator.length}` of `generate` is more than the {most} steps of input `{name}`"
        return Problem("E535", message, f"write a `length` of at most {most}, or make the rows longer")
    return None


def _inputs(state: Lowered) -> list[Node]:
    return [state.graph.nodes[index] for index in state.graph.inputs]
