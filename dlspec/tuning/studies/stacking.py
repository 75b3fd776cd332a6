"""Stacking: answers of members for what they did not see, the training of what combines them, and the one model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dlspec.components.methods.stacking import Stacking as Declared
from dlspec.core.documents.report import Report
from dlspec.core.documents.study import MemberFacts, Study
from dlspec.core.errors import Problem, SpecError
from dlspec.core.tree import Map
from dlspec.data.binding.binding import bind
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.signature import of_graph
from dlspec.data.order.splits import PARTS, choose
from dlspec.data.sources.base import TEXT
from dlspec.passes.state import Trainable
from dlspec.syntax.dumping import dump
from dlspec.tuning.studies.answers import ARRAYS_FILE, save_arrays
from dlspec.tuning.studies.combining import Combining
from dlspec.tuning.studies.folder import write
from dlspec.tuning.studies.members import Task, settings_of

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    Array = np.ndarray[Any, Any]

# In the folder of the study: the answers of all members.
ANSWERS_FILE = "out_of_fold.npz"
# The run that trains the combining layers, and its spec.
COMBINING, COMBINING_SPEC = "combining", "combining.yaml"
_PART = "part"


@dataclass(frozen=True)
class Stacking:
    """What follows once all members of a stacking are finished.

    Attributes:
        state: The checked spec of the stacking.
        path: Its folder.
        facts: What stands in ``study.json``.
        folder: The run folder of the model that is kept.
    """

    state: Trainable
    path: Path
    facts: Study
    folder: Path
    console: Console | None = None

    def run(self) -> Report:
        """Trains the combining layers with out-of-fold answers, and makes one model of all.

        Raises:
            SpecError: The combining layers cannot be trained.
        """
        self._gather()
        write(self.path, COMBINING_SPEC, dump(self._spec()))
        task = Task(
            spec=self.path / COMBINING_SPEC,
            home=self.state.folder.resolve(),
            settings=settings_of(None, (), studied=False),
            folder=self.path / COMBINING,
            command=f"dlspec train {self.path / COMBINING_SPEC}",
            allow_outside=True,  # all else of the spec was checked without; the answers are the study's own
            allow_code=self.state.allow_code,
            console=self.console,
        )
        ended = task.run()
        if ended.failure is not None:
            raise SpecError([ended.failure])
        names = list(self.study.members)
        folders = [self.path / member["folder"] for member, name in self._members() if name and self._is_whole(member)]
        combining = Combining(
            self.state, [*folders, self.path / COMBINING], self.folder, self.facts["command"], self.console
        )
        return replace(combining, stacked=names).run()

    @property
    def study(self) -> Declared:
        """The study as it is declared."""
        return cast("Declared", self.state.method.study)

    def _members(self) -> Iterator[tuple[MemberFacts, str]]:
        """Each training with the name of the spec that it trained."""
        trainings = self.study.trainings(self.state.method.seed, self.state.data_section)
        for member, facts in zip(trainings, self.facts["members"], strict=True):
            yield facts, member.spec

    def _is_whole(self, member: MemberFacts) -> bool:
        return self.study.compared(member["settings"])

    # --- the answers ----------------------------------------------------------------------------------------------

    def _gather(self) -> None:
        """Writes one table: by row the answers of all members that did not see it, the targets, and its part.

        Raises:
            SpecError: The data cannot be read any more.
            Problem: E508, no training example has answers of all members.
        """
        import numpy as np

        answers = {name: self._answers_of(name) for name in self.study.members}
        data = self.state.data_section
        findings = Findings()
        signature = of_graph(self.state.graph).without(tuple(answers))
        outside = self.state.allow_outside
        binding = bind(data, self.state.folder, signature, self.state.method, findings, allow_outside=outside)
        if binding is None or findings.errors:
            raise SpecError(findings.diagnostics({"data": self.state.data.get("data")}))
        parts = choose(data, binding.table, binding.count, binding.dropped())
        known = [np.isin(part, list(set.intersection(*(set(own) for own in answers.values())))) for part in parts]
        rows = [part[mask] for part, mask in zip(parts, known, strict=True)]
        if not len(rows[0]):
            raise Problem("E508", "no training example has answers of all members", "look at what each leaves out")
        chosen = np.concatenate(rows)
        table = binding.table
        columns = {
            name: _plain(table.read([name])[name][chosen], text=table.columns[name].tensor.dtype == TEXT)
            for name in self._columns
        }
        stacked = {
            column: np.stack([answers[name][row] for row in chosen.tolist()]) for name, column in self._names.items()
        }
        names = np.repeat(PARTS, [len(part) for part in rows])
        save_arrays(self.path / ANSWERS_FILE, {"row": chosen, **stacked, **columns, self._part: names})

    def _answers_of(self, name: str) -> dict[int, Array]:
        """The answers of one member by row: out of fold, and of the whole training where no fold holds the row."""
        import numpy as np

        known: dict[int, Array] = {}
        for facts, own in sorted(self._members(), key=lambda each: self._is_whole(each[0])):
            if own != name:
                continue
            with np.load(self.path / facts["folder"] / ARRAYS_FILE, allow_pickle=False) as arrays:
                rows = arrays["rows"].tolist()
                answers = arrays["answers"] if rows else ()
            for row, answer in zip(rows, answers, strict=True):
                known.setdefault(row, answer)
        return known

    @property
    def _columns(self) -> tuple[str, ...]:
        """Columns of the source that training needs beside the answers."""
        data = self.state.data_section
        sources = [column for target in data.targets.values() for column in target.sources]
        return tuple(dict.fromkeys((*sources, *([data.weight] if data.weight else []))))

    @property
    def _names(self) -> dict[str, str]:
        """Names of the columns with the answers, by the member's name."""
        return {name: _free(name, self._columns) for name in self.study.members}

    @property
    def _part(self) -> str:
        """Name of the column that says the part."""
        return _free(_PART, (*self._columns, *self._names.values()))

    # --- the spec that combines them ------------------------------------------------------------------------------

    def _spec(self) -> dict[str, Any]:
        """This spec as an ordinary one, whose source is the table of the answers."""
        raw = self.state.data
        answers = (self.path / ANSWERS_FILE).resolve()
        given: Map = raw["data"]
        prepare = next(
            (target.get("prepare") for target in given["targets"].values() if isinstance(target, dict)), None
        )
        entering = {
            name: {"column": column, **({"prepare": prepare} if prepare else {})}
            for name, column in self._names.items()
        }
        data = {
            **given,
            "source": {"npz": Path(os.path.relpath(answers, self.state.folder.resolve())).as_posix()},
            "inputs": entering,
            "split": {"by": {"column": self._part}},
        }
        train = {key: value for key, value in raw["train"].items() if key != "method"}
        own = {"name": self.state.name, **raw, "data": data, "train": train}
        if "inputs" not in own:
            shapes = self.state.given_inputs or {}
            own["inputs"] = {name: list(tensor.shape) for name, tensor in shapes.items()}
        return own


def _free(name: str, taken: Sequence[str]) -> str:
    """The name, made longer as long as a column has it."""
    while name in taken:
        name += "_"
    return name


def _plain(values: Array, *, text: bool) -> Array:
    """Values as an archive holds them without code."""
    import numpy as np

    return np.array(values.tolist(), dtype=np.str_) if text else values
