"""One fold of a cross-validation, as an option of a split."""

from __future__ import annotations

from dlspec.components.registry import example, integer
from dlspec.components.sections.base import Section
from dlspec.core.errors import Problem


class Fold(Section):
    """One of several equal parts of the examples, in place of the test split: the others train."""

    number = integer(min=1, doc="Which of the folds, from 1.")
    of = integer(min=2, doc="How many folds there are.")
    repeat = integer(min=1, default=1, doc="Which of several divisions into folds, from 1; each is another one.")
    examples = (example("{number: 1, of: 5}"), example("{number: 3, of: 10, repeat: 2}"))

    def validate(self) -> None:
        """The fold is one of them."""
        if self.number > self.of:
            message = f"there are {self.of} folds, and this is number {self.number}"
            raise Problem("E207", message, f"write a number from 1 to {self.of}", "number")
