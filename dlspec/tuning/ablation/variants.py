"""The variants of a spec: each checked as any spec is, those with an error left out with its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, show_shape
from dlspec.passes import Reading, compile_spec
from dlspec.passes.state import Checked, Trainable
from dlspec.syntax.dumping import dump
from dlspec.tuning.ablation.aids import Aids
from dlspec.tuning.ablation.edits import Candidate, edited, plain
from dlspec.tuning.ablation.meaning import meaning
from dlspec.tuning.ablation.steps import Steps, merged

# The spec itself among its variants.
WHOLE = "whole"
# What it is without, where tables say so.
NOTHING = "(nothing)"
# What such variants lack stands in their loss, which is another one then.
_IN_LOSS = ("penalty", "smoothing")
# Sections that say nothing of a training: facts of the whole, and a search.
_LEFT = ("expect", "tune")


@dataclass(frozen=True)
class Variant:
    """A spec with one thing less.

    Attributes:
        name: What it lacks, as a name of a file.
        aid: How that helped: see :class:`~dlspec.tuning.ablation.edits.Candidate`.
        text: The spec as YAML.
        parameters: Scalars in the variables of the saved model.
        flops: Operations of one answer; None where a size is unknown.
    """

    name: str
    aid: str
    text: str
    parameters: int
    flops: int | None


@dataclass(frozen=True)
class LeftOut:
    """A variant that cannot be trained, or compared.

    Attributes:
        name: What it would lack.
        aid: As that of a variant.
        reason: Why.
    """

    name: str
    aid: str
    reason: str


@dataclass(frozen=True)
class Variants:
    """All that follows from a spec.

    Attributes:
        whole: The spec itself.
        measure: What variants are compared by.
        direction: ``up`` where large values of it are good, ``down`` where small ones are.
        each: The variants, in the order of the spec.
        left_out: Those that there cannot be.
    """

    whole: Variant
    measure: str
    direction: str
    each: tuple[Variant, ...]
    left_out: tuple[LeftOut, ...]


def variants(state: Trainable, only: Sequence[str] = ()) -> Variants:
    """The variants of a checked spec.

    Args:
        state: The spec.
        only: Patterns, of which a name or an aid must fit one; () for all.

    Raises:
        Problem: E569, its training is a study; E570, nothing says which variant is better; E571, there is none.
    """
    if state.method.study is not None:
        message = f"`ablate` repeats trainings itself, and `{state.method.study.name}` of `method` does as well"
        raise Problem("E569", message, "write `--set train.method=null`, or leave `method` out")
    measure, direction = compared(state.method, tuple(state.outputs or ()))
    data = {key: value for key, value in plain(state.data).items() if key not in _LEFT}
    candidates = merged(chain(Steps(state).candidates(), Aids(state).sections()))
    chosen = [each for each in candidates if not only or any(_fits(each, pattern) for pattern in only)]
    if not chosen:
        raise _nothing(candidates, only)
    reading = Reading(sound={})
    whole = Variant(WHOLE, "", dump(data), state.graph.parameters, state.graph.flops)
    made, left_out, known = [], [], {meaning(state): ""}
    for candidate in chosen:
        outcome = _variant(state, candidate, data, measure, reading, known)
        left_out.append(outcome) if isinstance(outcome, LeftOut) else made.append(outcome)
    return Variants(whole, measure, direction, tuple(made), tuple(left_out))


def compared(method: Method, outputs: Sequence[str]) -> tuple[str, str]:
    """The measure that compares trainings, and which values of it are good: the first metric, else what is minimised.

    Raises:
        Problem: E570, several learners minimise against each other, and no metric is there.
    """
    minimised = _minimised(method.ending)
    directions = {name: way for name, way in method.ending.measures(outputs).items() if way}
    for name, way in directions.items():
        if name not in minimised and not _is_loss(name):
            return name, way
    if len(method.turns) > 1:
        message = "nothing says which variant is better: the losses of several learners work against each other"
        raise Problem("E570", message, "name what counts in `metrics` of `train`")
    return (minimised[0] if len(minimised) == 1 else "loss"), "down"


def _minimised(method: Method) -> list[str]:
    """Names of the tensors that a training minimises."""
    return [name for learner in method.turns.values() for name in learner.minimize or ()]


def _is_loss(measure: str) -> bool:
    return measure == "loss" or measure.endswith("_loss")


def _fits(candidate: Candidate, pattern: str) -> bool:
    return fnmatchcase(candidate.name, pattern) or fnmatchcase(candidate.aid, pattern)


def _nothing(candidates: Sequence[Candidate], only: Sequence[str]) -> Problem:
    if candidates:
        names = ", ".join(f"`{candidate.name}`" for candidate in candidates[:12])
        help = f"there are {names}" + (" and more: see `--list`" if len(candidates) > 12 else "")
        patterns = ", ".join(f"`{pattern}`" for pattern in only)
        return Problem("E571", f"{patterns} fits nothing that can be left out", help)
    message = "nothing can be left out: the spec has no layer, block, skip, augmentation or regularizer to spare"
    return Problem("E571", message, "the whole alone is `dlspec train` with `method: {seeds: 5}`")


def _variant(
    state: Trainable,
    candidate: Candidate,
    data: dict[str, Any],
    measure: str,
    reading: Reading,
    known: dict[str, str],
) -> Variant | LeftOut:
    """A variant that checks and differs from those that are `known` by their meaning, or why there is none."""
    if candidate.refused:
        return LeftOut(candidate.name, candidate.aid, candidate.refused)
    if candidate.aid in _IN_LOSS and _is_loss(measure):
        reason = f"it is part of `{measure}`, by which variants are compared: `metrics` would compare them"
        return LeftOut(candidate.name, candidate.aid, reason)
    text = dump(edited(data, candidate.edits))
    other = _compiled(state, candidate.name, text, reading)
    errors = other.diagnostics.errors
    if errors or not isinstance(other, Checked):
        return LeftOut(candidate.name, candidate.aid, f"{errors[0].code}: {errors[0].message}" if errors else "")
    for name, before, after in _other_outputs(state.graph, other.graph):
        reason = f"the output `{name}` would have shape {after} in place of {before}"
        return LeftOut(candidate.name, candidate.aid, reason)
    same = known.setdefault(meaning(other), candidate.name)
    if same != candidate.name:
        reason = f"it is the same as without `{same}`" if same else "it has no effect in this spec"
        return LeftOut(candidate.name, candidate.aid, reason)
    text = dump(_without_unused(edited(data, candidate.edits), other.unused - state.unused))
    return Variant(candidate.name, candidate.aid, text, other.graph.parameters, other.graph.flops)


def _compiled(state: Trainable, name: str, text: str, reading: Reading) -> Any:
    path = state.path.with_name(f"{state.path.stem}.{name}.yaml")
    workspace = replace(state.workspace, folder=state.folder, texts={path: text})
    return compile_spec(path, (), workspace, reading=reading)


def _other_outputs(whole: Graph, other: Graph) -> Iterator[tuple[str, str, str]]:
    """Outputs that answer in another shape, with both."""
    for (name, edge), (_, changed) in zip(whole.outputs, other.outputs, strict=True):
        before, after = whole.tensor(edge).shape, other.tensor(changed).shape
        if before != after:
            yield name, show_shape(before), show_shape(after)


def _without_unused(data: dict[str, Any], unused: frozenset[str]) -> dict[str, Any]:
    """A spec without parameters that nothing but what it lacks has used."""
    if not unused:
        return data
    params = {name: value for name, value in data["params"].items() if name not in unused}
    return {key: params if key == "params" else value for key, value in data.items() if key != "params" or params}
