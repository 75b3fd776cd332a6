"""``dlspec runs``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dlspec.cli.helping import helped_group
from dlspec.cli.noting import NOTING
from dlspec.cli.output import print_document, print_text, say
from dlspec.cli.removing import REMOVING
from dlspec.cli.runs import reported, run_argument, runs_option
from dlspec.core.terminal import table
from dlspec.views.pages.index import find_run, measure_changes, spec_changes
from dlspec.views.pages.listing import KEYS, Entry, entries, ordered, require_key, selected
from dlspec.views.pages.verdict import figure

_FORM = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the list.")
_LONGEST_NOTE = 40


@helped_group(
    "Look at a run",
    "List, sort, tag, compare and delete runs",
    """
    dlspec runs --where 'test accuracy>0.9' --sort 'test accuracy'
    dlspec runs show latest
    dlspec runs compare digits/20261121T063412Z latest
    """,
)
@runs_option
@click.option("--where", "conditions", multiple=True, metavar="CONDITION", help="As KEY=VALUE, KEY>=3 (repeatable).")
@click.option("--sort", metavar="KEY", help="The largest first: seconds, name, 'test accuracy' …")
@click.option("--rising", is_flag=True, help="With --sort, the smallest first.")
@click.option("--limit", type=click.IntRange(1), help="No more than so many.")
@click.option(
    "--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Write a page that compares them."
)
@_FORM
@click.pass_context
def command(
    context: click.Context,
    runs: Path,
    conditions: tuple[str, ...],
    sort: str | None,
    rising: bool,
    limit: int | None,
    page: Path | None,
    form: str,
) -> None:
    """List runs, searches and studies, the newest first; show, compare, tag, delete.

    Keys are those of the list, `tag`, `note`, `kind`, `started`, and measures such as `test accuracy`; texts may hold
    `*`. TensorFlow is not imported.
    """
    context.obj = runs
    if context.invoked_subcommand is not None:
        return
    listed = entries(runs)
    try:
        kept = selected(listed, conditions) if listed else []
        if sort is not None and kept:
            require_key(sort, listed)
            kept = ordered(kept, sort, falling=not rising)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    kept = kept[:limit]
    if page is not None:
        _write_page(kept, page)
    elif form == "json":
        print_document([entry.summary for entry in kept])
    elif kept:
        asked = [sort or "", *(text.partition(sign)[0] for text in conditions for sign in "<>" if sign in text)]
        print_text(_list(kept, [key for key in dict.fromkeys(map(str.strip, asked)) if key and key not in KEYS]))
    else:
        say(f"no runs in {runs}" if not listed else f"none of {len(listed)} runs in {runs} is meant")


def _write_page(listed: Sequence[Entry], target: Path) -> None:
    from dlspec.core.files import write_atomically
    from dlspec.views.pages.runs_page import page

    text = page(listed, target)
    try:
        write_atomically(target, lambda file: file.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"`{target}` cannot be written: {error.strerror or error}") from error
    say(f"wrote {target}")


@command.command(short_help="Show what came of a run")
@run_argument()
@_FORM
@click.pass_obj
@reported
def show(runs: Path, run: str, form: str) -> None:
    """Show what came of RUN: a folder, an id, a name, or `latest`."""
    shown = find_run(run, runs)
    facts, summary = shown.facts, shown.summary()
    if form == "json":
        print_document({**summary, "report": facts})
        return
    lines = [(key, str(value)) for key, value in (("run", shown.path), ("status", shown.status))]
    lines += [(key, text) for key, text in (("tags", ", ".join(summary["tags"])), ("note", summary["note"])) if text]
    for verdict in (facts.get("results") or {}).get("verdicts", ()):
        lines.append((verdict["headline"], verdict["sentence"]))
    lines += [(name, _number(value)) for name, value in shown.measures.items()]
    lines += [(name, _number(value)) for name, value in shown.baselines.items()]
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


for _command in (*NOTING, *REMOVING):
    command.add_command(_command)


def _list(listed: Sequence[Entry], measures: Sequence[str]) -> str:
    """The table of the terminal; columns that would be empty in all rows are left out."""
    rows = [_row(entry, measures) for entry in listed]
    head = ["name", "id", "status", "epochs", "result", *measures, "time", "tags", "note"]
    used = [
        index for index, title in enumerate(head) if title not in ("tags", "note") or any(row[index] for row in rows)
    ]
    numbers = {used.index(index) for index in (3, *range(5, 6 + len(measures)))}
    return "\n".join(table([[row[index] for index in used] for row in (head, *rows)], numbers=numbers))


def _row(entry: Entry, measures: Sequence[str]) -> list[str]:
    facts = entry.summary
    best, epochs = facts["best_epoch"], facts["epochs"]
    kept = f"{best} of {epochs}" if best else "" if epochs is None else str(epochs)
    seconds = "" if facts["seconds"] is None else f"{facts['seconds']:.1f} s"
    note = facts["note"] if len(facts["note"]) <= _LONGEST_NOTE else f"{facts['note'][: _LONGEST_NOTE - 1]}…"
    figures = ["" if entry.value(key) is None else _number(entry.value(key)) for key in measures]
    start = [facts["name"], facts["id"], facts["status"], kept, facts["result"]]
    return [*start, *figures, seconds, ", ".join(facts["tags"]), note]


def _number(value: Any) -> str:
    return "–" if value is None else figure(float(value))


def _signed(value: float | None) -> str:
    return "–" if value is None else "0" if not value else f"{value:+.4g}"


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
