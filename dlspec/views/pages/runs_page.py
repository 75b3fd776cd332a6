"""The page of ``dlspec runs --html``: runs side by side, what came of them and what differs in their specs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dlspec.core.errors import SpecError
from dlspec.views.drawing.svg import escape
from dlspec.views.pages.frames import rendered
from dlspec.views.pages.index import Run, spec_leaves
from dlspec.views.pages.listing import Entry
from dlspec.views.pages.verdict import figure

# Specs are compared where there are no more runs than people can look at beside each other.
MOST_COMPARED = 20
# Sorts the rows of a table by the column whose title is clicked: numbers by their value, which `data-n` holds.
_SCRIPT = """
for (const title of document.querySelectorAll('.sorted thead th')) title.addEventListener('click', () => {
  const table = title.closest('table'), column = title.cellIndex, body = table.tBodies[0];
  const falling = title.dataset.order !== 'falling';
  for (const other of table.querySelectorAll('thead th')) delete other.dataset.order;
  title.dataset.order = falling ? 'falling' : 'rising';
  const value = row => row.cells[column].dataset.n ?? row.cells[column].textContent;
  const order = (a, b) => value(a) === '' ? 1 : value(b) === '' ? -1 :
    (falling ? -1 : 1) * value(a).localeCompare(value(b), 'en', {numeric: false}) ;
  const numbers = (a, b) => (falling ? -1 : 1) * (Number(value(a)) - Number(value(b)));
  const rows = [...body.rows], numeric = rows.every(row => 'n' in row.cells[column].dataset || value(row) === '');
  const there = rows.filter(row => value(row) !== ''), rest = rows.filter(row => value(row) === '');
  body.append(...there.sort(numeric ? numbers : order), ...rest);
});
"""


def page(listed: Sequence[Entry], target: Path) -> str:
    """The page as text.

    Args:
        listed: Its rows, in their order.
        target: The file that it becomes, from which links lead to reports.
    """
    from markupsafe import Markup

    measures = list(dict.fromkeys(name for entry in listed for name in entry.measures))
    head = ["name", "id", "kind", "status", "tags", "note", "epochs", "result", *measures, "seconds"]
    compared = [entry for entry in listed if entry.summary["kind"] == "run"]
    changes = _changes(compared) if 1 < len(compared) <= MOST_COMPARED else []
    keys = ["key", *(str(number) for number in range(len(compared)))]
    script = _SCRIPT.strip()
    return rendered(
        "runs.html.jinja",
        title=f"{len(listed)} {'run' if len(listed) == 1 else 'runs'}",
        head=head,
        rows=[_row(entry, measures, target) for entry in listed],
        linked=lambda titles, rows: Markup(_table(titles, rows)),
        changes=changes,
        change_head=["key", *(entry.summary["id"] for entry in compared)],
        keys=keys,
        script=Markup(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _row(entry: Entry, measures: Sequence[str], target: Path) -> list[str]:
    """The cells of an entry as HTML."""
    facts = entry.summary
    report = entry.path / "report.html"
    identifier = escape(facts["id"])
    if report.is_file():
        link = quote(Path(os.path.relpath(report, target.parent)).as_posix())
        identifier = f'<a href="{escape(link)}">{identifier}</a>'
    numbers = [entry.measures.get(name) for name in measures]
    return [
        f"<th>{escape(facts['name'])}</th>",
        f"<td>{identifier}</td>",
        *(f"<td>{escape(text)}</td>" for text in (facts["kind"], facts["status"], ", ".join(facts["tags"]))),
        f'<td title="{escape(facts["note"])}">{escape(facts["note"])}</td>',
        _number(facts["epochs"]),
        f"<td>{escape(facts['result'])}</td>",
        *map(_number, numbers),
        _number(facts["seconds"]),
    ]


def _number(value: float | None) -> str:
    return "<td></td>" if value is None else f'<td data-n="{float(value)!r}">{escape(figure(float(value)))}</td>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<table class="measures sorted"><thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table>'


def _changes(compared: Sequence[Entry]) -> list[dict[str, Any]]:
    """Keys of specs that have not the same value in all runs, with the values by the number of the run."""
    specs = [_leaves(entry) for entry in compared]
    keys = dict.fromkeys(key for spec in specs for key in spec)
    return [
        {"key": key, **{str(number): _shown(spec, key) for number, spec in enumerate(specs)}}
        for key in keys
        if any(spec.get(key) != specs[0].get(key) for spec in specs)
    ]


def _leaves(entry: Entry) -> dict[str, Any]:
    try:
        return dict(spec_leaves(Run(entry.path)))
    except SpecError:
        return {}


def _shown(spec: dict[str, Any], key: str) -> str:
    value = spec.get(key)
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
