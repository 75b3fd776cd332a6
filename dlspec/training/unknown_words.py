"""Words that a model's lookups do not hold: they are answered as any unknown word is, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from dlspec.backends.keras.internals import calls_of, origin_of
from dlspec.core.errors import Problem
from dlspec.data.binding.inputs import Input
from dlspec.data.checks.vocabulary import fills_alone
from dlspec.data.sources.base import Arrays

# Distinct words of an input that are counted one by one, and that are named.
_COUNTED, _NAMED = 1000, 5


@dataclass
class _Seen:
    """The lookup behind an input, and which unknown words came.

    Attributes:
        known: Its vocabulary.
        closed: Whether it has no index for other words.
        words: How often the first unknown ones came.
        values: How many values there were.
        unknown_count: How many of them were unknown.
    """

    known: frozenset[Any]
    closed: bool
    words: Counter[Any] = field(default_factory=Counter)
    values: int = 0
    unknown_count: int = 0

    def look(self, values: list[Any]) -> None:
        """Counts unknown values; missing ones are not counted."""
        unknown = [value for value in values if value not in self.known and value == value and value != ""]
        self.words.update(word for word in unknown if word in self.words or len(self.words) < _COUNTED)
        self.unknown_count += len(unknown)
        self.values += len(values)


class UnknownWords:
    """Counts them over all examples that it is shown.

    Args:
        model: The saved model, which takes raw values.
        inputs: What enters it.
    """

    def __init__(self, model: Any, inputs: Sequence[Input]) -> None:
        self._inputs = inputs
        self._seen = dict(_lookups(model, inputs))

    def look(self, arrays: Arrays) -> None:
        """Counts the unknown words among some examples.

        Raises:
            Problem: E605, the model has no index for one.
        """
        for input_ in self._inputs:
            seen = self._seen.get(input_.name)
            if seen is None:
                continue
            seen.look(arrays[input_.name].reshape(-1).tolist())
            if seen.closed and seen.words:
                message = (
                    f"{_columns(input_)} holds `{_shown(next(iter(seen.words)))}`, which the model has no index for"
                )
                help = "correct the value, or train with an index for unknown words: `num_oov_indices: 1`"
                raise Problem("E605", message, help)

    def lines(self) -> Iterator[str]:
        """A line for each input with such words: how many, and the commonest."""
        for input_ in self._inputs:
            seen = self._seen.get(input_.name)
            if seen is None or not seen.unknown_count:
                continue
            named = ", ".join(f"`{_shown(word)}`" for word, _ in seen.words.most_common(_NAMED))
            more = ", …" if len(seen.words) > _NAMED else ""
            verb = "is a word" if seen.unknown_count == 1 else "are words"
            yield (
                f"{_columns(input_)}: {seen.unknown_count:,} of {seen.values:,} values {verb} that the model does not "
                f"know, and answers like any such word: {named}{more}"
            )


def _lookups(model: Any, inputs: Sequence[Input]) -> Iterator[tuple[str, _Seen]]:
    """The lookup behind each input, by the input's name, where nothing but filling in stands between."""
    import keras

    between = {input_.name: sum(1 for _ in takewhile(fills_alone, input_.prepare)) for input_ in inputs}
    for layer in model.layers:
        if isinstance(layer, keras.layers.StringLookup | keras.layers.IntegerLookup) and not layer.invert:
            name, layers = _origin(layer)
            if between.get(name) == layers:
                known = layer.get_vocabulary(include_special_tokens=False)
                yield name, _Seen(frozenset((*known, layer.mask_token)), layer.num_oov_indices == 0)


def _origin(layer: Any) -> tuple[str, int]:
    """The input from which alone a layer's values come, and how many layers stand between; ("", 0) where none is."""
    import keras

    count = 0
    above = layer
    while not isinstance(above, keras.layers.InputLayer):
        taken = [tensor for call in calls_of(above) for tensor in call.input_tensors]
        if len(taken) != 1:
            return "", 0
        above = origin_of(taken[0]).operation
        count += 1
    return above.name, count - 1


def _columns(input_: Input) -> str:
    named = ", ".join(f"`{column}`" for column in input_.columns[:_NAMED])
    return f"{named}, …" if len(input_.columns) > _NAMED else named


def _shown(word: Any) -> str:
    return f"{word:g}" if isinstance(word, float) else str(word)[:40]
