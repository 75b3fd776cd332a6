"""Types of the documents of `dlspec runs --format json`."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from dlspec.core.documents.report import Report as RunReport
from dlspec.core.documents.results import Measures


class RunSummary(TypedDict):
    """One run, search or study; null where its report does not tell.

    Attributes:
        kind: What it is.
        status: "finished", "interrupted", "failed"; "unfinished" while it runs, and where it was killed.
        epochs: That were run.
        best_epoch: Whose weights were kept.
        result: The verdict in short.
        metrics: Loss and metrics by part; of a search the objective of its best trial, by the part "search"; of a study
            means over its trainings.
        seconds: In all.
        started: UTC, in ISO 8601.
        tags: By `dlspec runs tag`.
        note: By `dlspec runs note`; "" for none.
    """

    kind: Literal["run", "search", "study", "ablation"]
    name: str
    id: str
    status: str
    epochs: int | None
    best_epoch: float | None
    result: str
    metrics: Measures
    seconds: float | None
    started: str | None
    folder: str
    tags: list[str]
    note: str


class RunDetails(RunSummary):
    """One run with its `report.json`, {} where there is none."""

    report: RunReport | dict[str, Any]


class SpecChange(TypedDict):
    """A key in which two specs differ; null where a spec has no such key."""

    key: str
    a: Any
    b: Any


class MeasureChange(TypedDict):
    """A measure of two runs; null where a run does not have it. The difference is b − a."""

    measure: str
    a: float | None
    b: float | None
    difference: float | None


class RunComparison(TypedDict):
    """Two runs side by side."""

    a: RunSummary
    b: RunSummary
    spec: list[SpecChange]
    metrics: list[MeasureChange]
