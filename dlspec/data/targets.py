"""Which column each output of the model shall predict, and how its values are encoded for the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlspec.components.losses import Loss
from dlspec.data.findings import Findings
from dlspec.data.inputs import fit_shape
from dlspec.data.signature import Signature
from dlspec.data.sources.base import DataProblem, Labels, Table
from dlspec.errors import Problem, did_you_mean
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
        loss = method.loss_of(name) if method is not None else None
        if method is not None and loss is None:
            with findings.at("data", "targets", target, on_key=True):
                raise Problem("E607", f"target `{target}` has no loss", f"add `{name}` to `loss`")
            continue
        output = signature.outputs[name] if signature is not None else None
        notes = signature.notes(name, f"output `{name}` is {output}") if signature is not None else ()
        with findings.at("data", "targets", target, notes=notes):
            table.find(data.targets[target].column, "column")
            one = _Comparison(target, name, data.targets[target].column, table, output, loss)
            before = len(findings.items)
            with findings.at("train", "loss", name, notes=notes):
                one.suits()
            if len(findings.items) == before:
                bound.append(one.bind())
                if method is not None:
                    _check_metrics(method, name, bound[-1].tensor, output, findings)
    if signature is not None:
        _without_target(data, signature, method, set(named.values()), findings)
    return bound


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


def _check_metrics(method: Supervised, name: str, target: Tensor, output: Tensor | None, findings: Findings) -> None:
    """Every metric of an output can compare it with its target (E503)."""
    per_output = isinstance(method.metrics, dict)
    for position, metric in enumerate(method.metrics_of(name) if output is not None else ()):
        with findings.at("train", "metrics", *((name,) if per_output else ()), position):
            metric.problem(target, output)


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


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One column, to be compared with one output by one loss; the last two may be unknown."""

    target: str
    name: str
    column: str
    table: Table
    output: Tensor | None
    loss: Any

    @property
    def values(self) -> Tensor:
        return self.table.columns[self.column].tensor

    @property
    def text(self) -> bool:
        return self.table.columns[self.column].text

    @property
    def encoding(self) -> str:
        if self.loss is None:
            return CLASSES if self.text else VALUES
        if self.loss.targets == CLASSES and self.output is not None and self.output.shape[-1:] == (1,):
            return BINARY  # only `crossentropy` takes such an output; the others refuse it in `suits`
        return str(self.loss.targets)

    @property
    def expand(self) -> bool:
        """Whether labels become one-hot vectors."""
        output = self.output
        if self.encoding != ONE_HOT or output is None or not output.rank:
            return False
        return (
            fit_shape(self.values.shape, output.shape) is None
            and fit_shape(self.values.shape, output.shape[:-1]) is not None
        )

    @property
    def tensor(self) -> Tensor | None:
        """What the loss receives per example, or None where the column cannot become what the output is."""
        dtype = "int32" if self.encoding == CLASSES else "float32"
        if self.output is None:
            return Tensor(self.values.shape, dtype)
        if self.expand:
            return Tensor(self.output.shape, dtype)
        want = self.output.shape[:-1] if self.encoding == CLASSES else self.output.shape
        shape = fit_shape(self.values.shape, want)
        return Tensor(shape, dtype) if shape is not None else None

    def suits(self) -> None:
        """Asks the loss.

        Raises:
            Problem: E503, the loss does not suit the output or the target.
        """
        if self.loss is not None and self.output is not None:
            self.loss.problem(self.tensor or self.values, self.output)

    def bind(self) -> Output:
        """The output with its encoding.

        Raises:
            Problem: E603 text for numbers, E604 a label without a place in the output, E605 shapes.
        """
        if self.text and self.encoding == VALUES:
            raise self._text()
        tensor = self.tensor
        if tensor is None and self.encoding == CLASSES and self.loss is not None:
            tensor = Tensor(self.values.shape, "int32")  # the loss itself has accepted the shape
        if tensor is None:
            message = f"target `{self.target}` has shape {show_shape(self.values.shape)} per example"
            raise Problem("E605", f"{message}, the output {self.output}")
        labels = self._labels()
        classes = tuple(str(value) for value in labels.values) if labels is not None and self.text else ()
        return Output(self.name, self.target, self.column, self.encoding, tensor, classes, self.expand)

    def _labels(self) -> Labels | None:
        """The distinct labels, all with a place in the output; None where the column holds no labels."""
        scalar = not self.values.shape
        if self.encoding not in (CLASSES, BINARY) and not (self.encoding == ONE_HOT and self.expand):
            return None
        labels = self.table.labels(self.column)
        if scalar and len(labels.values) == 1:
            message = f"target `{self.target}` has a single class, `{labels.values[0]}`: there is nothing to learn"
            raise DataProblem("E604", message, "predict another column", "column")
        if self.output is not None and self._labels_in_head():
            self._check_labels(labels, 2 if self.encoding == BINARY else self.output.shape[-1])
        return labels

    def _labels_in_head(self) -> bool:
        """Whether a label names a unit of the output; with some losses the output is an embedding."""
        return not isinstance(self.loss, Loss) or self.loss.labels_in_head

    def _check_labels(self, labels: Labels, units: int | None) -> None:
        if units is None:
            return
        binary = self.encoding == BINARY
        if self.text:
            if len(labels.values) > units:
                what = "a binary output tells 2 apart" if binary else f"the output has {units}"
                message = f"target `{self.target}` has {len(labels.values)} classes, {what}"
                raise DataProblem("E604", message, _units(labels), "column")
            return
        ignored = getattr(self.loss, "ignore_class", None)
        for value in labels.values:
            inside = 0 <= value <= 1 if binary else 0 <= value < units and value == int(value)
            if not inside and value != ignored:
                raise self._outside(value, labels, units)

    def _outside(self, value: float, labels: Labels, units: int) -> DataProblem:
        values = self.table.read([self.column])[self.column]
        where = self.table.where(int((values == value).reshape(len(values), -1).any(axis=1).argmax()))
        what = f"the output has {units} classes, 0 to {units - 1}"
        help = _units(labels)
        if self.encoding == BINARY:
            what = "a binary output takes 0 and 1"
        elif value != int(value):
            what, help = "classes are whole numbers", "a loss for numbers, such as `mse`, takes values like this"
        elif labels.values[0] == 1 and labels.values[-1] == units:
            help = f"labels start at 0: these run from 1 to {units}"
        return DataProblem("E604", f"target `{self.target}` has label {value:g}, {what}", help, "column", where)

    def _text(self) -> DataProblem:
        value, where = self.table.not_a_number(self.column) or ("", "")
        message = f"column `{self.column}` holds text (`{value[:40]}`), the loss compares numbers"
        return DataProblem("E603", message, "a loss for classes takes text", "column", where)


def _units(labels: Labels) -> str:
    count = len(labels.values) if isinstance(labels.values[0], str) else int(labels.values[-1]) + 1
    return f"{count} classes need {count} units in the last layer, and `sparse_categorical_crossentropy`"
