"""From a file to a checked graph: a visible tuple of passes, one file each."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dlspec.passes.added_losses import added_losses
from dlspec.passes.conform import conform
from dlspec.passes.data_contract import data_contract
from dlspec.passes.data_section import data_section
from dlspec.passes.distribution import distribution
from dlspec.passes.each_time import each_time
from dlspec.passes.expand_graph import expand_graph
from dlspec.passes.expectations import expectations
from dlspec.passes.extensions import extensions
from dlspec.passes.heads import heads
from dlspec.passes.masks import masks
from dlspec.passes.memory import memory
from dlspec.passes.method_checks import method_checks
from dlspec.passes.parameters import parameters
from dlspec.passes.reachable import reachable
from dlspec.passes.read import read
from dlspec.passes.resolve_names import resolve_names
from dlspec.passes.searching import searching
from dlspec.passes.seeds import seeds
from dlspec.passes.start import start
from dlspec.passes.state import Compilation, Pass
from dlspec.passes.structure import structure
from dlspec.passes.training import training
from dlspec.passes.unused import unused
from dlspec.passes.verify import run_verified, wanted
from dlspec.semantics.edits import with_edits

PASSES: tuple[Pass, ...] = (
    read,
    conform,
    resolve_names,
    structure,
    parameters,
    extensions,
    data_section,
    expand_graph,
    memory,
    each_time,
    reachable,
    masks,
    seeds,
    expectations,
    training,
    method_checks,
    start,
    distribution,
    added_losses,
    data_contract,
    heads,
    searching,
    unused,
)


def compile_spec(
    path: Path,
    overrides: tuple[str, ...] = (),
    allow_outside: bool = False,
    allow_code: bool = False,
    home: Path | None = None,
    values: Mapping[str, Any] | None = None,
    sound: set[str] | None = None,
    keeps_data: bool = False,
    looks: bool = False,
    observe: Callable[[Pass, Compilation], None] | None = None,
) -> Compilation:
    """Runs every pass whose requirements are met; TensorFlow is not imported.

    Args:
        path: The spec's file.
        overrides: ``key=value`` settings as on the command line.
        allow_outside: Whether files outside the spec's folder may be read.
        allow_code: Whether the spec's own Python code may run.
        home: The folder where the spec's paths start; that of the file unless given.
        values: What a trial of a search puts in place of the searched parameters; `tune` is left out then.
        sound: Data that were held against their files before, and need not be again; others are added.
        looks: Whether the data alone are asked for, which are there without targets and layers.
        keeps_data: Whether the data that are read stay in memory, for the training that follows.
        observe: Called after each pass that ran.

    Returns:
        The state with all diagnostics; ``graph`` is there unless an error hides it.
    """
    state = Compilation(
        path, overrides, allow_outside, allow_code, home, values, sound, keeps_data=keeps_data, looks=looks
    )
    # A compilation makes many small objects and no garbage cycles: collecting in between costs a fifth of its time.
    collecting = gc.isenabled()
    gc.disable()
    verifies = wanted()
    try:
        for run in PASSES:
            if all(getattr(state, name) is not None for name in run.requires):
                run_verified(run, state) if verifies else run(state)
                if observe is not None:
                    observe(run, state)
    except RecursionError:
        text = "blocks, models or parameters of the spec refer to each other in too long a chain"
        state.add("E313", text, None, "some dozens of levels are fine; use `repeat:` for many")
        state.graph = None
    finally:
        if collecting:
            gc.enable()
    files = {name: text for name, text in state.texts.items() if not name.startswith("--set ")}
    state.diagnostics.items = [with_edits(item, files) for item in state.diagnostics.items]
    return state


__all__ = ["PASSES", "Compilation", "Pass", "compile_spec"]
