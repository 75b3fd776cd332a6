"""Ways of writing an architecture that `specs/` shows otherwise: the language keeps reading them."""

from __future__ import annotations

from dlspec.export.python.module import emit_model
from dlspec.passes import compile_spec
from tests.support import ROOT


def test_resnet50_with_a_block_for_each_stage() -> None:
    state = compile_spec(ROOT / "tests" / "examples" / "resnet50_by_stages.yaml")
    assert state.diagnostics.items == []
    assert state.graph is not None
    assert state.graph.parameters == 25_636_712
    assert [state.graph.tensor(edge).shape for _, edge in state.graph.outputs] == [(1000,)]


def test_the_cells_of_nasnet_are_two_blocks_and_two_loops() -> None:
    """Each cell takes the two before it; `keras.applications.NASNetMobile` has the same 389 layers with weights."""
    path = ROOT / "tests" / "examples" / "nasnet_mobile.yaml"
    state = compile_spec(path)
    assert state.diagnostics.items == []
    assert state.graph is not None
    assert state.graph.parameters == 5_326_716
    assert sum(bool(node.weights) for node in state.graph.nodes) == 389
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 99
    source = emit_model(state, exact=False)
    assert source.count("    for ") == 2 and source.count(" = normal(") == 1 and source.count(" = reduction(") == 2
