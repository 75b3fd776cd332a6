"""Several sources in one section `data`: what they need, and what does not go with them."""

from __future__ import annotations

from typing import Any

from dlspec.core.errors import Problem, did_you_mean, leave_out

# Options of `data` that speak of rows of one source.
_OF_ROWS = {
    "examples": "rows of several sources make no examples together",
    "oversample": "an epoch is one pass over the first source, and the others go round",
}


def check_sources(data: Any) -> None:
    """One `source`, or several `sources` of each of which something enters.

    Args:
        data: The section.

    Raises:
        Problem: E207, with the option at fault.
    """
    if not data.sources:
        _check_single(data)
        return
    if "source" in data.given:
        message = "`data` has both `source` and `sources`"
        raise Problem("E207", message, "keep one of them", "sources")
    for option, reason in _OF_ROWS.items():
        if data.given.get(option):
            raise Problem("E207", f"`{option}` does not go with `sources`: {reason}", leave_out(option), option)
    if data.given.get("cache", "memory") not in ("auto", "memory"):
        message = "rows of several `sources` are held in memory"
        raise Problem("E207", message, leave_out("cache"), "cache")
    for part in ("validation", "test"):
        if data.parts.source(part) is not None:
            message = f"`{part}` has a source of its own, which says nothing of the other `sources`"
            raise Problem("E207", message, "write a share: each source is divided by itself", "split")
    _check_named(data)


def _check_single(data: Any) -> None:
    for name, feature in data.features.items():
        if feature.source is not None:
            message = f"input `{name}` names a source, and `data` has one only"
            raise Problem("E207", message, "leave it out, or write `sources:` by name", "inputs")


def _check_named(data: Any) -> None:
    """Each input names one of the sources, and each source enters."""
    first, *others = data.sources
    for name, feature in data.features.items():
        if feature.source is not None and feature.source not in data.sources:
            message = f"`{feature.source}` of input `{name}` is none of the `sources`"
            raise Problem("E207", message, did_you_mean(feature.source, data.sources, guess=True), "inputs")
    used = {feature.source or first for feature in data.features.values()}
    for name in others if data.inputs is not None else data.sources:
        if name not in used:
            message = f"no input takes a column of source `{name}`"
            raise Problem("E207", message, f"write `inputs: {{…: {{source: {name}, column: …}}}}`", "sources")


__all__ = ["check_sources"]
