"""The graph that a small spec becomes, as lines of text."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from dlspec.core.ir import show_shape
from tests.support import compile_text

# Name of a case, spec, and its nodes as "name layer(inputs) shape", inputs of the graph left out.
Case = tuple[str, str, str]


def check_meaning(folder: Path, text: str, expected: str) -> None:
    """Holds the nodes of a spec's graph against those of a case."""
    state = compile_text(folder, dedent(text))
    assert not state.diagnostics.errors, state.diagnostics.errors
    graph = state.graph
    assert graph is not None
    lines = [
        f"{node.name} {node.kind}({', '.join(graph.nodes[edge.node].name for edge in node.edges)}) "
        + " ".join(show_shape(tensor.shape) for tensor in node.outputs)
        for node in graph.nodes
        if node.layer is not None
    ]
    assert lines == dedent(expected).strip().split("\n")
