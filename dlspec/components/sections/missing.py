"""Treatments of missing values: an empty cell, `NaN`, an empty text."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import Component, boolean, example, plain


class Missing(Component, abstract=True):
    """Base of the policies for missing values.

    Class attributes:
        fills: Whether a value is put in place of a missing one, inside the model.
        passes: Whether missing values enter the model, which deals with them by itself.
    """

    kind = "policy"
    fills = True
    passes = False
    indicator: Any = False


def _indicator() -> Any:
    return boolean(default=False, doc="Whether a further number for each column says what was missing (1) or not (0).")


class Error(Missing):
    """A missing value is an error."""

    fills = False
    examples = (example(""),)


class Drop(Missing):
    """Examples with a missing value are left out of all parts, and counted in the report."""

    fills = False
    examples = (example(""),)


class Passed(Missing, abstract=True):
    """Missing values enter a model that combines others, each of which fills them in. No spec says so."""

    fills = False
    passes = True


class Mean(Missing):
    """The mean of the column over the training split."""

    indicator = _indicator()
    examples = (example(""), example("{indicator: true}"))


class Median(Missing):
    """The median of the column over the training split."""

    indicator = _indicator()
    examples = (example(""), example("{indicator: true}"))


class MostFrequent(Missing):
    """The value or word that the training split holds most often; of equally frequent ones the smallest."""

    indicator = _indicator()
    examples = (example(""), example("{indicator: true}"))


class Constant(Missing):
    """A value of your own."""

    shorthand = "value"
    value = plain({"type": ["number", "string"]}, doc="The value: a number, or a word for a column of text.")
    indicator = _indicator()
    examples = (example("0"), example("unknown"), example("{value: -1, indicator: true}"))
