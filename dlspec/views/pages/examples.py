"""Single examples as people look at them: a picture, a text or a row of numbers, the truth and the model's answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.core.errors import Problem
from dlspec.core.pictures import is_map
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.tasks import (
    ARRAYS,
    NUMBERS,
    PIXELS,
    SERIES,
    STEPS,
    TAGS,
    TRANSCRIPT,
    Task,
    answers,
    counted,
    numbers,
)
from dlspec.views.pages.pictures import overlay, picture
from dlspec.views.pages.transcripts import read, spelt, true_labels
from dlspec.views.pages.unusual import unusual
from dlspec.views.pages.verdict import figure, percent

if TYPE_CHECKING:
    import numpy as np

    from dlspec.data.sources.base import Arrays

    Array = np.ndarray[Any, Any]

SHOWN = 8
_COLUMNS = 12
_TEXT = 280
_STEPS = 40
_ROWS_TO_LOCATE = 50_000


@dataclass(slots=True)
class Example:
    """One example, ready to be shown.

    Attributes:
        group: ``worst`` or ``random``.
        where: Where it stands in the data.
        pictures: Captions and data URIs.
        values: What entered the model, by column, as text.
        true: The truth.
        guess: The model's answer.
        note: How sure the model was, or how far off.
        right: Whether both agree; None where that is no yes or no.
        unusual: In what it is unlike the training examples.
    """

    group: str
    where: str
    true: str = ""
    guess: str = ""
    note: str = ""
    right: bool | None = None
    pictures: list[tuple[str, str]] = field(default_factory=list)
    values: list[tuple[str, str]] = field(default_factory=list)
    unusual: list[str] = field(default_factory=list)


class LookedAt(NamedTuple):
    """Some examples with the model's answers, all in one order.

    Attributes:
        groups: The group of each.
        numbers: The number of each in the source.
        inputs: What entered the model, by input.
        targets: What the loss compared, by output.
        predicted: What the model answered, by output.
        masks: Which positions of that count, by output; of those that carry a mask.
    """

    groups: list[str]
    numbers: Array
    inputs: Mapping[str, Array]
    targets: Mapping[str, Array]
    predicted: Mapping[str, Array]
    masks: Mapping[str, Array]


def show(task: Task, binding: Binding, seen: LookedAt, train: Array) -> list[Example]:
    """The examples as the output `task` saw them; `train` has the numbers of the training examples."""
    raw = _raw(binding, seen)
    reasons = unusual(binding.table, dict(islice(raw.items(), _COLUMNS)), train)
    image_name = _image_name(seen.inputs)
    examples = []
    for row, (group, number) in enumerate(zip(seen.groups, seen.numbers, strict=True)):
        example = Example(group, _where(binding, int(number)), values=list(_values(raw, row)))
        example.unusual = reasons[row] if raw else []
        image = seen.inputs[image_name][row] if image_name is not None else None
        if image is not None:
            example.pictures.append(("input", picture(image)))
        mask = seen.masks[task.name][row : row + 1] if task.name in seen.masks else None
        _answer(task, example, seen.predicted[task.name][row], seen.targets[task.name][row], image, mask)
        examples.append(example)
    return examples


def _where(binding: Binding, number: int) -> str:
    return binding.table.where(number) if binding.count <= _ROWS_TO_LOCATE else f"example {number:,}"


def _raw(binding: Binding, seen: LookedAt) -> Arrays:
    """Columns as they stand in the source, of those inputs that are no pictures."""
    names: list[str] = []
    for input_ in binding.column_inputs:
        values = seen.inputs[input_.name]
        if not (values.dtype.kind in "fiu" and is_map(values.shape[1:])):
            names += input_.columns
    try:
        return binding.table.take(dict.fromkeys(names), seen.numbers)
    except Problem:  # the files went away meanwhile: the report does without
        return {}


def _values(raw: Arrays, row: int) -> Iterator[tuple[str, str]]:
    """Name and text of what entered the model."""
    for shown, (name, values) in enumerate(raw.items()):
        if shown == _COLUMNS and len(raw) > _COLUMNS:
            yield f"{len(raw) - _COLUMNS} more columns", "…"
            return
        value = values[row]
        if isinstance(value, str):
            yield name, value if len(value) <= _TEXT else value[:_TEXT] + " …"
        elif value.ndim == 0:
            yield name, "missing" if value != value else figure(float(value))  # NaN alone differs from itself
        elif value.ndim == 1:
            numbers = ", ".join(figure(float(number)) for number in value[:_COLUMNS])
            yield name, numbers + (" …" if len(value) > _COLUMNS else "")


def _image_name(inputs: Mapping[str, Array]) -> str | None:
    """The first input that is a picture."""
    names = (name for name, values in inputs.items() if values.dtype.kind in "fiu" and is_map(values.shape[1:]))
    return next(names, None)


def _answer(
    task: Task, example: Example, predicted: Array, target: Array, image: Array | None, mask: Array | None
) -> None:
    if task.kind == NUMBERS:
        _numbers(example, numbers(task, predicted).reshape(-1), target.reshape(-1))
    elif task.kind == TAGS:
        _tags(task, example, predicted, target, mask)
    elif task.kind in (ARRAYS, SERIES):
        _arrays(task, example, predicted, target.reshape(predicted.shape), mask)
    elif task.kind in (PIXELS, STEPS):
        _positions(task, example, predicted, target, image, mask)
    elif task.kind == TRANSCRIPT:
        _transcript(task, example, predicted, target, mask)
    else:
        _class(task, example, predicted, target)


def _class(task: Task, example: Example, predicted: Array, target: Array) -> None:
    judged = answers(task, predicted[None], target[None])
    true, guess = int(judged.true[0]), int(judged.guess[0])
    share = judged.probabilities[0]
    known = 0 <= true < len(task.names)
    example.true = task.names[true] if known else str(true)
    example.guess = task.names[guess]
    example.right = true == guess
    example.note = f"{percent(float(share[guess]))} sure"
    if not example.right and known:
        example.note += f", {percent(float(share[true]))} for “{example.true}”"


def _numbers(example: Example, predicted: Array, target: Array) -> None:
    example.true, example.guess = _few(target), _few(predicted)
    if len(target) == 1:
        error = float(predicted[0]) - float(target[0])
        example.note = f"off by {'+' if error > 0 else '−' if error < 0 else ''}{figure(abs(error))}"


def _few(numbers: Array) -> str:
    return ", ".join(figure(float(number)) for number in numbers[:6]) + (" …" if len(numbers) > 6 else "")


def _tags(task: Task, example: Example, predicted: Array, target: Array, mask: Array | None) -> None:
    valid = counted(mask, (1, *predicted.shape[:-1]))[0]
    true, guess = target.reshape(predicted.shape) > 0.5, predicted > task.threshold
    example.right = bool((true == guess)[valid].all())
    if predicted.ndim > 1:
        example.note = f"{percent(float((true == guess)[valid].mean()) if valid.any() else 1.0)} of answers right"
        return
    example.true = ", ".join(task.names[n] for n in true.nonzero()[0][:_COLUMNS]) or "none"
    example.guess = ", ".join(task.names[n] for n in guess.nonzero()[0][:_COLUMNS]) or "none"


def _arrays(task: Task, example: Example, predicted: Array, target: Array, mask: Array | None) -> None:
    predicted = numbers(task, predicted)
    squares = ((predicted - target) ** 2)[counted(mask, (1, *predicted.shape[:-1]))[0]]
    example.note = f"off by {figure(float(squares.mean()) ** 0.5 if squares.size else 0.0)} (root mean square)"
    if is_map(predicted.shape):
        low, high = float(target.min()), float(target.max())
        example.pictures.append(("true", picture(target, low, high)))
        example.pictures.append(("model", picture(predicted, low, high)))


def _positions(
    task: Task, example: Example, predicted: Array, target: Array, image: Array | None, mask: Array | None
) -> None:
    judged = answers(task, predicted[None], target[None])
    true, guess = judged.true[0], judged.guess[0]
    counts = true != task.ignored if task.ignored is not None else true >= 0
    counts = counts & counted(mask, (1, *true.shape))[0]
    right = float((true == guess)[counts].mean()) if counts.any() else 1.0
    example.note = f"{percent(right)} of {'steps' if task.kind == STEPS else 'pixels'} right"
    if is_map(true.shape):
        example.pictures.append(("true", overlay(image, true, task.ignored)))
        example.pictures.append(("model", overlay(image, guess)))
        return
    names = task.names
    example.true = " ".join(names[n] if 0 <= n < len(names) else str(n) for n in true[counts][:_STEPS])
    example.guess = " ".join(names[n] for n in guess[counts][:_STEPS])


def _transcript(task: Task, example: Example, predicted: Array, target: Array, mask: Array | None) -> None:
    (true,), (guess,) = true_labels(target[None]), read(predicted[None], mask)
    example.true, example.guess = spelt(task, true) or "nothing", spelt(task, guess) or "nothing"
    example.right = true == guess
