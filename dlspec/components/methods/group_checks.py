"""What may be wrong with groups of weights for a model, known before TensorFlow loads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlspec.components.methods.base import Mistake, Path
from dlspec.components.methods.learner_checks import moved_by, moved_by_learner
from dlspec.components.sections.matching import layer_names, layers_meant
from dlspec.components.sections.weight_groups import NamedWeight, members, named_weights
from dlspec.core.errors import Problem, did_you_mean, leave_out
from dlspec.core.ir import Graph

_SHOWN = 3  # so many names of weights stand in a message


def wrong_groups(method: Any, graph: Graph) -> Iterator[Mistake]:
    """Patterns of groups that fit no weight which their optimizer changes (E515).

    Args:
        graph: All that is trained.
    """
    users = list(_users(method, graph))
    grouped = {id(optimizer): (optimizer, path) for optimizer, path, _ in users if optimizer.rule.groups}
    if not grouped:
        return
    weights = list(named_weights(graph))
    thawed = _thawed(method, graph)
    for key, (optimizer, path) in grouped.items():
        moved = {layer for other, _, layers in users if id(other) == key for layer in layers}
        where = (*path, *optimizer.path_of_rule, "groups")
        for pattern, problem in _wrong_patterns(optimizer.rule.groups, weights, moved, thawed):
            yield Mistake(problem, (*where, pattern), on_key=True)


def _users(method: Any, graph: Graph) -> Iterator[tuple[Any, Path, set[str]]]:
    """Each optimizer with where it stands and the layers that it trains, for each phase and learner that has it."""
    for name, phase in method.training_phases.items():
        stage = method.stages[name]
        path: Path = ("train", "phases", name) if phase.optimizer else ("train",)
        if not stage.turns:
            yield stage.optimizer_of(phase), (*path, "optimizer"), moved_by(stage, graph)
        for learner, declared in stage.turns.items():
            own = (*stage.written_at("learners"), learner) if declared.optimizer else path
            yield (
                declared.optimizer or stage.optimizer_of(phase),
                (*own, "optimizer"),
                moved_by_learner(declared, graph),
            )


def _thawed(method: Any, graph: Graph) -> set[str]:
    """Names of the layers that learn from some phase on though they are declared as frozen."""
    return {layer for layers in layers_meant(method.unfrozen, layer_names(graph)).values() for layer in layers}


def _wrong_patterns(
    groups: Any, weights: list[NamedWeight], moved: set[str], thawed: set[str]
) -> Iterator[tuple[str, Problem]]:
    names = [weight.name for weight in weights]
    changing = {
        weight.name for weight in weights if weight.owners & moved and (weight.trainable or weight.owners & thawed)
    }
    fitting = layers_meant(groups, {name: name for name in names})
    left = members(groups, names)
    for pattern, some in fitting.items():
        if not some:
            yield pattern, Problem("E515", f"`groups` names `{pattern}`, which fits no weight", _near(pattern, weights))
        elif not changing & {*some}:
            text = f"`groups` names `{pattern}`, but this optimizer changes none of what it fits: {_some(some)}"
            yield pattern, Problem("E515", text, leave_out(pattern))
        elif not changing & {*left[pattern]}:
            text = f"`groups` names `{pattern}`, but patterns before it take all that it fits: {_some(some)}"
            yield pattern, Problem("E515", text, "the first pattern that fits counts: write it further up")


def _near(pattern: str, weights: list[NamedWeight]) -> str:
    """A help with what is meant perhaps, or with the names of some weights."""
    known = dict.fromkeys([*(weight.name for weight in weights), *(weight.layer for weight in weights)])
    models = dict.fromkeys(owner for weight in weights for owner in sorted(weight.owners))
    near = did_you_mean(pattern, [*known, *models])
    return (
        near if near.startswith("did you mean") else f"weights are called {_some([weight.name for weight in weights])}"
    )


def _some(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
