"""What is unusual about an example of a table, compared with the training examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlspec.data.sources.csv import Csv
from dlspec.views.pages.unusual import unusual


def told(folder: Path, *, rows: int = 400) -> list[list[str]]:
    """What is said of the last four rows, where the others train."""
    lines = ["size,town,title"]
    lines += [f"{'' if row == 7 else row},{'Turku' if row % 200 else 'Oulu'},title {row}" for row in range(rows)]
    lines += ["200,Turku,title 3", "9000,Turku,another", ",Cork,third", "-50,Oulu,fourth"]
    (folder / "houses.csv").write_text("\n".join(lines) + "\n")
    table = Csv(path="houses.csv").open(folder)
    asked = np.arange(rows, rows + 4)
    return unusual(table, table.take(["size", "town", "title"], asked), np.arange(rows))


def test_numbers_and_words_that_are_rare_in_training(tmp_path: Path) -> None:
    span = "98 of 100 training examples have 3.98 to 395"
    assert told(tmp_path) == [
        [],
        [f"size 9,000 is unusual: {span}"],
        ["size is missing, as in 0.2 % of training examples", "town “Cork” is in none of 400 training examples"],
        [f"size -50 is unusual: {span}", "town “Oulu” is in 2 of 400 training examples"],
    ]


def test_few_examples_tell_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, rows=50) == [[], [], [], []]
