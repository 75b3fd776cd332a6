"""Holds the phases of training against the layers of the model (E515)."""

from __future__ import annotations

from collections.abc import Mapping

from dlspec.components.sections.matching import matching
from dlspec.components.sections.train import Supervised
from dlspec.core.errors import did_you_mean
from dlspec.core.tree import Map, place
from dlspec.passes.state import Compilation, step


@step(requires=("data", "graph", "method"))
def phases(state: Compilation) -> None:
    """Every pattern matches a layer, and in every phase something learns."""
    assert state.data is not None and state.graph is not None
    method, raw = state.method, state.data.get("train")
    if not isinstance(method, Supervised) or not isinstance(raw, Map):
        return
    learning = {node.name for node in state.graph.nodes if node.layer is not None and node.parameters}
    names = [node.name for node in state.graph.nodes if node.layer is not None]
    frozen: set[str] = set()
    for name, phase in (method.phases or {}).items():
        where = raw["phases"][name] if isinstance(raw.get("phases"), Map) else None
        meant = {option: matching(getattr(phase, option) or (), names) for option in ("freeze", "unfreeze")}
        _check_patterns(state, meant, where, names)
        frozen.update(*meant["freeze"].values())
        frozen.difference_update(*meant["unfreeze"].values())
        if learning and learning <= frozen:
            span = place(where, "freeze") if isinstance(where, Map) else None
            state.add("E515", f"nothing is left to learn in phase `{name}`", span, "freeze fewer layers")


def _check_patterns(
    state: Compilation, meant: Mapping[str, Mapping[str, list[str]]], where: object, names: list[str]
) -> None:
    blocks = {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 1)}
    for option, patterns in meant.items():
        for pattern, found in patterns.items():
            if not found:
                span = place(where, option) if isinstance(where, Map) else None
                help = did_you_mean(pattern, [*names, *sorted(blocks)])
                state.add("E515", f"`{option}` names `{pattern}`, which is no layer of the model", span, help)
