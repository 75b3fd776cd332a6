"""Texts as pieces of words, whose vocabulary the package tokenizers learns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from dlspec.components.layers.lookup import VocabularyLayer
from dlspec.components.registry import choice, example, integer, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor


class SubwordVectorization(VocabularyLayer):
    """Splits texts into pieces of words, which are learned from the training data, and turns these into indices."""

    keras = "dlspec.keras_layers.SubwordVectorization"
    shorthand = "max_tokens"
    extra = ("tokenizers", "subwords")
    formats_lacking = ("onnx", "litert", "savedmodel")
    splits_texts = True
    pieces = "subwords"
    trainable: Any = True  # nothing to train
    dtype: Any = None  # what comes out is int64
    output_mode: Any = "int"
    pad_to_max_tokens: Any = False
    idf_weights: Any = None
    vocabulary: Any = None
    max_tokens = integer(min=4, doc="Largest size of the vocabulary, padding, the unknown piece and marks included.")
    algorithm = choice(
        "bpe",
        "wordpiece",
        "unigram",
        default="bpe",
        doc="How pieces are chosen: frequent pairs are joined, in the order learned (`bpe`) or the longest piece first "
        "(`wordpiece`), or the likeliest pieces are taken (`unigram`).",
    )
    standardize = optional(choice("lower"), doc="Change of the text before it is split: none, or to small letters.")
    output_sequence_length = optional(integer(min=1, doc="Number of pieces to cut or fill each text to."))
    examples = (
        example("2000", (), dtype="string"),
        example("{max_tokens: 300, algorithm: wordpiece, standardize: lower}", (), dtype="string"),
        example("{max_tokens: 300, algorithm: unigram, output_sequence_length: 20}", (1,), dtype="string"),
    )

    def special(self) -> list[Any]:
        """Padding and the unknown piece."""
        return ["", "[UNK]"]

    def validate(self) -> None:
        """The package that learns the pieces is there (E563)."""
        package, extra = self.extra
        if find_spec(package) is None:
            message = f"`{self.name}` needs the package {package}, which is not installed"
            raise Problem("E563", message, f"pip install 'dlspec[{extra}]'")

    def learned_size(self, texts: Sequence[str]) -> int:
        """How many indices the layer has once it has learned from some texts."""
        return len(self.special()) + len(self._learned(texts)[1])

    def too_few(self, texts: Sequence[str]) -> int:
        """So many indices are needed for every sign of some texts; 0 where there are as many."""
        from dlspec.standalone.subwords import subword_signs

        counts, pieces = self._learned(texts)
        signs = {sign for word in counts for sign in subword_signs(self.algorithm, word)}
        return 0 if signs <= set(pieces) else len(self.special()) + len(signs)

    def _learned(self, texts: Sequence[str]) -> tuple[Mapping[str, int], list[str]]:
        """How often words stand in some texts, and the pieces that are learned from them."""
        from dlspec.standalone.subwords import subword_counts

        counts = subword_counts(text.lower() if self.standardize else text for text in texts)
        return counts, _pieces(self.algorithm, tuple(counts.items()), self.max_tokens - len(self.special()))

    def infer(self, x: Tensor) -> Tensor:
        """[] → [pieces]."""
        self.check_one_text(x)
        return Tensor((self.output_sequence_length,), "int64")


@lru_cache(maxsize=4)
def _pieces(algorithm: str, counts: tuple[tuple[str, int], ...], size: int) -> list[str]:
    """The pieces that are learned from words with their counts: several checks of one spec ask for the same."""
    from dlspec.standalone.subwords import subword_vocabulary

    pieces: list[str] = subword_vocabulary(algorithm, Counter(dict(counts)), size)[0]
    return pieces
