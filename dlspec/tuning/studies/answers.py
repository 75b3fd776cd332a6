"""Answers of the members for what they were not trained on: one table for all folds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.core.files import write_atomically
from dlspec.training.saved import SavedRun
from dlspec.views.pages.index import Run

if TYPE_CHECKING:
    import numpy as np

    from dlspec.data.feeding.raw import RawInputs
    from dlspec.passes.state import Trainable

    Array = np.ndarray[Any, Any]

# In the run folder of a member, and in that of the study.
ANSWERS_FILE, ALL_FILE = "test_answers.csv", "out_of_fold.csv"
# In that of a member whose answers enter another model: these as arrays.
ARRAYS_FILE = "answers.npz"


def keep(folder: Path, state: Trainable) -> None:
    """Writes the answers of a finished run for its test split into its folder, where they are not there yet.

    Outputs that are arrays for each example are left out: no row of a table holds them.

    Args:
        folder: The run folder.
        state: Its checked spec.
    """
    target = folder / ANSWERS_FILE
    if target.is_file():
        return
    from dlspec.training.evaluate import own_examples

    run = Run(folder)
    state.method.decide(run.facts.get("thresholds", {}))
    saved = SavedRun(run, state, state.data_section, state.method, state.allow_outside, trusted=True)
    text = ""
    for _, examples in own_examples(saved, ("test",)):
        titles, columns = zip(*_columns(saved, examples), strict=True)
        text = _table([titles, *zip(*columns, strict=True)])
    write_atomically(target, lambda draft: draft.write_text(text, encoding="utf-8"))


def keep_arrays(folder: Path, state: Trainable, parts: Sequence[str]) -> None:
    """Writes the answers of a finished run for parts of its data into its folder, where they are not there yet.

    Args:
        folder: The run folder.
        state: Its checked spec, of one output.
        parts: Those that are answered.
    """
    import numpy as np

    target = folder / ARRAYS_FILE
    if target.is_file():
        return
    from dlspec.training.evaluate import own_examples
    from dlspec.training.predict import answers_of

    saved = SavedRun(Run(folder), state, state.data_section, state.method, state.allow_outside, trusted=True)
    rows, answers = [np.zeros(0, np.int64)], []
    for _, examples in own_examples(saved, parts):
        (answer,) = answers_of(saved, examples).values()
        rows.append(np.asarray(examples.numbers, np.int64))
        answers.append(np.asarray(answer))
    arrays = {"rows": np.concatenate(rows), **({"answers": np.concatenate(answers)} if answers else {})}
    save_arrays(target, arrays)


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Writes arrays by name into an archive that needs no code to be read."""
    import numpy as np

    def save(draft: Path) -> None:
        with draft.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    write_atomically(path, save)


def _columns(saved: SavedRun, examples: RawInputs) -> Iterator[tuple[str, Sequence[Any]]]:
    """Number of the row in the source, what the targets are, and what the model answers."""
    from dlspec.data.feeding.kept import as_given
    from dlspec.training.predict import Predictions, answers_of, task_of_output

    numbers = examples.numbers
    yield "row", [int(number) for number in numbers]
    for output in saved.targets:
        if output.column and not examples.table.columns[output.column].tensor.shape:
            values = examples.table.read([output.column])[output.column][numbers]
            yield f"{output.target} actual", as_given(values)
    targets = {output.name: output for output in saved.targets}
    for name, values in answers_of(saved, examples, prepared=saved.made_anew).items():
        task = task_of_output(saved, targets.get(name), values.shape[1:])
        title = targets[name].target if name in targets else name
        try:
            columns = dict(Predictions({name: values}, {name: task}, {name: title}, [""] * len(values)).columns())
        except Problem:
            continue
        yield from ((key, column) for key, column in columns.items() if key != "example")


def _table(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV, the titles first."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def gather(folder: Path, members: Sequence[tuple[str, Path]]) -> str:
    """The answers of all members in one table, in the order of the rows of the source.

    Args:
        folder: Of the study.
        members: What each is called in the first column, and its run folder.

    Returns:
        The text of the table; "" where a member has none.
    """
    head: list[str] = []
    rows: list[list[str]] = []
    for title, own in members:
        with (folder / own / ANSWERS_FILE).open(encoding="utf-8", newline="") as stream:
            first, *others = list(csv.reader(stream)) or [[]]
        if not first or (head and first != head):
            return ""
        head = first
        rows += [[title, *row] for row in others]
    rows.sort(key=lambda row: (int(row[1]), row[0]))
    return _table([["member", *head], *rows])
