"""The function ``load()`` of ``data.py`` in a generated project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dlspec.core.pieces import Piece
from dlspec.data.binding import missing
from dlspec.data.binding.binding import Binding
from dlspec.export.python.syntax import constant, text
from dlspec.export.python.templates import Code

NO_MORE = Piece("")


@dataclass(frozen=True)
class Loading:
    """The parts of the function that loads the data of a project.

    Attributes:
        read: The call that reads the examples that are divided.
        others: Those that read the other parts, by the part's name.
        first: A column, which tells how many examples there are.
        divided: Whether there is a function ``split()``.
        complete: Expression of which examples lack nothing; None where none is left out.
        numbered: Whether the places of examples in the source are kept.
        groups: Expression of where the blocks of the source begin; None where they do not matter.
        more: Further arguments of a part, each after a comma.
        split: Name of the function that divides.
    """

    read: Code
    others: Mapping[str, Code]
    first: str
    divided: bool
    complete: Code | None
    numbered: bool
    groups: Piece | None
    more: Piece = NO_MORE
    split: str = "split"

    def tables(self) -> Iterator[Piece]:
        """Statements that make the columns of each part, from those of the source."""
        yield from self._rows()
        if self.divided or self.complete:
            yield Piece("tables = {{part: take(columns, some) for part, some in rows.items()}}")
        else:
            yield Piece("tables = {{'train': columns}}")
        for part, call in self.others.items():
            yield from self._other(part, call)

    def _rows(self) -> Iterator[Piece]:
        """The places of the examples of each part."""
        if self.complete:
            yield Piece("kept = np.flatnonzero({})", self.complete)
            if self.divided:
                yield Piece(
                    f"rows = {{{{part: kept[some] for part, some in {self.split}(take(columns, kept)).items()}}}}"
                )
            else:
                yield Piece("rows = {{'train': kept}}")
        elif self.divided:
            yield Piece(f"rows = {self.split}(columns)")
        elif self.numbered:
            yield Piece("rows = {{'train': np.arange(len(columns[{}]))}}", self.first)

    def _other(self, part: str, call: Code) -> Iterator[Piece]:
        """A part that has a source of its own."""
        if self.complete:
            yield Piece("columns = {}", call)
            yield Piece("tables[{}] = take(columns, np.flatnonzero({}))", part, self.complete)
        else:
            yield Piece("tables[{}] = {}", part, call)
        if self.numbered:
            yield Piece("rows[{}] = np.arange(len(tables[{}][{}]))", part, part, self.first)

    def part(self) -> Piece:
        """Expression of one part, from its columns."""
        rows = ", rows[part]" if self.numbered else ""
        groups = Piece(", {}", self.groups) if self.groups else Code("")
        return Piece(f"Part(model_inputs(table), model_targets(table){rows}{{}}{{}})", groups, self.more)


def preparing(
    adapts: Sequence[tuple[str, int, Sequence[str]]], arguments: Code, *, lazy: bool, several: bool = False
) -> Iterator[Piece]:
    """Statements that fit the layers of preparation, and let the values of all parts through.

    Args:
        adapts: The layers that are fitted on the training part: an input's name, the place among its layers, and the
            inputs whose values they are fitted on.
        arguments: Those of ``preparation()``.
        lazy: Whether some columns are made when a batch asks for them.
        several: Whether inputs come of several sources.
    """
    inputs = "holding({part}, name)" if several else "{part}.inputs"
    training, each = inputs.format(part="parts['train']"), inputs.format(part="part")
    yield Piece("fitted = preparation({})", arguments)
    listed = ", ".join("{}" for _ in adapts)
    if any(len(names) > 1 for *_, names in adapts):
        fitted = [(name, number, list(names)) for name, number, names in adapts]
        yield Piece(f"for name, number, alike in [{listed}]:", *fitted)
        yield Piece(f"    raw = np.concatenate([{training.replace('name', 'other')}[other] for other in alike])")
    elif adapts:
        yield Piece(f"for name, number in [{listed}]:", *((name, number) for name, number, _ in adapts))
        yield Piece(f"    raw = {training}[name]")
    if adapts:
        yield Piece("    fitted[name][number].adapt(prepare(fitted[name][:number], raw))")
        yield Piece("    settle(fitted[name][number])")
    yield Piece("for name, found in fitted.items():")
    yield Piece("    for part in parts.values():")
    prepare = "prepare_later" if lazy else "prepare"
    yield Piece(f"        {each}[name] = {prepare}(found, {each}[name])")


def ahead(binding: Binding) -> Iterator[Piece]:
    """Statements that make targets of the next steps of inputs, and leave the last steps out of these."""
    outputs = [output for output in binding.outputs if output.shift] if binding.made is None else []
    if outputs:
        yield Piece("for part in parts.values():")
    for output in outputs:
        yield Piece("    whole = part.inputs[{}]", output.input)
        yield Piece(
            "    part.inputs[{}], part.targets[{}] = whole[:, :{}], whole[:, {}:]",
            output.input,
            output.name,
            -output.shift,
            output.shift,
        )


def complete_rows(binding: Binding) -> Code | None:
    """Expression of which examples lack nothing, where those that do are left out."""
    names = sorted({column for user in binding.users if user.missing == missing.DROP for column in user.columns})
    if not names:
        return None
    each = [f"lacking(columns[{text(constant(name))}])" for name in names]
    return Code(f"~{each[0]}" if len(each) == 1 else f"~({' | '.join(each)})")
