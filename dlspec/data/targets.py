"""Which column each output of the model shall predict, and how its values are encoded for the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlspec.data.findings import Findings
from dlspec.data.inputs import fit_shape
from dlspec.data.signature import Signature
from dlspec.data.sources.base import Column, DataProblem, Labels, Table
from dlspec.errors import Note, Problem, did_you_mean
from dlspec.ir import Tensor, show_shape
from dlspec.sections.data import Data
from dlspec.sections.train import Supervised

VALUES, CLASSES, ONE_HOT, BINARY = "values", "classes", "one_hot", "binary"


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the model, bound to the column it shall predict.

    Attributes:
        name: The model's name for it.
        target: The spec's name for the target.
        column: Where its values come from.
        encoding: ``values``, ``classes`` (numbers from 0), ``one_hot`` or ``binary``.
        tensor: What the loss receives per example.
        classes: The sorted texts that stand for 0, 1, …; () where the column holds numbers.
        expand: Whether labels are written as one-hot vectors of the output's last axis.
    """

    name: str
    target: str
    column: str
    encoding: str
    tensor: Tensor
    classes: tuple[str, ...] = ()
    expand: bool = False


def bind_outputs(
    data: Data, table: Table, signature: Signature | None, method: Supervised | None, findings: Findings
) -> list[Output]:
    """Binds every target; what does not fit goes to `findings` (E503, E602 to E605, E607)."""
    bound = []
    named = _named(data, signature, findings) if signature is not None else {target: target for target in data.targets}
    for target, name in named.items():
        place = ("data", "targets", target)
        column: Column | None = None
        with findings.at(*place):
            column = table.find(data.targets[target].column, "column")
        if column is None:
            continue
        loss = method.loss_of(name) if method is not None else None
        if method is not None and loss is None:
            with findings.at(*place, on_key=True):
                raise Problem("E607", f"target `{target}` has no loss", f"add `{name}` to `loss`")
            continue
        output = signature.outputs[name] if signature is not None else None
        with findings.at(*place, notes=_made(signature, name, output)):
            bound.append(_bind(target, name, data.targets[target].column, table, output, loss))
            if loss is not None and output is not None:
                with findings.at("train", "loss", name):
                    _suits(loss, bound[-1].tensor, output)
    if signature is not None:
        _without_target(data, signature, method, set(named.values()), findings)
    return bound


def _made(signature: Signature | None, name: str, output: Tensor | None) -> tuple[Note, ...]:
    return signature.notes(name, f"output `{name}` is {output}") if signature is not None else ()


def _named(data: Data, signature: Signature, findings: Findings) -> dict[str, str]:
    """Target to output: the names agree, but a single target may have any name where there is a single output."""
    if len(data.targets) == 1 and len(signature.outputs) == 1:
        return {next(iter(data.targets)): next(iter(signature.outputs))}
    named = {}
    for target in data.targets:
        with findings.at("data", "targets", target, on_key=True):
            if target not in signature.outputs:
                raise Problem(
                    "E607", f"target `{target}` is no output of the model", did_you_mean(target, signature.outputs)
                )
            named[target] = target
    return named


def _without_target(
    data: Data, signature: Signature, method: Supervised | None, bound: set[str], findings: Findings
) -> None:
    missing = [name for name in signature.outputs if name not in bound and (method is None or method.loss_of(name))]
    misspelt = [target for target in data.targets if target not in signature.outputs]
    # A misspelt name is one mistake: it was reported at the name.
    if len(missing) > len(misspelt):
        with findings.at("data", "targets", on_key=True):
            message = f"the model's output `{missing[0]}` has no target"
            raise Problem("E607", message, f"add `{missing[0]}: {{column: …}}`")


def _bind(target: str, name: str, column_name: str, table: Table, output: Tensor | None, loss: Any) -> Output:
    column = table.columns[column_name]
    encoding = loss.targets if loss is not None else (CLASSES if column.text else VALUES)
    if column.text and encoding == VALUES:
        raise _text(column_name, table)
    scalar = not column.tensor.shape
    tensor, expand = _shape(target, encoding, column.tensor, output)
    labelled = encoding in (CLASSES, BINARY) or (encoding == ONE_HOT and (expand or scalar))
    labels = table.labels(column_name) if labelled else None
    if labels is not None and scalar and len(labels.values) == 1:
        raise DataProblem("E604", f"target `{target}` has a single class, `{labels.values[0]}`: nothing to learn")
    if labels is not None and output is not None:
        _in_head(target, encoding, labels, output, table, column_name)
    classes = tuple(str(value) for value in labels.values) if labels is not None and column.text else ()
    return Output(name, target, column_name, encoding, tensor, classes, expand)


def _shape(target: str, encoding: str, have: Tensor, output: Tensor | None) -> tuple[Tensor, bool]:
    """What the loss receives, and whether labels become one-hot vectors.

    Raises:
        Problem: E605, the column cannot become what the output is compared with.
    """
    dtype = "int32" if encoding == CLASSES else "float32"
    if output is None:
        return Tensor(have.shape, dtype), False
    want = output.shape[:-1] if encoding == CLASSES else output.shape
    if encoding == ONE_HOT and fit_shape(have.shape, output.shape[:-1]) is not None and output.rank:
        return Tensor(output.shape, dtype), True
    shape = fit_shape(have.shape, want)
    if shape is None:
        message = (
            f"target `{target}` has shape {show_shape(have.shape)} per example, the output {show_shape(output.shape)}"
        )
        help = f"the loss compares it with shape {show_shape(want)}"
        raise Problem("E605", message, help)
    return Tensor(shape, dtype), False


def _in_head(target: str, encoding: str, labels: Labels, output: Tensor, table: Table, column: str) -> None:
    """Every label has its place in the output.

    Raises:
        DataProblem: E604, one has not.
    """
    units = (output.shape[-1] if output.rank else 1) if encoding != BINARY else 2
    if units is None:
        return
    if isinstance(labels.values[0], str):
        if len(labels.values) > units:
            what = "a binary output tells 2 apart" if encoding == BINARY else f"the output has {units}"
            raise DataProblem("E604", f"target `{target}` has {len(labels.values)} classes, {what}", _units(labels))
        return
    for value in labels.values:
        wrong = not 0 <= value <= 1 if encoding == BINARY else not (0 <= value < units and value == int(value))
        if wrong:
            raise _outside(target, encoding, value, labels, units, table, column)


def _outside(
    target: str, encoding: str, value: float, labels: Labels, units: int, table: Table, column: str
) -> DataProblem:
    values = table.read([column])[column]
    where = table.where(int((values == value).reshape(len(values), -1).any(axis=1).argmax()))
    what = (
        "a binary output takes 0 and 1" if encoding == BINARY else f"the output has {units} classes, 0 to {units - 1}"
    )
    if value != int(value):
        what = "classes are whole numbers"
        help = "a loss for numbers, such as `mse`, takes values like this"
    elif labels.values[0] == 1 and labels.values[-1] == units:
        help = f"labels start at 0: these run from 1 to {units}"
    else:
        help = _units(labels)
    return DataProblem("E604", f"target `{target}` has label {value:g}, {what}", help, where=where)


def _units(labels: Labels) -> str:
    count = len(labels.values) if isinstance(labels.values[0], str) else int(labels.values[-1]) + 1
    return f"with {count} classes the last layer needs {count} units and the loss `sparse_categorical_crossentropy`"


def _text(name: str, table: Table) -> DataProblem:
    value, where = table.not_a_number(name) or ("", "")
    message = f"column `{name}` holds text (`{value[:40]}`), the loss compares numbers"
    return DataProblem("E603", message, "a loss for classes takes text", "column", where)


def _suits(loss: Any, target: Tensor, output: Tensor) -> None:
    problem = loss.problem(target, output)
    if problem is not None:
        raise problem if isinstance(problem, Problem) else Problem("E503", str(problem))
