"""``report.html``: all of a run on one page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlspec.core.files import write_atomically
from dlspec.core.ir import Graph
from dlspec.semantics.loading import load_spec
from dlspec.views.drawing.svg import element
from dlspec.views.pages.examine import Examined
from dlspec.views.pages.frames import rendered
from dlspec.views.pages.galleries import galleries
from dlspec.views.pages.view import view

PAGE_FILE = "report.html"
SPEC_FILE, METRICS_FILE = "spec.yaml", "metrics.csv"
_NODES_DRAWN = 2000


def publish(folder: Path, facts: Mapping[str, Any], graph: Graph | None, examined: Examined | None) -> Path:
    """Writes the page of a run.

    Args:
        folder: The run folder, which holds the spec and the measures of each epoch.
        facts: What stands in ``report.json``.
        graph: The model, to be drawn.
        examined: What the model answered, where it was asked.

    Returns:
        The page's path.
    """
    spec = folder / SPEC_FILE
    history = read_history(folder / METRICS_FILE)
    shown = galleries(folder, facts.get("pictures", ()))
    text = page(facts, history, graph, examined, _text(spec), _description(spec), shown)
    target = folder / PAGE_FILE
    write_atomically(target, lambda path: path.write_text(text, encoding="utf-8"))
    return target


def page(
    facts: Mapping[str, Any],
    history: list[dict[str, float]],
    graph: Graph | None,
    examined: Examined | None,
    spec: str,
    description: str = "",
    pictures: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The page as text. See :func:`publish`."""
    return rendered(
        "page.html.jinja",
        **view(facts, history, examined),
        spec=spec,
        description=description,
        pictures=pictures,
        drawing=_drawing(graph, facts) if graph is not None else None,
    )


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of ``metrics.csv``; [] where no epoch was finished."""
    rows = []
    for row in csv.DictReader(_text(path).splitlines()):
        rows.append({name: float(value) for name, value in row.items() if name and value})
    return rows


def _description(spec: Path) -> str:
    """The description in the spec; "" without one."""
    data = load_spec(spec).data
    text = data.get("description") if data is not None else None
    return text if isinstance(text, str) else ""


def _drawing(graph: Graph, facts: Mapping[str, Any]) -> Any:
    from markupsafe import Markup

    if len(graph.nodes) > _NODES_DRAWN:
        return None
    return Markup(element(graph, str(facts["name"]), prefix="model", heading=False))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
