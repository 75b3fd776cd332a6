"""How examples are divided: the section `split` of `data`."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import (
    Component,
    component,
    example,
    integer,
    number,
    number_or_component,
    optional,
    options,
)
from dlspec.components.sections.base import Section
from dlspec.components.sections.splitters import Column, Splitter, Stratified, Time
from dlspec.core.errors import Problem, leave_out


class Split(Section):
    """How many examples are kept from training; the rest is the training split."""

    validation: Any = number_or_component(
        "source", min=0, below=1, default=0.0, doc="Share of the examples that judges each epoch, or a source of them."
    )
    test: Any = number_or_component(
        "source", min=0, below=1, default=0.0, doc="Share of the examples that judges the trained model, or a source."
    )
    by = component("splitter", default="random", doc="How the parts are chosen.")
    seed = integer(min=0, max=2**32 - 1, default=0, doc="Another seed gives other parts.")
    fold: Any = options(
        "section",
        "fold",
        default=None,
        doc="One fold of a cross-validation: it is tested on in place of `test`, whose share is left out. "
        "`k_fold` of `train.method` trains on all of them in turn.",
    )
    training_fraction = number(
        above=0, max=1, default=1.0, doc="Share of the training split that trains; larger ones hold all smaller ones."
    )
    fraction_seed = integer(min=0, max=2**32 - 1, default=0, doc="Another seed gives another `training_fraction`.")
    bootstrap = optional(
        integer(min=0, max=2**32 - 1),
        doc="Draws the training examples anew, as many with repetition (whole groups where the split is `grouped`); "
        "another number gives another draw. `bagging` of `train.method` trains with many of them.",
    )
    examples = (
        example("{validation: 0.15, test: 0.15, by: stratified}"),
        example("{test: 0.2, bootstrap: 1}"),
        example("{test: 0.2, by: stratified, fold: {number: 1, of: 5}}"),
        example("{test: 0.2, training_fraction: 0.1}"),
        example("{validation: 0.1, test: {csv: test.csv}}"),
        example("{by: {column: part}}"),
    )

    def validate(self) -> None:
        """The parts leave something to train on; a column that says the parts needs no shares."""
        total = self.share("validation") + self.share("test")
        if total >= 1:
            shown = f"{self.share('validation'):g} + {self.share('test'):g}"
            message = f"validation and test take all examples ({shown})"
            raise Problem("E606", message, "make them smaller: together below 1", "validation")
        if isinstance(self.by, Column):
            for part in ("validation", "test"):
                if self.share(part) or self.source(part):
                    message = f"column `{self.by.column}` says which examples are kept, and so does `{part}`"
                    raise Problem("E606", message, f"leave `{part}` out", part)
            if self.fold is not None:
                message = f"column `{self.by.column}` says which examples are kept, and so does `fold`"
                raise Problem("E606", message, leave_out("fold"), "fold")
        if "fraction_seed" in self.given and (self.training_fraction == 1 or isinstance(self.by, Time)):
            raise Problem("E207", "`fraction_seed` has no effect: nothing is left to chance", "", "fraction_seed")
        if self.fold is not None and isinstance(self.by, Time) and self.fold.repeat > 1:
            message = "`repeat` has no effect: time leaves nothing to chance"
            raise Problem("E207", message, leave_out("repeat"), "fold")

    @property
    def asks(self) -> str | None:
        """The column that decides which examples belong to which part, or None."""
        return self.by.asks if isinstance(self.by, Splitter) else None

    def share(self, part: str) -> float:
        """The share of the examples that `part` gets; 0 where it has a source of its own."""
        value = getattr(self, part)
        return 0.0 if isinstance(value, Component) else float(value)

    def source(self, part: str) -> Any:
        """The source of `part`, or None."""
        value = getattr(self, part)
        return value if isinstance(value, Component) else None

    def has(self, part: str) -> bool | None:
        """Whether there are examples in `part`; None where a column decides."""
        if isinstance(self.by, Column):
            return None
        if part == "test" and self.fold is not None:
            return True
        return bool(self.share(part)) or self.source(part) is not None

    def without(self, *keys: str) -> Split:
        """The same with the defaults of these options."""
        return Split(**{key: value for key, value in self.given.items() if key not in keys})

    @property
    def by_itself(self) -> Split:
        """The same for rows without targets."""
        if not self.stratified:
            return self
        return self.without("by")

    @property
    def target(self) -> str | None:
        """The target named for stratification."""
        return self.by.target if isinstance(self.by, Stratified) else None

    @property
    def stratified(self) -> bool:
        """Whether classes are spread evenly."""
        return isinstance(self.by, Stratified)
