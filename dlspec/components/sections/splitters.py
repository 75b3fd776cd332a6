"""Ways to choose which examples are kept from training."""

from __future__ import annotations

from dlspec.components.registry import Component, Field, choice, example, integer, optional, text


def first_in_dates() -> Field[str]:
    """The option that tells the order of dates whose year is not the first."""
    doc = "First part of dates such as 1/2/2024, if it is not the year."
    return choice("year", "day", "month", default="year", doc=doc)


class Splitter(Component, abstract=True):
    """Base of the ways to choose which examples belong to which part."""

    kind = "splitter"

    @property
    def asks(self) -> str | None:
        """The column that it needs besides those in use, or None."""
        return None


class Random(Splitter):
    """Every example falls into a part by chance."""

    examples = (example(""),)


class Stratified(Splitter):
    """By chance, with the share of every class alike in all parts."""

    shorthand = "target"
    target = optional(text(), doc="The target whose classes count; may be left out when there is one target.")
    examples = (example(""), example("sold"))


class Grouped(Splitter):
    """By chance, but examples with the same value of a column (a patient, a customer) stay together."""

    shorthand = "column"
    column = text(doc="The column that names the group.")
    examples = (example("customer"),)

    @property
    def asks(self) -> str | None:
        """Name of the column of groups."""
        return self.column


class Time(Splitter):
    """The latest examples are the test split, those before them the validation split."""

    shorthand = "column"
    column = optional(text(), doc="A column of numbers, or of dates; the order of the source unless given.")
    first = first_in_dates()
    gap = integer(min=0, default=0, doc="Examples left out before each part, so that windows over time do not overlap.")
    examples = (example(""), example("date"), example("{column: date, gap: 7}"), example("{column: day, first: day}"))

    @property
    def asks(self) -> str | None:
        """Name of the column of times."""
        return self.column


class Column(Splitter):
    """A column says it: `train`, `validation` (or `val`, `valid`, `dev`) or `test`."""

    shorthand = "column"
    column = text(doc="The column.")
    examples = (example("part"),)

    @property
    def asks(self) -> str | None:
        """Name of the column of parts."""
        return self.column
