"""Random inputs that are valid for a model: indices inside of embeddings, words that lookups know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dlspec.backends.keras.internals import calls_of
from dlspec.export.formats.base import Arrays

_UNKNOWN = "qqq"
_INTEGERS = 10  # values of integers for which no layer sets a limit


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that are valid at an input.

    Attributes:
        below: Integers are smaller than this.
        values: The only ones allowed: words, or the integers of a vocabulary.
        word_count: How many words make one text.
    """

    below: int | None = None
    values: tuple[Any, ...] = ()
    word_count: int = 1


def domains(model: Any) -> dict[str, Domain]:
    """The domain of each input, from the layers that read it."""
    return {tensor.name: _together(list(_readers(model, tensor))) for tensor in model.inputs}


def _together(parts: list[Domain]) -> Domain:
    limits = [domain.below for domain in parts if domain.below is not None]
    listed = [domain for domain in parts if domain.values]
    chosen = listed[0] if listed else Domain()
    return Domain(min(limits, default=None), chosen.values, chosen.word_count)


def _readers(model: Any, tensor: Any) -> Iterator[Domain]:
    """Domains that the layers behind a tensor of indices or text ask for, through layers that only move it."""
    import keras

    for operation in model.operations:
        for node in calls_of(operation):
            places = [index for index, entering in enumerate(node.input_tensors) if entering is tensor]
            if not places:
                continue
            if isinstance(operation, keras.Model):
                for index in places:
                    yield from _readers(operation, operation.inputs[index])
                continue
            domain = _domain(getattr(operation, "layer", operation))
            if domain is not None:
                yield domain
                continue
            for leaving in node.output_tensors:
                if "float" not in leaving.dtype:
                    yield from _readers(model, leaving)


def _domain(layer: Any) -> Domain | None:
    import keras

    layers = keras.layers
    if isinstance(layer, layers.Embedding):
        return Domain(below=layer.input_dim)
    if isinstance(layer, layers.CategoryEncoding):
        return Domain(below=layer.num_tokens)
    if isinstance(layer, layers.TextVectorization):
        return Domain(values=(*_vocabulary(layer, 2), _UNKNOWN), word_count=5)
    if isinstance(layer, layers.StringLookup | layers.IntegerLookup) and layer.invert:
        return Domain(below=layer.vocabulary_size())
    if isinstance(layer, layers.StringLookup | layers.IntegerLookup):
        values = _vocabulary(layer, 0, include_special_tokens=False)
        unknown: Any = _UNKNOWN if isinstance(layer, layers.StringLookup) else max(values, default=0) + 1
        return Domain(values=(*values, *([unknown] if layer.num_oov_indices else [])))
    return None


def _vocabulary(layer: Any, start: int, **options: Any) -> tuple[Any, ...]:
    """Up to fifty entries; integers as Python's own."""
    listed = layer.get_vocabulary(**options)[start : start + 50]
    return tuple(value if isinstance(value, str) else int(value) for value in listed)


def batch(model: Any, count: int, size: int, seed: int) -> Arrays:
    """A batch of random inputs by name.

    Args:
        model: A functional model.
        count: Examples.
        size: Of every axis that the model leaves open.
        seed: Another one gives other values; floats are from 0 to 1 for an even seed, and normal for an odd one.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    known = domains(model)
    return {
        tensor.name: _values(
            generator,
            str(tensor.dtype),
            (count, *(size if axis is None else axis for axis in tensor.shape[1:])),
            known[tensor.name],
            normal=bool(seed % 2),
        )
        for tensor in model.inputs
    }


def _values(generator: Any, dtype: str, shape: tuple[int, ...], domain: Domain, normal: bool) -> Any:
    import numpy as np

    if dtype == "string":
        vocabulary = np.array(domain.values or ("red", "green", _UNKNOWN), object)
        texts = generator.choice(vocabulary, (*shape, domain.word_count))
        return np.array([" ".join(row) for row in texts.reshape(-1, domain.word_count)], object).reshape(shape)
    if dtype == "bool":
        return generator.random(shape) < 0.5
    if "int" in dtype:
        below = domain.below or (256 if dtype == "uint8" else _INTEGERS)
        drawn = generator.choice(domain.values, shape) if domain.values else generator.integers(0, below, shape)
        return drawn.astype(dtype)
    drawn = generator.normal(size=shape) if normal else generator.random(shape)
    return drawn.astype("float32") if dtype == "bfloat16" else drawn.astype(dtype)
