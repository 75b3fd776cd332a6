"""Which columns enter which input of the model, and through what preparation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dlspec.data.findings import Findings
from dlspec.data.signature import Signature
from dlspec.data.sources.base import TEXT, Column, DataProblem, Table
from dlspec.errors import Problem, did_you_mean
from dlspec.ir import Shape, Tensor, show_shape
from dlspec.lower.infer import call_layer
from dlspec.sections.data import Data, Feature

DEFAULT_NAME = "features"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the model, bound to columns.

    Attributes:
        name: The model's name for it.
        columns: Where its values come from; several are stacked.
        stacked: Whether the columns form one axis, even when it is a single one.
        raw: What one example is before preparation: the input of the saved model.
        prepare: Preparation layers, not yet fitted.
        tensor: What enters the model proper.
    """

    name: str
    columns: tuple[str, ...]
    stacked: bool
    raw: Tensor
    prepare: tuple[Any, ...]
    tensor: Tensor


def bind_inputs(data: Data, table: Table, signature: Signature | None, findings: Findings) -> list[Input]:
    """Binds every input; what does not fit goes to `findings` (E601 to E605, E607, and the layers' own codes)."""
    if not data.features:
        with findings.at("data", "source", data.source.name):
            return [_obvious(data, table, signature)]
        return []
    bound = []
    for name, feature in data.features.items():
        wanted = None
        if signature is not None:
            with findings.at("data", "inputs", name, on_key=True):
                wanted = _wanted(name, signature)
            if wanted is None:
                continue
        before = len(findings.items)
        one = _bind(name, feature, table, findings)
        if one is not None and wanted is not None and signature is not None:
            notes = signature.notes(name, f"input `{name}` is {wanted}")
            with findings.at("data", "inputs", name, notes=notes):
                one = fit(one, wanted)
        if one is not None and len(findings.items) == before:
            bound.append(one)
    if signature is not None:
        _without_data(data, signature, findings)
    return bound


def _wanted(name: str, signature: Signature) -> Tensor:
    if name not in signature.inputs:
        message = f"`{name}` is no input of the model"
        raise Problem("E607", message, did_you_mean(name, signature.inputs))
    return signature.inputs[name]


def _without_data(data: Data, signature: Signature, findings: Findings) -> None:
    missing = [name for name in signature.inputs if name not in data.features]
    # A misspelt name is one mistake: it was reported at the name.
    if len(missing) > len([name for name in data.features if name not in signature.inputs]):
        with findings.at("data", "inputs", on_key=True):
            message = f"the model's input `{missing[0]}` gets no data"
            raise Problem("E607", message, f"add `{missing[0]}: {{column: …}}`")


def _bind(name: str, feature: Feature, table: Table, findings: Findings) -> Input | None:
    """The input as its own data describe it, or None after a finding."""
    before = len(findings.items)
    stacked = feature.columns is not None
    text = bool(feature.prepare) and _takes_text(feature.prepare[0], len(feature.sources) if stacked else 0)
    for position, column in enumerate(feature.sources):
        place = ("columns", position) if stacked else ("column",)
        with findings.at("data", "inputs", name, *place):
            _check_column(table.find(column, ""), column, stacked, text, table)
    if len(findings.items) > before:
        return None
    raw = raw_tensor([table.columns[column] for column in feature.sources], stacked)
    return _prepared(Input(name, feature.sources, stacked, raw, feature.prepare, raw), findings)


def _check_column(column: Column, name: str, stacked: bool, text: bool, table: Table) -> None:
    """What enters the model, or its first preparation, is what that takes.

    Raises:
        Problem: E603, text where numbers are expected; E605, an array column cannot be stacked.
    """
    if column.text and not text:
        value, where = table.not_a_number(name) or ("", "")
        message = f"column `{name}` holds text (`{value[:40]}`), expected numbers"
        help = "correct the value, or prepare a column of words with `string_lookup`"
        raise DataProblem("E603", message, help, where=where)
    if stacked and column.tensor.shape:
        message = f"column `{name}` is {column.tensor}, only single numbers can be stacked"
        raise Problem("E605", message, f"write `column: {name}`")


def _takes_text(layer: Any, columns: int) -> bool:
    """Whether a layer takes text; `columns` counts those that are stacked, 0 for a column on its own."""
    try:
        call_layer(layer, [Tensor((columns,) if columns else (), TEXT)], {})
    except Problem as problem:
        return problem.code != "E409"
    return True


def raw_tensor(columns: Sequence[Column], stacked: bool) -> Tensor:
    """What one example of a group of columns is: float32 [n], text [] or [n], integers in their own dtype."""
    if stacked:
        return Tensor((len(columns),), TEXT if all(column.text for column in columns) else "float32")
    return _single(columns[0].tensor)


def _single(tensor: Tensor) -> Tensor:
    if tensor.dtype == TEXT:
        return tensor
    whole = tensor.dtype.startswith(("int", "uint")) and tensor.dtype != "uint8"
    return Tensor(tensor.shape or (1,), tensor.dtype if whole else "float32")


def _prepared(one: Input, findings: Findings) -> Input | None:
    tensor = one.raw
    for position, layer in enumerate(one.prepare):
        before = len(findings.items)
        with findings.at("data", "inputs", one.name, "prepare", position):
            tensor = call_layer(layer, [tensor], {}).outputs[0]
        if len(findings.items) > before:
            return None
    return replace(one, tensor=tensor)


def fit(one: Input, wanted: Tensor) -> Input:
    """`one` in the shape and dtype that the model takes; a last axis of 1 is added or removed.

    Raises:
        Problem: E605, they do not fit.
    """
    shape = fit_shape(one.tensor.shape, wanted.shape)
    names = ", ".join(f"`{column}`" for column in one.columns[:4]) + (", …" if len(one.columns) > 4 else "")
    if shape is None:
        message = f"input `{one.name}` has shape {show_shape(wanted.shape)}, the data ({names}) give {one.tensor}"
        raise Problem("E605", message)
    text = TEXT in (one.tensor.dtype, wanted.dtype)
    if (text and one.tensor.dtype != wanted.dtype) or (one.tensor.floating and not wanted.floating):
        message = f"input `{one.name}` takes {wanted.dtype}, the data ({names}) give {one.tensor.dtype}"
        raise Problem("E605", message)
    tensor = Tensor(shape, wanted.dtype)
    return replace(one, tensor=tensor, raw=one.raw if one.prepare else tensor)


def fit_shape(have: Shape, want: Shape) -> Shape | None:
    """The shape that data of shape `have` take to enter `want`, or None."""
    for shape in (have, (*have, 1), have[:-1] if have[-1:] == (1,) else have):
        if len(shape) == len(want) and all(w is None or h is None or w == h for h, w in zip(shape, want, strict=True)):
            return shape
    return None


def _obvious(data: Data, table: Table, signature: Signature | None) -> Input:
    """The only input of the model, from the columns that are no targets."""
    if signature is not None and len(signature.inputs) != 1:
        names = ", ".join(f"`{name}`" for name in signature.inputs)
        message = f"the model has {len(signature.inputs)} inputs ({names})"
        raise Problem("E607", message, "say in `inputs` of `data` which columns enter which")
    groups = table.obvious([target.column for target in data.targets.values()])
    if not groups or not groups[0]:
        raise Problem("E607", "no column is left to enter the model", "say in `inputs` of `data` what shall")
    name, wanted = next(iter(signature.inputs.items())) if signature is not None else ("", None)
    found = [_group(name or DEFAULT_NAME, group, table) for group in groups]
    if wanted is None:
        return found[0]
    for one in found:
        if fit_shape(one.tensor.shape, wanted.shape) is not None:
            return fit(one, wanted)
    return fit(found[0], wanted)


def _group(name: str, group: tuple[str, ...], table: Table) -> Input:
    columns = [table.columns[column] for column in group]
    stacked = all(not column.tensor.shape for column in columns)
    for column, facts in zip(group, columns, strict=True):
        _check_column(facts, column, stacked, False, table)
    raw = raw_tensor(columns, stacked)
    return Input(name, group, stacked, raw, (), raw)
