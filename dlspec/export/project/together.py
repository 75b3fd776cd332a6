"""Examples that are made out of rows, in ``data.py`` of a generated project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.made import Made
from dlspec.data.binding.targets import Output
from dlspec.data.order.splits import PARTS
from dlspec.data.sources.base import TEXT
from dlspec.export.project.changes import Changes
from dlspec.export.project.frames import framed
from dlspec.export.project.hiding import hidden_outside_of_training, masked
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code, listed

if TYPE_CHECKING:
    import jinja2


def supported(binding: Binding, changed: Changes) -> Changes:
    """The changes of training examples, which examples that are made out of rows do not go with.

    Raises:
        Unsupported: The section asks for something that projects do not support beside them.
    """
    if binding.made is None:
        return changed
    beside = {
        "drawn inputs": binding.drawn,
        "`augment`": changed.layers,
        "`class_weights`": changed.weighted,
        "a source read in batches": binding.table.streamed,
    }
    for what, asked in beside.items():
        if asked:
            raise Unsupported(f"{what} beside examples made out of rows, as by `{binding.made.maker.name}`")
    return changed


def part_fields(binding: Binding) -> list[Code]:
    """What a part holds besides its rows: how they belong together, and its number."""
    same = ["classes: np.ndarray"] if binding.made is not None and binding.made.maker.same else []
    hidden = ["occurring: Arrays"] if masked(binding) else []
    numbered = ["number: int"] if binding.made is not None or hidden else []
    return [Code(field) for field in (*same, *numbered, *hidden)]


def part_values(binding: Binding) -> Piece:
    """The values of these fields, from the columns of a part, as further arguments of ``Part``."""
    if not part_fields(binding):
        return Piece("")
    numbers = Piece("{}[part]", {part: number for number, part in enumerate(PARTS, 1)})
    if binding.made is not None and binding.made.maker.same:
        same = binding.made.maker.same
        return Piece(", np.unique(table[{}], return_inverse=True)[1], {}", same, numbers)
    return Piece(", {}, occurring" if masked(binding) else ", {}", numbers)


def put_together(binding: Binding, templates: jinja2.Environment) -> Iterator[Code]:
    """The function that makes the examples of a part."""
    made = binding.made
    if made is None:
        return
    maker, others = made.maker, [input_ for input_ in binding.inputs if input_ is not made.source]
    arguments: list[Any] = [Piece("part.inputs[{}]", made.source.name)]
    arguments += [Code("part.classes")] if maker.same else []
    arguments += [getattr(maker, name) for name in maker.settings]
    arguments += [Code("*seeds")] if maker.draws else []
    call = Piece(f"{maker.project}({', '.join('{}' for _ in arguments)})", *arguments)
    inputs = {input_.name: Piece("part.inputs[{}]", input_.name) for input_ in others}
    inputs |= {
        input_.name: _like(_first_steps(input_, made), made.given[input_.name].tensor, input_.tensor)
        for input_ in made.inputs
    }
    row_outputs = {output.name for output in binding.row_outputs}
    targets = {
        output.name: Piece("part.targets[{}]", output.name) if output.name in row_outputs else _target(output, made)
        for output in binding.outputs
        if output.mask is None
    }
    kept = [field.split(":")[0] for field in part_fields(binding)]
    yield framed(
        templates,
        "data/put_together",
        names=listed(list(made.given)),
        made=call,
        inputs=Piece("{}", inputs),
        targets=Piece("{}", targets),
        kept=Code("".join(f", part.{name}" for name in kept)),
        drawn=Code("; the seeds decide what is drawn" if maker.draws else ""),
        seeds=Code(", *seeds: int" if maker.draws else ""),
    )


def outside_of_training(binding: Binding) -> Piece:
    """Expression of the examples of ``part``, as they are met outside of training."""
    return hidden_outside_of_training(binding, whole_examples(binding))


def whole_examples(binding: Binding) -> Piece:
    """The same before steps of them are hidden."""
    made = binding.made
    if made is None:
        return Piece("part")
    return (
        Piece("put_together(part, {}, part.number, 0)", made.seed) if made.maker.draws else Piece("put_together(part)")
    )


def saved_layers(saved: list[Input]) -> Piece:
    """Expression of the layers that prepare each input of the saved model: those of the row's input."""
    return Piece("{}.items()", {input_.name: Piece("fitted[{}]", input_.written) for input_ in saved if input_.prepare})


def fitted_inputs(binding: Binding, saved: list[Input]) -> Iterator[Piece]:
    """Statements that bring prepared values to the rank and the length that the model takes."""
    made = binding.made
    for input_ in saved:
        wanted, values = input_.tensor.rank, Piece("values[{}]", input_.name)
        have = made.source.tensor.rank if made is not None else wanted
        if input_.cut:
            have = 1
            values = Piece("first_indices({}, {}, {})", values, input_.tensor.shape[-1] or 1, input_.tensor.dtype)
        if input_.cut and wanted != have:
            raise Unsupported(f"`{input_.name}` without an axis, made out of rows")
        if input_.cut or (made is not None and have != wanted and input_.feature == made.source.name):
            yield Piece("values[{}] = {}", input_.name, _ranked(values, have, wanted))


def _given(name: str) -> Piece:
    return Piece("made[{}]", name)


def _first_steps(input_: Input, made: Made) -> Piece:
    """What is made for an input, without the steps that a target is ahead."""
    have, wanted = made.given[input_.name].tensor.shape, input_.tensor.shape
    longer = len(have) == len(wanted) == 1 and have != wanted
    return Piece("made[{}][:, :{}]", input_.name, wanted[0]) if longer else _given(input_.name)


def _target(output: Output, made: Made) -> Piece:
    """What the loss compares with an output, of what is made."""
    if output.shift:
        steps = Piece("made[{}][:, {}:].astype({})", output.input, output.shift, output.tensor.dtype)
        if not made.maker.context:
            return steps
        return Piece("only_read({}, 0 if part.number == 1 else {})", steps, made.maker.context)
    have = made.given[output.column].tensor
    if output.expand:
        if have.rank != output.tensor.rank - 1:
            raise Unsupported(f"classes of `{output.column}` with an axis more or less")
        return Piece("np.eye({}, dtype='float32')[made[{}]]", output.tensor.shape[-1], output.column)
    return _like(_given(output.column), have, output.tensor)


def _like(values: Piece, have: Tensor, wanted: Tensor) -> Piece:
    """An array in the type and rank of a tensor; bytes stay bytes."""
    if have.dtype not in (TEXT, "uint8") and have.dtype != wanted.dtype:
        values = Piece("{}.astype({})", values, wanted.dtype)
    return _ranked(values, have.rank, wanted.rank)


def _ranked(values: Piece, have: int, wanted: int) -> Piece:
    """An array with a last axis of 1 added or removed."""
    if have == wanted:
        return values
    return Piece("{}[..., None]" if have < wanted else "{}[..., 0]", values)
