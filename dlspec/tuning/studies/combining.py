"""The run of a model that combines the members of a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.combining import mean_of, stack_of, votes_of
from dlspec.components.methods.kept import kept_data
from dlspec.core.documents.report import Report
from dlspec.data.binding.signature import of_model
from dlspec.passes.state import Trainable
from dlspec.syntax.dumping import dump
from dlspec.training.combined import COMBINED, logits_of
from dlspec.training.loop.wholes import core_of
from dlspec.training.run.resume import find
from dlspec.training.saved import load_kept
from dlspec.training.train import request_of, run

if TYPE_CHECKING:
    from rich.console import Console

# Options of a training that have been used up by the members.
_OF_MEMBERS = ("adapters", "start_from", "distribute", "callbacks")


@dataclass(frozen=True)
class Combining:
    """Makes one model of finished members, measures it and reports on it, in a run folder of its own.

    Attributes:
        state: The checked spec, with the study.
        members: The run folders.
        folder: That of the run.
        command: What to type to repeat it.
        votes: How much the answer of each counts; () for the mean of all.
        stacked: Names of the members of a stacking, whose answers enter the model of the last folder; () elsewhere.
    """

    state: Trainable
    members: Sequence[Path]
    folder: Path
    command: str
    console: Console | None = None
    votes: Sequence[float] = ()
    stacked: Sequence[str] = ()

    def run(self) -> Report:
        """The report of the run; one that is finished is only read.

        Raises:
            Problem: E522, the model of a member cannot be used any more.
        """
        text = dump(self.state.data)
        location = find(self.folder.parent, self.state.name, text, run=self.folder, new=False, force=False)
        if location.finished is not None:
            return location.finished
        method = self.state.method
        given = {option: () if option == "callbacks" else None for option in _OF_MEMBERS if method.accepts(option)}
        request = replace(
            request_of(self.state),
            build=self.model,
            data=kept_data(self.state.data_section, method),
            method=method.changed(**given),
            command=self.command,
            graph=None,
            report=None,
            generator=None,
            trainer=COMBINED,
        )
        return run(request, self.folder.parent, location=location, console=self.console).facts

    def model(self) -> Any:
        """The model itself, which takes raw values."""
        models = [load_kept(folder, self.state.catalogue) for folder in self.members]
        if self.stacked:
            *members, last = models
            return stack_of(dict(zip(self.stacked, members, strict=True)), last, tuple(of_model(core_of(last)).outputs))
        outputs = tuple(of_model(core_of(models[0])).outputs)
        method, name = self.state.method, models[0].name
        if not self.votes:
            return mean_of(models, outputs, logits_of(method, outputs), name)
        head = method.head_of(outputs[0])
        threshold = head.middle if head.binary else None
        return votes_of(models, outputs[0], name, self.votes, threshold=threshold, logits=head.from_logits)
