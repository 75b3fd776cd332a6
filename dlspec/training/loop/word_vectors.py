"""The rows of embeddings that a file of word vectors gives, set before the first step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.core.ir import Edge, Graph
from dlspec.data.sources.paths import locate
from dlspec.data.sources.word_vectors import vectors_of
from dlspec.passes.word_vectors import files_of_vectors
from dlspec.training.loop.trainer import Job


class WordVectors(NamedTuple):
    """The file with which an embedding begins.

    Attributes:
        layer: The embedding's name.
        source: Name of the layer or input that gives it indices.
        path: The file.
        shown: What the spec calls it.
    """

    layer: str
    source: str
    path: Path
    shown: str


def word_vectors_of(graph: Graph | None, folder: Path, *, allow_outside: bool) -> list[WordVectors]:
    """The embeddings of a graph that begin with a file.

    Raises:
        Problem: E601, a file is not there.
    """
    made = []
    for node, shown in files_of_vectors(graph):
        (argument,) = node.arguments
        assert graph is not None and isinstance(argument, Edge)
        path = locate(shown, folder, allow_outside=allow_outside)
        made.append(WordVectors(node.name, graph.nodes[argument.node].name, path, shown))
    return made


def begin(job: Job, vectors: WordVectors, *, sets: bool) -> str:
    """Gives the words that the file knows its vectors; the others keep those that were drawn.

    Args:
        job: The training; its vocabularies are known.
        vectors: The file and the layer.
        sets: Whether the layer changes; else it is only counted.

    Returns:
        How many words of the vocabulary the file has: ``812 of 1,000 words``.

    Raises:
        Problem: E562, the file is damaged.
    """
    import numpy as np

    weight = job.whole.get_layer(vectors.layer).weights[0]
    words = _vocabulary(job, vectors.source)[: weight.shape[0]]
    rows = np.array(weight)
    count = 0
    for index, vector in vectors_of(vectors.path, vectors.shown, _numbered(words)):
        rows[index] = vector
        count += 1
    if sets:
        weight.assign(rows)
    return f"{count:,} of {len(words):,} words"


def _numbered(words: Sequence[Any]) -> Mapping[str, int]:
    """The index of each word; padding is none."""
    return {str(word): index for index, word in enumerate(words) if str(word)}


def _vocabulary(job: Job, source: str) -> list[Any]:
    """The words by their index."""
    inputs = {
        name: each.written for each in job.prepared.binding.inputs for name in job.prepared.binding.names_of(each)
    }
    layers = job.prepared.layers.get(inputs[source], ()) if source in inputs else [job.whole.get_layer(source)]
    vocabulary: list[Any] = next(layer for layer in layers if hasattr(layer, "get_vocabulary")).get_vocabulary()
    return vocabulary
