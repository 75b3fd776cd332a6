"""Studies: a training repeated in several ways, so that its figures come with their spread. Of kind ``study``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from dlspec.components.registry import Component, choice, example, integer, numbers
from dlspec.components.sections.folds import Fold
from dlspec.components.sections.split import Split
from dlspec.components.sections.splitters import Column, Time
from dlspec.core.errors import Problem, leave_out

if TYPE_CHECKING:
    from dlspec.components.sections.data import Data, Feature

SEEDS = 2**32
_SPLIT = "data.split."
# The setting by which a member draws its training examples.
BOOTSTRAP = f"{_SPLIT}bootstrap"
_KEPT = "The model that is kept: one trained afterwards as if there were no study (`refit`)"
_KEEP = choice("refit", "none", default="refit", doc=f"{_KEPT}, or `none`.")


def _keep(doc: str) -> Any:
    """What studies keep whose members are the same training."""
    return choice("refit", "ensemble", "best", "none", default="refit", doc=doc)


class Member(NamedTuple):
    """One training of a study.

    Attributes:
        number: From 1.
        title: What it is, in words: ``fold 2 of 5``.
        group: Members of one group are measured together; a number such as the share of the training split.
        settings: Keys of the spec, with dots, and what this training has there.
        spec: Name of the spec that it trains, of several; "" where all members train the same.
    """

    number: int
    title: str
    group: float
    settings: Mapping[str, Any]
    spec: str = ""


class Study(Component, abstract=True):
    """Base of the studies.

    Class attributes:
        judged: The part of its data that judges a member; "" for the test split, else the validation split.
        part_name: How measures of that part are named, before the name of the measure; "" for the name of the part.
        refits: Whether the model that is kept comes of a training of its own; otherwise it is that of the first member.
        shares_validation: Whether all members have the same validation split, so that none was trained on it.
        sequential: Whether each member follows from those before it.
        votes: Whether members vote for classes, each with a weight that follows from its mistakes.
        continues: Whether each member begins with the weights of the one before.
        stacks: Whether members are other specs, and their answers enter the model of the spec itself.
        draws_curve: Whether a curve goes through the errors of groups, which are shares of the training split.
        bears_failures: Whether a member whose training fails is no end of the study, unless it is of the first group.

    Attributes:
        sections: The section `data` of each of these specs, by name; a pass fills it in.
    """

    kind = "study"
    judged: ClassVar[str] = ""
    part_name: ClassVar[str] = ""
    refits: ClassVar[bool] = True
    shares_validation: ClassVar[bool] = True
    sequential: ClassVar[bool] = False
    votes: ClassVar[bool] = False
    continues: ClassVar[bool] = False
    stacks: ClassVar[bool] = False
    draws_curve: ClassVar[bool] = False
    bears_failures: ClassVar[bool] = False
    sections: Mapping[str, Data] = {}
    learning_rate: Any = 1.0
    keep: Any = "refit"

    @property
    def combines(self) -> bool:
        """Whether the model that is kept combines the answers of the members."""
        return bool(self.keep == "ensemble")

    @property
    def keeps_member(self) -> bool:
        """Whether the model that is kept is that of a member."""
        return self.keep == "best" or (self.keep == "refit" and not self.refits)

    @property
    def choosing_part(self) -> str:
        """The part by which the best member is chosen."""
        return self.judged or "validation"

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """The trainings, in the order of their numbers.

        Args:
            seed: That of the spec; the first member has it, the others those that follow.
            data: The section that they share.
        """
        raise NotImplementedError

    def out_of_bag(self, data: Data) -> bool:
        """Whether training examples that a member did not see tell how the ensemble answers new ones."""
        return False

    def entering(self, data: Data) -> Mapping[str, Feature] | None:
        """The inputs of the model that is kept, as the section `data` has them; None where it does not say."""
        inputs: Mapping[str, Feature] | None = data.inputs
        return inputs

    def file_of(self, spec: str) -> str:
        """The file of one of several specs that members train, in the folder of the study."""
        return f"member_{spec}.yaml"

    def compared(self, settings: Mapping[str, Any]) -> bool:
        """Whether the figures of a member with such settings are among those that members have in common."""
        return True

    def check(self, data: Data) -> None:
        """Holds the study against the data section.

        Raises:
            Problem: E536, they do not go together.
        """

    def spread(self, groups: Mapping[str, int]) -> float:
        """The factor by which the variance of a mean is larger than that of independent members: 1 / n, say.

        Args:
            groups: How many examples each part of a member has, and how many `members` there are.
        """
        return 1 / groups["members"]


class KFold(Study):
    """Cross-validation: each fold is once tested on, and the others train.

    The interval of a mean is that of Nadeau and Bengio, "Inference for the Generalization Error" (2003): training
    splits overlap, so that the figures of the folds vary less than those of new data would.
    """

    shorthand = "folds"
    judged = "test"
    part_name = "fold"
    shares_validation = False

    folds = integer(min=2, max=1000, default=5, doc="Parts that are tested on in turn, cut as `by` of the split says.")
    repeats = integer(min=1, max=1000, default=1, doc="How often all of that is done, each time with other folds.")
    keep = _keep(
        f"{_KEPT}, one that gives the mean of the members' answers (`ensemble`), the member that is best on its fold "
        "(`best`), or `none`."
    )
    examples = (
        example("5"),
        example("{folds: 10, repeats: 3}"),
        example("{folds: 5, keep: ensemble}"),
        example("{folds: 5, keep: none}"),
    )

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """One for each fold, repeat after repeat."""
        for index in range(self.folds * self.repeats):
            repeat, fold = divmod(index, self.folds)
            title = f"fold {fold + 1} of {self.folds}" + (f", repeat {repeat + 1}" if self.repeats > 1 else "")
            chosen = {"number": fold + 1, "of": self.folds} | ({"repeat": repeat + 1} if repeat else {})
            settings = {"train.seed": (seed + index) % SEEDS, "data.split.fold": chosen}
            yield Member(index + 1, title, 0.0, settings)

    def check(self, data: Data) -> None:
        """Folds are cut by dlspec, and time leaves nothing to repeat."""
        by = data.parts.by
        if isinstance(by, Column):
            message = f"column `{by.column}` says which examples are kept, and `k_fold` cuts folds by itself"
            raise Problem("E536", message, "write `by: random`, `stratified` or `{grouped: COLUMN}`", "folds")
        if isinstance(by, Time) and self.repeats > 1:
            raise Problem("E536", "`repeats` has no effect: folds by time are always the same", "", "repeats")
        if data.parts.fold is not None:
            raise Problem("E536", "the split has a `fold` already", "leave `fold` out of `data.split`", "folds")

    def spread(self, groups: Mapping[str, int]) -> float:
        """1 / n + examples of a fold / examples that train."""
        return 1 / groups["members"] + groups["test"] / max(1, groups["train"])


class Seeds(Study):
    """The same training with several seeds: other weights, orders and noise; the same examples in all parts."""

    shorthand = "count"
    refits = False

    count = integer(min=2, max=1000, default=5, doc="How many trainings there are; the first has the seed of the spec.")
    keep = _keep(
        "The model that is kept: the first member, which is the training without the study (`refit`), one that "
        "gives the mean of the members' answers (`ensemble`), the member that is best on the validation split "
        "(`best`), or `none`."
    )
    examples = (example("5"), example("{count: 10, keep: ensemble}"))

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """One for each seed."""
        for index in range(self.count):
            own = (seed + index) % SEEDS
            yield Member(index + 1, f"seed {own}", 0.0, {"train.seed": own})


class LearningCurve(Study):
    """Trainings with growing shares of the training split: what more examples would bring."""

    shorthand = "fractions"
    draws_curve = True

    fractions = numbers(default=(0.1, 0.2, 0.5, 1.0), doc="Shares of the training split, above 0 and at most 1.")
    repeats = integer(min=1, max=1000, default=3, doc="Trainings with each share, with other examples and seeds.")
    keep = _KEEP
    examples = (example("{fractions: [0.1, 0.3, 1], repeats: 3}"), example("[0.25, 0.5, 1]"))

    def validate(self) -> None:
        """At least three different shares, so that a curve can be seen."""
        if not all(0 < fraction <= 1 for fraction in self.fractions):
            raise Problem("E207", "a share of the training split is above 0 and at most 1", "", "fractions")
        if len(set(self.fractions)) != len(self.fractions):
            raise Problem("E207", "`fractions` names a share twice", "list each once", "fractions")
        if len(self.fractions) < 2:
            raise Problem("E207", "a curve has two points at least", "write `fractions: [0.1, 0.3, 1]`", "fractions")

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """From the smallest share to the largest, all repeats of one together."""
        number = 0
        for fraction in sorted(self.fractions):
            for repeat in range(self.repeats):
                number += 1
                title = f"{fraction:.4g} of the training split" + (f", repeat {repeat + 1}" if repeat else "")
                settings: dict[str, Any] = {"train.seed": (seed + repeat) % SEEDS}
                if fraction < 1:
                    settings["data.split.training_fraction"] = fraction
                if fraction < 1 and repeat and not isinstance(data.parts.by, Time):
                    settings["data.split.fraction_seed"] = repeat
                yield Member(number, title, fraction, settings)

    def check(self, data: Data) -> None:
        """Shares of the training split are the study's, and something judges the members."""
        if "training_fraction" in data.parts.given:
            message = "the split has a `training_fraction`, and `learning_curve` sets it"
            raise Problem("E536", message, leave_out("training_fraction"), "fractions")
        if data.parts.has("test") is False and data.parts.has("validation") is False:
            message = "no part of the data judges a training: the split has neither `test` nor `validation`"
            raise Problem("E536", message, "write `split: {test: 0.2}` in `data`", "fractions")


def divided_as(data: Data, member: Member) -> Data:
    """The section `data` of one member.

    Args:
        data: That of the study.
        member: With settings of `data.split`.
    """
    inner = {key.removeprefix(_SPLIT): value for key, value in member.settings.items() if key.startswith(_SPLIT)}
    if not inner:
        return data
    given = dict(data.split.given) if data.split is not None else {}
    given |= {key: Fold(**value) if isinstance(value, dict) else value for key, value in inner.items()}
    return type(data)(**{**data.given, "split": Split(**given)})


def settings_text(settings: Mapping[str, Any]) -> Sequence[str]:
    """Settings as the command line has them: ``train.seed=3``."""
    import json

    return [f"{key}={json.dumps(value)}" for key, value in settings.items()]
