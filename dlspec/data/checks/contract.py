"""The data section against its files, the model and the loss, before TensorFlow is imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.core.ir import Graph, Tensor
from dlspec.data.binding.binding import Binding, Opened, bind, open_table
from dlspec.data.binding.extra_axes import Mismatch, of_classes, told_at_layer
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input, bind_inputs
from dlspec.data.binding.made import bind_made
from dlspec.data.binding.signature import Signature, of_graph
from dlspec.data.binding.splitting import check_made
from dlspec.data.checks.advice import warn_of_measures, warn_of_ranges
from dlspec.data.checks.baselines import check_baselines
from dlspec.data.checks.calibrating import check_calibration
from dlspec.data.checks.decisions import check_decisions
from dlspec.data.checks.dependence import dependence
from dlspec.data.checks.gap_words import warn_of_gap_words
from dlspec.data.checks.leaks import warn_of_leaks
from dlspec.data.checks.measures import check_measures
from dlspec.data.checks.ordering import warn_of_order
from dlspec.data.checks.ranges import check_ranges, check_reach
from dlspec.data.checks.spare_pieces import warn_of_pieces
from dlspec.data.checks.spare_units import warn_of_spare_units
from dlspec.data.checks.studies import check_study
from dlspec.data.checks.table_advice import warn_of_ids, warn_of_scales
from dlspec.data.checks.training_advice import check_turns, warn_of_batches, warn_of_monitors
from dlspec.data.checks.transcripts import check_transcripts
from dlspec.data.checks.value_ranges import check_value_ranges
from dlspec.data.checks.vocabulary import check_classes, check_indices, check_masks, check_rows, index_limits, sized
from dlspec.data.order.joined import JoinedTable
from dlspec.data.order.splits import choose, named_parts
from dlspec.data.sources.base import Table

_ANY = 1 << 62


class Known(NamedTuple):
    """Facts about data without mistakes.

    Attributes:
        examples: How many there are.
        parts: The parts that a column gives examples to; none where no column decides.
    """

    examples: int
    parts: frozenset[str]


class Found(NamedTuple):
    """Mistakes and facts from comparing data with a model.

    Attributes:
        diagnostics: E108, E503, E509, E601 to E609, E616 to E618, W504, W506 to W508, W601 to W607, W610 to W612,
            W614 and W630; no errors when training can start.
        known: None where something is wrong with the data.
        binding: The data as they were bound, whose table keeps what was read of it; None where something is wrong with
            them, or nothing was read.
    """

    diagnostics: list[Diagnostic]
    known: Known | None = None
    binding: Binding | None = None


def check(
    data: Data,
    written: Mapping[str, Any],
    graph: Graph | None,
    method: Method | None,
    folder: Path,
    *,
    allow_outside: bool = False,
    sound: dict[str, Known] | None = None,
    opened: Opened | None = None,
) -> Found:
    """Every mistake of the data section that can be known without training.

    Args:
        data: The section.
        written: The sections of the spec by name as they were written, with spans.
        graph: The model; without one, only the data themselves are checked.
        method: The way of training; without one, labels are not compared with a loss.
        folder: The spec's folder.
        allow_outside: Whether paths may leave `folder`.
        sound: What was found right before, and is not read again; what is found right now is added to it.
        opened: The source, where an earlier step has opened it.
    """
    findings = Findings()
    answered = method.study.sections if method is not None and method.study is not None else ()
    signature = of_graph(graph).without(answered) if graph is not None else None
    key = _key(data, folder, signature, method, graph, allow_outside) if sound is not None else None
    known = sound.get(key) if sound is not None and key is not None else None
    binding, at_layers = None, []
    if known is None:
        binding = bind(data, folder, signature, method, findings, allow_outside=allow_outside, opened=opened)
        if binding is not None:
            at_layers = _check_bound(data.main, graph, method, binding, findings)
            for other in binding.others:
                with findings.of_source(other.name):
                    _check_bound(other.data, graph, None, other.binding, findings)
        count = _count(data, binding, findings) if binding is not None and not findings.errors else 0
        if binding is not None and not findings.errors:
            known = Known(count, frozenset(named_parts(data.parts, binding.table)))
        elif binding is not None:
            binding.table.forget()
        if sound is not None and key is not None and known is not None and not findings.items:
            sound[key] = known
    if method is not None:
        outputs = tuple(signature.outputs if signature is not None else data.targets)
        said = written.get("data")
        broken = isinstance(said, dict) and "split" in said and "split" not in data.given  # told at the split
        parts = known.parts if known is not None else ()
        check_measures(data, method, outputs, findings, split=not broken, parts=parts)
        if known is not None and not findings.errors:
            check_turns(data, method, known.examples, findings)
            warn_of_batches(data, known.examples, findings)
            warn_of_monitors(data, method, outputs, findings)
    sections = {name: written.get(name) for name in ("data", "train")}
    diagnostics = [*_diagnostics(findings, graph, method, sections), *at_layers]
    return Found(diagnostics, known, binding if known is not None else None)


def _count(data: Data, binding: Binding, findings: Findings) -> int:
    """How many examples there are in all; where only training counts them, as many as anybody asks for."""
    if binding.made is None:
        return binding.count
    if binding.made.maker.by_row:  # check_split has seen that no part is empty
        dropped = binding.dropped()
        return binding.count - (0 if dropped is None else int(dropped.sum()))
    count = None
    with findings.at("data", "examples", binding.made.maker.name):
        parts = choose(data, binding.table, binding.count, binding.dropped())
        count = check_made(binding.made, binding.table, parts)
    return _ANY if count is None else count


def _check_bound(
    data: Data, graph: Graph | None, method: Method | None, binding: Binding, findings: Findings
) -> list[Diagnostic]:
    """What is wrong with data that could be bound goes to `findings`; what layers are told is returned."""
    if not findings.items:
        with findings.at("data", "source", data.source.name):  # some values are read for the first time
            warn_of_left_out(data, binding.table, findings)
            if graph is not None:
                check_indices(data, graph, binding, findings)
                check_classes(data, graph, binding, findings)
                check_rows(data, graph, binding, findings)
                check_masks(data, binding, findings)
            warn_of_constants(binding, data, findings)
            warn_of_gap_words(binding, data, findings)
            warn_of_pieces(binding, data, findings)
            warn_of_leaks(binding, data, graph, findings)
            warn_of_ids(binding, data, findings)
            if method is not None:
                check_ranges(binding, method, findings)
                check_reach(binding, method, findings)
    if graph is None or method is None or findings.errors:
        return []
    warn_of_measures(binding, method, findings)
    warn_of_ranges(binding, data, graph, findings)
    warn_of_scales(binding, data, graph, findings)
    at_layers = check_value_ranges(data, graph, binding, findings)
    check_decisions(data, binding, method, findings)
    check_calibration(data, binding, graph, method, findings)
    shapes = {name: tensor.shape for name, tensor in of_graph(graph).outputs.items()}
    check_baselines(binding, method, shapes, findings)
    warn_of_order(data, binding, graph, method, findings)
    warn_of_spare_units(data, binding, graph, findings)
    check_transcripts(binding, method, of_graph(graph), findings)
    if method.study is not None:
        check_study(data, method, binding, findings)
    return at_layers


def _diagnostics(
    findings: Findings, graph: Graph | None, method: Method | None, raw: dict[str, Any]
) -> list[Diagnostic]:
    """All findings as diagnostics; an output with too many axes is told at the layer that keeps them."""
    diagnostics = []
    for finding in findings.items:
        diagnostic, problem = finding.diagnostic(raw), finding.problem
        if isinstance(problem, Mismatch) and graph is not None and method is not None:
            output = str(finding.path[2])
            loss = method.loss_of(output).name
            at_layer = told_at_layer(problem, loss, graph, output, diagnostic.span)
            diagnostic = at_layer or of_classes(problem, diagnostic, method.head_of(output))
        diagnostics.append(diagnostic)
    return diagnostics


def _key(
    data: Data,
    folder: Path,
    signature: Signature | None,
    method: Method | None,
    graph: Graph | None,
    allow_outside: bool,
) -> str | None:
    """What the findings about the data themselves depend on; None where there is no model."""
    if signature is None or graph is None:
        return None
    known = dependence(data, folder, signature, method, allow_outside=allow_outside)
    return f"{known} {index_limits(data, graph)}"


def feature_tensors(
    data: Data, folder: Path, *, raw: Any = None, allow_outside: bool = False, opened: Opened | None = None
) -> dict[str, Tensor]:
    """Types of the inputs after preparation, by name, for a spec that leaves `inputs` out.

    A numeric column is [1], a column of text [], stacked columns are [n], an array has its own shape; float32, but
    integers keep their dtype.

    Args:
        opened: Where the source stays open.

    Raises:
        SpecError: The source cannot be read, a column is unknown or has the wrong type, a preparation does not fit.
    """
    findings = Findings()
    inputs: list[Input] = []
    for name, other in data.others.items():
        with findings.of_source(name):
            own = open_table(other, folder, findings, allow_outside=allow_outside)
            inputs += _entering(other, own, findings) if own is not None else []
    table, data = open_table(data, folder, findings, allow_outside=allow_outside, opened=opened), data.main
    if table is not None:
        inputs = [*_entering(data, table, findings), *inputs]
    if findings.errors:
        raise SpecError(findings.diagnostics({"data": raw}))
    return {input_.name: input_.tensor for input_ in inputs}


def _entering(data: Data, table: Table, findings: Findings) -> list[Input]:
    """What enters of one source, as its columns alone tell."""
    if data.maker is not None:
        rows, made = bind_made(data, table, None, None, findings)
        entering = made.inputs if made is not None else ()
        inputs = [*(row_input for row_input in rows if row_input.name != data.maker.input), *entering]
    else:
        inputs = bind_inputs(data, table, None, findings)
    return sized(data, table, inputs, findings) if not findings.errors else inputs


def warn_of_left_out(data: Data, table: Table, findings: Findings) -> None:
    """Warns of files and columns that sources leave out although they may be meant to be used (W603)."""
    for part, part_table in table.tables.items() if isinstance(table, JoinedTable) else [("train", table)]:
        source = data.source if part == "train" else data.parts.source(part)
        for left in part_table.left_out:
            if left.of_frame and data.features:
                continue
            path = ("source",) if part == "train" else ("split", part)
            with findings.at("data", *path, source.name):
                raise Problem("W603", left.message, left.help, left.option)


def warn_of_constants(binding: Binding, data: Data, findings: Findings) -> None:
    """A column of single numbers or words that enters the model has more than one value (W601).

    A source that is streamed is not read for that.
    """
    table = binding.table
    for input_ in binding.inputs if not table.streamed else ():
        for position, column in enumerate(input_.columns):
            facts = table.columns[column]
            if facts.tensor.shape or facts.indices > 1 or facts.varies:
                continue
            values = table.whole(column)
            if (values == values[0]).all():
                written = input_.name in data.features
                path = ("inputs", input_.name, "columns" if input_.stacked else "column") if written else ("source",)
                with findings.at("data", *path, *((position,) if written and input_.stacked else ())):
                    message = f"column `{column}` holds `{values[0]}` in every row"
                    raise Problem("W601", message, "leave it out: it tells nothing")
