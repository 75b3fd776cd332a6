"""Targets that are the hidden steps of an input: what stands for them, and which may be hidden."""

from __future__ import annotations

from dataclasses import dataclass

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data, Target
from dlspec.components.sections.sequences import FIRST, MASK, indices_of
from dlspec.data.binding.drawn import seed_of


@dataclass(frozen=True, slots=True)
class Mask:
    """How steps of an input are hidden.

    Attributes:
        share: Of the steps of a row that may be hidden.
        index: What stands for most of those that are.
        marks: Indices that are never hidden, and never take the place of another one; padding is none of them.
        seed: What decides which steps are hidden, beside parts, epochs and places.
    """

    share: float
    index: int
    marks: tuple[int, ...]
    seed: int


def mask_of(data: Data, section: Target, method: Method | None) -> Mask | None:
    """How the steps are hidden of which a target is made; None where it is made otherwise."""
    if section.masked is None or section.input is None:
        return None
    marks = indices_of(data.features, section.input)
    texts = any(layer.splits_texts for layer in data.features[section.input].prepare)
    unknown = (FIRST - 1,) if texts else ()
    return Mask(float(section.masked), marks[MASK], (*unknown, *marks.values()), seed_of(data, method))
