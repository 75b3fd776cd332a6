"""Runs that are on the disk: found by what people call them, listed and compared. Nothing heavy is imported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from dlspec.core.documents.printed_runs import MeasureChange, RunSummary, SpecChange
from dlspec.core.documents.reading import read_notes, read_report, read_study
from dlspec.core.documents.report import REPORT_FILE, Report
from dlspec.core.documents.study import STUDY_FILE
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.files import is_file
from dlspec.data.sources.paths import RUN_MODEL

SPEC_FILE, MODEL_FILE = "spec.yaml", RUN_MODEL
# Copies of the Python files whose components a run used.
CODE_FOLDER = "code"
# The layers of models that a run's spec read from files.
MODELS_FOLDER = "models"
# What the folder of a search has, which holds runs but is none.
SEARCH_FILE = "search.sqlite"
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Run:
    """One run folder."""

    path: Path

    @property
    def id(self) -> str:
        """Name of the run folder."""
        return self.path.name

    @property
    def name(self) -> str:
        """Name of the spec."""
        return str(self.facts.get("name", self.path.parent.name))

    @property
    def status(self) -> str:
        """``finished``, ``interrupted`` or ``failed``; ``unfinished`` while it runs, and where it was killed."""
        return str(self.facts.get("status", UNFINISHED))

    @property
    def facts(self) -> Report:
        """Content of ``report.json``; {} where there is none yet, or none that can be read: see `damage`."""
        return self._report[0] or cast("Report", {})

    @property
    def damage(self) -> str:
        """A sentence on what is wrong with ``report.json``, which may have been edited; "" where nothing is."""
        return self._report[1]

    @cached_property
    def _report(self) -> tuple[Report | None, str]:
        return read_report(self.path / REPORT_FILE)

    @property
    def spec_folder(self) -> Path | None:
        """The folder where the paths of its spec start; None where the report does not tell."""
        written = self.facts.get("spec_folder")
        return None if written is None else (self.path / written).resolve()

    @property
    def spec_folder_is_here(self) -> bool:
        """Whether that folder is the current one or below it.

        The report of a stranger's run may name any folder of this machine. What it names counts without
        ``--allow-outside`` only where the person at the keyboard stands.
        """
        return self.spec_folder is not None and self.spec_folder.is_relative_to(Path.cwd().resolve())

    def away(self) -> str:
        """A sentence for a spec whose folder is gone or does not count."""
        return f"the paths of run `{self.id}` start at `{self.spec_folder}`, which is not below the current folder"

    @property
    def spec(self) -> str:
        """Text of the resolved spec; "" where there is none."""
        path = self.path / SPEC_FILE
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def measures(self) -> dict[str, float | None]:
        """Measures with the kept weights, by name: ``test accuracy`` and so on."""
        parts = self.facts.get("metrics") or {}
        return {f"{part} {name}": value for part, measured in parts.items() for name, value in measured.items()}

    @property
    def baselines(self) -> dict[str, float | None]:
        """Measures of answers that need no training, by name: ``linear model, test accuracy`` and so on.

        Of the part that a run is judged by: that of the test, else of the validation, else of the training.
        """
        baselines = self.facts.get("baselines")
        measured = baselines["measured"] if baselines else {}
        parts = self.facts.get("metrics") or {}
        part = next((name for name in ("test", "validation") if name in parts), "train")
        return {
            f"{each['title']}, {part} {name}": value
            for each in measured.values()
            for name, value in each["metrics"].get(part, {}).items()
        }

    @property
    def headline(self) -> str:
        """The verdict in short, or the best value of what was monitored."""
        verdicts = (self.facts.get("results") or {}).get("verdicts") or []
        if verdicts:
            several = len(verdicts) > 1
            return ", ".join(
                f"{verdict['output']} {verdict['headline']}" if several else verdict["headline"] for verdict in verdicts
            )
        best = {name: value for name, value in (self.facts.get("best") or {}).items() if name != "epoch"}
        return ", ".join(f"{name} {value:.4g}" for name, value in best.items() if isinstance(value, float))

    def summary(self) -> RunSummary:
        """The entry of the run in a list of runs."""
        best, notes = self.facts.get("best") or {}, read_notes(self.path)
        return {
            "kind": "run",
            "name": self.name,
            "id": self.id,
            "status": self.status,
            "epochs": self.facts.get("epochs"),
            "best_epoch": best.get("epoch"),
            "result": self.headline,
            "metrics": self.facts.get("metrics") or {},
            "seconds": self.facts.get("seconds"),
            "started": self.facts.get("started"),
            "folder": str(self.path),
            "tags": notes["tags"],
            "note": notes["note"],
        }


def all_runs(folder: Path) -> list[Run]:
    """Every run below `folder`, the newest first."""
    return sorted(_runs_in(folder), key=lambda run: (run.id, run.path), reverse=True)


def _runs_in(folder: Path) -> Iterator[Run]:
    for path, kind in folders_in(folder):
        if kind == "run":
            yield Run(path)


def folders_in(folder: Path) -> Iterator[tuple[Path, Literal["run", "search", "study"]]]:
    """Every run, search and study below the folder of all runs, and which of them it is."""
    for name in _folders(folder):
        for path in _folders(name):
            if is_file(path / SPEC_FILE):
                files = {SEARCH_FILE: "search", STUDY_FILE: "study"}
                kind = next((kind for file, kind in files.items() if is_file(path / file)), "run")
                yield path, cast("Literal['run', 'search', 'study']", kind)


def _folders(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            return [Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except OSError:
        return []


def find_run(called: str, folder: Path) -> Run:
    """The run that a path, id, name or `latest` means.

    Args:
        called: A path, an id, the beginning of one, a spec's name (its newest run), ``name/id``, or ``latest``.
        folder: The folder of all runs.

    Raises:
        Problem: E521, there is none, or more than one.
    """
    if is_file(Path(called) / SEARCH_FILE):
        help = f"its runs are in `{Path(called) / 'trials'}`; `dlspec train` trains its best.yaml"
        raise Problem("E521", f"`{called}` is a search", help)
    if is_file(Path(called) / STUDY_FILE):
        return _of_study(Path(called))
    if is_file(Path(called) / SPEC_FILE):
        return Run(Path(called))
    runs = all_runs(folder)
    if not runs:
        raise Problem("E521", f"there are no runs in `{folder}`", "`dlspec train` makes one; `--runs` names the folder")
    if called == "latest":
        return runs[0]
    name, _, identifier = called.rstrip("/").rpartition("/")
    for matches in (
        [run for run in runs if run.id == called],
        [run for run in runs if run.path.parent.name == called][:1],
        [run for run in runs if run.id.startswith(identifier) and name in ("", run.path.parent.name)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            shown = ", ".join(f"`{run.id}`" for run in matches[:4]) + (", …" if len(matches) > 4 else "")
            raise Problem("E521", f"`{called}` may mean {len(matches)} runs: {shown}", "write more of the id")
    known = dict.fromkeys(["latest", *(run.path.parent.name for run in runs), *(run.id for run in runs)])
    raise Problem(
        "E521", f"there is no run `{called}` in `{folder}`", did_you_mean(called, known) or "see `dlspec runs`"
    )


def _of_study(folder: Path) -> Run:
    """The run whose model a study has kept.

    Raises:
        Problem: E521, there is none.
    """
    facts, damage = read_study(folder / STUDY_FILE)
    if damage:
        raise Problem("E521", f"the study `{folder}` was changed: {damage}", f"name a run in `{folder / 'members'}`")
    model = facts["model"] if facts is not None else None
    if model is None or not is_file(folder / model / SPEC_FILE):
        what = "keeps no model" if model is None else "has no model yet"
        raise Problem("E521", f"the study `{folder}` {what}", f"name a run in `{folder / 'members'}`")
    return Run(Path(os.path.normpath(folder / model)))


def spec_changes(first: Run, other: Run) -> list[SpecChange]:
    """Keys in which two specs differ, with the value of each; None where a spec has no such key."""
    left, right = (dict(spec_leaves(run)) for run in (first, other))
    keys = [*left, *(key for key in right if key not in left)]
    return [{"key": key, "a": left.get(key), "b": right.get(key)} for key in keys if left.get(key) != right.get(key)]


def measure_changes(first: Run, other: Run) -> list[MeasureChange]:
    """Every measure of two runs, with the difference where both have it."""
    left, right = first.measures, other.measures
    rows: list[MeasureChange] = []
    for name in [*left, *(name for name in right if name not in left)]:
        a, b = left.get(name), right.get(name)
        rows.append({"measure": name, "a": a, "b": b, "difference": b - a if a is not None and b is not None else None})
    return rows


def spec_leaves(run: Run) -> Iterator[tuple[str, Any]]:
    """Values of a run's spec by their path: ``layers.2.dense.units``.

    Raises:
        SpecError: The spec cannot be read.
    """
    from dlspec.semantics.loading import load_spec

    return _flat(load_spec(run.path / SPEC_FILE).data)


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of a value by their path."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        inner = list(enumerate(value))
    if not inner:
        yield prefix, value
    for key, item in inner:
        yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
