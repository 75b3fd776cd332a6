"""Vocabularies of pieces of words: trained on texts, and texts as rows of such pieces."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from itertools import chain, repeat
from typing import Any

import numpy as np


def subword_splitter() -> Any:
    """Takes texts apart into words, none of which a piece goes beyond: letters and digits that stand together, every
    other sign by itself, each with ``▁`` for a space before it."""
    import tokenizers

    spaces = tokenizers.pre_tokenizers.Metaspace(split=False, prepend_scheme="always")
    words = tokenizers.Regex(r"▁?[\p{L}\p{M}\p{N}]+|▁?[^\p{L}\p{M}\p{N}\s▁]|\s|▁")
    return tokenizers.pre_tokenizers.Sequence([spaces, tokenizers.pre_tokenizers.Split(words, "isolated")])


def subword_counts(texts: Iterable[str]) -> Counter:
    """How often each word stands in some texts."""
    splitter = subword_splitter()
    return Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(text))


def subword_signs(algorithm: str, word: str) -> list[str]:
    """The pieces of single signs that a vocabulary needs for a word; those inside of words of ``wordpiece`` differ."""
    return [*word, *("##" + sign for sign in word[1:])] if algorithm == "wordpiece" else [*word]


def subword_vocabulary(algorithm: str, counts: Counter, size: int) -> tuple:
    """The pieces that words are made of: the same for the same words, in every process.

    Args:
        algorithm: ``bpe``, ``wordpiece`` or ``unigram``.
        counts: How often each word stands in the texts.
        size: Most pieces.

    Returns:
        The pieces, and what chooses among them: of ``bpe`` the pairs that are joined, in their order, of ``unigram``
        the logarithm of each piece's share, of ``wordpiece`` nothing.
    """
    import tokenizers

    signs: Counter = Counter()
    for word, count in counts.items():
        for sign in subword_signs(algorithm, word):
            signs[sign] += count
    kept = set(sorted(signs, key=lambda sign: (-signs[sign], sign))[:size])
    words = sorted(word for word in counts if kept.issuperset(subword_signs(algorithm, word)))
    if not words:
        return sorted(kept), [] if algorithm == "bpe" else [0.0] * len(kept) if algorithm == "unigram" else None
    texts = chain.from_iterable(repeat(word, counts[word]) for word in words)
    options: dict = {"vocab_size": size, "show_progress": False}
    if algorithm == "unigram":
        tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram())
        tokenizer.train_from_iterator(texts, tokenizers.trainers.UnigramTrainer(**options))
        pieces = sorted(kept | {piece for piece, _ in json.loads(tokenizer.to_str())["model"]["vocab"]})
        known = {word: counts[word] for word in words}
        scores = dict(zip(pieces, unigram_scores(pieces, known), strict=True))
        longer = sorted((piece for piece in pieces if piece not in kept), key=lambda piece: (-scores[piece], piece))
        pieces = sorted(kept | set(longer[: size - len(kept)]))
        return pieces, unigram_scores(pieces, known)
    if algorithm == "wordpiece":
        # The trainer numbers signs inside of words as it meets them, in another order in each process, unless they are
        # numbered before.
        options |= {"special_tokens": sorted(sign for sign in kept if len(sign) > 1), "min_frequency": 2}
        tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
        trainer: Any = tokenizers.trainers.WordPieceTrainer(continuing_subword_prefix="##", **options)
    else:
        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        trainer = tokenizers.trainers.BpeTrainer(min_frequency=2, **options)
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    pieces = sorted(kept | model["vocab"].keys(), key=lambda piece: (model["vocab"].get(piece, -1), piece))
    return pieces, [list(pair) for pair in model["merges"]] if algorithm == "bpe" else None


def unigram_scores(pieces: list[str], counts: dict) -> list[float]:
    """The logarithm of each piece's share in the likeliest ways to write some words.

    The trainer's own ones are sums in another order in each process: those here come of whole numbers alone.
    """
    known, longest = set(pieces), max(map(len, pieces))
    shares: Counter = Counter()
    for word, count in counts.items():
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + longest) + 1):
                if word[start:end] in known:
                    shares[word[start:end]] += count * (end - start)
    scores: list[float] = []
    for _ in range(5):
        total = sum(shares.values())
        scores = [round(math.log(max(shares[piece], 0.5) / total), 6) for piece in pieces]
        tokenizer = subword_tokenizer("unigram", pieces, scores, split=False)
        shares = Counter()
        for encoded, count in zip(tokenizer.encode_batch_fast(list(counts)), counts.values(), strict=True):
            for piece in encoded.tokens:
                shares[piece] += count
    return scores


def subword_tokenizer(algorithm: str, pieces: list[str], rules: list | None, split: bool = True) -> Any:
    """What writes texts in pieces: their places among them from 1 on, and 0 for what no piece holds."""
    import tokenizers

    numbers = {"[UNK]": 0, **{piece: number for number, piece in enumerate(pieces, 1)}}
    models = tokenizers.models
    if algorithm == "bpe":
        pairs = [(left, right) for left, right in rules or ()]
        tokenizer = tokenizers.Tokenizer(models.BPE(numbers, pairs, unk_token="[UNK]"))
    elif algorithm == "wordpiece":
        tokenizer = tokenizers.Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    else:
        scored = [("[UNK]", -100.0), *zip(pieces, rules or (), strict=True)]
        tokenizer = tokenizers.Tokenizer(models.Unigram(scored, unk_id=0))
    if split:
        tokenizer.pre_tokenizer = subword_splitter()
    return tokenizer


def subword_rows(tokenizer: Any, texts: list[str], length: int | None) -> np.ndarray:
    """Texts as rows of indices, shape [texts, length]: 0 fills up, 1 is for what no piece holds, pieces follow.

    Args:
        tokenizer: As :func:`subword_tokenizer` makes it.
        length: That rows are cut or filled to; as long as the longest one if None.
    """
    written = [encoded.ids for encoded in tokenizer.encode_batch_fast(texts)]
    rows = np.zeros((len(written), max(map(len, written), default=0) if length is None else length), np.int64)
    for row, ids in zip(rows, written, strict=True):
        some = ids[: rows.shape[1]]
        row[: len(some)] = np.asarray(some, np.int64) + 1
    return rows
