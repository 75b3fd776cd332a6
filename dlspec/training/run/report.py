"""``report.json``: what a run was, and what came of it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dlspec import __version__
from dlspec.core.documents.reading import document_text
from dlspec.core.documents.report import Machine
from dlspec.core.documents.report import Report as ReportFacts
from dlspec.core.documents.results import Baselines, Measures
from dlspec.core.terminal import table
from dlspec.views.pages import figured
from dlspec.views.pages.verdict import fact_text

_PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "pyarrow")
# Columns of a terminal.
_WIDTH = 80
# Other values of these give other bits.
_SETTINGS = ("TF_ENABLE_ONEDNN_OPTS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True, slots=True)
class Report:
    """The report of one run.

    Attributes:
        folder: The run folder.
        facts: What stands in ``report.json``.
    """

    folder: Path
    facts: ReportFacts

    @property
    def status(self) -> str:
        """``finished``, ``interrupted`` or ``failed``."""
        return self.facts["status"]

    @property
    def metrics(self) -> Measures:
        """Loss and metrics by part: ``train``, ``validation``, ``test``."""
        return self.facts["metrics"]

    def text(self) -> str:
        """The facts as JSON."""
        return document_text(self.facts)

    def table(self) -> str:
        """The figures for people: measures by part, the epoch kept, the time and the folder."""
        lines = measures_table(self.metrics)
        lines += baselines_table(self.facts.get("baselines"), self.metrics)
        lines += [f"{fact['title']}: {fact_text(fact)}" for fact in self.facts.get("method_facts", {}).values()]
        lines += figured.lines(self.facts.get("figures", {}))
        best = self.facts["best"]
        kept = f"epoch {best['epoch']} of {self.facts['epochs']}" if best else f"{self.facts['epochs']} epochs"
        return "\n".join([*lines, f"kept {kept}, {self.facts['seconds']:.1f} s, {self.folder}"])


def measures_table(metrics: Measures) -> list[str]:
    """Measures by part, one line each, under a line of their names; a line for each measure where that is narrower."""
    names = list(dict.fromkeys(name for measured in metrics.values() for name in measured))
    rows = [["", *names]]
    for part, measured in metrics.items():
        rows.append([part, *(_figure(measured[name]) if name in measured else "" for name in names)])
    return _turned(rows)


def _turned(rows: list[list[str]]) -> list[str]:
    """A table of figures; columns become lines where it would be wide otherwise."""
    lines = table(rows, numbers=range(1, len(rows[0])))
    if max(map(len, lines)) > _WIDTH and len(rows[0]) > len(rows):
        turned = [list(row) for row in zip(*rows, strict=True)]
        return table(turned, numbers=range(1, len(turned[0])))
    return lines


def baselines_table(baselines: Baselines | None, metrics: Measures) -> list[str]:
    """Measures of what is compared with the model, on the part that it is judged by, a line each; [] where nothing is.

    What a baseline does not tell, such as the loss of classes without probabilities, is a dash.

    Args:
        baselines: Their figures.
        metrics: Those of the model, by part.
    """
    if baselines is None or not metrics:
        return []
    part = next((name for name in ("test", "validation") if name in metrics), next(iter(metrics)))
    measured = {
        each["title"]: each["metrics"][part] for each in baselines["measured"].values() if part in each["metrics"]
    }
    known = {name for each in measured.values() for name in each}
    names = [name for name in metrics[part] if name in known]
    rows = [[f"baselines, {part}", *names]]
    for title, each in measured.items():
        rows.append([title, *(_figure(each[name]) if name in each else "–" for name in names)])
    lines = ["", *_turned(rows), *(f"left out: {reason}" for reason in baselines["reasons"])]
    return [*lines, ""]


def _figure(value: float | None) -> str:
    """Four digits; what JSON cannot write was written as null."""
    return "nan" if value is None else f"{value:.4g}"


def versions() -> dict[str, str]:
    """Versions of Python, dlspec and the packages that it uses."""
    installed = {"dlspec": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def machine() -> Machine:
    """Facts of the machine that decide the last bits of a result."""
    settings = {name: os.environ[name] for name in _SETTINGS if name in os.environ}
    return {"platform": platform.platform(), "cpus": os.cpu_count(), "environment": settings}
