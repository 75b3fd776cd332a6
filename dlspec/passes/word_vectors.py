"""Holds the files of word vectors against the layers that begin with them (E562), before TensorFlow loads."""

from __future__ import annotations

from collections.abc import Iterator

from dlspec.components.layers.base import Layer
from dlspec.core.errors import Problem
from dlspec.core.ir import Edge, Graph, Node
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def word_vectors(state: Lowered) -> None:
    """Each file is there and as wide as its layer, and what enters that layer has a vocabulary."""
    for graph in state.graphs:
        for node in graph.nodes:
            inside = node.layer.given.values() if isinstance(node.layer, Layer) else ()
            if any(isinstance(inner, Layer) and inner.vectors for inner in inside):
                message = f"`vectors` have no effect on a layer inside of `{node.name}`"
                state.add("E562", message, node.span, "use `embedding` as a step")
        for node, file in files_of_vectors(graph):
            try:
                _check(state, graph, node, file)
            except Problem as problem:
                state.diagnostics.add(problem.at(node.span))


def files_of_vectors(graph: Graph | None) -> Iterator[tuple[Node, str]]:
    """The embeddings of a graph that begin with vectors of words, each with the file that it names."""
    for node in graph.nodes if graph is not None else ():
        if isinstance(node.layer, Layer) and node.layer.vectors:
            yield node, node.layer.vectors["file"]


def _check(state: Lowered, graph: Graph, node: Node, file: str) -> None:
    from dlspec.data.sources.paths import locate
    from dlspec.data.sources.word_vectors import form_of

    if graph is not state.training_graph:
        message = f"`vectors` of `{node.name}` stand in a shared model, which has no vocabulary of its own"
        raise Problem("E562", message, "make the layer a step of the spec itself, or a block")
    _check_vocabulary(state, graph, node)
    if state.workspace.models is not None:
        return  # a run: its weights are there, and the file may be gone
    width = form_of(locate(file, state.folder, allow_outside=state.allow_outside), file).width
    wanted = node.weights[0].shape[-1]
    if width != wanted:
        message = f"`{file}` has {width} numbers for each word, and `{node.name}` has vectors of {wanted}"
        raise Problem("E562", message, f"write `output_dim: {width}`")


def _check_vocabulary(state: Lowered, graph: Graph, node: Node) -> None:
    """What enters comes from a layer with a vocabulary, or from an input that is prepared by one."""
    (argument,) = node.arguments
    assert isinstance(argument, Edge)
    source = graph.nodes[argument.node]
    if source.layer is None and state.data_section is None:
        return
    feature = state.data_section.features.get(source.name) if state.data_section is not None else None
    layers = feature.prepare if source.layer is None and feature is not None else (source.layer,)
    if not any(isinstance(layer, Layer) and "vocabulary" in layer.fields for layer in layers):
        message = f"`vectors` are for words: nothing knows which word an index of `{source.name}` stands for"
        help = "prepare texts by `text_vectorization`, or categories by `string_lookup`, right before the layer"
        raise Problem("E562", message, help)
