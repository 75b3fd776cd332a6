"""``dlspec ablate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import helped
from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import (
    compiled,
    print_text,
    required,
    show_diagnostics,
    show_problem,
    spec_argument,
)
from dlspec.cli.repeating import repeated
from dlspec.cli.studies import study_of
from dlspec.core.errors import Problem, SpecError
from dlspec.passes.state import Checked
from dlspec.training.run.resume import SPEC_FILE

if TYPE_CHECKING:
    from dlspec.tuning.ablation.variants import Variants


@helped(
    "Train",
    "Train a spec with one thing less at a time, and compare",
    """
    dlspec ablate digits.yaml --list      # what could be left out
    dlspec ablate digits.yaml --seeds 5
    dlspec ablate digits.yaml --only dropout --only 'conv*'
    """,
)
@spec_argument
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True, help="Trainings of each variant.")
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="What to leave out: names (`dropout`), kinds (`regularizer`) and patterns (`conv*`); repeatable.",
)
@click.option(
    "--list", "--dry-run", "listed", is_flag=True, help="Only say what would be left out; nothing is trained."
)
@click.option("--diff", "differences", is_flag=True, help="With --list: how each variant differs from the spec.")
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Folder of all runs.",
)
@click.option(
    "--run",
    type=click.Path(path_type=Path, file_okay=False),
    help="This folder: begin in it, or go on with the ablation that is there.",
)
@click.option("--new", is_flag=True, help="Begin anew even where an ablation is unfinished.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Trainings at a time.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    spec: Path,
    overrides: tuple[str, ...],
    allow_outside: bool,
    seeds: int,
    only: tuple[str, ...],
    listed: bool,
    differences: bool,
    runs: Path,
    run: Path | None,
    new: bool,
    workers: int,
    quiet: bool,
) -> int:
    """Train a spec and its variants, each with one thing less, and compare them.

    A variant lacks a layer, a block, a skip connection, one turn of a repetition, an augmentation, a regularizer, a
    normalization, a schedule: whatever the spec has of them and can do without. Those that do not type-check are left
    out. All are trained with the same seeds, and the differences to the whole are taken seed by seed.

    RUNS/NAME/ablation-ID holds every variant as a spec in variants, a run folder for each training in members, and
    what came of them in study.json and report.html. The same command goes on after an interruption.
    """
    if differences and not listed:
        raise click.UsageError("--diff goes with --list")
    if run is not None and new:
        raise click.UsageError("--new goes without --run: name a folder that does not exist yet")
    state = required(compiled(spec, overrides, allow_outside, expecting=False), Checked.trainable)
    if run is not None:
        keep_inputs(run / SPEC_FILE, inputs_of_spec(state), "--run")
    from dlspec.tuning.ablation.variants import variants

    try:
        each = variants(state, only)
        if listed:
            print_text(_listed(each, differences=differences))
            return 0
        from dlspec.tuning.studies.ablation import ablated

        options = ["--seeds", str(seeds), *(part for pattern in only for part in ("--only", pattern))]
        again = repeated("ablate", spec, overrides, options=options, allow_outside=allow_outside, runs=runs)
        trainable, prepared = ablated(state, each, seeds)
        outcome = study_of(trainable, runs, run, new=new, workers=workers, quiet=quiet, command=again, ablated=prepared)
    except SpecError as error:
        show_diagnostics(error.diagnostics, state.texts)
        return 1
    except Problem as problem:
        show_problem(problem, state, "layers" if problem.code == "E571" else "train")
        return 1
    if isinstance(outcome, int):
        return outcome
    from dlspec.tuning.studies.ablation_page import text

    print_text(text(*outcome))
    return 0


def _listed(variants: Variants, *, differences: bool) -> str:
    """The variants with what they save, and why others are left out; or how they differ from the spec."""
    from textwrap import fill

    from dlspec.core.terminal import table
    from dlspec.tuning.ablation.variants import NOTHING

    if differences:
        return "\n".join(_difference(variants))
    rows = [
        (name, variant.aid, f"{variant.parameters:,}", "?" if variant.flops is None else f"{variant.flops:,}")
        for name, variant in ((NOTHING, variants.whole), *((variant.name, variant) for variant in variants.each))
    ]
    lines = table([("without", "kind", "parameters", "FLOPs"), *rows], numbers=(2, 3))
    lines += ["", f"compared by {variants.measure}"]
    for variant in variants.left_out:
        lines.append(fill(f"left out: {variant.name} ({variant.aid}): {variant.reason}", 80, break_on_hyphens=False))
    return "\n".join(lines)


def _difference(variants: Variants) -> list[str]:
    import difflib

    whole = variants.whole.text.splitlines()
    lines: list[str] = []
    for variant in variants.each:
        lines += [*difflib.unified_diff(whole, variant.text.splitlines(), "whole", variant.name, n=1, lineterm="")]
    return lines
