"""``dlspec predict`` of tables that differ from those of the training: gaps, words, columns to keep, standard input."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from dlspec.cli.main import run
from tests.support import as_documented, asked

pytestmark = pytest.mark.slow

TOWNS = """
name: towns
layers:
  - concatenate: {from: [numbers, town], name: row}
  - dense: {units: 1, from: row}
data:
  source: {csv: towns.csv}
  inputs:
    numbers: {columns: [rooms, area], missing: median}
    town: {column: town, missing: {constant: none}, prepare: [{string_lookup: {output_mode: one_hot}}]}
  targets: {price: price}
  split: {test: 0.25}
train: {loss: mse, epochs: 1}
"""
CLOSED = TOWNS.replace("output_mode", "num_oov_indices: 0, output_mode").replace("towns\n", "closed\n", 1)
ODD = "area,town,id,rooms,note\n,Mars,007,3,x\n4.5,,a b,2,y\n1,Venus,NA,1,\n2,Mars,,4,\n"
ODD_ROWS = [
    (float(a) if a else None, town, name, int(rooms), note)
    for a, town, name, rooms, note in csv.reader(ODD.splitlines()[1:])
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of each spec."""
    folder = tmp_path_factory.mktemp("trained")
    towns = "".join(f"00{n},{n % 7},{n * 1.5},{('Cork', 'Turku', '')[n % 3]},{n}\n" for n in range(1, 61))
    (folder / "towns.csv").write_text("id,rooms,area,town,price\n" + towns, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, text in (("towns", TOWNS), ("closed", CLOSED)):
            (folder / f"{name}.yaml").write_text(text)
            assert run(["train", f"{name}.yaml", "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def inside(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)


def received(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_gaps_unseen_words_further_columns_and_any_order(capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.csv").write_text(ODD)
    Path("single.csv").write_text("\n".join(ODD.splitlines()[:2]) + "\n")
    assert run(["predict", "towns", "odd.csv", "--keep", "id,note"]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["example", "id", "note", "price"]
    assert [(row["id"], row["note"]) for row in rows] == [("007", "x"), ("a b", "y"), ("NA", ""), ("", "")]
    said = (
        "`town`: 3 of 4 values are words that the model does not know, and answers like any such word: `Mars`, `Venus`"
    )
    assert said in err.splitlines()
    single = list(csv.DictReader(io.StringIO(asked(capsys, "predict", "towns", "single.csv"))))
    assert float(single[0]["price"]) == pytest.approx(float(rows[0]["price"]), rel=1e-5)


def test_columns_are_kept_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.csv").write_text(ODD)
    rows = as_documented(
        "output/predict",
        asked(capsys, "predict", "towns", "odd.csv", "--keep", "id", "--keep", "rooms", "--format", "json"),
    )
    assert [list(row) for row in rows] == [["example", "id", "rooms", "price"]] * 4
    assert [(row["id"], row["rooms"]) for row in rows] == [("007", 3), ("a b", 2), ("NA", 1), ("", 4)]
    assert run(["predict", "towns", "odd.csv", "--keep", "id,area", "-o", "kept.npz"]) == 0
    with np.load("kept.npz") as archive:
        assert archive["id"].tolist() == ["007", "a b", "NA", ""] and set(archive) == {"id", "area", "price"}
    # JSON tells itself what is a number; a column may have a comma in its name.
    Path("odd.json").write_text(json.dumps([{"rooms": 1, "area": None, "town": "Cork", "id": 7, "a,b": 0.1}]))
    rows = as_documented(
        "output/predict",
        asked(capsys, "predict", "towns", "odd.json", "--keep", "id", "--keep", "a,b", "--format", "json"),
    )
    assert (rows[0]["id"], rows[0]["a,b"]) == (7, 0.1)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("idd", "error[E602]: the source has no column `idd`\n  = help: did you mean `id`?"),
        ("price", "error[E524]: `price` cannot be kept: the answers have a column of that name"),
        ("example", "error[E524]: `example` cannot be kept: the answers have a column of that name"),
    ],
)
def test_columns_that_cannot_be_kept(column: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("labelled.csv").write_text("id,rooms,area,town,price,example\n1,2,3,Cork,4,5\n")
    assert run(["predict", "towns", "labelled.csv", "--keep", column]) == 1
    assert said in capsys.readouterr().err


def test_examples_by_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("odd.csv").write_text(ODD)
    wanted = asked(capsys, "predict", "towns", "odd.csv", "--keep", "id")
    records = [{"area": area, "town": town, "id": name, "rooms": rooms} for area, town, name, rooms, _ in ODD_ROWS]
    for data in (ODD.encode(), gzip.compress(ODD.encode()), json.dumps(records).encode()):
        received(monkeypatch, data)
        got = list(csv.reader(io.StringIO(asked(capsys, "predict", "towns", "-", "--keep", "id"))))
        assert [row[1:] for row in got] == [row[1:] for row in csv.reader(io.StringIO(wanted))]
        assert got[1][0].startswith("stdin.")
    received(monkeypatch, b" \n")
    assert run(["predict", "towns", "-"]) == 1
    assert "error[E523]: nothing came by standard input" in capsys.readouterr().err


def test_a_word_that_the_model_has_no_index_for(capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.csv").write_text(ODD)
    assert run(["predict", "closed", "odd.csv"]) == 1
    said = capsys.readouterr().err
    assert "error[E605]: `town` holds `Mars`, which the model has no index for" in said
    assert "train with an index for unknown words: `num_oov_indices: 1`" in said


def test_unseen_words_are_counted_where_a_model_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    Path("labelled.csv").write_text("id,rooms,area,town,price\n1,2,3,Rome,4\n2,2,3,Cork,5\n")
    assert run(["evaluate", "towns", "--data", "labelled.csv"]) == 0
    said = "`town`: 1 of 2 values is a word that the model does not know, and answers like any such word: `Rome`"
    assert said in capsys.readouterr().err.splitlines()
