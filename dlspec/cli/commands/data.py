"""``dlspec data``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlspec.cli.helping import helped
from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import code_allowed, print_document, print_text, say, show_diagnostics, spec_options
from dlspec.cli.runs import reported
from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.core.terminal import table
from dlspec.passes.state import Bound, Checked, Parsed
from dlspec.syntax.dumping import flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlspec.components.sections.data import Data
    from dlspec.core.documents.printed import (
        ColumnSummary,
        InputSummary,
        MadeSummary,
        SplitSummary,
        TableData,
        TargetSummary,
    )
    from dlspec.core.documents.printed import Data as DataSummary
    from dlspec.data.sources.base import Column, Table

# Columns that a spec does not use are many in some tables; so many of them are described.
_OTHERS = 8
# Endings of specs; one without an ending is a spec, too.
_SPEC = ("", ".yaml", ".yml", ".json")


def _png(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() != ".png":
        raise click.BadParameter("the file's name must end in `.png`")
    return path


@helped(
    "Begin",
    "Show data: columns, splits, classes, what enters the model",
    """
    dlspec data houses.csv               # what init would make of each column
    dlspec data houses.yaml              # the data of a spec
    dlspec data digits.yaml --sheet digits.png
    """,
)
@click.argument("spec", type=click.Path(path_type=Path), metavar="SPEC | DATA")
@spec_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the summary.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    callback=_png,
    help="Draw training images of every class into FILE (PNG) as well.",
)
@reported
def command(spec: Path, overrides: tuple[str, ...], allow_outside: bool, form: str, sheet: Path | None) -> int:
    """Show the data of a spec: columns, splits, classes, what enters the model, and a few examples.

    Every example is looked at once: for the fingerprint of the data, and for examples that several parts hold.
    TensorFlow is not imported. Targets and layers may be missing, and mistakes in the layers do not matter.

    Data need no spec: of a file (CSV, Parquet, JSON Lines, Excel, NPZ, lines of text) or a folder of images, sounds or
    texts, what `dlspec init` makes of each column is shown, and what could be predicted.
    """
    if spec.suffix.lower() not in _SPEC or spec.is_dir():
        if overrides or sheet is not None:
            raise click.UsageError("--set and --sheet go with a spec")
        described = _of_table(spec)
        print_document(described) if form == "json" else print_text(
            "\n\n".join([_text(described), *_offers(described, spec)])
        )
        return 0
    state, section = _compiled(spec, overrides, allow_outside)
    keep_inputs(sheet, inputs_of_spec(state), "--sheet")
    try:
        facts = _facts(state, section, sheet)
    except SpecError as error:
        if not state.diagnostics.errors:  # else they were shown, and this is one of them
            show_diagnostics(error.diagnostics, state.texts)
        return 1
    help = "`dlspec explain W602` tells what to do"
    if facts["warnings"]:
        show_diagnostics([Diagnostic("W602", warning, None, help) for warning in facts["warnings"]], state.texts)
    print_document(facts) if form == "json" else print_text(_text(facts))
    return 1 if state.diagnostics.errors else 0


def _compiled(spec: Path, overrides: tuple[str, ...], allow_outside: bool) -> tuple[Bound, Data]:
    """The spec and its section, whatever its layers are; shows what is wrong, and exits with 1 without a section."""
    from dlspec.passes import Reading, Workspace, compile_spec

    state = compile_spec(
        spec, overrides, Workspace(None, allow_outside, code_allowed(), announce=say), reading=Reading(alone=True)
    )
    if isinstance(state, Parsed) and "data" not in state.data and not state.data.tainted:
        problem = Diagnostic("E105", "the spec has no `data`", None, "write a section `data:`")
        show_diagnostics([problem], state.texts)
        raise click.exceptions.Exit(1)
    if state.diagnostics.items:
        show_diagnostics(state.diagnostics.sorted(), state.texts)
    if not isinstance(state, Bound) or state.data_section is None:
        raise click.exceptions.Exit(1)
    return state, state.data_section


def _facts(state: Bound, data: Data, sheet: Path | None) -> DataSummary:
    from dlspec.data.binding.binding import bind, open_table
    from dlspec.data.binding.findings import Findings
    from dlspec.data.binding.signature import of_graph
    from dlspec.data.preview.sheet import write_sheet
    from dlspec.data.preview.summary import summary

    findings = Findings()
    # With mistakes that may be those of the model, the data are shown as they are by themselves.
    whole = isinstance(state, Checked) and bool(data.targets)
    signature = of_graph(state.graph).without(state.stacked or ()) if isinstance(state, Checked) and whole else None
    method = state.method if whole else None
    folder = state.folder
    guessed = not whole and not data.features
    if guessed:
        data = _with_all(data, open_table(data, folder, findings, allow_outside=state.allow_outside))
    binding = bind(data, folder, signature, method, findings, allow_outside=state.allow_outside)
    if binding is not None and not findings.errors and sheet is not None:
        with findings.at("data"):
            try:
                write_sheet(data, binding, sheet)
            except OSError as error:
                raise click.ClickException(f"`{sheet}` cannot be written: {error.strerror or error}") from error
    facts: DataSummary | None = None
    if binding is not None and state.diagnostics.errors and binding.table.fetches:
        raise SpecError(())  # nothing is fetched for a spec with mistakes, which were shown
    if binding is not None and not findings.errors:
        with findings.at("data", "source", data.source.name):  # some values are read for the first time
            facts = summary(data, binding)
            facts = _without_guess(facts) if guessed else facts
    if findings.errors or facts is None:
        raise SpecError(findings.diagnostics(dict(state.data)))
    return facts


def _of_table(path: Path) -> TableData:
    """A table that no spec describes, with what becomes of its columns.

    Raises:
        Problem: It cannot be read.
    """
    from dlspec.components.sections.data import Data
    from dlspec.data.binding.binding import bind
    from dlspec.data.binding.findings import Findings
    from dlspec.data.preview.summary import summary
    from dlspec.drafting.opening import opened
    from dlspec.drafting.overview import overview
    from dlspec.drafting.sample import sample_of

    path = path.resolve() if path.is_dir() else path
    folder, findings = path.parent, Findings()
    source, table = opened(path.name, folder)
    sample = sample_of(path.name, source, table)
    data = _with_all(Data(source=source, targets={}), table)
    binding = bind(data, folder, None, None, findings)
    if findings.errors or binding is None:
        raise findings.errors[0].problem
    facts = _without_guess(summary(data, binding))
    if binding.table.left_out:
        show_diagnostics([Diagnostic("W603", item.message, None, item.help) for item in binding.table.left_out], {})
    return overview(facts, sample)


def _with_all(data: Data, table: Table | None) -> Data:
    """The section with an input for every column that is no target, for a spec that does not say what enters."""
    from dlspec.components.sections.data import Data, Feature

    if table is None:  # which the caller finds again
        return data
    targets = {column for target in data.targets.values() for column in target.sources}
    inputs = {
        name: Feature(column=name, **_guess(column))
        for name, column in table.columns.items()
        if name not in targets and _has_values(table, name)
    }
    return Data(**{**data.given, "inputs": inputs})


def _without_guess(facts: DataSummary) -> DataSummary:
    """The facts without what follows from :func:`_guess` alone."""
    for column in facts["columns"].values():
        if "characters" in column:  # so many words are no categories
            column["type"] = "text"
    facts["inputs"] = {}
    return facts


def _has_values(table: Table, name: str) -> bool:
    try:
        table.find(name, "")
    except Problem:
        return False
    return True


def _guess(column: Column) -> dict[str, Any]:
    """Options under which an input takes any column as it is."""
    from dlspec.components.layers.lookup import StringLookup
    from dlspec.components.sections.missing import Constant, Median

    if column.text:
        return {"prepare": (StringLookup(),), "missing": Constant(value="missing")}
    return {} if column.tensor.shape else {"missing": Median()}


# --- text -----------------------------------------------------------------------------------------------------------


def _text(facts: DataSummary) -> str:
    name, options = next(iter(facts["source"].items()))
    given = ", ".join(f"{key}: {flow(value)}" for key, value in options.items())
    left = f", {facts['dropped']:,} left out for missing values" if facts["dropped"] else ""
    left += f", {facts['bad']['count']:,} left out since they are broken:" if facts["bad"]["count"] else ""
    lines = [
        f"{name} ({given}): {facts['read']:,} examples{left}",
        *(f"  {message}" for message in facts["bad"]["first"]),
        "",
    ]
    lines += _columns(facts["columns"])
    inputs = [_input(*i) for i in facts["inputs"].items()]
    lines += ["", *table([["input", "columns", "raw", "prepare", "enters"], *inputs])] if inputs else []
    targets = [_target(*i) for i in facts["targets"].items()]
    lines += ["", *table([["target", "columns", "compared", "classes"], *targets])] if targets else []
    splits = [_split(*item) for item in facts["splits"].items()]
    splits += [["in no part", f"{facts['in_no_part']:,}", ""]] if facts["in_no_part"] else []
    lines += ["", *table([["split", "examples", "classes"], *splits])]
    lines += _made(facts["made"]) if "made" in facts else []
    lines += ["", "the first training examples:"] if facts["examples"] else []
    for example in facts["examples"]:
        cells = ", ".join(f"{key}: {_cell(value)}" for key, value in example.items() if key != "where")
        lines += ["", f"{example['where']}", f"  {_cut(cells, 400)}"]
    shared = facts["equal_examples"]
    equal = "; ".join(f"{pair['examples']} of {pair['parts'][0]} also in {pair['parts'][1]}" for pair in shared)
    lines += ["", f"equal examples in two parts: {equal or 'none'}", f"fingerprint: sha256 {facts['fingerprint']}"]
    for name, other in facts.get("others", {}).items():
        lines += ["", f"source {name}, which goes round:", *_text(other).split("\n")]
    return "\n".join(lines)


def _made(facts: MadeSummary) -> list[str]:
    """What examples have, and how many each split has of them."""
    gives = ", ".join(f"{name} {tensor}" for name, tensor in facts["gives"].items())
    counts = [[name, "?" if count is None else f"{count:,}"] for name, count in facts["examples"].items()]
    return ["", *table([["split", f"examples by {facts['by']}"], *counts]), f"each has {gives}"]


def _offers(facts: TableData, path: Path) -> Iterator[str]:
    """What becomes of each column, and which could be predicted."""
    from dlspec.drafting.candidates import offer

    roles = [[_cut(name, 30), judgement["role"], judgement["reason"]] for name, judgement in facts["roles"].items()]
    seen = "" if facts["looked_at"] == facts["read"] else f" (by {facts['looked_at']:,} rows)"
    yield "\n".join(table([["column", f"dlspec init takes it for{seen}", "reason"], *roles]))
    candidates = facts["candidates"]
    offered = offer([(candidate["column"], candidate["meaning"]) for candidate in candidates])
    if candidates:
        command = f"dlspec init {shlex.quote(str(path))} --target {shlex.quote(candidates[0]['column'])}"
        offered.append(f"`{command}` writes a spec for the first")
    yield "\n".join(offered)


def _columns(columns: Mapping[str, ColumnSummary]) -> list[str]:
    """Those that the spec uses, and a few of the others."""
    others = [name for name, facts in columns.items() if not facts["used"]]
    folded = others[_OTHERS:] if len(others) > _OTHERS + 1 else []
    shown = [_column(name, facts) for name, facts in columns.items() if name not in folded]
    lines = table([["column", "type", "of", "missing", "values"], *shown])
    if others:
        more = f" and {len(folded)} more, which `--format json` describes" if folded else ""
        lines.append(f"not used: {', '.join(_cut(name, 30) for name in others if name not in folded)}{more}")
    return lines


def _column(name: str, facts: ColumnSummary) -> list[str]:
    values = ""
    if "range" in facts:
        low, high = facts["range"]
        values = f"{low:.4g} … {high:.4g}, mean {facts['mean']:.4g}, {facts['distinct']} distinct"
    elif "values" in facts:
        values = _cut(", ".join(f"{value} {count}" for value, count in facts["values"].items()), 60)
    elif "characters" in facts:
        least, most = facts["characters"]
        values = f"{facts['distinct']} distinct, {least}{f' to {most}' if most > least else ''} characters"
    return [_cut(name, 30), facts["type"], facts["of"], str(facts.get("missing", "")), values]


def _input(name: str, facts: InputSummary) -> list[str]:
    augment = f" (training: {', '.join(facts['augment'])})" if facts["augment"] else ""
    prepare = ", ".join(facts["prepare"]) or "-"
    return [name, _cut(", ".join(facts["columns"]), 40), facts["raw"], prepare + augment, facts["enters"]]


def _target(name: str, facts: TargetSummary) -> list[str]:
    classes = _cut(", ".join(facts["classes"]), 60) or "-"
    behind = f" behind {', '.join(facts['prepare'])}" if facts["prepare"] else ""
    return [name, ", ".join(facts["columns"]), f"{facts['encoding']} {facts['compared']}{behind}", classes]


def _split(name: str, facts: SplitSummary) -> list[str]:
    parts = []
    for target, counts in facts["classes"].items():
        prefix = f"{target}: " if len(facts["classes"]) > 1 else ""
        parts.append(prefix + ", ".join(f"{label} {count:,}" for label, count in counts.items()))
    return [name, f"{facts['examples']:,}", _cut("; ".join(parts), 80)]


def _cell(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
