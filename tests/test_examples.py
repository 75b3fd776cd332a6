"""Ways of writing an architecture that `specs/` shows otherwise: the language keeps reading them."""

from __future__ import annotations

from dlspec.passes import compile_spec
from tests.support import ROOT


def test_resnet50_with_a_block_for_each_stage() -> None:
    state = compile_spec(ROOT / "tests" / "examples" / "resnet50_by_stages.yaml")
    assert state.diagnostics.items == []
    assert state.graph is not None
    assert state.graph.parameters == 25_636_712
    assert [state.graph.tensor(edge).shape for _, edge in state.graph.outputs] == [(1000,)]
