"""Holds a pass against what it declares: in tests, and for whoever sets ``DLSPEC_DEBUG``."""

from __future__ import annotations

import os
from dataclasses import fields

from dlspec.passes.state import Compilation, Pass

# Sections that a spec may leave out; what comes of them is None then.
_SECTIONS = {"graph": "layers", "data_section": "data", "method": "train", "tune": "tune"}
# What every pass may add to.
_SHARED = ("diagnostics", "texts")


class BrokenContract(AssertionError):
    """A pass left out what it ensures, or changed what it does not name: a mistake of dlspec, not of a spec."""


def wanted() -> bool:
    """Whether ``DLSPEC_DEBUG`` asks for the comparison; it costs a few milliseconds."""
    return bool(os.environ.get("DLSPEC_DEBUG"))


def run_verified(run: Pass, state: Compilation) -> None:
    """Runs a pass and compares the state before and after it.

    Raises:
        BrokenContract: Something that the pass ensures is not there although no error was reported; something that
            it requires is gone; or it has set what it names under neither `ensures` nor `sets`.
    """
    before = {field.name: getattr(state, field.name) for field in fields(state)}
    run(state)
    changed = {name for name, value in before.items() if getattr(state, name) is not value}
    for name in sorted(changed - {*run.ensures, *run.sets, *_SHARED}):
        raise BrokenContract(f"pass `{run.__name__}` sets `{name}`, which it does not declare")
    if state.diagnostics.errors:
        return
    for name in run.requires:
        if getattr(state, name) is None:
            raise BrokenContract(f"pass `{run.__name__}` takes away `{name}`, which it requires")
    for name in run.ensures:
        if getattr(state, name) is None and _is_asked_for(name, state):
            raise BrokenContract(f"pass `{run.__name__}` ensures `{name}`, and it is not there")


def _is_asked_for(name: str, state: Compilation) -> bool:
    """Whether the spec has the section that an attribute comes from; what comes from none is always asked for."""
    section = _SECTIONS.get(name)
    return section is None or (state.data is not None and section in state.data)
