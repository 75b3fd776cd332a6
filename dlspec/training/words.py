"""The section `report`: words by the vectors of an embedding of a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.words import WordNeighbours
from dlspec.core.documents.figures import AskedWord, NearWord, WordFigures
from dlspec.views.figures.words import analogous, nearest, units

if TYPE_CHECKING:
    from dlspec.training.figures import Looking

# What stands for no word.
_NO_WORDS = ("", "[UNK]")


def figures_of(looking: Looking, figure: WordNeighbours) -> WordFigures:
    """Nearest words and analogies; words that the vocabulary lacks are named."""
    model = looking.outputs.model
    name, vocabulary = _vocabulary(looking, figure)
    vectors = units(model.get_layer(figure.of).get_weights()[0])
    texts = [str(text) for text in vocabulary[: len(vectors)]]
    numbers = {text: number for number, text in enumerate(texts)}
    others = [*(numbers[text] for text in _NO_WORDS if text in numbers), *range(len(texts), len(vectors))]

    def near(asked: Any, *own: int) -> list[NearWord]:
        answers = nearest(vectors, asked, [*others, *own], figure.k)
        return [{"word": texts[number], "similarity": cosine} for number, cosine in answers]

    unknown: list[str] = []
    neighbours: list[AskedWord] = []
    for text in figure.words:
        if text in numbers:
            neighbours.append({"asked": text, "nearest": near(vectors[numbers[text]], numbers[text])})
        else:
            unknown.append(text)
    analogies: list[AskedWord] = []
    for line in figure.analogies:
        parts = line.replace(":", " ").split()[:3]
        lacking = [text for text in parts if text not in numbers]
        unknown += lacking
        if not lacking:
            own = [numbers[text] for text in parts]
            analogies.append({"asked": line, "nearest": near(analogous(vectors, own[0], own[1], own[2]), *own)})
    return {
        "of": figure.of,
        "input": name,
        "vocabulary": len(texts),
        "neighbours": neighbours,
        "analogies": analogies,
        "unknown": list(dict.fromkeys(unknown)),
    }


def _vocabulary(looking: Looking, figure: WordNeighbours) -> tuple[str, list[Any]]:
    """The input whose words have the vectors, or the layer that looks them up, and the words by their index.

    Raises:
        Problem: E530, there is none, or several.
    """
    layers: Mapping[str, list[Any]] = {
        **{name: list(own) for name, own in looking.outputs.prepared.layers.items()},
        **{layer.name: [layer] for layer in looking.outputs.model.layers},
    }
    known = {
        name: next(layer for layer in own if hasattr(layer, "get_vocabulary")).get_vocabulary()
        for name, own in layers.items()
        if any(hasattr(layer, "get_vocabulary") for layer in own)
    }
    name = figure.vocabulary_of(known)
    return name, known[name]
