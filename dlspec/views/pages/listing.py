"""Lists of runs, searches and studies: what of each is shown, which are meant, and in which order. Nothing heavy."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from dlspec.core.documents.printed_runs import RunSummary
from dlspec.core.documents.reading import read_head, read_search, read_study
from dlspec.core.documents.report import REPORT_FILE, Report
from dlspec.core.documents.search import SEARCH_FILE as SEARCH_REPORT
from dlspec.core.documents.search import Search
from dlspec.core.documents.study import STUDY_FILE, Study
from dlspec.core.errors import Problem, did_you_mean
from dlspec.views.pages.index import UNFINISHED, Run, folders_in

# Keys of a list beside measures such as `test accuracy`.
KEYS = ("name", "id", "kind", "status", "epochs", "best_epoch", "seconds", "started", "tag", "note")
_CONDITION = re.compile(r"\s*([^<>=!]+?)\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*\Z", re.DOTALL)
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Entry:
    """One folder of a list.

    Attributes:
        path: The folder.
        summary: What a list shows of it.
        keeps: The absolute path of the run whose model a study keeps; None elsewhere.
    """

    path: Path
    summary: RunSummary
    keeps: Path | None = None

    @cached_property
    def measures(self) -> dict[str, float | None]:
        """Measures by name: ``test accuracy`` and so on."""
        return {f"{part} {name}": value for part, of in self.summary["metrics"].items() for name, value in of.items()}

    def value(self, key: str) -> Any:
        """What the entry has under a key of a list or the name of a measure; None for nothing."""
        if key == "tag":
            return self.summary["tags"]
        known: Mapping[str, Any] = self.summary
        return known[key] if key in KEYS else self.measures.get(key)


class _Listed(Run):
    """A run of which no more is read than a list shows."""

    @cached_property
    def _report(self) -> tuple[Report | None, str]:
        return read_head(self.path / REPORT_FILE), ""


def entries(folder: Path) -> list[Entry]:
    """Every run, search and study below `folder`, the newest first."""
    listed = [
        Entry(path, _Listed(path).summary()) if kind == "run" else _search(path) if kind == "search" else _study(path)
        for path, kind in folders_in(folder)
    ]
    return sorted(listed, key=lambda entry: (_time(entry.path.name), entry.path), reverse=True)


def absolute(path: Path) -> Path:
    """The path from the root, without ``..``; links are not followed."""
    return Path(os.path.normpath(path.absolute()))


def _time(identifier: str) -> str:
    """An identifier without the word for what it is, so that all sort by time."""
    return re.sub(r"\A[a-z]+-(?=\d{8}T)", "", identifier)


def _bare(path: Path) -> RunSummary:
    """What is known of a folder whose report cannot be used."""
    return {**Run(path).summary(), "name": path.parent.name, "status": UNFINISHED, "result": "", "metrics": {}}


def _search(path: Path) -> Entry:
    facts, _ = read_search(path / SEARCH_REPORT)
    summary: RunSummary = {**_bare(path), "kind": "search"}
    if facts is not None:
        summary |= _of_search(facts)
    return Entry(path, summary)


def _of_search(facts: Search) -> Any:
    trials = facts.get("trials") or []
    best = next((trial for trial in trials if trial.get("number") == facts.get("best")), None)
    score = None if best is None else best.get("score")
    objective = facts.get("objective", "")
    shown = "" if score is None else f", best {objective} {score:.4g}"
    return {
        "status": "finished" if facts.get("finished") else UNFINISHED,
        "result": f"{len(trials)} {'trial' if len(trials) == 1 else 'trials'}{shown}",
        "metrics": {"search": {objective: score}} if score is not None else {},
        "seconds": sum(trial.get("seconds") or 0.0 for trial in trials) or None,
    }


def _study(path: Path) -> Entry:
    facts, _ = read_study(path / STUDY_FILE)
    summary: RunSummary = {**_bare(path), "kind": "ablation" if path.name.startswith("ablation-") else "study"}
    if facts is None:
        return Entry(path, summary)
    summary |= _of_study(facts)
    model = facts.get("model")
    return Entry(path, summary, None if model is None else absolute(path / model))


def _of_study(facts: Study) -> Any:
    members = facts.get("members") or []
    done = sum(member.get("status") == "finished" for member in members)
    metrics: dict[str, dict[str, float | None]] = {}
    for summary in facts.get("summaries") or []:
        if summary.get("group") == 0:
            metrics.setdefault(summary["part"], {})[summary["measure"]] = summary["mean"]
    return {
        "name": facts.get("name", ""),
        "status": "finished" if facts.get("finished") else UNFINISHED,
        "result": f"{done} of {len(members)} trainings",
        "metrics": metrics,
        "seconds": sum(member.get("seconds") or 0.0 for member in members) or None,
    }


def named(called: str, listed: Sequence[Entry], folder: Path, *, exact: bool = False) -> Entry:
    """The entry that a folder, an id, the beginning of one, ``name/id``, a spec's name or `latest` means.

    Args:
        called: What was written.
        listed: All entries, the newest first.
        folder: The folder of all runs.
        exact: Whether the name of a spec and `latest` mean nothing: what they mean changes with the next run.

    Raises:
        Problem: E521, there is none, or more than one.
    """
    written = absolute(Path(called))
    name, _, identifier = called.rstrip("/").rpartition("/")
    groups = [
        [entry for entry in listed if absolute(entry.path) == written],
        [entry for entry in listed if entry.path.name == called],
        [entry for entry in listed if called == "latest" and not exact][:1],
        [entry for entry in listed if entry.path.parent.name == called and not exact][:1],
        [
            entry
            for entry in listed
            if identifier
            and name in ("", entry.path.parent.name)
            and (entry.path.name.startswith(identifier) or _time(entry.path.name).startswith(identifier))
        ],
    ]
    for matches in groups:
        if len(matches) == 1:
            return matches[0]
        if matches:
            shown = ", ".join(f"`{entry.path.name}`" for entry in matches[:4]) + (", …" if len(matches) > 4 else "")
            raise Problem("E521", f"`{called}` may mean {len(matches)} folders: {shown}", "write more of the id")
    if exact and any(entry.path.parent.name == called for entry in listed):
        raise Problem("E521", f"`{called}` names a spec, and not one folder", "write the id, see `dlspec runs`")
    known = dict.fromkeys(entry.path.name for entry in listed)
    help = did_you_mean(called, known) if known else ""
    raise Problem("E521", f"there is no `{called}` in `{folder}`", help or "see `dlspec runs`")


def selected(listed: Sequence[Entry], conditions: Sequence[str]) -> list[Entry]:
    """Entries for which all conditions hold, such as ``status=failed`` or ``test accuracy>=0.9``.

    Raises:
        ValueError: A condition is none, or names a key that no entry has.
    """
    kept = list(listed)
    for text in conditions:
        match = _CONDITION.match(text)
        if match is None:
            raise ValueError(f"`{text}` is no condition: write KEY=VALUE, KEY!=VALUE, KEY<VALUE, KEY>=VALUE …")
        key, sign, value = match.groups()
        require_key(key, listed)
        test = _same(value, sign == "=") if sign in ("=", "!=") else _ordered(key, sign, value)
        kept = [entry for entry in kept if test(entry.value(key))]
    return kept


def _same(wanted: str, expected: bool) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        values = value if isinstance(value, list) else [] if value is None else [value]
        return any(_equal(item, wanted) for item in values) == expected

    return test


def _equal(value: Any, wanted: str) -> bool:
    if isinstance(value, str):
        return fnmatchcase(value, wanted)
    try:
        return bool(value == float(wanted))
    except ValueError:
        return False


def _ordered(key: str, sign: str, value: str) -> Callable[[Any], bool]:
    if key in ("started", "id", "name"):
        return lambda given: given is not None and _ORDERS[sign](given, value)
    try:
        limit = float(value)
    except ValueError:
        raise ValueError(f"`{key}{sign}{value}`: `{value}` is no number") from None
    return lambda given: isinstance(given, int | float) and _ORDERS[sign](given, limit)


def require_key(key: str, listed: Sequence[Entry]) -> None:
    """Lets a key of a list, or a measure that some entry has, pass.

    Raises:
        ValueError: It is neither.
    """
    measures = dict.fromkeys(name for entry in listed for name in entry.measures)
    if key not in KEYS and key not in measures:
        known = [*KEYS, *measures]
        help = did_you_mean(key, known) or f"one of {', '.join(f'`{name}`' for name in known)}"
        raise ValueError(f"no run has `{key}`: {help}")


def ordered(listed: Sequence[Entry], key: str, *, falling: bool) -> list[Entry]:
    """Entries in the order of a key; those that have nothing there come last."""
    there = [entry for entry in listed if entry.value(key) not in (None, "", [])]
    rest = [entry for entry in listed if entry.value(key) in (None, "", [])]
    return [*sorted(there, key=lambda entry: _rank(entry.value(key)), reverse=falling), *rest]


def _rank(value: Any) -> Any:
    if isinstance(value, list):
        return [item.casefold() for item in value]
    return value.casefold() if isinstance(value, str) else value
