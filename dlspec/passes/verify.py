"""Holds a pass against what it declares: in tests, and for whoever sets ``DLSPEC_DEBUG``."""

from __future__ import annotations

import os
from dataclasses import fields

from dlspec.passes.state import Compilation, Lowered, Pass

# Sections that a spec may leave out; what comes of them is None then.
_SECTIONS = {"data_section": "data", "method": "train", "tune": "tune", "report": "report", "generator": "generate"}


class BrokenContract(AssertionError):
    """A pass left out what it ensures, or changed what it does not name: a mistake of dlspec, not of a spec."""


def wanted() -> bool:
    """Whether ``DLSPEC_DEBUG`` asks for the comparison; it costs a few milliseconds."""
    return bool(os.environ.get("DLSPEC_DEBUG"))


def run_verified(run: Pass, state: Compilation) -> Compilation | None:
    """Runs a pass and compares the state before and after it.

    Raises:
        BrokenContract: The pass did not return the stage that it ensures, or returned another one, or left a field of
            it empty, although no error was reported; it did not set what comes of a section that the spec has; or it
            set a field that it does not name.
    """
    before = {field.name: getattr(state, field.name) for field in fields(state)}
    result = run(state)
    after = result if result is not None else state
    changed = {name for name, value in before.items() if getattr(after, name) is not value}
    for name in sorted(changed - {*run.sets}):
        raise BrokenContract(f"pass `{run.__name__}` sets `{name}`, which it does not declare")
    if result is not None and type(result) is not run.ensures:
        raise BrokenContract(f"pass `{run.__name__}` returns `{type(result).__name__}`, which it does not declare")
    if not state.diagnostics.errors:
        _check_ensured(run, after)
    return result


def _check_ensured(run: Pass, state: Compilation) -> None:
    if run.ensures is not None and not isinstance(state, run.ensures) and not state.reading.alone:
        raise BrokenContract(f"pass `{run.__name__}` ensures `{run.ensures.__name__}`, and does not return it")
    if isinstance(state, run.ensures or ()):
        own = {field.name for field in fields(state)} - {field.name for field in fields(run.requires)}
        for name in sorted(own):
            if getattr(state, name) is None and name not in _OPTIONAL:
                raise BrokenContract(f"pass `{run.__name__}` ensures `{name}`, and it is not there")
    for name in run.sets:
        section = _SECTIONS.get(name)
        written = getattr(state, "data", {}).get(section) if section is not None else None
        if written is not None and getattr(state, name) is None:
            raise BrokenContract(f"pass `{run.__name__}` ensures `{name}`, and it is not there")


# Fields that a stage begins without: passes fill them in later, where there is something to fill in.
_OPTIONAL = {field.name for field in fields(Lowered) if field.default is None}
