"""Joined tables: their rows and types, and what is said of keys and sides that do not fit, before TensorFlow loads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect
from builders import write

from dlspec.data.feeding.new_files import source_for
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.join import Join
from dlspec.data.sources.npz import Npz
from tests.support import dlspec_here

SPEC = """\
inputs: {numbers: [2]}
layers:
  - dense: 1
data:
  source: {join: {left: {csv: ratings.csv}, right: {csv: films.csv}, on: {film: id}}}
  inputs: {numbers: {columns: [year, minutes]}}
  targets: {stars: stars}
train: {loss: mse}
"""
LEFT = "film,stars,user\na,3,1\nb,4,2\na,5,1\nc,1,2\n"
RIGHT = "id,year,minutes\nc,19,90\na,18,80\nb,16,85\nd,20,20\n"


def good(folder: Path) -> None:
    write(folder, "ratings.csv", LEFT)
    write(folder, "films.csv", RIGHT)


def left(old: str, new: str) -> Callable[[Path], Any]:
    return lambda folder: write(folder, "ratings.csv", LEFT.replace(old, new))


def right(old: str, new: str) -> Callable[[Path], Any]:
    return lambda folder: write(folder, "films.csv", RIGHT.replace(old, new))


KEEP = (("on: {film: id}", "on: {film: id}, unmatched: missing"),)


@cases(
    Bad("no partner", "E608", "2 of 4 rows on the left have no partner on the right: `film z`", "{film: id}",
        "ratings.csv, line 2", left("a,", "z,")),
    Bad("a key that is missing", "E608", "1 of 4 rows on the left have no partner on the right: `film `", "{film: id}",
        "ratings.csv, line 3", left("b,", ",")),
    Bad("a key twice on the right", "E608", "key `id a` stands twice on the right, first in films.csv, line 3",
        "{csv: films.csv}", "films.csv, line 5", right("d,20", "a,20")),
    Bad("several keys twice", "E608", "key `id a` stands twice on the right, first in films.csv, line 3; so do 1 more",
        "{csv: films.csv}", "films.csv, line 4",
        lambda f: write(f, "films.csv", RIGHT.replace("b,", "a,") + "d,1,2\n")),
    Bad("no such column on the left", "E602", "the left side of the join has no column `movie`", "{movie: id}",
        replace=(("film: id", "movie: id"),)),
    Bad("no such column on the right", "E602", "the right side of the join has no column `film`", "film",
        replace=(("on: {film: id}", "on: film"),)),
    Bad("text and numbers", "E603", "key `film` holds text on the left, and numbers on the right", "{film: id}", "",
        lambda f: write(f, "films.csv", "id,year,minutes\n1,2,3\n2,2,3\n")),
    Bad("one name on both sides", "E207", "column `year` stands on both sides of the join", "{csv: films.csv}", "",
        left("user", "year")),
    Bad("missing file on the right", "E601", "there is no file `film.csv`", "{csv: film.csv}",
        replace=(("csv: films.csv", "csv: film.csv"),)),
    Bad("missing file on the left", "E601", "there is no file `rating.csv`", "{csv: rating.csv}",
        replace=(("csv: ratings.csv", "csv: rating.csv"),)),
    Bad("outside", "E108", "`../films.csv` leads out of the spec's folder", "{csv: ../films.csv}",
        replace=(("csv: films.csv", "csv: ../films.csv"),)),
    Bad("ragged on the right", "E608", "line 3 of `films.csv` has 2 values, expected 3", "{csv: films.csv}",
        "films.csv, line 3", right("18,80", "18")),
    Bad("empty on the left", "E608", "`ratings.csv` is empty", "{csv: ratings.csv}", "ratings.csv",
        lambda f: write(f, "ratings.csv", "")),
    Bad("an array that no row can lack", "E605", "column `frames` holds [2], which rows without a partner",
        "missing", "", lambda f: (write(f, "ratings.csv", "film,stars\n1,2\n9,3\n"),
                                  np.savez(f / "films.npz", id=np.array([1, 3]), frames=np.zeros((2, 2), "float32"))),
        (("{csv: films.csv}", "{npz: films.npz}"), *KEEP)),
    Bad("a key of arrays", "E605", "a key is one value for each row, and `id` gives [2] int64", "{user: id}", "",
        lambda f: np.savez(f / "films.npz", id=np.ones((2, 2), int)),
        (("{csv: films.csv}", "{npz: films.npz}"), ("film: id", "user: id"))),
    Bad("a gap without partner", "E608", "column `year` has 1 missing value", "year", "ratings.csv, line 3",
        left("b,", "z,"), (*KEEP, ("[year, minutes]", "[year, user]"))),
    Bad("no column of either side", "E602", "the source has no column `years`", "years",
        replace=(("[year, minutes]", "[years, minutes]"),)),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    folder.mkdir()
    write(tmp_path, "films.csv", RIGHT)
    expect(bad, folder, good, SPEC)


def _open(folder: Path, **options: Any) -> Any:
    given = {"left": Csv(path="ratings.csv"), "right": Csv(path="films.csv"), "on": {"film": "id"}}
    return Join(**{**given, **options}).open(folder)


def test_rows_of_the_left_with_their_partners(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
    table = _open(tmp_path)
    assert list(table.columns) == ["film", "stars", "user", "year", "minutes"]
    assert table.read(["year", "stars"])["year"].tolist() == [18, 16, 18, 19]
    taken = table.take(["minutes", "film"], np.array([3, 0]))
    assert taken["minutes"].tolist() == [90, 80] and taken["film"].tolist() == ["c", "a"]
    assert table.where(2) == "ratings.csv, line 4"
    assert table.obvious(["stars"]) == [("user", "year", "minutes")]
    prefixed = _open(tmp_path, prefix="film_")
    assert list(prefixed.columns)[3:] == ["film_year", "film_minutes"]
    assert prefixed.read(["film_year"])["film_year"].tolist() == [18, 16, 18, 19]


def test_rows_without_partner(tmp_path: Path) -> None:
    good(tmp_path)
    left("b,", "z,")(tmp_path)
    dropped = _open(tmp_path, unmatched="drop")
    assert dropped.read(["stars", "year"])["stars"].tolist() == [3, 5, 1]
    assert dropped.where(1) == "ratings.csv, line 4"
    assert [one.message for one in dropped.left_out] == ["1 of 4 rows have no partner, and are left out"]
    kept = _open(tmp_path, unmatched="missing")
    assert str(kept.columns["year"].tensor) == "[] float64"
    assert np.isnan(kept.read(["year"])["year"]).tolist() == [False, True, False, False]


def test_several_keys_and_several_lookups(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,y,v\n1,p,0\n2,p,1\n1,q,2\n")
    write(tmp_path, "b.csv", "y,x,w\nq,1,30\np,2,20\np,1,10\n")
    write(tmp_path, "c.csv", "y,u\np,left\nq,right\n")
    both = Join(left=Csv(path="a.csv"), right=Csv(path="b.csv"), on=["x", "y"])
    assert both.open(tmp_path).read(["w"])["w"].tolist() == [10, 20, 30]
    nested = Join(left=both, right=Csv(path="c.csv"), on="y").open(tmp_path)
    assert list(nested.columns) == ["x", "y", "v", "w", "u"]
    assert nested.read(["u", "w"])["u"].tolist() == ["left", "left", "right"]


def test_codes_written_in_digits_are_text_where_the_other_side_has_text(tmp_path: Path) -> None:
    good(tmp_path)
    right("a,", "07,")(tmp_path)
    write(tmp_path, "ratings.csv", "film,stars\n07,3\n")
    assert _open(tmp_path).read(["year"])["year"].tolist() == [18]


def test_arrays_beside_a_table(tmp_path: Path) -> None:
    write(tmp_path, "ratings.csv", "film,stars\n3,1\n1,2\n3,0\n")
    np.savez(tmp_path / "films.npz", id=np.array([1, 3]), frames=np.arange(4, dtype="float32").reshape(2, 2))
    table = _open(tmp_path, right=Npz(path="films.npz"))
    assert table.read(["frames"])["frames"].tolist() == [[2, 3], [0, 1], [2, 3]]


def test_new_rows_meet_the_same_right_side(tmp_path: Path) -> None:
    good(tmp_path)
    write(tmp_path, "new.csv", "film\nd\n")
    source = Join(left=Csv(path="ratings.csv"), right=Csv(path="films.csv"), on={"film": "id"})
    new = source_for(tmp_path / "new.csv", source)
    assert isinstance(new, Join)
    assert new.open(tmp_path, allow_outside=True).read(["year"])["year"].tolist() == [20]


@pytest.mark.slow
def test_train_evaluate_predict_and_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlspec.cli.main import run

    good(tmp_path)
    monkeypatch.chdir(tmp_path)  # the files of a spec are read only from there, unless told otherwise
    spec = tmp_path / "films.yaml"
    spec.write_text("name: films\n" + SPEC.replace("loss: mse", "loss: mse, epochs: 2"), encoding="utf-8")
    assert run(["train", str(spec), "--runs", str(tmp_path / "runs")]) == 0
    write(tmp_path, "new.csv", "film\nd\na\n")
    out = tmp_path / "answers.csv"
    folder = next((tmp_path / "runs/films").iterdir())
    assert run(["predict", str(folder), str(tmp_path / "new.csv"), "-o", str(out)]) == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 3
    assert run(["evaluate", str(folder), "--data", str(tmp_path / "ratings.csv")]) == 0
    assert run(["export", str(spec), "--project", str(tmp_path / "project")]) == 1


def test_the_fingerprint_follows_the_right_side_and_the_weights(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.replace("  targets:", "  weight: user\n  targets:"))
    good(tmp_path)

    def fingerprint() -> str:
        return str(json.loads(dlspec_here("data", str(spec), "--format", "json").stdout)["fingerprint"])

    known = fingerprint()
    assert fingerprint() == known
    right("b,16", "b,17")(tmp_path)
    assert fingerprint() != known
    good(tmp_path)
    left("a,5,1", "a,5,3")(tmp_path)
    assert fingerprint() != known
