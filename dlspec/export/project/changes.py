"""Changes of training examples in generated projects: random changes, weights, repetition."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.pieces import Piece
from dlspec.data.binding.augment import Step
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.targets import BINARY, Output
from dlspec.data.binding.weights import numbered, repeated_target
from dlspec.export.project.bound import keeps_bytes
from dlspec.export.project.hiding import masked
from dlspec.export.project.writing import LayerWriter
from dlspec.export.python.syntax import Unsupported, constant, item, name, text
from dlspec.export.python.templates import Code


@dataclass(frozen=True)
class Changes:
    """The changes that a project makes to batches of training examples.

    Attributes:
        layers: Those that change batches at random.
        changing: Statements that change a batch, inside of the class ``Augmentation``.
        oversample: Expression of the class numbers by which examples are repeated; None where they are not.
        weighted: The weights of the examples of a batch, for each output; [] where all weigh the same.
        seeded: Whether a seed decides anything.
        summary: What is different from other batches, in words.
        numbered: Whether the places of examples in the source matter.
    """

    layers: list[Code]
    changing: list[Piece]
    oversample: Code | None
    weighted: list[dict[str, Any]]
    seeded: bool
    summary: Code
    numbered: bool

    @property
    def any(self) -> bool:
        """Whether the batches of training are others at all."""
        return self.seeded or self.oversample is not None or bool(self.weighted)


def changes(data: Data, method: Method, binding: Binding, blocks: bool, writer: LayerWriter) -> Changes:
    """The changes that the section asks for in training.

    Args:
        blocks: Whether the source is read in blocks, which an order keeps together.

    Raises:
        Unsupported: A change that projects do not support.
    """
    layers = [Code(text(writer.change(step.layer))) for step in binding.steps]
    target = repeated_target(data, binding.outputs)
    weighted = _weighted(data, method, binding)
    return Changes(
        layers,
        [*_floats(binding), *(line for start, some in _alike(binding.steps) for line in _group(start, some, binding))],
        Code(_numbers(target, "part.targets")) if target is not None else None,
        weighted,
        data.shuffle or bool(layers) or _draws(binding),
        _summary(data, bool(layers), bool(weighted), bool(masked(binding))),
        bool(layers) or bool(binding.drawn) or (blocks and data.shuffle),
    )


def _draws(binding: Binding) -> bool:
    """Whether each epoch meets something else, whatever its order."""
    made = binding.made is not None and binding.made.maker.draws
    return bool(binding.drawn) or bool(binding.others) or made or bool(masked(binding))


def _floats(binding: Binding) -> list[Piece]:
    """Images that are kept as bytes are numbers once they are changed."""
    changed = {step.input for step in binding.steps}
    kept = [
        input_.name
        for own in (binding, *(other.binding for other in binding.others))
        for input_ in own.inputs
        if input_.name in changed and keeps_bytes(input_, own.table.columns[input_.columns[0]].tensor)
    ]
    return [Piece("inputs[{}] = inputs[{}].astype('float32')", name, name) for name in kept]


def _summary(data: Data, changed: bool, weighted: bool, hidden: bool) -> Code:
    parts = [
        *(["changed at random"] if changed else []),
        *(["with other steps hidden each epoch"] if hidden else []),
        *(["with weights by their class"] if weighted else []),
        *(["those of rare classes several times"] if data.oversample else []),
        *(["each epoch in another order"] if data.shuffle else []),
    ]
    return Code(f", {', '.join(parts)}" if parts else "")


def _alike(steps: tuple[Step, ...]) -> list[tuple[int, list[Step]]]:
    """Neighbouring steps that change the same things, each with the place of the first."""
    groups, start = [], 0
    for _, some in groupby(steps, key=lambda step: (step.input, step.masks, step.labels)):
        group = list(some)
        groups.append((start, group))
        start += len(group)
    return groups


def _group(start: int, steps: list[Step], binding: Binding) -> list[Piece]:
    """One loop over layers of augmentation."""
    step, end = steps[0], start + len(steps)
    some = "" if end - start == len(binding.steps) else f", {start}, {end}"
    loop = Piece(f"for layer in self.seeded(epoch, first{some}):")
    images = Piece("inputs[{}]", step.input)
    changed = step.masks or step.labels
    if not changed:
        return [loop, Piece("    {} = np.asarray(layer({}, training=True))", images, images)]
    if len(changed) > 1:
        raise Unsupported("augmentation of images together with several targets")
    output = next(candidate for candidate in binding.outputs if candidate.name == changed[0])
    target, whole = Piece("targets[{}]", output.name), output.tensor.dtype.startswith("int")
    more = (3 if step.masks else 1) - output.tensor.rank  # axes of 1 that the layer wants besides
    kind = "segmentation_masks" if step.masks else "labels"
    given = "{}" + (".astype('float32')" if whole else "") + ("[..., None]" if more else "")
    taken = f"np.asarray(batch[{kind!r}])" + ("[..., 0]" if more else "")
    if whole:
        taken = f"np.round({taken}).astype({output.tensor.dtype!r})"
    return [
        loop,
        Piece(f"    batch = {{{{'images': {{}}, {kind!r}: {given}}}}}", images, target),
        Piece("    batch = layer(batch, training=True)"),
        Piece("    {} = np.asarray(batch['images'])", images),
        Piece(f"    {{}} = {taken}", target),
    ]


def _numbers(output: Output, targets: str) -> str:
    """Expression of class numbers, from encoded targets; flat where each example has one."""
    values = text(item(ast.parse(targets, mode="eval").body, constant(output.name)))
    if output.expand:
        return f"{values}.argmax(axis=-1)"
    flat = "[:, 0]" if output.tensor.shape == (1,) else ""
    if output.encoding == BINARY:
        return f'np.rint({values}{flat}).astype("int64")'
    return f"{values}{flat}"


def _weighted(data: Data, method: Method, binding: Binding) -> list[dict[str, Any]]:
    """The weights of the examples of a batch, for each output; [] where all weigh the same."""
    given = {output.name: data.targets[output.target].class_weights for output in binding.outputs}
    if all(weights is None for weights in given.values()):
        return []
    several = sum(weights is not None for weights in given.values())
    entries = []
    for number, output in enumerate(binding.outputs, 1):
        weights = given[output.name]
        variable = Code("weights" if several == 1 else f"weights_{number}")
        equal = equal_weights(output, binding)
        values = Code(_batch(output, f"self.{variable}")) if weights is not None else equal
        table = _table(output, method, weights) if weights is not None else None
        entries.append({"name": output.name, "variable": variable, "table": table, "batch": values})
    return entries


def equal_weights(output: Output, binding: Binding) -> Code:
    """Expression of weights of 1 for the examples of a batch, or for each value where the loss is divided by them."""
    shape = "len(rows)" if output.tensor.rank == 0 else f"(len(rows){', 1' * output.tensor.rank})"
    if output.name in binding.by_weight and output.tensor.rank:
        targets = text(item(name("targets"), constant(output.name)))
        shape = f"{targets}.shape" if numbered(output) else f"(*{targets}.shape[:-1], 1)"
    return Code(f'np.ones({shape}, "float32")')


def _table(output: Output, method: Method, weights: Any) -> Code:
    """The weight of each class."""
    if method.loss_of(output.name).ignore_class is not None:
        raise Unsupported("`class_weights` beside `ignore_class`")
    if isinstance(weights, dict):
        by_name = {str(key): float(value) for key, value in weights.items()}
        names = [str(value) for value in output.classes] or [str(number) for number in range(output.units)]
        listed = text(constant([by_name.get(label, 1.0) for label in names]))
        return Code(f'np.array({listed}, "float32")')
    return Code(f"balanced({_numbers(output, 'part.targets')}, {output.units})")


def _batch(output: Output, table: str) -> str:
    """Expression of the weights of a batch's examples."""
    values = text(item(name("targets"), constant(output.name)))
    if output.expand:
        return f"{values} @ {table}"  # a mixture of classes weighs like the mixture of their weights
    flat = "[..., 0]" if output.tensor.shape[-1:] == (1,) else ""
    if output.encoding == BINARY:
        return f"{table}[0] + ({table}[1] - {table}[0]) * {values}{flat}"
    return f"{table}[{values}{flat}]"
