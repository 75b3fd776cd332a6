"""Layers with a vocabulary: words, integers and whole texts to indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.layers.preprocessing import MODES, encoded_shape, lacking_encoding
from dlspec.components.registry import Field, boolean, choice, example, integer, optional, plain
from dlspec.core.errors import Problem, leave_out
from dlspec.core.ir import Tensor, show_shape

_OUTPUT = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 1}
_SALT = {"type": ["integer", "array"], "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}


def _max_tokens() -> Field[int | None]:
    return optional(
        integer(min=2, doc="Largest size of the vocabulary, special tokens included; no limit unless given.")
    )


def _vocabulary_field() -> Field[Any]:
    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    return optional(plain(schema), doc="The vocabulary; learned from the training data unless given.")


class VocabularyLayer(Layer, abstract=True):
    """Rules that the layers with a vocabulary share."""

    prepares = True
    trainable: Any = True  # nothing to train
    dtype: Any = None  # Keras ignores it: indices are int64, rows float32
    # Declared as options by each layer, in Keras's order.
    max_tokens: Any
    vocabulary: Any
    idf_weights: Any
    output_mode: Any
    pad_to_max_tokens: Any
    invert: Any = False
    mask_token: Any = None

    @property
    def adapts(self) -> bool:
        """Whether the layer learns its vocabulary from the training data before it can be used."""
        return self.vocabulary is None

    def special(self) -> list[Any]:
        """The tokens before the vocabulary's own: mask (with `int` only) and out-of-vocabulary."""
        raise NotImplementedError

    def tokens(self) -> list[Any]:
        """The vocabulary without special tokens, which may stand at its start."""
        listed: list[Any] = self.vocabulary or []
        special = self.special()
        return listed[len(special) :] if special and listed[: len(special)] == special else listed

    @property
    def depth(self) -> int | None:
        """Length of an encoded row; None until the vocabulary is learned."""
        if self.pad_to_max_tokens:
            size: int | None = self.max_tokens
            return size
        return None if self.vocabulary is None else len(self.special()) + len(self.tokens())

    def learned_size(self, texts: Sequence[str]) -> int | None:
        """How many indices the layer has once it has learned from some texts; None where each word has one."""
        return None

    def check_one_text(self, x: Tensor) -> None:
        """Raises E409 for other than text, E402 for several texts."""
        if x.dtype != "string":
            message = f"{self.name} takes text, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "write `dtype: string` for the input")
        if x.rank and (x.shape != (1,) or self.output_mode != "int"):
            message = f"{self.name} takes one text, but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "write `shape: []` for the input")

    def validate(self) -> None:
        """The vocabulary, its limit and the mode fit together."""
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise Problem(
                "E207",
                f"{self.name} has `pad_to_max_tokens` without `max_tokens`",
                "add `max_tokens`",
                "pad_to_max_tokens",
            )
        if self.vocabulary is not None:
            self._check_vocabulary()
        self._check_weights()

    def _check_vocabulary(self) -> None:
        tokens = self.tokens()
        if not tokens:
            message = f"{self.name} has only special tokens in `vocabulary`"
            raise Problem("E207", message, "list the tokens that the data contain", "vocabulary")
        twice = sorted({str(token) for token in tokens if tokens.count(token) > 1})
        if twice:
            message = f"{self.name} has `{twice[0]}` twice in `vocabulary`"
            raise Problem("E207", message, "list each token once", "vocabulary")
        size = len(self.special()) + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            message = f"{self.name} has a vocabulary of {size} tokens (special ones included), above `max_tokens`"
            raise Problem("E207", f"{message} ({self.max_tokens})", "raise `max_tokens`", "max_tokens")

    def _check_weights(self) -> None:
        if self.idf_weights is not None and self.output_mode != "tf_idf":
            message = f"{self.name} has `idf_weights` with `output_mode: {self.output_mode}`"
            raise Problem("E207", message, "set `output_mode: tf_idf`, or leave them out", "idf_weights")
        if self.output_mode == "tf_idf" and (self.vocabulary is None) != (self.idf_weights is None):
            message = f"{self.name} with `output_mode: tf_idf` needs both `vocabulary` and `idf_weights`, or neither"
            raise Problem("E207", message, "", "output_mode")
        if self.idf_weights is not None and len(self.idf_weights) != len(self.vocabulary):
            count = f"{len(self.idf_weights)} `idf_weights` for {len(self.vocabulary)} tokens in `vocabulary`"
            raise Problem("E207", f"{self.name} has {count}", "give one weight per token", "idf_weights")


class _Lookup(VocabularyLayer, abstract=True):
    """Rules of the lookups, which map single tokens."""

    mask_token: Any
    oov_token: Any
    num_oov_indices: Any
    invert: Any

    def special(self) -> list[Any]:
        """Mask token, where there is one, and out-of-vocabulary tokens."""
        mask = [self.mask_token] if self.mask_token is not None and self.output_mode == "int" else []
        return mask + [self.oov_token] * self.num_oov_indices

    def validate(self) -> None:
        """The vocabulary, its limit, the mode and the special tokens fit together."""
        if self.invert and self.output_mode != "int":
            message = f"{self.name} has `invert` with `output_mode: {self.output_mode}`"
            raise Problem("E207", message, "indices are turned back only with `output_mode: int`", "output_mode")
        super().validate()
        reserved = {"mask_token": self.mask_token, **({"oov_token": self.oov_token} if self.invert else {})}
        for option, token in reserved.items():
            if token is not None and token in self.tokens():
                message = f"{self.name} has its `{option}` `{token}` among the other tokens of `vocabulary`"
                raise Problem("E207", message, "leave it out: it is added by itself", "vocabulary")

    def infer(self, x: Tensor) -> Tensor:
        """[items] → the same with `int`, else [vocabulary], or [items, vocabulary] with `one_hot`."""
        self.check_dtype(x)
        shape = encoded_shape(x, self.output_mode, self.depth, self.name)
        return Tensor(shape, "int64" if self.output_mode == "int" else "float32")

    def check_dtype(self, x: Tensor) -> None:
        """Raises E409 for other than text, or indices with `invert`."""
        if (x.dtype == "string") == bool(self.invert):
            wanted = "indices" if self.invert else "text"
            message = f"{self.name} takes {wanted}, but the input has dtype {x.dtype}"
            raise Problem(
                "E409", message, "set the input's dtype" if self.invert else "write `dtype: string` for the input"
            )


class StringLookup(_Lookup):
    """Turns words into indices of a vocabulary, or indices into words."""

    keras = "keras.layers.StringLookup"
    categories = True
    max_tokens = _max_tokens()
    num_oov_indices = integer(min=0, default=1, doc="Number of indices for words that are not in the vocabulary.")
    mask_token = optional(plain({"type": "string"}), doc="A word that gets index 0, such as an empty one.")
    oov_token = plain(
        {"type": "string"}, default="[UNK]", doc="Word that an index for unknown words is turned back into."
    )
    vocabulary = _vocabulary_field()
    idf_weights = optional(plain(_NUMBERS), doc="Weight of each word, for `tf_idf`.")
    invert = boolean(default=False, doc="Whether to turn indices into words.")
    output_mode = choice(*_OUTPUT, default="int", doc=MODES)
    pad_to_max_tokens = boolean(default=False, doc="Whether rows have `max_tokens` elements even if fewer are known.")
    encoding = plain({"enum": ["utf-8"]}, default="utf-8", doc="Encoding of the words.")
    salt = optional(plain(_SALT), doc="Makes the hash of unknown words a keyed one.")
    examples = (
        example("{vocabulary: [a, b, c]}", (), dtype="string"),
        example("{max_tokens: 50, pad_to_max_tokens: true, output_mode: multi_hot}", (None,), dtype="string"),
        example('{vocabulary: [a, b], mask_token: "", output_mode: one_hot}', (1,), dtype="string"),
    )

    def lacking_in(self, *inputs: Tensor) -> tuple[str, ...]:
        """ONNX has no tables of words; LiteRT no hashes, which spread unknown words, and what its mode says."""
        hashes = ("litert",) if self.num_oov_indices > 1 else ()
        return ("onnx", *hashes, *lacking_encoding(self.output_mode, *inputs))


class IntegerLookup(_Lookup):
    """Turns whole numbers into indices of a vocabulary, or back."""

    keras = "keras.layers.IntegerLookup"
    whole_numbers = True
    formats_lacking = ("onnx", "litert")
    max_tokens = _max_tokens()
    num_oov_indices = integer(min=0, default=1, doc="Number of indices for numbers that are not in the vocabulary.")
    mask_token = optional(integer(), doc="A number that gets index 0.")
    oov_token = integer(default=-1, doc="Number that an index for unknown numbers is turned back into.")
    vocabulary = optional(
        plain({"type": "array", "items": {"type": "integer"}, "minItems": 1}),
        doc="The vocabulary; learned from the training data unless given.",
    )
    vocabulary_dtype = plain({"enum": ["int64"]}, default="int64", doc="Data type of the vocabulary.")
    idf_weights = optional(plain(_NUMBERS), doc="Weight of each number, for `tf_idf`.")
    invert = boolean(default=False, doc="Whether to turn indices back into numbers.")
    output_mode = choice(*_OUTPUT, default="int", doc=MODES)
    pad_to_max_tokens = boolean(default=False, doc="Whether rows have `max_tokens` elements even if fewer are known.")
    oov_method = choice("floormod", "farmhash", default="floormod", doc="How unknown numbers are spread over indices.")
    salt = optional(plain(_SALT), doc="Makes the hash of unknown numbers a keyed one, with `oov_method: farmhash`.")
    examples = (
        example("{vocabulary: [10, 20, 30]}", (4,), dtype="int64"),
        example("{vocabulary: [10, 20], num_oov_indices: 2, output_mode: count}", (4,), dtype="int64"),
    )

    def validate(self) -> None:
        """The options of the hash fit together as well."""
        super().validate()
        if self.salt is not None and self.oov_method != "farmhash":
            message = f"integer_lookup has `salt` with `oov_method: {self.oov_method}`"
            raise Problem("E207", message, "set `oov_method: farmhash`", "salt")

    def check_dtype(self, x: Tensor) -> None:
        """Raises E409 for text."""
        if x.dtype == "string":
            message = "integer_lookup takes whole numbers, but the input has dtype string"
            raise Problem("E409", message, "use `string_lookup` for text")


def _ngrams() -> Field[Any]:
    schema = {"type": ["integer", "array"], "minimum": 1, "items": {"type": "integer", "minimum": 1}, "minItems": 1}
    return Field(schema, default=None, convert=lambda value, _: tuple(value) if isinstance(value, list) else value)


class TextVectorization(VocabularyLayer):
    """Splits texts into words and turns these into indices of a vocabulary, or each text into one row."""

    keras = "keras.layers.TextVectorization"
    formats_lacking = ("onnx", "litert")
    max_tokens = _max_tokens()
    standardize = plain(
        {"enum": ["lower_and_strip_punctuation", "lower", "strip_punctuation", None]},
        default="lower_and_strip_punctuation",
        doc="Change of the text before it is split.",
    )
    split = plain({"enum": ["whitespace", "character", None]}, default="whitespace", doc="Where the text is split.")
    ngrams = optional(_ngrams(), doc="Length of word groups to count as words: up to a number, or those listed.")
    output_mode = choice(*_OUTPUT, default="int", doc=MODES)
    output_sequence_length = optional(integer(min=1, doc="Number of words to cut or fill each text to, with `int`."))
    pad_to_max_tokens = boolean(default=False, doc="Whether rows have `max_tokens` elements even if fewer are known.")
    vocabulary = _vocabulary_field()
    idf_weights = optional(plain(_NUMBERS), doc="Weight of each word, for `tf_idf`.")
    encoding = plain({"enum": ["utf-8"]}, default="utf-8", doc="Encoding of the text.")
    examples = (
        example("{max_tokens: 1000, output_sequence_length: 20}", (), dtype="string"),
        example("{vocabulary: [the, cat], output_mode: multi_hot}", (), dtype="string"),
        example("{max_tokens: 1000}", (1,), dtype="string"),
    )

    def special(self) -> list[Any]:
        """Padding, with `int`, and the unknown word."""
        return ["", "[UNK]"] if self.output_mode == "int" else ["[UNK]"]

    @property
    def splits_texts(self) -> bool:
        """Whether texts become rows of indices."""
        return bool(self.output_mode == "int")

    @property
    def pieces(self) -> str:
        """What each index stands for."""
        return "characters" if self.split == "character" else "words"

    def validate(self) -> None:
        """A length belongs to sequences of indices."""
        super().validate()
        if self.output_sequence_length is not None and self.output_mode != "int":
            message = f"text_vectorization has `output_sequence_length` with `output_mode: {self.output_mode}`"
            help = leave_out("output_sequence_length", ": each text becomes one row")
            raise Problem("E207", message, help, "output_sequence_length")

    def infer(self, x: Tensor) -> Tensor:
        """[] → [words], or [vocabulary] with another `output_mode`."""
        self.check_one_text(x)
        if self.output_mode == "int":
            return Tensor((self.output_sequence_length,), "int64")
        shape = (1,) if self.split is None else (None,)
        return Tensor(encoded_shape(Tensor(shape), self.output_mode, self.depth, self.name), "float32")
