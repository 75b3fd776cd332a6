"""Types of columns that do not depend on a file: by the spec, by the first of several sources, by a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlspec.components.sections.data import Data, Target
from dlspec.core.ir import Tensor
from dlspec.data.binding import missing
from dlspec.data.binding.inputs import only_text
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.targets import Output
from dlspec.data.sources.base import TEXT, Column
from dlspec.data.sources.stated import Stated


def by_spec(data: Data, signature: Signature | None) -> Stated:
    """Columns that can be nothing but text, and the words in them that stand for missing values.

    A column is text where its first layer of preparation takes only text, where the model itself takes text, where it
    lists token ids or labels, and where its classes are no numbers.
    """
    texts: set[str] = set()
    gaps: dict[str, tuple[str, ...]] = {}
    said = data.source.gaps
    gap_texts = (*data.source.usual_gaps, *said)
    for name, feature in data.features.items():
        wanted = signature.inputs.get(name) if signature is not None else None
        if only_text(feature, wanted):
            texts.update(feature.sources)
        if missing.how(feature, text=True) != missing.KEEP:
            gaps.update(dict.fromkeys(feature.sources, gap_texts))
        elif said:
            gaps.update(dict.fromkeys(feature.sources, said))
    for target in data.targets.values():
        if _lists_labels(target):
            texts.update(target.sources)
        named = {str(value) for value in target.classes or ()}
        gaps.update(dict.fromkeys(target.sources, tuple(text for text in gap_texts if text not in named)))
    return Stated(frozenset(texts), frozenset(), gaps)


def by_columns(stated: Stated, columns: Mapping[str, Column]) -> Stated:
    """The types of another source, whose columns these are like."""
    single = {name: column for name, column in columns.items() if not column.tensor.shape}
    texts = frozenset(name for name, column in single.items() if column.text)
    return stated.also(texts, frozenset(single) - texts)


def by_run(stated: Stated, data: Data, recorded: Any, saved: Mapping[str, Tensor], outputs: Sequence[Output]) -> Stated:
    """The types that the columns of a training had.

    Args:
        stated: What the spec says.
        data: Its section.
        recorded: The types that the run's report names, by column; a report of an older run has none.
        saved: What the saved model takes, by input.
        outputs: The targets of the training.
    """
    if not isinstance(recorded, Mapping):
        recorded = {column: tensor.dtype for name, tensor in saved.items() for column in _sources(data, name)}
        recorded |= {column: TEXT for output in outputs for column in output.columns if _named_by_words(output)}
    texts = frozenset(name for name, dtype in recorded.items() if dtype == TEXT)
    return stated.also(texts, frozenset(recorded) - texts)


def _sources(data: Data, name: str) -> tuple[str, ...]:
    feature = data.features.get(name)
    return feature.sources if feature is not None and feature.token_length is None else ()


def _lists_labels(target: Target) -> bool:
    """Whether a target lists labels in a text, or classes of which one is no plain number."""
    listed = [value for value in target.classes or () if isinstance(value, str)]
    return target.separator is not None or any(not _plain_number(value) for value in listed)


def _named_by_words(output: Output) -> bool:
    return bool(output.separator) or any(isinstance(value, str) for value in output.classes)


def _plain_number(text: str) -> bool:
    """Whether a word is a number as it would be written again: `7`, but not `07` or `NA`."""
    try:
        return f"{float(text):g}" == text or str(int(text)) == text
    except ValueError:
        return False
