"""Ensembles: many trainings of one spec that become one model. Of kind ``study``, since they repeat a training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.studies import BOOTSTRAP, SEEDS, Member, Study
from dlspec.components.registry import example, integer, number
from dlspec.components.sections.splitters import Time
from dlspec.core.errors import Problem, leave_out

if TYPE_CHECKING:
    from dlspec.components.sections.data import Data


class Bagging(Study):
    """Members see as many training examples as there are, drawn anew for each with repetition (Breiman 1996).

    The model that is kept gives the mean of their answers. It is measured on the test split, and without one by
    the examples that a member did not draw ("out of bag"): each is answered by the members that never saw it.
    """

    shorthand = "members"
    keep: Any = "ensemble"

    members = integer(min=2, max=1000, default=10, doc="How many trainings there are.")
    examples = (example("10"), example("{members: 25}"))

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """One for each draw; the seed of the training differs as well."""
        for index in range(self.members):
            settings = {"train.seed": (seed + index) % SEEDS, BOOTSTRAP: index + 1}
            yield Member(index + 1, f"draw {index + 1}", 0.0, settings)

    def check(self, data: Data) -> None:
        """Nothing else repeats examples."""
        if data.oversample is not False:
            message = f"`{self.name}` draws examples with repetition, and so does `oversample`"
            raise Problem(
                "E536", message, "leave `oversample` out of `data`: `class_weights` of the target do the same"
            )
        if data.parts.bootstrap is not None:
            message = f"the split has a `bootstrap`, and `{self.name}` sets it"
            raise Problem("E536", message, leave_out("bootstrap"))

    def out_of_bag(self, data: Data) -> bool:
        """Unless neighbours in time know each other."""
        return not isinstance(data.parts.by, Time)


class Boosting(Study):
    """Members follow one another: each gives more weight to the examples that those before it got wrong.

    This is AdaBoost for several classes (SAMME, Zhu et al. 2009). The model that is kept counts votes: each member has
    the more, the fewer examples it gets wrong. No further member is trained once one is right throughout, or no
    better than chance.
    """

    shorthand = "members"
    sequential = True
    votes = True
    keep: Any = "ensemble"

    members = integer(min=2, max=1000, default=10, doc="How many trainings there are at most.")
    learning_rate = number(above=0, default=1.0, doc="Factor of the vote of each member, and of what it changes.")
    examples = (example("10"), example("{members: 20, learning_rate: 0.5}"))

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """One after the other; the weights of the examples follow from those before."""
        for index in range(self.members):
            yield Member(index + 1, f"member {index + 1}", 0.0, {"train.seed": (seed + index) % SEEDS})

    def check(self, data: Data) -> None:
        """Nothing else writes the weights."""
        if data.weight_file is not None:
            message = f"the data have a `weight_file`, and `{self.name}` writes such files"
            raise Problem("E536", message, leave_out("weight_file"))


class Snapshot(Study):
    """Members are moments of one training: each goes on from the weights at the end of the one before (Huang 2017).

    Every member trains for `epochs` with an optimizer of its own, so that a learning rate that falls within them, such
    as `cosine_decay`, begins high again: the weights leave the valley in which the member before has ended. The model
    that is kept gives the mean of their answers; all of it costs as much as one long training.
    """

    shorthand = "members"
    sequential = True
    continues = True
    keep: Any = "ensemble"

    members = integer(min=2, max=1000, default=5, doc="How many times the learning rate begins anew.")
    examples = (example("5"), example("{members: 10}"))

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """One after the other; the weights at the end of each are kept, and its order of examples is its own."""
        for index in range(self.members):
            settings = {"train.seed": (seed + index) % SEEDS, "train.keep": "last"}
            yield Member(index + 1, f"cycle {index + 1}", 0.0, settings)
