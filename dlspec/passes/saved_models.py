"""Reads the models that a spec takes from files: their layers become part of it, and nothing of a file runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Diagnostic, Problem, leave_out
from dlspec.core.tree import Invalid, Map, Seq, span_of, span_of_key
from dlspec.core.weights import Origin
from dlspec.passes.state import Resolved, SavedModel, step

if TYPE_CHECKING:
    from dlspec.backends.importing.archives import Source

# Options of `models` that say what the file says.
_NEEDLESS = ("inputs", "layers")


@step(requires=Resolved, sets=("saved_models",))
def saved_models(state: Resolved) -> None:
    """Declarations of models from files, with those of the models inside of them."""
    models = state.data.get("models")
    if not isinstance(models, Map):
        return
    for name, written in models.items():
        if isinstance(written, Map):
            _check_options(state, name, written)
            if isinstance(written.get("file"), str) and "average_of" not in written:
                state.saved_models = {**state.saved_models, **_read(state, name, written)}


def _check_options(state: Resolved, name: str, written: Map) -> None:
    """E207 for options that change nothing."""
    if "average_of" in written:
        return
    if "file" in written:
        for key in _NEEDLESS:
            if key in written:
                message = f"`{key}` has no effect beside `file`: {name} has the {key} of the file"
                state.add("E207", message, span_of_key(written, key), leave_out(key))
    elif "trainable" in written and not written.tainted:
        message = f"`trainable` has no effect: {name} is from no file"
        state.add("E207", message, span_of_key(written, "trainable"), "give it to the layers: `trainable: false`")


def _read(state: Resolved, name: str, written: Map) -> dict[str, SavedModel]:
    """The model of one declaration, and those inside of it; invalid where a mistake hides it."""
    from dlspec.backends.importing.archives import read_source
    from dlspec.backends.importing.models import declared, texts

    span = span_of(written, "file")
    try:
        path = _file(state, name, written["file"])
        source = read_source(path, written["file"])
        made = declared(
            source, name, span,
            outputs=[*texts(written.get("outputs"))],
            as_saved="trainable" not in written,
            taken=_taken(state),
        )  # fmt: skip
        _check(made.declarations, source)
    except Problem as problem:
        option = problem.option if problem.option in written else "file"
        state.diagnostics.add(problem.at(span_of(written, option)))
        return {name: SavedModel(Invalid(written))}
    origin = Origin(name, written["file"], path, made.layers)
    frozen = written.get("trainable") is False
    inside = {inner: SavedModel(declaration) for inner, declaration in made.declarations.items() if inner != name}
    return {name: SavedModel(made.declarations[name], origin, frozen), **inside}


def _taken(state: Resolved) -> set[str]:
    """Names that models inside of a file may not get."""
    sections = (state.data.get(key) for key in ("models", "blocks"))
    return {name for section in sections if isinstance(section, Map) for name in section} | {*state.saved_models}


def _file(state: Resolved, name: str, written: str) -> Path:
    """The file that a model is read from, or the copy of it that a run keeps.

    Raises:
        Problem: The file is not there, or may not be read.
    """
    from dlspec.data.sources.paths import RUN_MODEL, weights_file

    if (copy := _copy(state.workspace.models, name)) is not None:
        return copy
    try:
        path = weights_file(written, state.folder, allow_outside=state.allow_outside)
    except Problem as problem:
        copy = _copy(state.workspace.spare_models, name)
        if copy is None or problem.code != "E601":
            raise
        return copy
    return path.with_name(RUN_MODEL) if (state.folder / written).is_dir() else path


def _copy(folder: Path | None, name: str) -> Path | None:
    return next((path for path in folder.glob(f"{name}.*")), None) if folder is not None else None


def _check(declarations: dict[str, Map] | Any, source: Source) -> None:
    """Holds the declarations against the schema, as if they stood in a spec.

    Raises:
        Problem: E803, a spec does not allow what stands in the file.
    """
    from dlspec.semantics.schema.conforming import check
    from dlspec.semantics.schema.keywords import schema

    models, layers = Map(), Seq()
    models |= declarations
    layers.append("flatten")
    whole = Map()
    whole |= {"models": models, "layers": layers}
    mistakes: list[Diagnostic] = check(whole, schema())
    if mistakes:
        first, more = mistakes[0].message, f"; and {len(mistakes) - 1} more" if len(mistakes) > 1 else ""
        raise Problem("E803", f"a spec does not hold what stands in `{source.shown}`: {first}{more}")
