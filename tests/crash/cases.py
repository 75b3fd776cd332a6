"""Trainings that are killed beside the plain one: learners, averages, sources, machines with chains and phases."""

from __future__ import annotations

from pathlib import Path

_HERE, _ENERGY = Path("tests/crash"), Path("specs/energy")
_PHASES = {"deep_belief_network": ("first", "second", "third", "labels"), "deep_boltzmann": ("lower", "upper", "all")}


def _machine(name: str) -> tuple[Path, tuple[str, ...]]:
    """A machine of the gallery whose phases are shorter."""
    epochs = (f"train.phases.{phase}.epochs=8" for phase in _PHASES[name])
    return _ENERGY / f"{name}.yaml", (*epochs, "data.batch_size=100", "train.checkpoint.every=0.05")


# Specs, from the root of the repository, and what is set in them.
CASES: dict[str, tuple[Path, tuple[str, ...]]] = {
    **{name: (_HERE / f"{name}.yaml", ()) for name in ("gan", "byol", "sources")},
    **{name: _machine(name) for name in _PHASES},
}
