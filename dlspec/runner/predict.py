"""Answers of a kept model for new examples, as people and programs read them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.data.raw import RawInputs, read_inputs
from dlspec.data.targets import Output
from dlspec.errors import Problem
from dlspec.reporting.tasks import (
    CHOICE,
    NUMBERS,
    TAGS,
    YES_NO,
    Task,
    guesses,
    numbers,
    probabilities,
    task_of,
    yes_share,
)
from dlspec.runner.saved import SavedRun
from dlspec.runner.structure import like_inputs, outputs_by_name

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_BATCH_ELEMENTS, _LARGEST_BATCH = 1_000_000, 1024
_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers to some examples.

    Attributes:
        values: What the model gave, by output: arrays of shape [examples, …].
        tasks: How they are read, by output; None where they stand for themselves.
        names: What the spec calls each output's target.
        places: Where each example stands.
        left_out: What else the source holds, and is not used.
    """

    values: dict[str, Array]
    tasks: dict[str, Task | None]
    names: dict[str, str]
    places: list[str]
    left_out: tuple[str, ...] = ()

    def objects(self) -> list[dict[str, Any]]:
        """One object for each example: answers by target, with the probabilities of all classes."""
        found: list[dict[str, Any]] = [{"example": place} for place in self.places]
        for output, values in self.values.items():
            for row, answer in zip(found, self._answers(output, values), strict=True):
                row.update(answer)
        return found

    def json(self) -> str:
        """The objects as JSON."""
        return json.dumps(self.objects(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def csv(self) -> str:
        """A row for each example: the answers, and how probable they are.

        Raises:
            Problem: E524, an output is an array.
        """
        stream = io.StringIO()
        rows = [dict(_cells(row)) for row in self.objects()]
        writer = csv.DictWriter(stream, list(rows[0]) if rows else ["example"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return stream.getvalue()

    def arrays(self) -> dict[str, Array]:
        """What the model gave, by target."""
        return {self.names[output]: values for output, values in self.values.items()}

    def _answers(self, output: str, values: Array) -> Iterator[dict[str, Any]]:
        name, task = self.names[output], self.tasks[output]
        if task is not None and task.kind in (CHOICE, YES_NO):
            for row, guess in zip(probabilities(task, values), guesses(task, values), strict=True):
                by_class = {label: _number(share) for label, share in zip(task.names, row, strict=True)}
                # A score that is not a number compares with none: it speaks for no class.
                answer = None if None in by_class.values() else task.names[int(guess)]
                yield {name: answer, f"{name} probabilities": by_class}
        elif task is not None and task.kind == TAGS and values.ndim == 2:
            for row, yes in zip(yes_share(task, values.astype(float)), values > task.threshold, strict=True):
                by_tag = {label: _number(share) for label, share in zip(task.names, row, strict=True)}
                labels = [label for label, holds in zip(by_tag, yes, strict=True) if holds]
                yield {name: labels, f"{name} probabilities": by_tag}
        else:
            single = task is not None and task.kind == NUMBERS and values[0].size == 1
            for row in values if task is None or not task.numeric else numbers(task, values):
                yield {name: _number(row.reshape(-1)[0]) if single else _plain(row.tolist())}


def predict(saved: SavedRun, path: Path) -> Predictions:
    """Lets the model answer.

    Args:
        saved: The run.
        path: A file or folder of examples, without labels.

    Raises:
        SpecError: The examples do not fit: see :func:`dlspec.data.raw.read_inputs`.
    """
    found = read_inputs(saved.training, path=path)
    values = answers_of(saved, found)
    targets = {output.name: output for output in saved.targets}
    tasks = {name: _task(saved, targets.get(name), array.shape[1:]) for name, array in values.items()}
    names = {name: targets[name].target if name in targets else name for name in values}
    places = [found.table.where(index).replace(str(path.resolve()), path.name) for index in range(found.count)]
    left_out = tuple(one.message.replace(str(path.resolve()), path.name) for one in found.table.left_out)
    return Predictions(values, tasks, names, places, left_out)


def answers_of(saved: SavedRun, found: RawInputs) -> dict[str, Array]:
    """What the model gives for all examples, batch after batch."""
    import numpy as np
    import tensorflow as tf

    model, parts = saved.model, []
    elements = sum(array.size for array in found.inputs.values()) // max(found.count, 1)
    size = max(1, min(_LARGEST_BATCH, _BATCH_ELEMENTS // max(elements, 1)))

    def tensor(values: Array) -> Any:
        return tf.constant(values.tolist() if values.dtype == object else values)

    for start in range(0, found.count, size):
        batch = {name: tensor(values[start : start + size]) for name, values in found.inputs.items()}
        answer = model(like_inputs(model, batch), training=False)
        parts.append({name: np.asarray(values) for name, values in outputs_by_name(answer, saved.outputs).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _task(saved: SavedRun, output: Output | None, shape: tuple[int, ...]) -> Task | None:
    return None if output is None else task_of(output, saved.method.loss_of(output.name), shape)


def _cells(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Columns of one row of CSV."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            answer = row[name.removesuffix(" probabilities")]
            if not isinstance(answer, list):
                yield f"{name.removesuffix(' probabilities')} probability", value.get(answer)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            yield name, ";".join(value)
        elif isinstance(value, list) and not any(isinstance(item, list) for item in value) and len(value) <= 100:
            yield from ((f"{name} {number}", item) for number, item in enumerate(value))
        elif isinstance(value, list):
            help = "write them with `-o predictions.npz`, or `--format json`"
            raise Problem("E524", f"`{name}` is an array for each example, which no row of CSV holds", help)
        else:
            yield name, value


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list) else _number(value)


def _number(value: Any) -> float | int | None:
    """With as many digits as float32 has; what is no finite number is null."""
    if isinstance(value, int):
        return value
    number = float(f"{float(value):.{_DIGITS}g}")
    return number if number - number == 0 else None
