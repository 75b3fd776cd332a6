"""The loop over the members of a study, from any moment on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from dlspec.components.methods.studies import Member, settings_text
from dlspec.components.methods.studies import Study as Declared
from dlspec.core.codes import CODES
from dlspec.core.documents.reading import document_text, read_report
from dlspec.core.documents.report import REPORT_FILE, Report
from dlspec.core.documents.study import STUDY_FILE, MemberFacts, Study, Summary
from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.data.feeding.facts import shown
from dlspec.passes.state import Trainable
from dlspec.training.loop.signals import stop_if_asked
from dlspec.training.run.resume import SPEC_FILE
from dlspec.training.run.run_folder import new_identifier
from dlspec.tuning.studies import folder as folders
from dlspec.tuning.studies.ablation import compare
from dlspec.tuning.studies.answers import ALL_FILE, gather
from dlspec.tuning.studies.boosting import Boosting
from dlspec.tuning.studies.curve import curve
from dlspec.tuning.studies.figures import part_name, summaries
from dlspec.tuning.studies.keeping import best_member, copied
from dlspec.tuning.studies.members import Ended, Task, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from dlspec.tuning.workers.workers import Workers

MEMBERS = "members"
# The key by which members of a boosting get the weights of their examples.
WEIGHT_FILE = "data.weight_file"
# The key by which members go on from the weights of the one before.
START_FROM = "train.start_from"


@dataclass
class Running:
    """A study in its folder.

    Attributes:
        state: The checked spec.
        path: The folder of the study.
        facts: What stands in ``study.json``.
        on_end: Called with each member that has ended.
    """

    state: Trainable
    path: Path
    facts: Study
    on_end: Callable[[MemberFacts], None] = field(default=lambda _: None)
    _fingerprints: dict[str, str] = field(default_factory=dict)

    @property
    def study(self) -> Declared:
        """The study as it is declared."""
        return cast("Declared", self.state.method.study)

    def run(self, workers: Workers[Ended], console: Console | None = None) -> None:
        """Trains all members that are not finished, then the model that is kept.

        Args:
            workers: Who trains.
            console: Where the progress of the last training goes.

        Raises:
            SpecError: A member failed; the others that ran with it are finished.
            KeyboardInterrupt: The file says what is finished; the same call goes on.
        """
        members = list(self.study.trainings(self.state.method.seed, self.state.data_section))
        each = zip(members, self.facts["members"], strict=True)
        waiting = [pair for pair in each if pair[1]["status"] != "failed"]
        running: list[tuple[Member, MemberFacts, Callable[[], Ended]]] = []
        failure: Diagnostic | None = None
        try:
            while (waiting and failure is None) or running:
                most = 1 if self.study.sequential else workers.count
                while waiting and failure is None and len(running) < most:
                    member, facts = waiting.pop(0)
                    running.append((member, facts, workers.submit(self._task(member, facts, console))))
                member, facts, wait = running.pop(0)
                ended = wait()
                if ended.failure is not None and not self._bears(member, facts, ended.failure):
                    failure = ended.failure
                if ended.facts is not None:
                    self._ended(member, facts, ended.facts)
                    if self.study.votes and not self._boost(member, facts):
                        waiting.clear()
                stop_if_asked()
        finally:
            workers.close()
        if failure is not None:
            raise SpecError([failure])
        self._keep(console)
        self._finish()

    def _task(self, member: Member, facts: MemberFacts, console: Console | None) -> Task:
        settings, outside = dict(member.settings), self.state.allow_outside
        if self.state.method.baselines and not self.study.keeps_member and not self.study.stacks:
            settings["train.baselines"] = False  # they stand beside the model that is kept
        if self.study.sequential and member.number > 1:
            before = self.path / self.facts["members"][member.number - 2]["folder"]
            given = before if self.study.continues else self._boosting.file_for(member.number)
            key = START_FROM if self.study.continues else WEIGHT_FILE
            settings[key] = Path(os.path.relpath(given.resolve(), self.state.folder.resolve())).as_posix()
            outside = True  # all else of the spec was checked without; this file is the study's own
        task = self._task_in(self.path / facts["folder"], settings_text(settings), bool(self.study.judged), console)
        if member.spec:
            spec, changes = self.path / self.study.file_of(member.spec), settings_text(settings)
            task = replace(task, spec=spec, settings=settings_of(None, changes, studied=False))
            if self.study.stacks:
                parts = ("validation", "test") if self.study.compared(settings) else ("test",)
                task = replace(task, answered=parts)
            return replace(task, command=train_command(spec, changes))
        return replace(task, allow_outside=outside)

    @property
    def _boosting(self) -> Boosting:
        return Boosting(self.path, float(self.study.learning_rate))

    def _boost(self, member: Member, facts: MemberFacts) -> bool:
        """Whether another member follows one that is finished; its vote goes into the file."""
        task = self._task(member, facts, None)
        boost = self._boosting.after(member.number, task.folder, task.compiled())
        facts["vote"] = boost.vote
        if boost.vote is None:
            facts["status"] = "skipped"
            self.facts["summaries"] = self._summaries()
        for other in self.facts["members"][member.number :] if boost.last else ():
            other["status"] = "skipped"
        self.write()
        return not boost.last

    def _task_in(self, folder: Path, changes: Sequence[str], answers: bool, console: Console | None) -> Task:
        name = None if isinstance(self.state.data.get("name"), str) else self.state.name
        return Task(
            spec=self.path / SPEC_FILE,
            home=self.state.folder.resolve(),
            settings=settings_of(name, changes),
            folder=Path(os.path.normpath(folder)),  # `..` stands for the folder of all runs of the spec
            answers=answers,
            command=train_command(self.path / SPEC_FILE, changes),
            allow_outside=self.state.allow_outside,
            allow_code=self.state.allow_code,
            console=console,
        )

    def _ended(self, member: Member, facts: MemberFacts, report: Report) -> None:
        self._require_same_data(facts["title"], report, member.spec)
        best = report.get("best")
        facts["status"] = "finished"
        facts["epoch"] = int(best["epoch"] or 0) if best else None
        facts["seconds"] = report["seconds"]
        facts["examples"] = dict(report["data"]["examples"])
        facts["measures"] = report["metrics"]
        self.facts["summaries"] = self._summaries()
        self.write()
        self.on_end(facts)

    def _bears(self, member: Member, facts: MemberFacts, failure: Diagnostic) -> bool:
        """Whether the study goes on though a training failed for what its spec says; the file names the reason."""
        if not self.study.bears_failures or not member.group or CODES[failure.code].belongs != "spec":
            return False
        facts["status"], facts["failure"] = "failed", f"{failure.code}: {failure.message}"
        self.write()
        self.on_end(facts)
        return True

    def _require_same_data(self, title: str, report: Report, spec: str = "") -> None:
        """All members of one spec were trained on the same values, also those that were finished at another time.

        Raises:
            Problem: E512, the data changed meanwhile.
        """
        fingerprint = report["data"]["fingerprint"]
        if fingerprint != self._fingerprints.setdefault(spec, fingerprint):
            message = f"the data changed between the trainings of the study `{self.path}`: {title} has other values"
            raise Problem("E512", message, "begin another study with `--new`, or in another folder")

    def _summaries(self) -> list[Summary]:
        finished = [member for member in self.facts["members"] if member["status"] == "finished"]
        compared = [member for member in finished if self.study.compared(member["settings"])]
        return summaries(self.study, compared, self.state.method.ending.shares(self.state.outputs or ()))

    def _keep(self, console: Console | None) -> None:
        """The model that is kept, with its measures."""
        if self.facts["model"] is None:
            return
        folder = Path(os.path.normpath(self.path / self.facts["model"]))
        finished = [each for each in self.facts["members"] if each["status"] == "finished"]
        members = [Path(os.path.normpath(self.path / each["folder"])) for each in finished]
        report: Report | None
        if self.study.stacks:
            from dlspec.tuning.studies.stacking import Stacking  # imports TensorFlow

            report = Stacking(self.state, self.path, self.facts, folder, console).run()
        elif self.study.combines:
            from dlspec.tuning.studies.combining import Combining  # imports TensorFlow

            votes = [each["vote"] or 0.0 for each in finished] if self.study.votes else []
            combining = Combining(self.state, members, folder, self.facts["command"], console, votes)
            report = combining.run()
        elif self.study.keep == "best":
            report = copied(members[best_member(self.state, self.facts)], folder, self.facts["command"])
        elif self.study.refits:
            report = self._refit(console)
        else:
            report = read_report(folder / REPORT_FILE)[0]
        if report is not None:
            self._require_same_data("the model that is kept", report)
            self.facts["kept"] = report["metrics"]
        stop_if_asked()

    def _refit(self, console: Console | None) -> Report | None:
        """The training without the study."""
        ended = self._task_in(self.path / (self.facts["model"] or ""), (), False, console).run()
        if ended.failure is not None:
            raise SpecError([ended.failure])
        return ended.facts

    def _finish(self) -> None:
        if self.study.judged:
            named = [(member["title"], Path(member["folder"])) for member in self.facts["members"]]
            if text := gather(self.path, named):
                folders.write(self.path, ALL_FILE, text)
        self._draw_curve()
        self.facts["finished"] = True
        from dlspec.tuning.studies import ablation_page, page

        shown: ModuleType = page
        if (ablation := self.facts.get("ablation")) is not None:
            compare(ablation, self.facts["members"], self.facts["summaries"])
            shown = ablation_page
        folders.write(self.path, page.PAGE_FILE, shown.page(self.facts, self.path))
        self.write()

    def _draw_curve(self) -> None:
        several = len(self.state.method.turns) > 1  # the loss of one learner against another is no error
        if not several and self.study.draws_curve:
            part = self.facts["judged"]
            measure, grows = self._error_measure(part)
            self.facts["curve"] = curve(self.facts["members"], part, measure, grows=grows)

    def _error_measure(self, part: str) -> tuple[str, bool]:
        """The measure of the curve: the first between 0 and 1 that is better the larger, else the loss."""
        directions = self.state.method.measures(list(self.state.outputs or ()))
        for name, direction in directions.items():
            values = [member["measures"].get(part, {}).get(name) for member in self.facts["members"]]
            if direction == "up" and all(value is not None and 0 <= value <= 1 for value in values):
                return name, True
        return next(iter(directions)), False

    def write(self) -> None:
        """Writes ``study.json``; a full disk stops nothing, since the runs themselves say what is finished."""
        with suppress(OSError):
            folders.write(self.path, STUDY_FILE, document_text(self.facts))


def train_command(spec: Path, changes: Sequence[str]) -> str:
    """What to type to train a spec with other settings."""
    return f"dlspec train {spec}" + "".join(f" --set '{change}'" for change in changes)


def check_members(state: Trainable, path: Path, facts: Study) -> None:
    """Holds the members that ``study.json`` lists against those of the spec: somebody may have edited the file.

    Args:
        state: The checked spec.
        path: The folder of the study.
        facts: What stands in its file.

    Raises:
        Problem: E507, they are others.
    """
    if not lists_members(state, facts):
        message = f"`{STUDY_FILE}` of `{path}` lists other members than its study has"
        raise Problem("E507", message, "name a folder that does not exist yet with `--run`")


def lists_members(state: Trainable, facts: Study) -> bool:
    """Whether a document lists the members that the study of a checked spec has."""
    study = cast("Declared", state.method.study)
    expected = study.trainings(state.method.seed, state.data_section)
    wanted = [(member.number, member.title, member.group, dict(member.settings)) for member in expected]
    listed = [(each["number"], each["title"], each["group"], each["settings"]) for each in facts["members"]]
    return listed == wanted


def begun(state: Trainable, command: str, *, inside: bool) -> Study:
    """What a study begins with.

    Args:
        state: The checked spec.
        command: What to type to repeat it.
        inside: Whether the model that is kept stands in the folder of the study; else it is a run beside it.
    """
    study = cast("Declared", state.method.study)
    data = state.data_section
    judged = next(
        part for part in ("test", "validation", "train") if part == "train" or data.parts.has(part) is not False
    )
    model = None if study.keep == "none" else "model" if inside else f"../{new_identifier()}"
    members = list(study.trainings(state.method.seed, data))
    width = len(str(len(members)))
    facts: list[MemberFacts] = [
        {
            "number": member.number,
            "title": member.title,
            "group": member.group,
            "folder": f"{MEMBERS}/{member.number:0{width}}",
            "status": "waiting",
            "settings": dict(member.settings),
            "epoch": None,
            "seconds": 0.0,
            "vote": None,
            "failure": None,
            "examples": {},
            "measures": {},
        }
        for member in members
    ]
    if study.keep == "refit" and not study.refits and model is not None:
        facts[0]["folder"] = model
    return {
        "name": state.name,
        "study": {study.name: json.loads(json.dumps(shown(study.given)))},
        "finished": False,
        "command": command,
        "judged": part_name(study, study.judged or judged),
        "model": model,
        "kept": {},
        "members": facts,
        "summaries": [],
        "curve": None,
        "ablation": None,
    }
