"""From a file to a checked graph: a visible tuple of passes, one file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from dlspec.core.collecting import without_collecting
from dlspec.core.workspace import Workspace
from dlspec.passes.adapters import adapted_weights, adapters
from dlspec.passes.added_losses import added_losses
from dlspec.passes.conform import conform
from dlspec.passes.data_contract import data_contract
from dlspec.passes.data_section import data_section
from dlspec.passes.derivatives import derivatives
from dlspec.passes.distribution import distribution
from dlspec.passes.each_time import each_time
from dlspec.passes.expand_graph import expand_graph
from dlspec.passes.expectations import expectations
from dlspec.passes.extensions import extensions
from dlspec.passes.generating import generating
from dlspec.passes.heads import heads
from dlspec.passes.masks import masks
from dlspec.passes.measure_names import measure_names
from dlspec.passes.memory import memory
from dlspec.passes.method_checks import method_checks
from dlspec.passes.model_weights import model_weights
from dlspec.passes.parameters import parameters
from dlspec.passes.reachable import reachable
from dlspec.passes.read import read
from dlspec.passes.reporting import reporting
from dlspec.passes.resolve_names import resolve_names
from dlspec.passes.savable import savable
from dlspec.passes.saved_models import saved_models
from dlspec.passes.searching import searching
from dlspec.passes.seeds import seeds
from dlspec.passes.stacked import stacked
from dlspec.passes.start import start
from dlspec.passes.state import Checked, Compilation, Lent, Lowered, Parsed, Pass, Reading
from dlspec.passes.structure import structure
from dlspec.passes.suited import suited
from dlspec.passes.summed_losses import summed_losses
from dlspec.passes.training import training
from dlspec.passes.unused import unused
from dlspec.passes.verify import run_verified, wanted
from dlspec.passes.word_vectors import word_vectors
from dlspec.semantics.schema.keywords import opened_to

PASSES: tuple[Pass, ...] = (
    read,
    extensions,
    conform,
    resolve_names,
    saved_models,
    structure,
    parameters,
    stacked,
    data_section,
    expand_graph,
    each_time,
    derivatives,
    reachable,
    savable,
    model_weights,
    word_vectors,
    masks,
    seeds,
    expectations,
    training,
    adapters,
    method_checks,
    measure_names,
    start,
    adapted_weights,
    distribution,
    added_losses,
    heads,
    reporting,
    generating,
    data_contract,
    memory,
    suited,
    summed_losses,
    searching,
    unused,
)


def compile_spec(
    path: Path,
    overrides: tuple[str, ...] = (),
    workspace: Workspace | None = None,
    *,
    until: type[Compilation] = Checked,
    values: Mapping[str, Any] | None = None,
    reading: Reading | None = None,
    lent: Mapping[str, Lent | None] | None = None,
    observe: Callable[[Pass, Compilation], None] | None = None,
) -> Compilation:
    """Runs the passes, each unless an error keeps the compilation from the stage that it requires.

    TensorFlow is not imported.

    Args:
        path: The spec's file.
        overrides: ``key=value`` settings as on the command line.
        workspace: Where the spec's paths start, what it may do, and texts that are not saved yet.
        until: The stage after which no further pass runs; by default all of them do.
        values: What a trial of a search puts in place of the searched parameters; `tune` is left out then.
        reading: What is asked of the data; that they are right unless given.
        lent: Keys of the section `data` that another spec gives to this one.
        observe: Called after each pass that ran, with the stage that there is then.

    Returns:
        The furthest stage that was reached, with all diagnostics; :class:`Checked` unless there is an error.
    """
    state = Compilation(
        path=path,
        overrides=overrides,
        workspace=workspace or Workspace(),
        values=values,
        reading=reading or Reading(),
        lent=lent or {},
        compile_other=compile_spec,
    )
    with without_collecting():
        state = _run(state, until, observe)
    files = {name: text for name, text in state.texts.items() if not name.startswith("--set ")}
    if any("dlspec:" in text for text in files.values()):
        from dlspec.semantics.ignoring import without_ignored

        complete = isinstance(state, Checked) and values is None
        state.diagnostics.items = without_ignored(state.diagnostics.items, files, complete)
    if state.diagnostics.items:
        from dlspec.semantics.edits import with_edits

        state.diagnostics.items = with_edits(state.diagnostics.items, files)
    return state


def _knowing(state: Compilation) -> AbstractContextManager[None]:
    """Inside, the schema knows the components that the spec's own files declare."""
    known = state.catalogue.definitions if isinstance(state, Parsed) else None
    return opened_to(known) if known else nullcontext()


def _run(
    state: Compilation, until: type[Compilation], observe: Callable[[Pass, Compilation], None] | None
) -> Compilation:
    """The stage after the last pass that could run."""
    verifies = wanted()
    try:
        for run in PASSES:
            if isinstance(state, until):
                return state
            if isinstance(state, run.requires):
                with _knowing(state):
                    state = (run_verified(run, state) if verifies else run(state)) or state
                if observe is not None:
                    observe(run, state)
    except RecursionError:
        text = "blocks, models or parameters of the spec refer to each other in too long a chain"
        state.add("E313", text, None, "some dozens of levels are fine; use `repeat:` for many")
    if isinstance(state, Lowered) and not state.diagnostics.errors:
        return state.become(Checked)
    return state


__all__ = ["PASSES", "Checked", "Compilation", "Pass", "Reading", "Workspace", "compile_spec"]
