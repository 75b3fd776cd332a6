"""The section ``generate``: how a model writes rows of indices, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from dlspec.components.registry import Component, Field, example, integer, load_attribute, number, optional
from dlspec.core.errors import Problem


def _length() -> Field[int | None]:
    return optional(integer(min=1), doc="Most indices that are written; as many as fit unless given.")


class Generator(Component, abstract=True):
    """Base of the ways to write.

    Class attributes:
        writer: Dotted path of the function that makes the compiled one: see :mod:`dlspec.standalone.generating`.
    """

    kind = "generator"
    writer: ClassVar[str] = ""
    length: Any = None
    seed: Any = None

    def options(self) -> dict[str, Any]:
        """What :attr:`writer` takes beside how rows are written."""
        return {}

    def made(self, rows: Any) -> Callable[[Any, Any, Any], Any]:
        """The compiled function that writes.

        Args:
            rows: A :class:`dlspec.standalone.generating.Rows`.
        """
        make: Callable[..., Callable[[Any, Any, Any], Any]] = load_attribute(self.writer)
        return make(rows, **self.options())


class Greedy(Generator):
    """Writes the likeliest index each time."""

    writer = "dlspec.standalone.generating.greedy"
    length = _length()
    examples = (example(""), example("{length: 20}"))


class Beam(Generator):
    """Follows several beginnings at a time, and writes the likeliest row of those that it comes to."""

    writer = "dlspec.standalone.generating.beam"
    shorthand = "width"
    width = integer(min=1, max=1000, doc="How many beginnings are followed; 1 is `greedy`.")
    length_penalty = number(
        min=0, default=0.0, doc="The logarithm of a row's probability is divided by its length to this power."
    )
    length = _length()
    examples = (example("4"), example("{width: 4, length_penalty: 0.6}"))

    def options(self) -> dict[str, Any]:
        """Width and penalty."""
        return {"width": self.width, "length_penalty": self.length_penalty}


class Sample(Generator):
    """Draws each index by its probability."""

    writer = "dlspec.standalone.generating.sampled"
    shorthand = "temperature"
    temperature = number(
        above=0, default=1.0, doc="Below 1 likely indices are drawn more often than by their probability, above 1 less."
    )
    top_k = optional(integer(min=1), doc="Only so many of the likeliest indices are drawn.")
    top_p = optional(
        number(above=0, max=1), doc="Only the likeliest indices are drawn that together have this probability."
    )
    length = _length()
    seed = optional(integer(min=0, max=2**32 - 1), doc="Of what is drawn; that of `train` unless given.")
    examples = (example(""), example("0.8"), example("{temperature: 0.8, top_k: 40, length: 200}"))

    def options(self) -> dict[str, Any]:
        """Which indices are drawn, and how likely."""
        return {"temperature": self.temperature, "top_k": self.top_k, "top_p": self.top_p}

    def validate(self) -> None:
        """More than one index can be drawn."""
        if self.top_k == 1:
            raise Problem("E207", "`top_k: 1` draws nothing: it is the likeliest index", "write `greedy`", "top_k")
