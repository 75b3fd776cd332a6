"""Holds the weights against the machine's memory, before anything is allocated (E416)."""

from __future__ import annotations

from dlspec.core.ir import Node, show_bytes
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def memory(state: Lowered) -> None:
    """One error, at the layer with the most, where the weights alone take more than there is."""
    sizes = [(sum(weight.bytes for weight in node.weights), node) for node in state.graph.nodes if node.weights]
    total = sum(size for size, _ in sizes)
    if total < _SMALL:
        return
    from dlspec.data.sources.limits import machine_memory

    here = machine_memory()
    if total > here:
        most, node = max(sizes, key=lambda pair: pair[0])
        text = f"the weights take {show_bytes(total)}, and there are {show_bytes(here)} of memory here"
        state.add("E416", f"{text}: {_share(node, most, total)}", node.span, _HELP)


# Every machine that runs TensorFlow has as much, in bytes.
_SMALL = 1 << 29
_HELP = "make it smaller; a search leaves such models out by `limits: {memory: …}`, counted in bytes"


def _share(node: Node, size: int, total: int) -> str:
    return f"`{node.name}` has all of them" if size == total else f"`{node.name}` has {show_bytes(size)} of them"
