"""Answers of a kept model for new examples, as people and programs read them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.structure import like_inputs, outputs_by_name
from dlspec.core.errors import Problem
from dlspec.data.binding.targets import Output
from dlspec.data.binding.tasks import (
    CHOICE,
    NUMBERS,
    TAGS,
    TRANSCRIPT,
    YES_NO,
    Task,
    guesses,
    numbers,
    probabilities,
    task_of,
    yes_share,
)
from dlspec.data.feeding.kept import as_given
from dlspec.data.feeding.raw import RawInputs, open_inputs
from dlspec.data.sources.base import Arrays
from dlspec.training.run.failures import while_answering
from dlspec.training.saved import SavedRun
from dlspec.training.unknown_words import UnknownWords
from dlspec.training.written_answers import texts_of, writing_inputs
from dlspec.views.pages.comparing import batch_size
from dlspec.views.pages.transcripts import read

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Answering = Callable[[Arrays], Any]

# Batches whose answers are in memory at a time; from so many on, it is worth while to trace the model first.
_BATCHES = 16
_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers to some examples.

    Attributes:
        values: What the model gave, by output: arrays of shape [examples, …].
        tasks: How they are read, by output; None where they stand for themselves.
        names: What the spec calls each output's target.
        places: Where each example stands.
        kept: Columns of the examples that are handed on.
        texts: What the model wrote, by output, in place of what it gave.
    """

    values: dict[str, Array]
    tasks: dict[str, Task | None]
    names: dict[str, str]
    places: list[str]
    kept: Arrays = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def objects(self) -> list[dict[str, Any]]:
        """One object for each example: answers by target, with the probabilities of all classes."""
        objects: list[dict[str, Any]] = [{"example": label} for label in self.places]
        for name, array in self.kept.items():
            for row, value in zip(objects, as_given(array), strict=True):
                row[name] = value
        for output, values in self.values.items():
            for row, answer in zip(objects, self._answers(output, values), strict=True):
                row.update(answer)
        for output, texts in self.texts.items():
            for row, text in zip(objects, texts, strict=True):
                row[self.names[output]] = text
        return objects

    def columns(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """Columns of CSV with their names: the answers, and how probable they are.

        Raises:
            Problem: E524, an output is an array.
        """
        yield "example", self.places
        yield from ((name, as_given(values)) for name, values in self.kept.items())
        for output, values in self.values.items():
            yield from self._columns(output, values)
        yield from ((self.names[output], texts) for output, texts in self.texts.items())

    def arrays(self) -> dict[str, Array]:
        """Kept columns and answers by target, each of shape [examples, …]."""
        import numpy as np

        kept = {name: values.astype(str) if values.dtype == object else values for name, values in self.kept.items()}
        texts = {self.names[output]: np.array(texts) for output, texts in self.texts.items()}
        return {**kept, **{self.names[output]: values for output, values in self.values.items()}, **texts}

    def _columns(self, output: str, values: Array) -> Iterator[tuple[str, Sequence[Any]]]:
        import numpy as np

        name, task = self.names[output], self.tasks[output]
        if task is not None and task.kind in (CHOICE, YES_NO):
            chosen, shares = guesses(task, values).astype(int).tolist(), probabilities(task, values)
            # A score that is not a number speaks for no class.
            sound: Array = np.all(np.isfinite(shares), axis=1)
            yield name, [task.names[number] if fine else None for number, fine in zip(chosen, sound, strict=True)]
            likely = shares[range(len(chosen)), chosen].tolist()
            yield (
                f"{name} probability",
                [_number(share) if fine else None for share, fine in zip(likely, sound, strict=True)],
            )
        elif task is not None and task.kind == NUMBERS and values[0].size == 1:
            yield name, [_number(value) for value in numbers(task, values).reshape(-1).tolist()]
        elif task is not None and task.quantiles:
            yield name, [_number(value) for value in numbers(task, values).reshape(-1).tolist()]
            for share, column in zip(task.quantiles, values.T, strict=True):
                yield f"{name} {share:g}", [_number(value) for value in column.tolist()]
        else:
            rows = [dict(_cells(answer)) for answer in self._answers(output, values)]
            for title in rows[0] if rows else ():
                yield title, [row[title] for row in rows]

    def _answers(self, output: str, values: Array) -> Iterator[dict[str, Any]]:
        name, task = self.names[output], self.tasks[output]
        if task is not None and task.kind in (CHOICE, YES_NO):
            for row, guess in zip(probabilities(task, values), guesses(task, values), strict=True):
                by_class = {label: _number(share) for label, share in zip(task.names, row.tolist(), strict=True)}
                # A score that is not a number compares with none: it speaks for no class.
                answer = None if None in by_class.values() else task.names[int(guess)]
                yield {name: answer, f"{name} probabilities": by_class}
        elif task is not None and task.kind == TAGS and values.ndim == 2:
            for row, yes in zip(yes_share(task, values.astype(float)), values > task.threshold, strict=True):
                by_tag = {label: _number(share) for label, share in zip(task.names, row, strict=True)}
                labels = [label for label, holds in zip(by_tag, yes, strict=True) if holds]
                yield {name: labels, f"{name} probabilities": by_tag}
        elif task is not None and task.kind == TRANSCRIPT:
            for row, sequence in zip(values, read(values), strict=True):
                # What holds a score that is not a number reads as nothing.
                yield {name: [task.names[label] for label in sequence] if _finite(row) else None}
        elif task is not None and task.quantiles:
            for row, answer in zip(values, numbers(task, values), strict=True):
                by_share = {f"{share:g}": _number(value) for share, value in zip(task.quantiles, row, strict=True)}
                yield {name: _number(answer[0]), f"{name} quantiles": by_share}
        else:
            single = task is not None and task.kind == NUMBERS and values[0].size == 1
            for row in values if task is None or not task.numeric else numbers(task, values):
                yield {name: _number(row.reshape(-1)[0]) if single else _plain(row.tolist())}


def csv_text(pieces: Iterable[Predictions]) -> Iterator[str]:
    """A table with a row for each example, piece by piece.

    Raises:
        Problem: E524, an output is an array.
    """
    for number, piece in enumerate(pieces):
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        titles, columns = zip(*piece.columns(), strict=True)
        if number == 0:
            writer.writerow(titles)
        writer.writerows(zip(*columns, strict=True))
        yield stream.getvalue()


def json_text(pieces: Iterable[Predictions]) -> Iterator[str]:
    """A list with an object for each example, piece by piece."""
    before = "[\n"
    for piece in pieces:
        text = json.dumps(piece.objects(), indent=1, ensure_ascii=False, allow_nan=False)
        yield before + text.removeprefix("[\n").removesuffix("\n]")
        before = ",\n"
    yield "\n]\n"


def together(pieces: Iterable[Predictions]) -> dict[str, Array]:
    """Answers for all examples by target, each of shape [examples, …]."""
    import numpy as np

    parts = [piece.arrays() for piece in pieces]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def predict(
    saved: SavedRun,
    path: Path,
    places: Sequence[str] = (),
    tell: Callable[[str], object] = str,
    keep: Sequence[str] = (),
    answer: Answering | None = None,
) -> Iterator[Predictions]:
    """Lets the model answer, some examples at a time.

    Args:
        saved: The run.
        path: A file or folder of examples, without labels.
        places: What to call the examples; by their file and row unless given.
        tell: Called with what else the source holds, and is not used; and in the end with the words that the model
            does not know.
        keep: Columns of the examples that stand before the answers.
        answer: What :func:`answering` gave, for many calls.

    Raises:
        SpecError: The examples do not fit: see :func:`dlspec.data.feeding.raw.open_inputs`.
        Problem: E524, a column to keep is called as an answer is.
    """
    writer = saved.writer
    opened = open_inputs(saved.training if writer is None else writing_inputs(saved, writer), path=path, keep=keep)
    _check_kept(opened.kept, saved)
    unknown = UnknownWords(saved.model, opened.bound)
    targets = {output.name: output for output in saved.targets}
    size = batch_size(opened.elements, saved.model)
    answer = answer or answering(saved, traced=opened.count > size * _BATCHES)
    resolved, start = str(path.resolve()), 0
    for remark in opened.table.left_out:
        if not remark.of_frame:
            tell(remark.message.replace(resolved, path.name))
    for inputs, kept in opened.pieces(size * _BATCHES):
        unknown.look(inputs)
        texts = {} if writer is None else {writer.target.name: texts_of(saved, writer, inputs, start)}
        values = _in_batches(answer, inputs, size) if writer is None else {}
        tasks = {name: task_of_output(saved, targets.get(name), array.shape[1:]) for name, array in values.items()}
        names = {name: targets[name].target if name in targets else name for name in (*values, *texts)}
        count = len(next(iter(inputs.values())))
        where = places[start : start + count] or [
            opened.table.where(index).replace(resolved, path.name) for index in range(start, start + count)
        ]
        yield Predictions(values, tasks, names, list(where), kept, texts)
        start += count
    for line in unknown.lines():
        tell(line)


def _check_kept(kept: Sequence[str], saved: SavedRun) -> None:
    """No answer has the name of a column that is kept.

    Raises:
        Problem: E524.
    """
    targets = {output.name: output.target for output in saved.targets}
    answers = [targets.get(name, name) for name in saved.outputs]
    taken = {"example", *(f"{name}{end}" for name in answers for end in ("", " probability", " probabilities"))}
    for name in taken.intersection(kept):
        message = f"`{name}` cannot be kept: the answers have a column of that name"
        raise Problem("E524", message, "give it another name in the examples")


def answers_of(saved: SavedRun, raw: RawInputs, *, prepared: bool = False) -> dict[str, Array]:
    """Outputs of the model for all examples, raw or prepared, computed in batches, each of shape [examples, …]."""
    elements = sum(array.size for array in raw.inputs.values()) // max(raw.count, 1)
    return _in_batches(answering(saved, prepared=prepared), raw.inputs, batch_size(elements, saved.model))


def _in_batches(answer: Callable[[Arrays], Any], inputs: Arrays, size: int) -> dict[str, Array]:
    import numpy as np

    count = len(next(iter(inputs.values())))
    parts = [
        answer({name: values[start : start + size] for name, values in inputs.items()})
        for start in range(0, count, size)
    ]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def answering(saved: SavedRun, *, traced: bool = False, prepared: bool = False) -> Answering:
    """A function from a batch of raw values, by input, to what each output gives.

    Args:
        saved: The run.
        traced: Whether it becomes a graph at its first call, which pays for many.
        prepared: Whether values are prepared, as they enter the model proper.
    """
    import tensorflow as tf

    model = saved.core if prepared else saved.model

    def given(batch: Any) -> Any:
        return model(like_inputs(model, batch), training=False)

    call = tf.function(given, reduce_retracing=True, autograph=False) if traced else given

    def answer(batch: Arrays) -> Any:
        tensors = {name: tf.constant(v.tolist() if v.dtype == object else v) for name, v in batch.items()}
        with while_answering():
            return outputs_by_name(call(tensors), saved.outputs)

    return answer


def task_of_output(saved: SavedRun, output: Output | None, shape: tuple[int, ...]) -> Task | None:
    """How the numbers of an output are read; None where it has no target.

    Args:
        saved: The run.
        output: As its target is bound.
        shape: Of its answer for one example.
    """
    return None if output is None else task_of(output, saved.method.head_of(output.name), shape)


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


def _finite(values: Array) -> bool:
    import numpy as np

    return bool(np.isfinite(values).all())


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list) else _number(value)


def _number(value: Any) -> float | int | None:
    """A number with the digits of float32; None for one that is not finite."""
    if isinstance(value, int):
        return value
    number = float(f"{float(value):.{_DIGITS}g}")
    return number if number - number == 0 else None
