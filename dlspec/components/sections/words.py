"""Words by the vectors that an embedding has learnt of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dlspec.components.registry import example, integer, optional, plain, text
from dlspec.components.sections.report import Figure, Tensors, listed
from dlspec.core.errors import Problem, did_you_mean


class WordNeighbours(Figure):
    """The words whose vectors in an embedding have the least angle to those of others, and answers to analogies."""

    computer = "dlspec.training.words.figures_of"
    of: Any = text(doc="The layer `embedding`.")
    input: Any = optional(text(), doc="The input of the data whose vocabulary it is; the only one unless given.")
    words: Any = plain(
        {"type": "array", "items": {"type": "string"}}, default=(), doc="Words whose neighbours are looked for."
    )
    analogies: Any = plain(
        {"type": "array", "items": {"type": "string", "pattern": r"^\S+ : \S+ :: \S+ : \?$"}},
        default=(),
        doc="Analogies, each as `object : objects :: class : ?`.",
    )
    k = integer(min=1, max=100, default=5, doc="How many of the nearest words.")
    examples = (
        example("{of: vectors, words: [class, loop]}"),
        example('{of: vectors, analogies: ["object : objects :: class : ?"]}'),
    )

    def validate(self) -> None:
        """Something is asked for (E207)."""
        if not self.words and not self.analogies:
            raise Problem("E207", "neither `words` nor `analogies` are asked for", "write `words: [class, loop]`", "of")

    def mistakes(self, tensors: Tensors) -> Iterator[Problem]:
        """The layer has a vector of each word (E530)."""
        if self.of not in tensors.lookups:
            help = (
                did_you_mean(self.of, tensors.lookups)
                or f"name an embedding: {listed(tensors.lookups) or 'none is there'}"
            )
            yield Problem("E530", f"`{self.of}` is no layer with a vector for each word", help, "of")

    def unprepared(self, tensors: Tensors, prepared: Mapping[str, tuple[Any, ...]]) -> Iterator[Problem]:
        """There is a vocabulary of the words (E530)."""
        inputs = [name for name, layers in prepared.items() if any("vocabulary" in layer.fields for layer in layers)]
        try:
            self.vocabulary_of(dict.fromkeys([*inputs, *tensors.vocabularies]))
        except Problem as problem:
            yield problem

    def vocabulary_of(self, known: Collection[str]) -> str:
        """The input, or layer, whose vocabulary the words are of.

        Args:
            known: Names of those that have one.

        Raises:
            Problem: E530, there is none, or several.
        """
        chosen = [self.input] if self.input is not None else list(known)
        if len(chosen) == 1 and chosen[0] in known:
            return str(chosen[0])
        help = f"`input` names one: {listed(known)}" if known else "prepare texts by `text_vectorization`"
        if self.input is None:
            message = f"{len(known)} inputs have a vocabulary" if known else "no input has a vocabulary"
            raise Problem("E530", message, help, "of")
        raise Problem("E530", f"`{self.input}` has no vocabulary", help, "input")
