"""Holds what building and training take against the machine's memory, before anything is allocated (E416)."""

from __future__ import annotations

from dlspec.components.methods.base import Method
from dlspec.core.ir import Graph, Node, show_bytes
from dlspec.graph.facts import show_count
from dlspec.graph.needs import NO_MATTER, TENSORFLOW, Needs, Setup, building, training
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def memory(state: Lowered) -> None:
    """One error, at the layer with the most weights, where either takes more than there is."""
    if any(item.code == "E542" for item in state.diagnostics.errors):
        return  # sizes in a file that lacks the weights of these layers say nothing
    needs = [building(state.training_graph), *filter(None, [training_needs(state)])]
    need = max(needs, key=lambda need: need.total)
    if need.total < NO_MATTER:
        return
    from dlspec.data.sources.limits import machine_memory

    here = machine_memory()
    if need.total > here:
        node = max(state.training_graph.nodes, key=_values if need.values else _weights)
        sizes = ", ".join(f"{show_bytes(size)} for {what}" for what, size in need.parts if size > _LITTLE * need.total)
        text = f"{need.what} takes {show_bytes(need.total)} at least, and there are {show_bytes(here)} of memory here"
        owner = "" if need.values else _owner(state.training_graph, node)
        state.add("E416", f"{text}: {sizes}{owner}", node.span, _help(state.training_graph, need, here))


# Parts that are a smaller share are not listed.
_LITTLE = 0.01
# What takes this share of the memory by the lower bound fits, as was measured.
_FITS = 0.6
_LIMITS = "a search leaves such models out by `limits: {memory: …}`, counted in bytes"


def training_needs(state: Lowered) -> Needs | None:
    """Memory that the most demanding phase of training needs on this machine; None where nothing is trained.

    The memory of a graphics processor is not known before TensorFlow starts.
    """
    method = state.method
    if method is None or state.data_section is None:
        return None
    graph = method.learning(state.training_graph)
    course = _course(state, method)
    needs = (training(graph, movers, course) for movers in method.learning_phases(graph))
    most = max(needs, key=lambda need: need.total, default=None)
    if most is None or most.total < NO_MATTER:
        return most
    from dlspec.data.sources.limits import graphics_processor

    return None if graphics_processor() else most


def _course(state: Lowered, method: Method) -> Setup:
    devices = method.distribute.devices if method.distribute is not None and method.distribute.divides else 1
    parts = 1 if method.precision == "float32" else 2
    return Setup(_batch(state), parts, bool(method.jit), devices or 1, keeps_best=method.keep == "best")


def _batch(state: Lowered) -> int:
    """Examples of a batch, no more than there are; 1 where that is not known."""
    return min(state.data_section.batch_size, state.examples or 1) if state.data_section is not None else 1


def _weights(node: Node) -> int:
    return sum(weight.bytes for weight in node.weights)


def _values(node: Node) -> int:
    return node.activation_bytes or 0


def _owner(graph: Graph, most: Node) -> str:
    """The layer or model that owns the weights, as text."""
    size = _weights(most)
    alone = size == sum(map(_weights, graph.nodes))
    return f"; `{most.name}` has {'all' if alone else show_bytes(size)} of the weights"


def _help(graph: Graph, need: Needs, here: int) -> str:
    """Help with the number of examples in a batch, or of parameters, that fit."""
    rest = int(_FITS * here) - (need.total - need.values)
    if need.values and rest >= need.values // need.batch:
        return f"take a `batch_size` of at most {rest * need.batch // need.values}"
    room = max(0.0, (_FITS * here - TENSORFLOW) / (need.total - TENSORFLOW))
    return f"make it smaller: {show_count(int(graph.parameters * room))} parameters fit; {_LIMITS}"
