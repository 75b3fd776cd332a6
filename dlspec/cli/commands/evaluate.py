"""``dlspec evaluate``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import (
    code_allowed,
    code_option,
    compiled,
    print_document,
    print_text,
    say,
    show_diagnostics,
)
from dlspec.cli.runs import reported, run_argument, runs_option
from dlspec.core.errors import Diagnostic

_PARTS = ("train", "validation", "test")


@helped(
    "Look at a run",
    "Measure the model of a run, on its data or others",
    """
    dlspec evaluate latest
    dlspec evaluate houses --data new.csv
    dlspec evaluate graph.yaml --inputs '{"x": [[1, 2]]}'
    """,
)
@run_argument()
@click.argument("others", nargs=-1, metavar="")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A file or folder of examples with labels, instead of the run's own.",
)
@click.option("--part", "parts", type=click.Choice(_PARTS), multiple=True, help="Only this split (repeatable).")
@click.option(
    "--inputs",
    "given",
    metavar="JSON",
    help="Instead of measuring: arrays by input; RUN is a spec then, whose tensors and derivatives are printed.",
)
@runs_option
@code_option
@click.option("--allow-outside", is_flag=True, help="Let the spec read files outside of its own folder.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the figures.")
@reported
def command(
    run: str,
    others: tuple[str, ...],
    data: Path | None,
    parts: tuple[str, ...],
    given: str | None,
    runs: Path,
    allow_outside: bool,
    form: str,
) -> None:
    """Measure the model of RUN again: a folder, an id, a name, or `latest`.

    Its own splits are read anew, with the seed of the split; a warning says where the data have changed. Other
    examples need the columns of the training, labels included.

    With --inputs, RUN is the file of a spec. Every tensor of its untrained graph is printed for these numbers, with the
    derivative of what `train` minimises, or else of the last output, by each tensor and weight.
    """
    if given is not None:
        if data is not None or parts or form == "json":
            raise click.UsageError("--inputs stands alone: without --data, --part and --format json")
        _print_values(Path(run), given, allow_outside)
        return
    if others:
        raise click.UsageError(f"unexpected `{others[0]}`; examples with labels are given as `--data {others[0]}`")
    if data is not None and parts:
        raise click.UsageError("--part is about the run's own data: leave it out with --data")
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    saved = open_run(find_run(run, runs), allow_outside=allow_outside, allow_code=code_allowed())

    from dlspec.backends.keras import starting

    starting.start()

    from dlspec.training.evaluate import evaluate

    def warn(warning: Diagnostic) -> None:
        show_diagnostics([warning], {})

    evaluation = evaluate(saved, data, parts or _PARTS, say, warn)
    if form == "json":
        print_document({"run": saved.run.id, **evaluation})
        return
    from dlspec.training.run.report import baselines_table, measures_table
    from dlspec.views.pages.verdict import verdict

    for name, count in evaluation.get("dropped", {}).items():
        print_text(
            f"{name}: {count:,} example{'s' if count > 1 else ''} left out for missing values, as in the training\n"
        )
    print_text("\n".join(measures_table(evaluation["metrics"])))
    if beside := baselines_table(evaluation.get("baselines"), evaluation["metrics"]):
        print_text("\n".join(beside))
    several = len(evaluation["metrics"]) > 1
    for part, outputs in evaluation["outputs"].items():
        for name, facts in outputs.items():
            print_text(f"\n{name}{f' on {part}' if several else ''}: " + ", ".join(_figures(facts)))
            print_text(verdict(name, facts, part).sentence)


def _print_values(spec: Path, given: str, allow_outside: bool) -> None:
    """Values and derivatives of the graph of a spec."""
    from dlspec.core.files import is_file

    if not is_file(spec):
        raise click.UsageError(f"--inputs takes the file of a spec, and there is no file `{spec}`")
    state = compiled(spec, (), allow_outside)

    from dlspec.backends.keras import starting

    starting.start()

    from dlspec.training.values import text, values

    seed = state.method.seed if state.method is not None else 0
    print_text(text(*values(state.training_graph, state.method, seed or 0, given)))


def _figures(facts: Mapping[str, Any]) -> list[str]:
    from dlspec.views.pages.view import figures

    return [f"{title} {value}" for title, value in figures(facts)]
