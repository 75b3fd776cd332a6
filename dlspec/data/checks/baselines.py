"""Which answers go beside those of a model, to compare it with: known before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from dlspec.components.methods.base import Method
from dlspec.core.errors import Problem, leave_out
from dlspec.core.ir import Shape
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.targets import Output
from dlspec.data.binding.tasks import CHOICE, NUMBERS, TAGS, TRANSCRIPT, YES_NO, Task, task_of

LINEAR, NEAREST, ALWAYS = "linear", "nearest_mean", "always"
TITLES = {LINEAR: "linear model", NEAREST: "nearest mean", ALWAYS: "always the same"}
# Columns of which all products are summed, and of which each is looked at by itself.
MOST_COLUMNS = {LINEAR: 4096, NEAREST: 1 << 20}
_STRINGS = "string"


@dataclass(frozen=True, slots=True)
class Baselines:
    """The answers that are possible, and why others are not.

    Attributes:
        by_output: Which of the titles each output has; in the order of the table.
        reasons: A sentence for each of what is not possible, without a full stop.
    """

    by_output: dict[str, tuple[str, ...]]
    reasons: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Those that some output has."""
        return tuple(name for name in TITLES if any(name in names for names in self.by_output.values()))


def baselines_of(method: Method, binding: Binding, shapes: Mapping[str, Shape]) -> Baselines:
    """The baselines of a training.

    Args:
        method: Whose losses say what outputs decide.
        binding: Of the data.
        shapes: Of one answer of each output, without the batch.
    """
    if binding.made is not None:
        return Baselines({}, ("examples are made out of rows",))
    no_columns = dict(_without_columns(binding))
    by_output: dict[str, tuple[str, ...]] = {}
    reasons: list[str] = []
    for output in binding.outputs:
        if method.loss_of(output.name) is None:
            continue
        names, reason = baselines_of_output(method, output, shapes[output.name])
        by_output[output.name] = tuple(name for name in names if name not in no_columns)
        reasons += [reason] if reason else [no_columns[name] for name in names if name in no_columns]
    return Baselines(by_output, tuple(dict.fromkeys(reasons)))


def baselines_of_output(method: Method, output: Output, shape: Shape) -> tuple[tuple[str, ...], str]:
    """The baselines of one output, whatever enters; and why it has none, or "".

    Args:
        method: Whose loss says what it decides.
        output: As it is bound to its target.
        shape: Of one answer, without the batch.
    """
    head = method.head_of(output.name)
    task: Task | None = task_of(output, head, shape)
    shown = f"output `{output.name}`"
    if task is None or task.kind == TRANSCRIPT:
        return (), f"{shown} has no answer that could always be the same"
    if task.quantiles:
        return (), f"{shown} gives quantiles"
    if head.masked:
        return (), f"a mask says which steps of {shown} count"
    if None in shape:
        return (), f"{shown} has no fixed size"
    if task.kind in (CHOICE, YES_NO):
        return (LINEAR, NEAREST, ALWAYS), ""
    return ((LINEAR, ALWAYS) if task.kind in (NUMBERS, TAGS) else (ALWAYS,)), ""


def _without_columns(binding: Binding) -> Iterable[tuple[str, str]]:
    """The baselines for which what enters cannot be columns of numbers, each with the reason."""
    width = 0
    for input_ in binding.model_inputs:
        reason = _no_columns(input_)
        if reason:
            yield from ((name, reason) for name in MOST_COLUMNS)
            return
        width += prod(size or 1 for size in input_.tensor.shape)
    for name, most in MOST_COLUMNS.items():
        if width > most:
            yield name, f"{width:,} numbers enter, and the {TITLES[name]} takes up to {most:,}"


def _no_columns(input_: Input) -> str:
    """Why an input cannot become columns; "" where it can."""
    if input_.tensor.dtype == _STRINGS:
        return f"input `{input_.name}` takes texts as they stand"
    if None in input_.tensor.shape:
        return f"input `{input_.name}` has no fixed size"
    whole = input_.tensor.dtype.startswith(("int", "uint"))
    if whole and input_.tensor.rank > 1:
        return f"input `{input_.name}` holds whole numbers with {input_.tensor.rank} axes"
    return ""


def texts_of(binding: Binding) -> tuple[str, ...]:
    """The inputs whose rows are indices of the words of a text."""
    return tuple(
        input_.name
        for input_ in binding.model_inputs
        if input_.raw.dtype == _STRINGS and not input_.raw.rank and input_.tensor.rank == 1
    )


def check_baselines(binding: Binding, method: Method, shapes: Mapping[str, Shape], findings: Findings) -> None:
    """Some output can be compared with answers that need no training (E565); warns of those that cannot (W625)."""
    if not method.baselines:
        return
    with findings.at("train", "baselines", on_key=True):
        if method.turns:
            message = "`baselines` compares outputs with targets, and `minimize` or `learners` minimise tensors"
            raise Problem("E565", message, leave_out("baselines"))
        study = method.study
        if study is not None and (study.combines or study.keep == "none"):
            why = "is kept" if study.keep == "none" else "is trained by itself"
            message = f"`baselines` stands beside one model, and with `{study.name}` none {why}"
            raise Problem("E565", message, leave_out("baselines", ", or train without `method` as well"))
        baselines = baselines_of(method, binding, shapes)
        if not all(baselines.by_output.values()) or not baselines.names:
            raise Problem("E565", f"no baseline is possible: {'; '.join(baselines.reasons)}", leave_out("baselines"))
        if baselines.reasons:
            message = f"some baselines are left out: {'; '.join(baselines.reasons)}"
            raise Problem("W625", message, f"the others are measured: {', '.join(_titles(baselines))}")


def _titles(baselines: Baselines) -> list[str]:
    """What is measured, in words."""
    return [TITLES[name] for name in baselines.names]
