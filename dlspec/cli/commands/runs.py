"""``dlspec runs``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from dlspec.cli.helping import helped_group
from dlspec.cli.output import print_document, print_text, say
from dlspec.cli.runs import reported, run_argument, runs_option
from dlspec.core.terminal import table
from dlspec.views.pages.index import Run, all_runs, find_run, measure_changes, spec_changes
from dlspec.views.pages.verdict import figure

_FORM = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the list.")


@helped_group(
    "Look at a run",
    "List runs, show one, compare two",
    """
    dlspec runs
    dlspec runs show latest
    dlspec runs compare digits/20261121T063412Z latest
    """,
)
@runs_option
@_FORM
@click.pass_context
def command(context: click.Context, runs: Path, form: str) -> None:
    """List all runs, the newest first; show one; compare two.

    TensorFlow is not imported.
    """
    context.obj = runs
    if context.invoked_subcommand is not None:
        return
    entries = all_runs(runs)
    if form == "json":
        print_document([run.summary() for run in entries])
    elif entries:
        print_text(_list(entries))
    else:
        say(f"no runs in {runs}")


@command.command(short_help="Show what came of a run")
@run_argument()
@_FORM
@click.pass_obj
@reported
def show(runs: Path, run: str, form: str) -> None:
    """Show what came of RUN: a folder, an id, a name, or `latest`."""
    shown = find_run(run, runs)
    if form == "json":
        print_document({**shown.summary(), "report": shown.facts})
        return
    facts = shown.facts
    lines = [(key, str(value)) for key, value in (("run", shown.path), ("status", shown.status))]
    for verdict in (facts.get("results") or {}).get("verdicts", ()):
        lines.append((verdict["headline"], verdict["sentence"]))
    lines += [(name, _number(value)) for name, value in shown.measures.items()]
    lines += [(key, str(facts[key])) for key in ("seed", "started", "seconds", "command") if facts.get(key) is not None]
    page = shown.path / "report.html"
    if page.is_file():
        lines.append(("report", str(page)))
    print_text("\n".join(table(lines)))


@command.command(short_help="Tell what differs between two runs")
@run_argument("a")
@run_argument("b")
@_FORM
@click.pass_obj
@reported
def compare(runs: Path, a: str, b: str, form: str) -> None:
    """Compare runs A and B: what differs in their specs, and in what came of them."""
    first, other = find_run(a, runs), find_run(b, runs)
    specs, measures = spec_changes(first, other), measure_changes(first, other)
    if form == "json":
        facts = {"a": first.summary(), "b": other.summary(), "spec": specs, "metrics": measures}
        print_document(facts)
        return
    print_text(f"a  {first.name} {first.id}\nb  {other.name} {other.id}\n")
    if specs:
        head = ["spec", "a", "b"]
        print_text("\n".join(table([head, *([row["key"], _value(row["a"]), _value(row["b"])] for row in specs)])))
    else:
        print_text("the specs are the same")
    if measures:
        rows = [[row["measure"], _number(row["a"]), _number(row["b"]), _signed(row["difference"])] for row in measures]
        print_text("\n".join(["", *table([["measure", "a", "b", "b − a"], *rows], numbers=(1, 2, 3))]))


def _list(runs: list[Run]) -> str:
    rows = [["name", "id", "status", "epochs", "result", "time"]]
    for run in runs:
        facts = run.summary()
        best, epochs = facts["best_epoch"], facts["epochs"]
        kept = f"{best} of {epochs}" if best else "" if epochs is None else str(epochs)
        seconds = "" if facts["seconds"] is None else f"{facts['seconds']:.1f} s"
        rows.append([facts["name"], facts["id"], facts["status"], kept, facts["result"], seconds])
    return "\n".join(table(rows, numbers=(3, 5)))


def _number(value: Any) -> str:
    return "–" if value is None else figure(float(value))


def _signed(value: float | None) -> str:
    return "–" if value is None else "0" if not value else f"{value:+.4g}"


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
