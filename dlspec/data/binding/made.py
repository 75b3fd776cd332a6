"""Examples that are made out of rows: what they have, and whether these rows give any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dlspec.components.layers.lookup import VocabularyLayer
from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data, Feature
from dlspec.components.sections.makers import Given, Maker
from dlspec.components.sections.sequences import shift_of
from dlspec.core.errors import Problem, did_you_mean, leave_out
from dlspec.core.ir import Tensor
from dlspec.data.binding.drawn import seed_of
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input, bind_inputs, fit
from dlspec.data.binding.missing import gaps
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.targets import Output
from dlspec.data.order.joined import JoinedTable
from dlspec.data.order.splits import PARTS, Parts, stratify_column
from dlspec.data.sources.base import Arrays, Column, DataProblem, Labels, Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """How examples come of rows.

    Attributes:
        maker: What makes them, as the spec declares it.
        source: The input of each row that they take.
        given: What examples have, by name.
        inputs: Those of them that enter the model.
        seed: What decides what is drawn, beside epochs and places.
    """

    maker: Maker
    source: Input
    given: Mapping[str, Given]
    inputs: tuple[Input, ...]
    seed: int

    def names_of(self, input_: Input) -> list[str]:
        """The names under which what a row has in an input enters the model."""
        return (
            [input_.name]
            if input_ is not self.source
            else [made.name for made in self.inputs if made.feature == input_.name]
        )


class GivenTable(Table):
    """Arrays of made examples that targets may name, as columns of a table without rows.

    Args:
        given: What examples have.
        indices: How many indices there are in the input that is taken; 0 where that is not known.
    """

    def __init__(self, given: Mapping[str, Given], indices: int, count: int) -> None:
        self._columns = {
            name: Column(content.tensor, count, indices=indices if content.taken else 2)
            for name, content in given.items()
        }

    @property
    def columns(self) -> Mapping[str, Column]:
        """All that examples have."""
        return self._columns

    def read(self, names: Iterable[str]) -> Arrays:
        """Nothing: there is no table of examples."""
        raise NotImplementedError

    def where(self, index: int) -> str:
        """They stand nowhere."""
        return "the examples that are made"

    def labels(self, name: str) -> Labels:
        """Every index that may occur."""
        values = tuple(range(max(2, self._columns[name].indices)))
        return Labels(values, (1,) * len(values))

    def where_is(self, name: str, value: Any) -> str:
        """See :meth:`where`."""
        return self.where(0)


def _of_rows(maker: Maker, signature: Signature | None) -> Signature | None:
    """What a row has to give: the inputs of the model but for those that examples have."""
    if signature is None:
        return None
    return replace(
        signature, inputs={name: input_ for name, input_ in signature.inputs.items() if name not in maker.names}
    )


def bind_made(
    data: Data,
    table: Table,
    signature: Signature | None,
    method: Method | None,
    findings: Findings,
) -> tuple[list[Input], Made | None]:
    """The inputs of rows, and what examples have that are made of them, held against the model.

    What does not fit goes to `findings` (E602, E605, E608, E619, and the codes of :func:`bind_inputs`).

    Returns:
        None in place of examples after a finding.
    """
    maker, before = data.maker, len(findings.items)
    assert maker is not None
    path = ("data", "examples", maker.name)
    with findings.at(*path):
        _check_section(data, maker, table, signature)
    _check_beside(data, maker, findings)
    if len(findings.items) > before:
        return [], None
    inputs = bind_inputs(data, table, _of_rows(maker, signature), findings, free=(maker.input,))
    source = next((input_ for input_ in inputs if input_.name == maker.input), None)
    if source is None or len(findings.items) > before:
        return inputs, None
    given: Mapping[str, Given] = {}
    with findings.at(*path):
        given = maker.gives(source.tensor)
    entering: list[Input] = []
    for name, content in given.items() if len(findings.items) == before else ():
        wanted = signature.inputs.get(name) if signature is not None else None
        if wanted is None and (signature is not None or name in _target_columns(data)):
            continue
        notes = signature.notes(name, f"input `{name}` is {wanted}") if signature is not None else ()
        with findings.at(*path, notes=notes):
            own = content._replace(tensor=ahead_of(data, content.tensor, name))
            entering.append(_input(name, own, source, wanted, by_row=maker.by_row))
    if len(findings.items) > before:
        return inputs, None
    return inputs, Made(maker, source, given, tuple(entering), seed_of(data, method))


def ahead_of(data: Data, tensor: Tensor, name: str) -> Tensor:
    """What enters the model of pieces of rows, without the steps that a target is ahead.

    Raises:
        Problem: E620, nothing is left.
    """
    shift = shift_of(data.targets, name)
    if not shift:
        return tensor
    steps = int(tensor.shape[0] or 0)
    if shift >= steps:
        message = f"a piece of `{name}` has {steps} steps, and a target is {shift} of them ahead"
        raise Problem("E620", message, "make the pieces longer, or the shift smaller")
    return Tensor((steps - shift,), tensor.dtype)


def _input(name: str, given: Given, source: Input, wanted: Tensor | None, *, by_row: bool) -> Input:
    """An input of the model that examples give, as the saved model takes it: prepared as the row's."""
    if not given.taken:
        input_ = Input(name, (name,), False, given.tensor, (), given.tensor, feature=name)
    elif by_row:
        input_ = replace(source, name=name, feature=source.name)
    else:
        input_ = replace(source, name=name, feature=source.name, tensor=given.tensor, cut=True)
    return input_ if wanted is None else fit(input_, wanted)


def _target_columns(data: Data) -> set[str]:
    return {column for target in data.targets.values() for column in target.sources}


def _check_section(data: Data, maker: Maker, table: Table, signature: Signature | None) -> None:
    """The input and the column are there, and the model takes some of what examples have.

    Raises:
        Problem: E602, E605, E608, E619.
    """
    if maker.input not in data.features:
        message = f"`{maker.input}` is no input of `data`"
        help = did_you_mean(maker.input, data.features) or f"add `inputs: {{{maker.input}: {{column: …}}}}`"
        raise Problem("E619", message, help, "input")
    for name in set(maker.names) & (data.features.keys() - {maker.input}):
        message = f"`{maker.name}` gives `{name}`, and so does an input of `data`"
        raise Problem("E619", message, f"give input `{name}` another name", "input")
    if signature is not None and not {*maker.names} & signature.inputs.keys():
        named = ", ".join(f"`{name}`" for name in maker.names)
        message = f"the model takes nothing that `{maker.name}` gives: {named}"
        raise Problem("E619", message, "name the inputs of the model as they are called there")
    if maker.same:
        _check_same(table.find(maker.same, "same"), maker.same, table)


def _check_beside(data: Data, maker: Maker, findings: Findings) -> None:
    """What is written for rows has a meaning for examples that are made of them (E619)."""
    if data.oversample is not False:
        with findings.at("data", "oversample"):
            message = f"`{maker.name}` makes its examples of each row once"
            raise Problem("E619", message, leave_out("oversample"))
    if data.cache == "none":
        with findings.at("data", "cache"):
            message = f"`{maker.name}` makes examples of rows in memory"
            raise Problem("E619", message, leave_out("cache"))
    if maker.by_row:
        return
    for name in data.features:
        if name != maker.input:
            with findings.at("data", "inputs", name, on_key=True):
                message = f"an example of `{maker.name}` is no row, which would have an input `{name}`"
                raise Problem("E619", message, f"leave `{name}` out here and in the model")
    if data.weight is not None:
        with findings.at("data", "weight"):
            raise Problem("E619", f"an example of `{maker.name}` is no row that could weigh", leave_out("weight"))


def _check_same(column: Column, name: str, table: Table) -> None:
    if column.tensor.shape:
        message = f"column `{name}` is {column.tensor}, expected one value that says which rows belong together"
        raise Problem("E605", message, "name another column", "same")
    lacking = None if column.indices else gaps(table.whole(name))
    if lacking is not None and lacking.any():
        message = f"column `{name}` has {int(lacking.sum())} missing values, and says which rows belong together"
        where = table.where(int(lacking.argmax()))
        raise DataProblem("E608", message, "fill it in, or leave such rows out of the file", "same", where)


def check_targets(data: Data, table: Table, findings: Findings) -> bool:
    """Targets name what examples have, or columns of the rows that begin them; whether all do (E619)."""
    maker, before = data.maker, len(findings.items)
    if maker is None:
        return True
    names = set(maker.names)
    for target, section in data.targets.items():
        with findings.at("data", "targets", target):
            of_rows = [column for column in section.sources if column not in names]
            if maker.by_row and not of_rows and set(section.sources) & table.columns.keys():
                message = f"`{maker.name}` gives `{section.sources[0]}`, and the source has a column of that name"
                raise Problem("E619", message, "give the column another name")
            if of_rows and (len(of_rows) < len(section.sources) or not maker.by_row):
                known = ", ".join(f"`{name}`" for name in names)
                message = f"`{of_rows[0]}` is a column of rows, and an example of `{maker.name}` is none"
                raise Problem("E619", message, f"targets name what it gives: {known}", "column")
            for option in () if of_rows else ("class_weights", "classes", "separator", "prepare", "missing"):
                if option in section.given:
                    message = f"`{option}` is for columns of a source, and `{section.sources[0]}` is made"
                    raise Problem("E619", message, leave_out(option), option)
            if of_rows and section.prepare:
                message = f"targets beside `{maker.name}` are compared as they are"
                raise Problem("E619", message, leave_out("prepare"), "prepare")
    return len(findings.items) == before


def given_table(made: Made, count: int) -> GivenTable:
    """A table whose columns are the arrays of made examples that targets may name."""
    layer = made.source.prepare[-1] if made.source.prepare else None
    indices = 0
    if isinstance(layer, VocabularyLayer) and layer.output_mode == "int":
        indices = int(layer.max_tokens or (len(layer.special()) + len(layer.tokens()) if layer.vocabulary else 0))
    return GivenTable(made.given, indices, count)


def is_made(output: Output, made: Made | None) -> bool:
    """Whether an output is compared with something that is made, and with no column of the source."""
    return made is not None and all(column in made.given for column in output.columns)


# So many rows of a class that a part is to have on the average have never been less than two by chance (4e-8).
_CERTAINLY_TWO = 20


def certainly_enough(made: Made, data: Data, table: Table) -> bool:
    """Whether each part has rows to put together, by what is known of the classes without reading a value."""
    same, split = made.maker.same, data.parts
    if not same:
        return True
    if not table.columns[same].indices or split.asks or isinstance(table, JoinedTable):
        return False
    if split.fold is not None or split.training_fraction < 1:
        return False
    shares = [split.share("validation"), split.share("test")]
    fewest = min(table.labels(same).counts)
    least = 3 if stratify_column(data) == same else _CERTAINLY_TWO  # a share of each class, rounded
    return all(fewest * share >= least for share in (*filter(None, shares), 1 - sum(shares)))


def check_parts(made: Made, table: Table, parts: Parts) -> None:
    """Each part has rows to put together.

    Raises:
        DataProblem: E619, some have no other that belongs to them, or none that does not.
    """
    import numpy as np

    values = table.whole(made.maker.same)
    for part, numbers in zip(PARTS, parts, strict=True):
        if not len(numbers):
            continue
        known, first, counts = np.unique(values[numbers], return_index=True, return_counts=True)
        split = {"train": "training"}.get(part, part)
        if len(known) < 2:
            message = f"all rows of the {split} split have `{known[0]}` in column `{made.maker.same}`"
            raise DataProblem("E619", message, "name another column, or choose the parts otherwise", "same")
        if (counts < 2).any():
            lonely = int((counts < 2).argmax())
            message = f"a single row of the {split} split has `{known[lonely]}` in column `{made.maker.same}`"
            help = "take larger parts, spread the classes (`by: stratified`), or leave such rows out"
            raise DataProblem("E619", message, help, "same", table.where(int(numbers[first[lonely]])))


def alone(data: Data, wanted: Iterable[str], columns: Iterable[str]) -> Data:
    """The section for rows that each stand for one example, as in `predict`.

    What made examples give stands in a column of its own name. Where the model takes one such input only, the column
    that was prepared in training will do.

    Args:
        wanted: The inputs that the model takes.
        columns: Those that there are.
    """
    maker = data.maker
    assert maker is not None
    made = [name for name in wanted if name in maker.names]
    features = {name: own for name, own in data.features.items() if name in wanted and name not in made}
    taken = maker.gives(Tensor((None,), "int64"))
    for name in made:
        feature = data.features[maker.input]
        if name in columns or len(made) > 1:
            kept = {key: value for key, value in feature.given.items() if key not in ("column", "columns")}
            features[name] = _as_long_as_a_piece(maker, Feature(column=name, **(kept if taken[name].taken else {})))
        else:
            features[name] = _as_long_as_a_piece(maker, feature)
    given = {key: value for key, value in data.given.items() if key != "examples"}
    return type(data)(**{**given, "inputs": features})


def _as_long_as_a_piece(maker: Maker, feature: Feature) -> Feature:
    """What prepares rows of which the model takes pieces."""
    if not maker.in_line or feature.length is not None or not any(layer.splits_texts for layer in feature.prepare):
        return feature
    return Feature(**{**feature.given, "length": maker.length})


def bind_alone(maker: Maker, data: Data, table: Table, signature: Signature, findings: Findings) -> list[Input]:
    """The inputs of rows that each stand for one example.

    Args:
        data: As :func:`alone` gives it.
    """
    made = [name for name in signature.inputs if name in maker.names]
    lacking = [name for name in made if name not in table.columns]
    if len(made) > 1 and lacking:
        with findings.at("data", "source", data.source.name):
            message = f"these examples have no column `{lacking[0]}`, which `{maker.name}` made of rows in training"
            named = ", ".join(f"`{name}`" for name in made)
            raise Problem("E602", message, f"give a column for each of {named}")
        return []
    cut = [] if maker.by_row else made
    whole = {name: tensor for name, tensor in signature.inputs.items() if name not in cut}
    inputs = bind_inputs(data, table, replace(signature, inputs=whole), findings, free=cut)
    return [
        replace(input_, tensor=signature.inputs[input_.name], cut=True) if input_.name in cut else input_
        for input_ in inputs
    ]
