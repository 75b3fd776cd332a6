"""The spec that an estimator trains: somebody's spec, with the examples at hand in place of its source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from dlspec.api.run import write_examples
from dlspec.api.spec import Spec, load, plain
from dlspec.syntax.source import load as read_text

# Columns by name, each with a value for every example.
Examples = Mapping[str, Any]

# What is trained where no spec is given.
_DEFAULTS = {
    "classifier": """
        name: classifier
        params: {classes: 2}
        layers: [{dense: {units: 32, activation: relu}}, {dense: {units: $classes, activation: softmax}}]
        data: {inputs: {x: {column: x, prepare: [normalization]}}}
        train: {loss: sparse_categorical_crossentropy, optimizer: {adam: 1e-2}, epochs: 40}
    """,
    "regressor": """
        name: regressor
        layers: [{dense: {units: 32, activation: relu}}, {dense: 1}]
        data:
          inputs: {x: {column: x, prepare: [normalization]}}
          targets: {y: {column: y, prepare: [normalization]}}
        train: {loss: mse, optimizer: {adam: 1e-2}, epochs: 40}
    """,
}
# Keys of `data` that hold for any examples.
_KEPT = ("inputs", "targets", "batch_size", "oversample", "augment")


def _written(spec: Any) -> tuple[dict[str, Any], Path | None]:
    """The data of a spec, and the folder where its paths start; None for the current one."""
    if isinstance(spec, Mapping):
        return dict(plain(spec)), None
    opened = spec if isinstance(spec, Spec) else load(Path(spec))
    return opened.data(), opened.path.parent


def named_columns(spec: Any, frame: Any) -> list[str]:
    """Columns of a data frame that the spec reads; none where it lacks one of them, or the examples are an array."""
    if spec is None or not hasattr(frame, "columns"):
        return []
    inputs = (_written(spec)[0].get("data") or {}).get("inputs") or {}
    wanted = list(dict.fromkeys(name for given in inputs.values() for name in _columns(given)))
    return wanted if set(wanted) <= set(frame.columns) else []


def _columns(given: Any) -> list[str]:
    """Names of the columns that an input reads."""
    if isinstance(given, str):
        return [given]
    columns = given.get("columns", given.get("column", [])) if isinstance(given, Mapping) else []
    return [columns] if isinstance(columns, str) else columns if isinstance(columns, list) else []


def spec_for(
    spec: Any, kind: str, examples: Examples, target: Any, folder: Path, params: Mapping[str, Any]
) -> tuple[dict[str, Any], Path]:
    """The spec that is trained, and the folder where its paths start.

    Args:
        spec: As the estimator was given it.
        kind: `classifier` or `regressor`, for what is trained where no spec is given.
        examples: By column.
        target: A number or the number of a class for each example.
        folder: An empty folder, into which examples are written.
        params: Values of parameters that the spec has or has not.

    Raises:
        ValueError: The spec has several inputs or targets, of which examples without names say nothing.
    """
    written, home = _written(read_text(dedent(_DEFAULTS[kind])).data if spec is None else spec)
    before = written.get("data") or {}
    data = {key: before[key] for key in _KEPT if key in before}
    if list(examples) == ["x"] and _columns(next(iter((data.get("inputs") or {"x": "x"}).values()))) != ["x"]:
        data["inputs"] = _single_input(data.get("inputs") or {}, written.get("inputs") or {})
    name = next(column for column in ("y", "target", "_target", "__target__") if column not in examples)
    data["targets"] = _single_target(data.get("targets") or {}, name)
    path = write_examples({**examples, name: target}, folder)
    source = {".parquet": "parquet", ".npz": "npz"}[path.suffix]
    data["source"] = {source: str(path) if home is not None else path.name}
    split = before.get("split") or {}
    if split.get("validation"):
        by = {"by": split["by"]} if isinstance(split.get("by"), str) else {}  # others name columns
        data["split"] = {"validation": split["validation"], **by}
    known = written.get("params") or {}
    result = {**written, "data": data}
    if known:
        result["params"] = {**known, **{key: value for key, value in params.items() if key in known}}
    return result, home or folder


def _single_input(given: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The one input with the examples as its column, prepared as before."""
    names = list(given or shapes or {"x": None})
    if len(names) != 1:
        listed = ", ".join(f"`{name}`" for name in names)
        raise ValueError(f"the spec has the inputs {listed}: fit a data frame with the columns that they name")
    before = given.get(names[0]) if given else None
    kept = {key: value for key, value in before.items() if key not in ("column", "columns")} if before else {}
    return {names[0]: {**(kept if isinstance(before, Mapping) else {}), "column": "x"}}


def _single_target(given: Mapping[str, Any], column: str) -> dict[str, Any]:
    if len(given) > 1:
        listed = ", ".join(f"`{name}`" for name in given)
        raise ValueError(f"the spec has the targets {listed}: an estimator has one")
    name, before = next(iter(given.items())) if given else ("y", None)
    kept = before if isinstance(before, Mapping) else {}
    return {
        name: {**{key: value for key, value in kept.items() if key not in ("classes", "columns")}, "column": column}
    }
