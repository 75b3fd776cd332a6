"""Targets that are hidden steps of an input, in ``data.py`` of a generated project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dlspec.core.pieces import Piece
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.masking import Mask
from dlspec.data.binding.targets import Output
from dlspec.export.project.frames import framed
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2


def masked(binding: Binding) -> list[tuple[Output, Mask]]:
    """The outputs that are compared with hidden steps, and how these are hidden."""
    return [(output, output.mask) for output in binding.outputs if output.mask is not None]


def nothing_yet(binding: Binding) -> Iterator[Piece]:
    """The statement that makes room for the indices of which some take the place of hidden ones."""
    if masked(binding):
        yield Piece("occurring: Arrays = {{}}")


def occurring(binding: Binding) -> Iterator[Piece]:
    """Statements that find out which indices may take the place of hidden ones, once all is prepared."""
    for output, mask in masked(binding):
        rows = Piece("parts['train'].inputs[{}]", output.input)
        yield Piece("occurring[{}] = occurring_indices({}, {})", output.input, rows, mask.marks)


def hiding(binding: Binding, templates: jinja2.Environment) -> Iterator[Code]:
    """The function that hides steps of a part."""
    lines = []
    for output, mask in masked(binding):
        given = (output.input, mask.share, mask.index, mask.marks, output.input)
        hidden = Piece("hide(part.inputs[{}], {}, {}, {}, part.occurring[{}], *seeds)", *given)
        lines.append(Piece("inputs[{}], targets[{}] = {}", output.input, output.name, hidden))
    if lines:
        changed = Piece("part._replace(inputs=inputs, targets=targets)")
        yield framed(templates, "data/hidden", lines=lines, changed=changed)


def hidden_outside_of_training(binding: Binding, examples: Piece) -> Piece:
    """Expression of the examples of ``part`` with steps that are always hidden; `examples` is that of whole ones."""
    if not masked(binding):
        return examples
    return Piece("with_hidden_steps({}, {}, part.number, 0)", examples, masked(binding)[0][1].seed)


def hidden_in_training(binding: Binding) -> Iterator[Piece]:
    """Statements that hide steps of the examples of an epoch of training."""
    if masked(binding):
        yield Piece("self.part = with_hidden_steps(self.whole, self.seed, self.whole.number, self.epoch + 1)")
