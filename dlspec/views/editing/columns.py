"""The columns of a spec's data, by the part of the spec that names the source alone."""

from __future__ import annotations

from pathlib import Path

from dlspec.core.tree import Map
from dlspec.core.workspace import Workspace
from dlspec.passes import Reading, compile_spec
from dlspec.passes.state import Bound
from dlspec.syntax.dumping import dump


def columns_of(data: Map, path: Path) -> list[tuple[str, str]]:
    """Name and type of an example of each column of the source; [] where it cannot be read, or would fetch something.

    Args:
        data: The spec, finished or not.
        path: Its file, at whose folder paths start.
    """
    section = data.get("data")
    if not isinstance(section, Map) or "source" not in section:
        return []
    named = {key: data[key] for key in ("params",) if key in data}
    text = dump({**named, "data": {"source": section["source"]}})
    return _columns(text, path)


def _columns(text: str, path: Path) -> list[tuple[str, str]]:
    from dlspec.data.sources.base import DataProblem

    workspace = Workspace(starts_keras=False, texts={path: text})
    state = compile_spec(path, workspace=workspace, reading=Reading(alone=True))
    if not isinstance(state, Bound) or state.data_section is None:
        return []
    try:
        table = state.data_section.source.open(state.folder)
        if table.fetches or table.draws:
            return []
        return [(name, str(column.tensor)) for name, column in table.columns.items()]
    except (DataProblem, OSError):
        return []
