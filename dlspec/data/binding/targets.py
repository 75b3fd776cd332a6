"""Which column each output of the model shall predict, and how its values are encoded for the loss."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data, Target
from dlspec.components.training.losses import Loss
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape
from dlspec.data.binding import labelling
from dlspec.data.binding.column_types import fit_shape
from dlspec.data.binding.comparing import check_metrics
from dlspec.data.binding.extra_axes import Mismatch
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.masking import Mask, mask_of
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.target_names import check_targeted, outputs_by_target
from dlspec.data.sources.base import DataProblem, Labels, Table

VALUES, CLASSES, ONE_HOT, BINARY = "values", "classes", "one_hot", "binary"


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the model, bound to the columns it shall predict.

    Attributes:
        name: The model's name for it.
        target: The spec's name for the target.
        columns: Where its values come from; several are stacked.
        encoding: ``values``, ``classes`` (numbers from 0), ``one_hot`` or ``binary``.
        tensor: What the loss receives per example.
        classes: What stands for 0, 1, …; () where the column holds the numbers themselves.
        expand: Whether labels are written as one-hot vectors of the output's last axis.
        separator: What stands between labels of which several may hold; "" for all other targets.
        missing: What becomes of examples without a value: ``error``, ``drop`` or ``ignore``.
        units: How many classes the output tells apart, where each example has one and that is known; else 0.
        graded: Whether a binary target holds shares between 0 and 1, such as grey values.
        input: The input of which it is made; "" where it has columns.
        shift: How many steps it is ahead of that.
        mask: How the steps of that are hidden that it is compared with; None where none are.
        prepare: Layers, not yet fitted, behind which the loss compares; they are undone in answers.
    """

    name: str
    target: str
    columns: tuple[str, ...]
    encoding: str
    tensor: Tensor
    classes: tuple[str | int, ...] = ()
    expand: bool = False
    separator: str = ""
    missing: str = "error"
    units: int = 0
    graded: bool = False
    prepare: tuple[Any, ...] = ()
    input: str = ""
    shift: int = 0
    mask: Mask | None = None

    @property
    def column(self) -> str:
        """The only column, or the first one; "" for a target that is made of an input."""
        return self.columns[0] if self.columns else ""

    @property
    def labelled(self) -> bool:
        """Whether each example has one of several classes."""
        exclusive = not self.separator and len(self.columns) == 1
        return exclusive and (self.encoding in (CLASSES, BINARY) or self.expand)


def bind_outputs(
    data: Data,
    table: Table,
    signature: Signature | None,
    method: Method | None,
    findings: Findings,
    given: Table | None = None,
    shifted: Mapping[str, tuple[Target, Table]] | None = None,
) -> list[Output]:
    """Binds every target; what does not fit goes to `findings` (E503, E602 to E605, E607).

    Args:
        given: Further columns, which the source does not have.
        shifted: Targets that are made of inputs, by name, each as a column of a table of its own.
    """
    bound = []
    named = (
        outputs_by_target(data, signature, findings)
        if signature is not None
        else {target: target for target in data.targets}
    )
    for target, name in named.items():
        loss = method.loss_of(name) if method is not None else None
        if method is not None and loss is None:
            with findings.at("data", "targets", target, on_key=True):
                help = f"add `{name}` to `loss`" if method.accepts("loss") else "leave it out"
                raise Problem("E607", f"target `{target}` has no loss", help)
            continue
        output = signature.outputs[name] if signature is not None else None
        notes = signature.notes(name, f"output `{name}` is {output}") if signature is not None else ()
        with findings.at("data", "targets", target, notes=notes):
            section = data.targets[target]
            source = given if given is not None and given.columns.keys() >= set(section.sources) else table
            if section.input is not None:
                made = (shifted or {}).get(target)
                if made is None:
                    continue
                section, source = made
            for column in section.sources:
                source.find(column, "column" if section.columns is None else "columns")
            comparison = _Comparison(target, name, section, source, output, loss)
            before = len(findings.items)
            with findings.at("train", "loss", name, notes=notes):
                comparison.suits()
            if len(findings.items) == before:
                bound.append(_of_input(comparison.bind(), data, data.targets[target], method))
                if method is not None:
                    check_metrics(method, name, bound[-1].tensor, output, findings)
    if signature is not None:
        check_targeted(data, signature, method, set(named.values()), findings)
    return bound


def _of_input(output: Output, data: Data, section: Target, method: Method | None) -> Output:
    """An output that is compared with steps of an input has no columns."""
    if section.input is None:
        return output
    mask = mask_of(data, section, method)
    return replace(output, columns=(), input=section.input, shift=section.shift or 0, mask=mask, classes=())


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One target, to be compared with one output by one loss; the last two may be unknown."""

    target: str
    name: str
    section: Target
    table: Table
    output: Tensor | None
    loss: Any

    @property
    def column(self) -> str:
        return self.section.sources[0]

    @property
    def values(self) -> Tensor:
        """Type of one example of the target before it is encoded."""
        if self.section.columns is not None:
            return Tensor((len(self.section.columns),), "float32")
        if self.section.separator is not None:
            return Tensor((len(labelling.several(self.table, self.column, self.section)),), "float32")
        return self.table.columns[self.column].tensor

    @property
    def text(self) -> bool:
        """Whether the labels are texts that are encoded by their place."""
        several = self.section.columns is not None or self.section.separator is not None
        return not several and self.table.columns[self.column].text

    @property
    def encoding(self) -> str:
        if self.loss is None:
            coded = self.text or self.section.classes is not None
            return BINARY if self.section.separator is not None else CLASSES if coded else VALUES
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
        """Type of what the loss receives per example; None where the column cannot become what the output is."""
        dtype = "int32" if self.encoding == CLASSES else "float32"
        if self.output is None:
            return Tensor(self.values.shape, dtype)
        if self.expand:
            return Tensor(self.output.shape, dtype)
        like = self.output if self.loss is None else self.loss.compared(self.output)
        shape = fit_shape(self.values.shape, like.shape[:-1] if self.encoding == CLASSES else like.shape)
        return Tensor(shape, dtype) if shape is not None else None

    def suits(self) -> None:
        """Asks the loss.

        Raises:
            Problem: E503, the loss does not suit the output or the target.
        """
        if self.loss is not None and self.output is not None and self.section.separator is None:
            try:
                self.loss.problem(self.tensor or self.values, self.output)
            except Problem as problem:
                raise Mismatch(problem, self._would_suit, self.values) from None

    def _would_suit(self, output: Tensor) -> bool:
        """Whether the loss could compare the target with another output."""
        other = replace(self, output=output)
        with suppress(Problem):
            other.suits()
            return other.tensor is not None
        return False

    def bind(self) -> Output:
        """The output with its encoding.

        Raises:
            Problem: E603 text for numbers, E604 a label without a place in the output, E605 shapes, E608 no label.
        """
        labelling.check_ignored(self.section, self.target, self.loss)
        self._check_numbers()
        if self.section.separator is not None:
            self._check_several()
        tensor = self.tensor
        if tensor is None and self.encoding == CLASSES and self.loss is not None:
            tensor = Tensor(self.values.shape, "int32")  # the loss itself has accepted the shape
        if tensor is None:
            message = f"target `{self.target}` has shape {show_shape(self.values.shape)} per example"
            raise Problem("E605", f"{message}, the output {self.output}")
        classes, graded = self._classes()
        return Output(
            self.name,
            self.target,
            self.section.sources,
            self.encoding,
            tensor,
            classes,
            self.expand,
            self.section.separator or "",
            self.section.missing,
            (self._places() if self.encoding != VALUES else 0) or 0,
            graded,
            self.section.prepare,
        )

    def _check_numbers(self) -> None:
        """Columns that are compared as numbers hold some."""
        numeric = self.section.columns is not None or self.encoding == VALUES
        for column in self.section.sources if numeric and self.section.separator is None else ():
            if self.table.columns[column].text and not (self.table.tolerant and self.table.as_numbers(column)):
                raise self._text(column)
            if self.section.columns is not None and self.table.columns[column].tensor.shape:
                message = (
                    f"column `{column}` is {self.table.columns[column].tensor}, only single numbers can be stacked"
                )
                raise Problem("E605", message, f"write `column: {column}`", "columns")

    def _check_several(self) -> None:
        """Several labels of an example have an output each, which says yes or no."""
        count = len(labelling.several(self.table, self.column, self.section))
        if self.loss is not None and self.loss.targets != BINARY:
            message = f"several labels of `{self.column}` may hold at once, and `{self.loss.name}` expects one"
            raise Problem("E503", message, "use `binary_crossentropy` after `activation: sigmoid`", "separator")
        if self.output is not None and self.output.shape != (count,):
            message = f"target `{self.target}` has {count} labels, the output has shape {show_shape(self.output.shape)}"
            raise DataProblem("E604", message, f"give the last layer {count} units", "column")

    def _classes(self) -> tuple[tuple[str | int, ...], bool]:
        """The classes, and whether the column holds shares between no and yes."""
        if self.section.separator is not None:
            return tuple(labelling.several(self.table, self.column, self.section)), False
        if self.section.columns is not None:
            graded = self._check_stacked()
            return self.section.columns if self.encoding in (BINARY, ONE_HOT) else (), graded
        listed = self.section.classes
        if listed is not None:
            given = tuple(labelling.name_of(name) if isinstance(name, bool) else name for name in listed)
            return self._listed(given), False
        labels = self._labels()
        if labels is None:
            return (), False
        if self.text:
            return tuple(str(value) for value in labels.values), False
        return labelling.margins(self.loss, labels), self.encoding == BINARY and labelling.between(labels)

    def _check_stacked(self) -> bool:
        """Columns of yes and no hold 0 and 1, or what lies between: whether they do that."""
        graded = False
        for column in self.section.sources:
            labels = labelling.single(self.table, column) if self.encoding == BINARY else None
            graded = graded or (labels is not None and labelling.between(labels))
            for value in labels.values if labels is not None and not labelling.margins(self.loss, labels) else ():
                if not 0 <= value <= 1:
                    message = f"column `{column}` has label {value:g}, a binary output takes 0 and 1"
                    where = labelling.where(self.table, column, value)
                    raise DataProblem("E604", message, "", "columns", where)
        return graded

    def _listed(self, classes: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """The classes of the spec, which are all that the column holds."""
        if not (self.encoding in (CLASSES, BINARY) or self.expand):
            message = f"`classes` of target `{self.target}` have no meaning for `{self.loss.name}`"
            raise Problem("E607", message, "leave `classes` out", "classes")
        labels = labelling.single(self.table, self.column)
        known = {str(name) for name in classes}
        for value in labels.values:
            if labelling.among(value, known) is None:
                message = f"label `{labelling.name_of(value)}` of target `{self.target}` is not among its `classes`"
                where = labelling.where(self.table, self.column, value)
                raise DataProblem("E604", message, "add it, or correct the file", "classes", where)
        units = self._places()
        if units is not None and len(classes) > units:
            raise self._too_many(len(classes), units, Labels(classes, (1,) * len(classes)))
        return classes

    def _places(self) -> int | None:
        """How many classes the output tells apart, where that is known."""
        if self.output is None or not self._labels_in_head():
            return None
        return 2 if self.encoding == BINARY else self.output.shape[-1]

    def _labels(self) -> Labels | None:
        """The distinct labels, all with a place in the output; None where the column holds no labels."""
        if self.encoding not in (CLASSES, BINARY) and not (self.encoding == ONE_HOT and self.expand):
            return None
        labels = labelling.single(self.table, self.column)
        if len(labels.values) == 1:
            message = f"target `{self.target}` has a single class, `{labels.values[0]}`: there is nothing to learn"
            help = "take files in which other classes occur as well" if self.values.shape else "predict another column"
            raise DataProblem("E604", message, help, "column")
        units = self._places()
        if units is not None:
            self._check_labels(labels, units)
        return labels

    def _labels_in_head(self) -> bool:
        """Whether a label names a unit of the output; with some losses the output is an embedding."""
        return not isinstance(self.loss, Loss) or self.loss.labels_in_head

    def _check_labels(self, labels: Labels, units: int) -> None:
        binary = self.encoding == BINARY
        if self.text:
            if len(labels.values) > units:
                raise self._too_many(len(labels.values), units, labels)
            return
        if labelling.margins(self.loss, labels):
            return
        ignored = self.loss.ignore_class if self.loss is not None else None
        for value in labels.values:
            inside = 0 <= value <= 1 if binary else 0 <= value < units and value == int(value)
            if not inside and value != ignored:
                raise self._outside(value, labels, units)

    def _too_many(self, count: int, units: int, labels: Labels) -> DataProblem:
        what = "a binary output tells 2 apart" if self.encoding == BINARY else f"the output has {units}"
        named = ", ".join(f"`{label}`" for label in labels.values[:6]) + (", …" if count > 6 else "")
        message = f"target `{self.target}` has {count} classes, {what}: {named}"
        return DataProblem("E604", message, labelling.units(labels), "column")

    def _outside(self, value: float, labels: Labels, units: int) -> DataProblem:
        where = labelling.where(self.table, self.column, value)
        what = f"the output has {units} classes, 0 to {units - 1}"
        help = labelling.units(labels)
        if self.encoding == BINARY:
            what = "a binary output takes 0 and 1"
        elif value != int(value):
            what, help = "classes are whole numbers", "a loss for numbers, such as `mse`, takes values like this"
        elif len(labels.values) > max(20, sum(labels.counts) // 3):
            help = (
                "this reads like a quantity: for one number, give the last layer one unit and take a loss such as `mse`"
            )
        elif labels.values[0] == 1 and labels.values[-1] == units:
            help = f"labels start at 0: these run from 1 to {units}"
        elif len(labels.values) <= units:
            listed = ", ".join(f"{label:g}" for label in labels.values)
            help = f"say which values stand for class 0, 1, …: `classes: [{listed}]`"
        return DataProblem("E604", f"target `{self.target}` has label {value:g}, {what}", help, "column", where)

    def _text(self, column: str) -> DataProblem:
        contents = self.table.contents(column, "")
        message = f"column `{column}` holds {contents.what}, the loss compares numbers"
        option = "column" if self.section.columns is None else "columns"
        return DataProblem("E603", message, contents.help or self._loss_for_text(column), option, contents.where)

    def _loss_for_text(self, column: str) -> str:
        """Which loss takes what the column holds; a word among numbers is a slip."""
        values = self.table.labels(column).values
        if self.section.columns is not None or any(labelling.reads_as_number(value) for value in values):
            return "correct the value"
        if len(values) == 2:
            return "`loss: binary_crossentropy` takes words, after one unit with `activation: sigmoid`"
        loss = "`loss: sparse_categorical_crossentropy` takes words"
        return f"{loss}, after {len(values)} units with `activation: softmax`"
