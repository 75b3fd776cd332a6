"""W613: `evaluate` says where the data of a run are no longer those of its training, and is silent where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dlspec.cli.main import run

pytestmark = pytest.mark.slow

SHOPS = """
name: shops
layers: [{dense: 1}]
data:
  source: {join: {left: {csv: sales.csv}, right: {csv: towns.csv}, on: town}}
  inputs: {x: {columns: [size, people], missing: median, prepare: [normalization]}}
  targets: {turnover: {column: turnover, missing: drop}}
  split: {validation: {join: {left: {csv: later.csv}, right: {csv: towns.csv}, on: town}}, test: 0.2, seed: 2}
train: {loss: mse, epochs: 1}
"""
FILES = ("sales.csv", "towns.csv", "later.csv")
Edit = Callable[[list[str]], list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run whose rows come from three files, some of them without a value."""
    folder, chance = tmp_path_factory.mktemp("shops"), np.random.default_rng(4)
    for name, count in (("sales.csv", 60), ("later.csv", 20)):
        rows = [
            f"{'' if row == 7 else chance.integers(10, 99)},t{row % 5},{'' if row == 9 else row * 3 + 1},n{row}"
            for row in range(count)
        ]
        (folder / name).write_text("\n".join(["size,town,turnover,note", *rows]) + "\n")
    (folder / "towns.csv").write_text("town,people\n" + "".join(f"t{n},{1000 * n + 500}\n" for n in range(5)))
    (folder / "shops.yaml").write_text(SHOPS)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert run(["train", "shops.yaml", "--quiet"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Works in that folder, and leaves its files as they were."""
    texts = {name: (folder / name).read_text() for name in FILES}
    monkeypatch.chdir(folder)
    yield
    for name, text in texts.items():
        (folder / name).write_text(text)


def evaluated(name: str, edit: Edit, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What `evaluate` writes to the standard error after a change of a file's rows, which include that of names."""
    path = Path(name)
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")
    assert run(["evaluate", "shops", *options]) == 0
    return capsys.readouterr().err


def replaced(number: int, old: str, new: str) -> Edit:
    """Another value in a row."""
    return lambda rows: [row.replace(old, new, 1) if place == number else row for place, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("name", "edit", "how"),
    [
        pytest.param("sales.csv", replaced(5, ",13,", ",14,"), "hold other values", id="a target"),
        pytest.param("sales.csv", lambda rows: [*rows[:3], ",".join(["1", *rows[3].split(",")[1:]]), *rows[4:]],
                     "hold other values", id="an input"),
        pytest.param("sales.csv", lambda rows: [*rows[:8], f"50{rows[8]}", *rows[9:]],
                     "hold other values", id="a gap that was filled"),
        pytest.param("sales.csv", lambda rows: [rows[0], *rows[:0:-1]], "hold other values", id="another order"),
        pytest.param("sales.csv", lambda rows: rows[:-1], "and were 47 train", id="a row less"),
        pytest.param("sales.csv", lambda rows: [*rows, "5,t1,9,x"], "and were 47 train", id="a row more"),
        pytest.param("sales.csv", replaced(10, ",t4,,", ",t4,28,"), "and were 47 train", id="a target more"),
        pytest.param("towns.csv", replaced(2, "1500", "1600"), "hold other values", id="the right side of the join"),
        pytest.param("later.csv", replaced(2, ",4,", ",5,"), "hold other values", id="the source of validation"),
    ],
)  # fmt: skip
def test_what_changed_is_said(name: str, edit: Edit, how: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = evaluated(name, edit, capsys)
    assert said.count("warning[W613]") == 1 and how in said, said


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        pytest.param("sales.csv", lambda rows: rows, id="only its time"),
        pytest.param("sales.csv", replaced(4, ",n3", ",other"), id="a column that is not used"),
        pytest.param("sales.csv", lambda rows: [f"{row},{n}" for n, row in enumerate(rows)], id="a column more"),
        pytest.param("sales.csv", lambda rows: [",".join(row.split(",")[::-1]) for row in rows], id="order of columns"),
        pytest.param("sales.csv", lambda rows: [row.replace(",t1,", ',"t1",') for row in rows], id="quotes"),
        pytest.param("towns.csv", lambda rows: [*rows, "t9,70"], id="a town that no row has"),
        pytest.param("towns.csv", lambda rows: [rows[0], *rows[:0:-1]], id="order of the right side"),
    ],
)
def test_what_says_the_same_is_no_change(name: str, edit: Edit, capsys: pytest.CaptureFixture[str]) -> None:
    assert "W613" not in evaluated(name, edit, capsys)


def test_other_examples_are_not_those_of_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    assert "W613" not in evaluated("sales.csv", lambda rows: rows[:-1], capsys, "--data", "later.csv")


def test_answers_need_no_data_of_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    Path("sales.csv").write_text("size,town,turnover\n1,t1,2\n")
    assert run(["predict", "shops", "later.csv"]) == 0
    assert "W613" not in capsys.readouterr().err
