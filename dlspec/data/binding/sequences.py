"""Targets that are made of inputs: the steps that come next, or those that are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method, leaving_out
from dlspec.components.registry import Alike
from dlspec.components.sections.data import Data, Target
from dlspec.components.sections.makers import Given
from dlspec.components.sections.sequences import group_of, shift_of
from dlspec.core.errors import Problem, leave_out
from dlspec.core.ir import Tensor
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input, bind_one
from dlspec.data.binding.made import GivenTable, ahead_of
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.targets import Output
from dlspec.data.sources.base import Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# The index that fills rows up, and counts nowhere.
PADDING = 0


def check_sequences(
    data: Data, method: Method | None, inputs: Sequence[Input], findings: Findings, *, several: bool
) -> None:
    """What does not go with marks, preparations of two columns, targets made of inputs, and `context`.

    It goes to `findings` (E564, E619, E620).

    Args:
        data: The section; of several sources that of the first one.
        method: The way of training.
        inputs: What enters the model.
        findings: Where mistakes go.
        several: Whether there are several sources.
    """
    _check_context(data, findings)
    special = {
        name
        for name, feature in data.features.items()
        if feature.marks is not None or isinstance(feature.prepare, Alike)
    }
    shifted = {name: target for name, target in data.targets.items() if target.input is not None}
    if not special and not shifted:
        return
    key = "masked" if any(target.masked for target in shifted.values()) else "shift"
    with findings.at("data", *(("targets", next(iter(shifted))) if shifted else ("inputs", min(special)))):
        maker = data.maker
        if maker is not None and not maker.in_line:
            message = (
                f"marks, `like` and `{key}` are for rows that are examples, and `{maker.name}` makes others of them"
            )
            raise Problem("E620", message, "leave `examples` out, or cut the rows into pieces by `stream`")
        if several:
            message = f"marks, `like` and `{key}` are for the rows of one source, and `sources` has several"
            raise Problem("E620", message, "write one `source`, with `join` for columns of another one")
        if method is not None and method.turns:
            message = f"marks, `like` and `{key}` do not go with `minimize` and `learners`"
            raise Problem("E620", message, "compare outputs with targets by a `loss`")
        if method is not None and method.distribute is not None and shifted:
            message = f"a target with `{key}` counts some steps, and devices would divide by what each of them counts"
            raise Problem("E620", message, "leave `distribute` out of `train`")
        if shifted and (data.oversample is not False or data.parts.target in shifted):
            message = f"a target with `{key}` has a class for each step, and none for an example"
            raise Problem("E620", message, "leave `oversample` out, and let `split` be `by: random`")
    _check_masks(data, inputs, findings)
    _check_alike(data, inputs, findings)


def _check_masks(data: Data, inputs: Sequence[Input], findings: Findings) -> None:
    """Rows of which steps are hidden are in memory, and have two steps or more (E564)."""
    bound = {input_.name: input_ for input_ in inputs}
    for name, target in data.targets.items():
        if target.masked is None:
            continue
        with findings.at("data", "cache"):
            if data.cache == "none":
                message = f"target `{name}` hides steps of rows that are in memory"
                raise Problem("E564", message, leave_out("cache"))
        input_ = bound.get(str(target.input))
        with findings.at("data", "targets", name, "input"):
            if input_ is not None and data.maker is None and input_.tensor.shape[0] == 1:
                message = f"input `{input_.name}` has a single step, and nothing is seen of it once that is hidden"
                raise Problem("E564", message, "name an input with longer rows, or a column in place of the input")


def _check_context(data: Data, findings: Findings) -> None:
    """Steps that are only read are some of those of a target that is made of a piece (E619)."""
    maker = data.maker
    if maker is None or not maker.context:
        return
    shift = shift_of(data.targets, maker.input)
    if shift and maker.context < maker.length - shift:
        return
    with findings.at("data", "examples", maker.name, "context"):
        if shift:
            ahead = max(0, maker.length - shift)
            message = f"`context: {maker.context}` leaves no step that counts of the {ahead} of a piece that are told"
            raise Problem("E619", message, "write a smaller number, or make the pieces longer")
        message = f"`context` is for a target that is `{maker.input}` some steps ahead, and there is none"
        help = f"write `targets: {{next: {{input: {maker.input}, shift: 1}}}}`, or leave `context` out"
        if any(target.input == maker.input for target in data.targets.values()):
            help = leave_out("context")
        raise Problem("E619", message, help)


def check_losses(method: Method | None, outputs: Sequence[Output], findings: Findings) -> None:
    """The losses of targets that are made of inputs leave out padding (E503)."""
    for output in outputs if method is not None else ():
        loss = method.loss_of(output.name) if method is not None and output.input else None
        left_out = leaving_out(loss, PADDING).ignore_class if loss is not None else PADDING
        if loss is None or left_out == PADDING:
            continue
        with findings.at("train", "loss", output.name):
            message = f"`{loss.name}` counts the padding of target `{output.target}`"
            if left_out is not None:
                message = f"`ignore_class` of the loss is {left_out}, and {PADDING} fills up the target's rows"
            raise Problem("E503", message, "write `loss: sparse_categorical_crossentropy`, which leaves padding out")


def _check_alike(data: Data, inputs: Sequence[Input], findings: Findings) -> None:
    """Columns with one preparation hold the same type."""
    bound = {input_.name: input_ for input_ in inputs}
    for name, feature in data.features.items():
        if not isinstance(feature.prepare, Alike) or name not in bound or feature.prepare.like not in bound:
            continue
        other = bound[feature.prepare.like]
        with findings.at("data", "inputs", name, "prepare"):
            if bound[name].raw != other.raw:
                message = (
                    f"`like: {other.name}` prepares {other.raw}, and the columns of `{name}` are {bound[name].raw}"
                )
                raise Problem("E620", message, "write the layers themselves")


def prepared_with(data: Data, name: str, inputs: Iterable[Input]) -> list[str]:
    """Names of the inputs on whose columns the preparation of an input is fitted."""
    there = {input_.name for input_ in inputs}
    return [other for other in group_of(data.features, name) if other in there] if name in data.features else [name]


def shifted_tables(
    data: Data, table: Table, signature: Signature | None, findings: Findings
) -> dict[str, tuple[Target, Table]]:
    """Targets that are made of inputs, by name, each as a column of a table of its own; others after a finding."""
    tables = {}
    for name, target in data.targets.items():
        if target.input is not None and target.input in data.features:
            with findings.at("data", "targets", name, "input"):
                made = _table_of(data, table, name, signature.inputs if signature is not None else {})
                if made is not None:
                    tables[name] = made
    return tables


def _table_of(data: Data, table: Table, target: str, wanted: Mapping[str, Tensor]) -> tuple[Target, Table] | None:
    """A target that is made of an input, as the column of a table that has it; None where the input is wrong.

    Args:
        wanted: What the model takes, by input.

    Raises:
        Problem: E620, the input is no row of indices.
    """
    section = data.targets[target]
    name = str(section.input)
    if data.maker is not None and name != data.maker.input:  # said where `inputs` names it
        return None
    taken = wanted.get(name) if data.maker is None else None
    input_ = bind_one(data, name, table, taken, Findings())  # whose mistakes are said elsewhere
    if input_ is None:
        return None
    if not input_.tensor.dtype.startswith(("int", "uint")):
        message = f"target `{target}` is made of rows of indices, and input `{name}` is {input_.tensor}"
        raise Problem("E620", message, "prepare a text with `text_vectorization`, or name columns of whole numbers")
    count, shape = max(column.count for column in table.columns.values()), input_.tensor.shape
    if data.maker is not None:
        shape = ahead_of(data, data.maker.gives(input_.tensor)[name].tensor, name).shape
    return Target(column=name), GivenTable({name: Given(Tensor(shape, "int32"))}, 0, count)


def next_steps(outputs: Iterable[Output], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What outputs are compared with that are made of inputs, by output: arrays or tensors [examples, steps].

    Args:
        inputs: Whole rows of indices, by input.
    """
    return {output.name: inputs[output.input][:, output.shift :] for output in outputs if output.shift}


def without_last(outputs: Iterable[Output], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, by name, without the steps that nothing is ahead of."""
    shifts = {output.input: output.shift for output in outputs if output.shift}
    return {name: values[:, : -shifts[name]] if name in shifts else values for name, values in inputs.items()}
