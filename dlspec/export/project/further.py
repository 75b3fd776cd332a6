"""Further sources beside the first one, in ``data.py`` of a generated project: they go round in an epoch of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlspec.core.pieces import Piece
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.several import Other
from dlspec.export.project.bound import BoundInput
from dlspec.export.project.dividing import asked, division
from dlspec.export.project.frames import framed
from dlspec.export.project.loading import Loading, complete_rows
from dlspec.export.project.reading import Readers
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class Further:
    """The functions of one further source.

    Attributes:
        definitions: What divides it, and what reads its inputs by part.
        call: A call of the latter.
    """

    definitions: Sequence[Code]
    call: Code


def check_sources(binding: Binding) -> None:
    """Further sources are held in memory, and so is the first one beside them.

    Raises:
        Unsupported: One of them is read in batches or in blocks, or the first one gives no input.
    """
    tables = [binding.table, *(other.binding.table for other in binding.others)] if binding.others else []
    if any(table.streamed or table.blocks is not None for table in tables):
        raise Unsupported("several `sources` of which one is read in batches")
    if binding.others and not binding.inputs:
        raise Unsupported("several `sources` of which the first gives no input")


def further_sources(
    binding: Binding, inputs: Sequence[BoundInput], readers: Readers, templates: jinja2.Environment
) -> Iterator[Further]:
    """What reads each of the further sources.

    Args:
        inputs: All inputs.
        readers: Take the functions that read files.
    """
    for number, other in enumerate(binding.others, 2):
        yield _further(other, number, {input_.name: input_ for input_ in inputs}, readers, templates)


def _further(
    other: Other,
    number: int,
    inputs: Mapping[str, BoundInput],
    readers: Readers,
    templates: jinja2.Environment,
) -> Further:
    """`number` tells the names of functions of sources apart."""
    own: Binding = other.binding
    columns = tuple(dict.fromkeys([*own.columns, *asked(other.data)]))
    call = readers.add(f"read_{number}", other.data.source, columns, own.table)
    split = division(other.data, own, templates)
    named = Code(split.replace("def split(", f"def split_{number}(", 1)) if split is not None else None
    loading = Loading(call, {}, columns[0], named is not None, complete_rows(own), False, None, split=f"split_{number}")
    given = "folder" if "(folder)" in call else ""
    rows = framed(
        templates,
        "data/further",
        function=Code(f"inputs_{number}"),
        parameters=Code(f"{given}: Path" if given else ""),
        number=number,
        read=call,
        lines=[*loading.tables()],
        inputs={input_.name: inputs[input_.name].values for input_ in own.inputs},
    )
    return Further([*([named] if named is not None else []), rows], Code(f"inputs_{number}({given})"))


def meeting(binding: Binding) -> Iterator[Piece]:
    """Statements that give a batch, outside of training, the rows of further sources that it meets."""
    if binding.others:
        yield Piece("for others in self.part.others:")
        yield Piece("    inputs |= take(others, rows % size(others))")


def meeting_in_training(binding: Binding) -> Iterator[Piece]:
    """The same in training, where an epoch has chosen them."""
    if binding.others:
        yield Piece("visits = index * self.batch_size + np.arange(len(rows))")
        yield Piece("for others, met in zip(self.part.others, self.met, strict=True):")
        yield Piece("    inputs |= take(others, met[visits])")


def chosen(binding: Binding, *, shuffled: bool) -> Iterator[Piece]:
    """Statements that choose the rows of further sources for an epoch."""
    if binding.others:
        seed = "self.seed" if shuffled else "None"
        call = f"going_round(size(others), len(self.order), self.epoch, number, {seed})"
        yield Piece(f"self.met = [{call} for number, others in enumerate(self.part.others, 1)]")
