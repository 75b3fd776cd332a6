"""Reporting beside a run: what the page needs is imported while the model trains, and made when it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from dlspec.components.methods.base import Method
from dlspec.components.sections.adapting import Adapted
from dlspec.core.documents.figures import Figures
from dlspec.core.documents.report import Examined as ReportPart
from dlspec.core.documents.report import Report
from dlspec.core.documents.results import Baselines, ClassDetails, ReliabilityFigures
from dlspec.core.documents.written import WrittenFigures
from dlspec.core.ir import Graph
from dlspec.data.checks.baselines import LINEAR
from dlspec.data.feeding.pipeline import Prepared
from dlspec.graph.facts import facts as model_facts
from dlspec.views.pages.drawn import Pictures, kept_neighbours
from dlspec.views.pages.examine import Examined, examine
from dlspec.views.pages.linear import Linear
from dlspec.views.pages.loggers import write_logs
from dlspec.views.pages.page import METRICS_FILE, PAGE_FILE, publish, read_history
from dlspec.views.pages.plots import preload
from dlspec.views.pages.saliency import kept_maps
from dlspec.views.pages.trivial import NOTHING, write_trivial


class Reporter:
    """Makes the report of one run.

    Args:
        name: Of the spec.
        graph: The model, to be drawn; None where only its built form is known.
        logs: Logs for other programs to write: see :mod:`dlspec.views.pages.loggers`.
        say: Called with what a user should know.
        adapted: The adapters of the training.

    Attributes:
        facts: What it adds to ``report.json``: ``model``, and ``results`` once the model was examined.
    """

    def __init__(
        self,
        name: str,
        graph: Graph | None,
        logs: Sequence[str] = (),
        say: Callable[[str], object] = len,
        adapted: Adapted | None = None,
    ) -> None:
        self.facts: ReportPart = {"model": model_facts(graph, name, adapted)} if graph is not None else {}
        self._graph, self._logs, self._say = graph, logs, say
        self._examined: Examined | None = None
        self._blind = False
        self._models: dict[str, Linear] = {}
        self._loading = threading.Thread(target=preload, daemon=True)

    def preload(self) -> None:
        """Training runs: there is time to import what the page needs."""
        self._loading.start()

    def look(self, pictures: Pictures, epoch: int | None = None) -> None:
        """Keeps what outputs give as pictures: after an epoch, or with the kept weights.

        Whatever happens here, the training goes on: an exception is said, and there are no further pictures.
        """
        if self._blind:
            return
        try:
            pictures.finish() if epoch is None else pictures.epoch(epoch)
            if kept := pictures.facts():
                self.facts["pictures"] = kept
        except Exception as error:
            self._blind = True
            self._say(f"no further pictures: {type(error).__name__}: {error}")

    def add(self, figures: Figures, folder: Path) -> None:
        """Takes what the section `report` asks for, with its picture in the run folder; says what is lacking."""
        self.facts["figures"] = figures
        kept = [*kept_neighbours(folder, figures["neighbours"])] if "neighbours" in figures else []
        kept += kept_maps(folder, figures["saliency"]) if "saliency" in figures else []
        if kept:
            self.facts["pictures"] = [*self.facts.get("pictures", []), *kept]
        for name, reason in figures.get("errors", {}).items():
            self._say(f"`{name}` of `report` could not be computed: {reason}")

    def examine(
        self,
        model: Any,
        prepared: Prepared,
        method: Method,
        outputs: tuple[str, ...],
        before: Mapping[str, ReliabilityFigures],
        models: Mapping[str, Linear] = NOTHING,
    ) -> None:
        """Lets the trained model answer. See :func:`dlspec.views.pages.examine.examine`.

        `before` says how probabilities were before they were calibrated, by output; `models` are baselines, by name.
        Whatever happens here, the run itself is over and well: an exception becomes part of the report.
        """
        try:
            self._examined = examine(model, prepared, method, outputs, method.seed, models.get(LINEAR))
            self._examined.before = before
            self._models = {LINEAR: self._examined.linear} if self._examined.linear is not None else {}
            self._models |= models
            self.facts["results"] = self._examined.facts()
        except Exception as error:
            self.facts["results"] = {"error": f"{type(error).__name__}: {error}"}

    def compare(self, measure: Callable[[Mapping[str, Any]], Baselines]) -> None:
        """Takes the figures of the baselines; says what is lacking.

        Args:
            measure: From what the answers that are always the same follow from, by output, to figures.
        """
        scores = {} if self._examined is None else self._examined.scores
        try:
            usual = {name: score.usual for name, score in scores.items() if score.usual is not None}
            self.facts["baselines"] = measure(usual)
        except Exception as error:
            self._say(f"the baselines could not be measured: {type(error).__name__}: {error}")

    def wrote(self, output: str, figures: Callable[[], WrittenFigures | None]) -> None:
        """Takes what the model wrote by itself, of one output that was examined; says what is lacking."""
        results = self.facts.get("results", {}).get("outputs", {})
        if output not in results:
            return
        try:
            written = figures()
            if written is not None:
                cast("ClassDetails", results[output])["generated"] = written
        except Exception as error:
            self._say(f"the model could not be let write: {type(error).__name__}: {error}")

    def publish(self, folder: Path, facts: Report) -> None:
        """Writes ``report.html`` and the logs into the run folder, from the facts of ``report.json``.

        The model and its figures are on the disk already: what has no room beside them is said, and no failure.
        """
        if self._loading.ident is not None:
            self._loading.join()
        try:
            if self._examined is not None:
                write_trivial(folder, self._examined.scores, self._models)
            publish(folder, facts, self._graph, self._examined)
        except OSError as error:
            self._say(f"{folder / PAGE_FILE} could not be written: {error.strerror or error}")
        for failure in write_logs(self._logs, folder, facts, read_history(folder / METRICS_FILE)):
            self._say(failure)
