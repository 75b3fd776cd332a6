"""Phases with objectives of their own: what each of them trains, as a training by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dlspec.components.methods.learning import loss_of
from dlspec.components.registry.component import describe
from dlspec.components.sections.training import OBJECTIVES, Phase
from dlspec.core.errors import Problem, leave_out

# What a phase may have of its own, and a training has as well.
_OWN = (*OBJECTIVES, "metrics", "optimizer", "epochs")


def differ(phases: Mapping[str, Phase]) -> bool:
    """Whether some phase has an objective, or metrics, of its own."""
    return any(phase.objective or phase.metrics is not None for phase in phases.values())


def stages_of(method: Any) -> dict[str, Any]:
    """The training of each phase by itself, by its name; the method itself for each where none differs."""
    if not method.phases_differ:
        return dict.fromkeys(method.training_phases, method)
    return {name: _stage(method, name, phase) for name, phase in method.phases.items()}


def _stage(method: Any, name: str, phase: Phase) -> Any:
    """The training of one phase: its own objective, and what it does not say as `train` says it."""
    replaced = ("phases", "epochs", *(OBJECTIVES if phase.objective else ()))
    kept = {option: value for option, value in method.given.items() if option not in replaced}
    own = {option: value for option, value in phase.given.items() if option in _OWN}
    stage = type(method)(**{**kept, **own})
    stage.layer_names, stage.weight_names = method.layer_names, method.weight_names
    stage.averages, stage.adapted = method.averages, method.adapted
    stage.padded = method.padded
    stage.places = dict.fromkeys((*(OBJECTIVES if phase.objective else ()), *own), ("train", "phases", name))
    if phase.metrics is None:
        stage.__dict__["metrics"] = _measured(stage)
    stage.heads = {
        output: replace(head, loss=stage.loss_of(output) or head.loss) for output, head in method.heads.items()
    }
    return stage


def _measured(stage: Any) -> Any:
    """The metrics of the training without those of outputs that a phase compares with nothing."""
    if not isinstance(stage.metrics, dict):
        return stage.metrics
    return {
        name: chosen
        for name, chosen in stage.metrics.items()
        if stage.loss_of(name) is not None or all(metric.alone for metric in _each(chosen))
    }


def _each(chosen: Any) -> tuple[Any, ...]:
    return tuple(chosen) if isinstance(chosen, list | tuple) else (chosen,)


def objective_of(stage: Any) -> str:
    """The objective of a phase as text; the losses of two phases can be compared if it is the same."""
    return describe({option: stage.given[option] for option in OBJECTIVES if option in stage.given})


def distinct(stages: Mapping[str, Any]) -> Iterator[Any]:
    """Each stage once: those with an objective that is not their own are alike."""
    seen: set[str] = set()
    for stage in stages.values():
        key = describe(
            {option: str(path) for option, path in stage.places.items() if option in (*OBJECTIVES, "metrics")}
        )
        if key not in seen:
            seen.add(key)
            yield stage


def check_objectives(method: Any) -> None:
    """Mistakes: keys of the spec that do not go together with phases that have objectives of their own.

    Raises:
        Problem: E207, an objective of `train` that no phase has, or two encodings of one target.
    """
    phases = method.phases or {}
    if phases and all(phase.objective for phase in phases.values()):
        for option in OBJECTIVES:
            if option in method.given:
                message = f"`{option}` has no effect: every phase has an objective of its own"
                raise Problem("E207", message, leave_out(option), option=option)
    if method.phases_differ:
        _check_encodings(stages_of(method))


def _check_encodings(stages: Mapping[str, Any]) -> None:
    """All phases compare an output with its target in one encoding: the data give a single one."""
    by_output: dict[str, tuple[str, Any]] = {}
    for phase, stage in stages.items():
        for output, loss in losses_of(stage):
            before, first = by_output.setdefault(output, (phase, loss))
            if first.targets != loss.targets or first.answer != loss.answer:
                kinds = f"`{first.name}` and `{loss.name}`"
                message = f"phases `{before}` and `{phase}` compare with targets of two kinds: {kinds}"
                raise Problem("E207", message, "use losses of one kind in all phases", option="phases")


def losses_of(stage: Any) -> Iterator[tuple[str, Any]]:
    """The losses of a stage by output; "" for all outputs."""
    for owner in stage.turns.values() or (stage,):
        if isinstance(owner.loss, dict):
            yield from owner.loss.items()
        elif owner.loss is not None:
            yield "", loss_of(owner, "")
