"""A new name for a layer, input, block or parameter: at all its places, and only where the spec stays the same."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from dlspec.core.errors import Edit
from dlspec.passes.state import Lowered
from dlspec.semantics.edits import applied
from dlspec.views.editing.analysis import Analyser, Analysis
from dlspec.views.editing.names import BLOCK, Name, name_at, names_of, same

_FORMS = {
    True: (re.compile(r"[A-Z][A-Za-z0-9_]{0,62}\Z"), "a capital letter, then letters, digits and `_`"),
    False: (re.compile(r"[a-z][A-Za-z0-9_]{0,62}\Z"), "a small letter, then letters, digits and `_`"),
}


class Refused(Exception):
    """A name cannot be changed so; the text says why."""


def renamable(analysis: Analysis, line: int, column: int) -> Name | None:
    """The name at a position that this text gives; None where there is none."""
    names = names_of(analysis.data, analysis.text) if analysis.data is not None else []
    name = name_at(names, line, column)
    return name if name is not None and any(other.gives for other in same(names, name)) else None


def renamed(analysis: Analysis, texts: dict[Path, str], name: Name, new: str) -> list[Edit]:
    """The changes that give a name another text everywhere.

    Args:
        texts: Texts of open files.

    Raises:
        Refused: The name has a wrong form, is taken, or the spec would no longer be the same.
    """
    pattern, form = _FORMS[name.kind == BLOCK]
    if not pattern.match(new):
        raise Refused(f"`{new}` cannot be a name: it takes {form}")
    names = names_of(analysis.data, analysis.text) if analysis.data is not None else []
    if any((other.kind, other.text) == (name.kind, new) for other in names):
        raise Refused(f"there is a {name.kind} `{new}` already")
    edits = [Edit(other.span, new, safe=False) for other in same(names, name)]
    text = applied(analysis.text.source, edits)
    after = Analyser().analyse(analysis.path, {**texts, analysis.path: text})
    added = _kinds(after) - _kinds(analysis)
    if added:
        item = next(item for item in after.diagnostics if (item.code, item.severity) in added)
        raise Refused(f"the spec would no longer be right: {item.message}")
    if _model(after) != _model(analysis):
        raise Refused("the model would be another one")
    return edits


def _kinds(analysis: Analysis) -> Counter[tuple[str, str]]:
    return Counter((item.code, item.severity) for item in analysis.diagnostics)


def _model(analysis: Analysis) -> list[tuple[str, str, int]]:
    """The layers of a model without their names."""
    state = analysis.state
    graphs = state.graphs if isinstance(state, Lowered) else ()
    return [
        (node.kind if node.kind[:1].islower() else "", str(node.outputs), node.parameters)
        for graph in graphs
        for node in graph.nodes
    ]
