"""Stacking: specs whose answers enter the model of another one. Of kind ``study``: it trains each several times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.studies import SEEDS, Member, Study
from dlspec.components.registry import example, integer, plain
from dlspec.components.sections.splitters import Column, Time
from dlspec.core.errors import Problem, leave_out

if TYPE_CHECKING:
    from dlspec.components.sections.data import Data, Feature

FOLD = "data.split.fold"
# Keys of `data` that no answers of members have, or that the members' own specs say.
_OF_ROWS = ("augment", "oversample", "weight_file")


class Stacking(Study):
    """The layers of this spec combine what other specs answer (Wolpert 1992).

    Its inputs are called as the members. Each member is trained without one fold after the other: what it answers for
    the fold that it did not see is what the combining layers are trained with. One more training of each member, with
    all but the test split, gives the answers of the model that is kept, which is one model of raw values.
    """

    stacks = True
    keep: Any = "ensemble"

    members = plain(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1000,
            "patternProperties": {"^[A-Za-z][A-Za-z0-9_]{0,62}$": {"type": ["string", "object"]}},
            "additionalProperties": False,
            "x-names": "member",
        },
        doc="The specs by name, each a file from the spec's folder, which may stand for several members. They have "
        "inputs and layers of their own, and the source, targets and split of this one.",
    )
    folds = integer(
        min=2, max=1000, default=5, doc="Parts of the examples that are answered in turn, cut as `by` says."
    )
    examples = (
        example("{members: {small: small.yaml, large: large.yaml}}"),
        example("{members: {a: net.yaml, b: net.yaml, c: trees.yaml}, folds: 10}"),
    )

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """For each member one without each fold, and one with all but the test split."""
        number = 0
        for name in self.members:
            for fold in range(self.folds + 1):
                whole = fold == self.folds
                settings: dict[str, Any] = {"train.seed": (seed + number) % SEEDS}
                if not whole:
                    settings[FOLD] = {"number": fold + 1, "of": self.folds}
                number += 1
                title = name if whole else f"{name}, fold {fold + 1} of {self.folds}"
                yield Member(number, title, 0.0, settings, name)

    def compared(self, settings: Mapping[str, Any]) -> bool:
        """Those of the members that the kept model holds."""
        return FOLD not in settings

    def entering(self, data: Data) -> Mapping[str, Feature] | None:
        """What enters the members."""
        return {name: feature for section in self.sections.values() for name, feature in section.features.items()}

    def check(self, data: Data) -> None:
        """Folds are cut by dlspec, and together they hold every example that trains."""
        by = data.parts.by
        if isinstance(by, Column):
            message = f"column `{by.column}` says which examples are kept, and `{self.name}` cuts folds by itself"
            raise Problem("E536", message, "write `by: random`, `stratified` or `{grouped: COLUMN}`", "folds")
        if isinstance(by, Time):
            message = "folds by time leave the first examples without an answer of a member that did not see them"
            raise Problem("E536", message, "write `by: random`, or train with `bagging`")
        for option in ("fold", "bootstrap"):
            if option in data.parts.given:
                raise Problem("E536", f"the split has a `{option}`, and `{self.name}` sets it", leave_out(option))
        for option in _OF_ROWS:
            if option in data.given:
                message = f"`{option}` of `data` is for rows, and the answers of members enter this model"
                raise Problem("E536", message, leave_out(option) + " here, or write it in the specs of the members")
