"""Which columns enter which input of the model, and through what preparation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.sections.data import Data, Feature
from dlspec.components.sections.sequences import sequence_of
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Tensor, show_shape
from dlspec.data.binding import missing
from dlspec.data.binding.column_types import fit_shape, is_whole, raw_tensor, replace_dtype
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.signature import Signature
from dlspec.data.sources.base import TEXT, Column, DataProblem, Table
from dlspec.graph.lower.infer import call_layer

DEFAULT_NAME = "features"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the model, bound to columns.

    Attributes:
        name: The model's name for it.
        columns: Where its values come from; several are stacked.
        stacked: Whether the columns form one axis, even when it is a single one.
        raw: What one example is before preparation: the input of the saved model.
        prepare: Preparation layers, not yet fitted; the one that fills in missing values is the first.
        tensor: What enters the model proper.
        missing: What becomes of examples with missing values: ``error``, ``drop``, ``fill``, or ``keep`` (empty texts
            that nothing was said about).
        length: For text that lists token ids: how many there shall be; 0 for everything else.
        feature: Its name in the section `data`, where examples are made of it; "" where it has the same one.
        cut: Whether the first indices behind its preparation enter, as many as the model takes.
    """

    name: str
    columns: tuple[str, ...]
    stacked: bool
    raw: Tensor
    prepare: tuple[Any, ...]
    tensor: Tensor
    missing: str = "error"
    length: int = 0
    feature: str = ""
    cut: bool = False

    @property
    def written(self) -> str:
        """Its name in the section `data`."""
        return self.feature or self.name


def bind_inputs(
    data: Data, table: Table, signature: Signature | None, findings: Findings, *, free: Collection[str] = ()
) -> list[Input]:
    """Binds every input; what does not fit goes to `findings` (E601 to E605, E607, and the layers' own codes).

    Args:
        free: Inputs of the data that do not enter the model as they are, and need not fit it.
    """
    if not data.features and signature is not None and not signature.inputs:
        return []
    if not data.features:
        with findings.at("data", "source", data.source.name):
            return [_obvious(data, table, signature)]
        return []
    bound = []
    for name in data.features:
        wanted = None
        if signature is not None and name not in free:
            with findings.at("data", "inputs", name, on_key=True):
                wanted = _wanted(name, signature)
            if wanted is None:
                continue
        before = len(findings.items)
        input_ = bind_one(data, name, table, wanted, findings)
        if input_ is not None and wanted is not None and signature is not None:
            notes = signature.notes(name, f"input `{name}` is {wanted}")
            with findings.at("data", "inputs", name, notes=notes):
                input_ = fit(input_, wanted)
        if input_ is not None and len(findings.items) == before:
            bound.append(input_)
    if signature is not None:
        _without_data([name for name in data.features if name not in free], signature, findings)
    return bound


def bind_one(data: Data, name: str, table: Table, wanted: Tensor | None, findings: Findings) -> Input | None:
    """One input as its own data describe it, or None after a finding.

    Args:
        wanted: What the model takes; None where that is not known.
    """
    before = len(findings.items)
    input_ = _bind(name, data.features[name], table, wanted, findings)
    with findings.at("data", "inputs", name):
        marked = _marked(data, input_) if input_ is not None else None
    return marked if len(findings.items) == before else None


def _marked(data: Data, input_: Input) -> Input:
    """An input with marks around its rows, of one length, and without the steps that targets are ahead.

    Raises:
        Problem: E620, the rows have no length; E402 and E409, they are no rows of indices.
    """
    steps = input_.tensor.shape[0] if input_.tensor.rank == 1 else None
    maker = data.maker
    cut = maker is not None and maker.in_line and maker.input == input_.name
    rows = sequence_of(data.features, data.targets, input_.name, steps, cut=cut)
    if rows.layer is None:
        return input_
    added = len(input_.prepare) - len(rows.prepare)
    tensor = call_layer(rows.layer, [input_.tensor], {}).outputs[0]
    if rows.shift:
        if rows.shift >= rows.length:
            message = f"input `{input_.name}` has {rows.length} steps, and a target is {rows.shift} of them ahead"
            raise Problem("E620", message, "make the rows longer, or the shift smaller")
        tensor = Tensor((rows.length - rows.shift,), tensor.dtype)
    prepare = (*input_.prepare[:added], *rows.prepare, rows.layer)
    return replace(input_, prepare=prepare, tensor=tensor, cut=rows.shift > 0)


def _wanted(name: str, signature: Signature) -> Tensor:
    if name in signature.drawn:
        message = f"`{name}` is drawn: no column gives it"
        raise Problem("E607", message, f"leave it out here, or leave out `draw` of input `{name}`")
    if name not in signature.inputs:
        message = f"`{name}` is no input of the model"
        raise Problem("E607", message, did_you_mean(name, signature.inputs))
    return signature.inputs[name]


def _without_data(given: Collection[str], signature: Signature, findings: Findings) -> None:
    missing = [name for name in signature.inputs if name not in given]
    # A misspelt name is one mistake: it was reported at the name.
    if len(missing) > len([name for name in given if name not in signature.inputs]):
        with findings.at("data", "inputs", on_key=True):
            message = f"the model's input `{missing[0]}` gets no data"
            raise Problem("E607", message, f"add `{missing[0]}: {{column: …}}`")


def _bind(name: str, feature: Feature, table: Table, wanted: Tensor | None, findings: Findings) -> Input | None:
    """The input as its own data describe it, or None after a finding."""
    before = len(findings.items)
    stacked = feature.columns is not None
    text = feature.token_length is not None or _wants_text(feature, wanted)
    number = not only_text(feature, wanted)
    for position, column in enumerate(feature.sources):
        path = ("columns", position) if stacked else ("column",)
        with findings.at("data", "inputs", name, *path):
            _check_column(table.find(column, ""), column, stacked, text, table)
            if not number and not table.columns[column].text:
                raise _no_text(column, table.columns[column])
    if len(findings.items) > before:
        return None
    columns = [table.columns[column] for column in feature.sources]
    exact = _exact(feature, wanted)
    with findings.at("data", "inputs", name):
        listed = feature.token_length is not None and (feature.marks is None or columns[0].text)
        raw = _sequence(feature, columns[0]) if listed else raw_tensor(columns, stacked, exact)
        # What prepares a number computes with float32: the saved model takes fractions where the training had none.
        measured = bool(feature.prepare) and not exact and not columns[0].tensor.shape and not listed
        if raw.dtype != TEXT and (feature.policy.fills or feature.policy.passes or measured):
            raw = replace_dtype(raw, "float64" if exact else "float32")
        how = missing.how(feature, text=columns[0].text)
        if how == missing.DROP and raw.dtype == "float64" and _wants_whole(feature):
            if _fraction(feature.sources, table) is None:
                raw = replace_dtype(raw, "int64")  # gaps made them float64, and are left out
        elif not feature.prepare and not feature.policy.fills:
            raw = _as_whole(name, feature.sources, raw, wanted, table)
        filling = missing.filling(feature.policy, raw)
        prepare = (*filling, *feature.prepare)
        raw = _with_channels(raw, prepare)
        length = (feature.token_length or 0) if listed else 0
        input_ = Input(name, feature.sources, stacked, raw, prepare, raw, how, length)
        return _prepared(input_, len(filling), findings)
    return None


def _wants_text(feature: Feature, wanted: Tensor | None) -> bool:
    """Whether text may enter: the first layer of preparation takes it, or without one the model itself."""
    if not feature.prepare:
        return wanted is not None and wanted.dtype == TEXT
    return takes(feature.prepare[0], TEXT, feature)


def _wants_whole(feature: Feature) -> bool:
    """Whether the first layer of preparation takes whole numbers, and no others."""
    first = feature.prepare[0] if feature.prepare else None
    return first is not None and takes(first, "int64", feature) and not takes(first, "float64", feature)


def _as_whole(name: str, columns: Sequence[str], raw: Tensor, wanted: Tensor | None, table: Table) -> Tensor:
    """Floating numbers that enter an input of whole ones as they are: whole, if every one of them is.

    Raises:
        DataProblem: E605, one is not.
    """
    if wanted is None or not is_whole(wanted.dtype) or not raw.floating or table.streamed:
        return raw
    fraction = _fraction(columns, table)
    if fraction is None:
        return replace_dtype(raw, "int64")
    column, value, index = fraction
    message = f"input `{name}` takes {wanted.dtype}, and column `{column}` holds {value}"
    help = "correct the value, or let the input be `dtype: float32`"
    raise DataProblem("E605", message, help, where=table.where(index))


def _fraction(columns: Sequence[str], table: Table) -> tuple[str, float, int] | None:
    """The first value that is no whole number which float64 holds exactly; missing ones are told elsewhere.

    Returns:
        Its column, itself, and the number of its example.
    """
    for column in columns:
        values = table.read([column])[column]
        rows = values.reshape(len(values), -1)
        wrong = (rows == rows) & ((rows % 1 != 0) | (abs(rows) > 2.0**53))
        if wrong.any():
            index = int(wrong.any(axis=1).argmax())
            return column, float(rows[index][wrong[index]][0]), index
    return None


def only_text(feature: Feature, wanted: Tensor | None) -> bool:
    """Whether what enters can only be text: the first layer of preparation, or else the model, takes nothing else."""
    if feature.token_length is not None:
        return feature.marks is None
    if not feature.prepare:
        return wanted is not None and wanted.dtype == TEXT
    return takes(feature.prepare[0], TEXT, feature) and not takes(feature.prepare[0], "int64", feature)


def _no_text(name: str, column: Column) -> Problem:
    message = f"column `{name}` is {column.tensor}, expected text"
    return Problem("E603", message, "store its values as texts, or prepare whole numbers with `integer_lookup`")


def _sequence(feature: Feature, column: Column) -> Tensor:
    """Token ids, cut or filled to their length.

    Raises:
        Problem: E605, the column holds no text to take them from.
    """
    if not column.text:
        message = f"column `{feature.column}` is {column.tensor}, and `length` is for texts such as `12 7 9`"
        raise Problem("E605", message, "leave `length` out", "length")
    return Tensor((feature.length,), "int32")


def _check_column(column: Column, name: str, stacked: bool, text: bool, table: Table) -> None:
    """What enters the model, or its first preparation, is what that takes.

    Raises:
        Problem: E603, text where numbers are expected; E605, an array column cannot be stacked.
    """
    if column.text and not text:
        if table.tolerant and table.as_numbers(name):
            return
        contents = table.contents(name, "correct the value, or prepare a column of words with `string_lookup`")
        raise DataProblem(
            "E603", f"column `{name}` holds {contents.what}, expected numbers", contents.help, where=contents.where
        )
    if stacked and column.tensor.shape:
        message = f"column `{name}` is {column.tensor}, only single numbers can be stacked"
        raise Problem("E605", message, f"write `column: {name}`")


def takes(layer: Any, dtype: str, feature: Feature) -> bool:
    """Whether a layer of preparation takes values of a type from the columns of an input."""
    shape = (len(feature.sources),) if feature.columns is not None else ()
    try:
        call_layer(layer, [Tensor(shape, dtype)], {})
    except Problem as problem:
        return problem.code != "E409"
    return True


def _exact(feature: Feature, wanted: Tensor | None) -> bool:
    """Whether numbers are names of things, for the first layer of preparation or for the model itself."""
    if feature.prepare:
        return bool(feature.prepare[0].whole_numbers)
    return wanted is not None and is_whole(wanted.dtype)


def _prepared(input_: Input, added: int, findings: Findings) -> Input | None:
    """`input_` with what enters the model proper; the first `added` layers are not written in `prepare`."""
    tensor = input_.raw
    for position, layer in enumerate(input_.prepare):
        before = len(findings.items)
        path = ("prepare", position - added) if position >= added else ("missing",)
        with findings.at("data", "inputs", input_.name, *path):
            tensor = call_layer(layer, [tensor], {}).outputs[0]
        if len(findings.items) > before:
            return None
    return replace(input_, tensor=tensor)


def _with_channels(raw: Tensor, prepare: Sequence[Layer]) -> Tensor:
    """Grey pictures of shape [height, width], as [height, width, 1] where what prepares them takes no others."""
    pictures = Tensor((*raw.shape, 1), raw.dtype)
    return pictures if raw.rank == 2 and not _go_through(raw, prepare) and _go_through(pictures, prepare) else raw


def _go_through(tensor: Tensor, prepare: Sequence[Layer]) -> bool:
    """Whether layers take a tensor one after the other."""
    try:
        for layer in prepare:
            tensor = call_layer(layer, [tensor], {}).outputs[0]
    except Problem:
        return False
    return True


def fit(input_: Input, wanted: Tensor) -> Input:
    """`input_` in the shape and dtype that the model takes; a last axis of 1 is added or removed.

    Raises:
        Problem: E605, they do not fit.
    """
    shape = fit_shape(input_.tensor.shape, wanted.shape)
    names = ", ".join(f"`{column}`" for column in input_.columns[:4]) + (", …" if len(input_.columns) > 4 else "")
    if shape is None:
        message = f"input `{input_.name}` has shape {show_shape(wanted.shape)}, the data ({names}) give {input_.tensor}"
        raise Problem("E605", message)
    text = TEXT in (input_.tensor.dtype, wanted.dtype)
    if (text and input_.tensor.dtype != wanted.dtype) or (input_.tensor.floating and not wanted.floating):
        message = f"input `{input_.name}` takes {wanted.dtype}, the data ({names}) give {input_.tensor.dtype}"
        raise Problem("E605", message)
    tensor = Tensor(shape, wanted.dtype)
    return replace(input_, tensor=tensor, raw=input_.raw if input_.prepare else tensor)


def _obvious(data: Data, table: Table, signature: Signature | None) -> Input:
    """The only input of the model, from the columns that are no targets."""
    if signature is not None and len(signature.inputs) != 1:
        names = ", ".join(f"`{name}`" for name in signature.inputs)
        message = f"the model has {len(signature.inputs)} inputs ({names})"
        raise Problem("E607", message, "say in `inputs` of `data` which columns enter which")
    groups = table.obvious([*(column for target in data.targets.values() for column in target.sources), *data.aside])
    if not groups or not groups[0]:
        raise Problem("E607", "no column is left to enter the model", "say in `inputs` of `data` what shall")
    name, wanted = next(iter(signature.inputs.items())) if signature is not None else ("", None)
    candidates = [_group(name or DEFAULT_NAME, group, table, wanted) for group in groups]
    if wanted is None:
        return candidates[0]
    for candidate in candidates:
        if fit_shape(candidate.tensor.shape, wanted.shape) is not None:
            return fit(candidate, wanted)
    return fit(candidates[0], wanted)


def _group(name: str, group: tuple[str, ...], table: Table, wanted: Tensor | None) -> Input:
    stacked = all(not table.columns[column].tensor.shape for column in group)
    exact = wanted is not None and is_whole(wanted.dtype)
    for column in group:
        _check_column(table.columns[column], column, stacked, False, table)
    raw = raw_tensor([table.columns[column] for column in group], stacked, exact)  # some may be taken for numbers now
    raw = _as_whole(name, group, raw, wanted, table)
    return Input(name, group, stacked, raw, (), raw)
