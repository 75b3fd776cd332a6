"""Bad series in time: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect
from builders import write

from dlspec.components.sections.data import Data, Split, Target
from dlspec.components.sections.splitters import Random, Time
from dlspec.data.order.splits import choose
from dlspec.data.sources import limits
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.timeseries import Timeseries

SPEC = """\
inputs: {past: [4, 2]}
layers:
  - flatten
  - dense: 2
data:
  source: {timeseries: {table: {csv: power.csv}, time: day, targets: load, series: [load, heat], window: 4, horizon: 2}}
  targets: {load: future}
train: {loss: mse}
"""
DAYS = [f"2024-01-{day:02}" for day in range(1, 13)]
ROWS = "day,load,heat,city\n" + "".join(f"{day},{n},{n * n / 2},Cork\n" for n, day in enumerate(DAYS))


def good(folder: Path) -> None:
    write(folder, "power.csv", ROWS)


def table(old: str, new: str) -> Callable[[Path], Any]:
    assert old in ROWS
    return lambda folder: write(folder, "power.csv", ROWS.replace(old, new))


CSV = "{csv: power.csv}"
ROW = "power.csv, line 5"


@cases(
    Bad("missing file", "E601", "there is no file `powers.csv`", "{csv: powers.csv}",
        replace=((CSV, "{csv: powers.csv}"),)),
    Bad("outside", "E108", "`../power.csv` leads out of the spec's folder", "{csv: ../power.csv}",
        replace=((CSV, "{csv: ../power.csv}"),)),
    Bad("empty file", "E608", "`power.csv` is empty", CSV, "power.csv", lambda f: write(f, "power.csv", "")),
    Bad("ragged rows", "E608", "line 5 of `power.csv` has 5 values, expected 4", CSV, ROW,
        table("2024-01-04,3", "2024-01-04,3,3")),
    Bad("Latin-1", "E608", "column `city` is not UTF-8", CSV, "power.csv, line 2",
        lambda f: write(f, "power.csv", ROWS.replace("Cork", "K\u00f6ln").encode("latin-1"))),
    Bad("missing column of a target", "E602", "the source has no column `laod`", "laod",
        replace=(("targets: load", "targets: laod"),)),
    Bad("missing column of a series", "E602", "the source has no column `cold`", "[load, cold]",
        replace=(("load, heat", "load, cold"),)),
    Bad("missing column of times", "E602", "the source has no column `days`", "days",
        replace=(("time: day", "time: days"),)),
    Bad("a column that it does not make", "E602", "the source has no column `load`", "load",
        replace=(("{load: future}", "{load: load}"),)),
    Bad("text in a series", "E603", "column `city` holds text (`Cork`), expected numbers", "[load, city]",
        "power.csv, line 2", replace=(("load, heat", "load, city"),)),
    Bad("a word among numbers", "E603", "column `load` holds text (`three`), expected numbers", "load", ROW,
        table("2024-01-04,3,", "2024-01-04,three,")),
    Bad("a missing value", "E608", "column `load` holds a value that is not a finite number", "[load, heat]", ROW,
        table("2024-01-04,3,", "2024-01-04,,")),
    Bad("an infinite value", "E608", "column `heat` holds a value that is not a finite number", "[load, heat]", ROW,
        table(",4.5,", ",inf,")),
    Bad("no date", "E608", "`4th of May` in column `day` is no date or number", "day", ROW,
        table("2024-01-04", "4th of May")),
    Bad("one time twice", "E608", "two rows have the same time in column `day`", "day",
        "power.csv, line 4 and power.csv, line 5", table("2024-01-04", "2024-01-03")),
    Bad("too few rows", "E608", "the table has 12 rows, one window and what follows take 22", "20",
        "power.csv, line 2", replace=(("window: 4", "window: 20"),)),
    Bad("another window than the model's", "E605", "input `past` has shape [4, 2], the data (`past`) give [5, 2]",
        "{table: {csv: power.csv}, time: day, targets: load, series: [load, heat], window: 5, horizon: 2}",
        replace=(("window: 4", "window: 5"),)),
    Bad("another horizon than the model's", "E503", "mean_squared_error needs a target of the output", "mse",
        replace=(("horizon: 2", "horizon: 3"),)),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def opened(folder: Path, **options: Any) -> Any:
    given = {"table": Csv(path="power.csv"), "targets": ("load",), "window": 4, "horizon": 2}
    return Timeseries(**(given | options)).open(folder)


def test_windows(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
    table = opened(tmp_path)
    assert {name: (str(c.tensor), c.count, c.label) for name, c in table.columns.items()} == {
        "past": ("[4, 1]", 7, False), "future": ("[2]", 7, True),
    }  # fmt: skip
    values = table.read(["past", "future"])
    assert values["past"][..., 0].tolist() == [[n, n + 1, n + 2, n + 3] for n in range(7)]
    assert values["future"].tolist() == [[n + 4, n + 5] for n in range(7)]
    assert table.take(["future"], np.array([6, 0]))["future"].tolist() == [[10, 11], [4, 5]]
    assert table.where(6) == "power.csv, line 8 to line 13"


def test_several_series_and_strides(tmp_path: Path) -> None:
    good(tmp_path)
    table = opened(tmp_path, targets=("load", "heat"), series=("heat",), stride=3)
    assert [str(column.tensor) for column in table.columns.values()] == ["[4, 1]", "[2, 2]"]
    values = table.read(["past", "future"])
    assert values["past"][1, :, 0].tolist() == [4.5, 8.0, 12.5, 18.0]
    assert values["future"][1].tolist() == [[7, 24.5], [8, 32]]


def test_rows_are_ordered_by_time(tmp_path: Path) -> None:
    header, *rows = ROWS.splitlines()
    write(tmp_path, "power.csv", "\n".join([header, *reversed(rows)]) + "\n")
    table = opened(tmp_path, time="day")
    assert table.read(["past"])["past"][0, :, 0].tolist() == [0, 1, 2, 3]
    assert table.where(0) == "power.csv, line 13 to line 8"


@pytest.mark.parametrize(("horizon", "stride", "gap"), [(1, 1, 0), (2, 1, 1), (6, 2, 2), (5, 2, 2), (2, 5, 0)])
def test_no_step_is_predicted_in_two_parts(tmp_path: Path, horizon: int, stride: int, gap: int) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(80))
    write(tmp_path, "power.csv", "day,load\n" + rows)
    source = Timeseries(table=Csv(path="power.csv"), targets=("load",), window=4, horizon=horizon, stride=stride)
    data = Data(source=source, targets={"load": Target(column="future")}, split=Split(validation=0.2, test=0.2))
    assert isinstance(data.parts.by, Time)
    assert (data.parts.by.gap, data.parts.test) == (gap, 0.2)
    table = source.open(tmp_path)
    parts = choose(data, table, table.columns["future"].count)
    train, validation, test = ({*table.take(["future"], part)["future"].ravel().tolist()} for part in parts)
    assert max(train) < min(validation)
    assert max(validation) < min(test)
    assert table.take(["future"], parts.test)["future"].max() > 79 - stride


def test_a_spec_may_divide_windows_otherwise() -> None:
    source = Timeseries(table=Csv(path="power.csv"), targets=("load",), window=4)
    data = Data(source=source, targets={"load": Target(column="future")}, split=Split(test=0.2, by=Random()))
    assert isinstance(data.parts.by, Random)


def test_windows_beyond_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good(tmp_path)
    monkeypatch.setattr(limits, "machine_memory", lambda: 100)
    with pytest.raises(DataProblem, match=r"7 windows of 4 steps takes 112 bytes") as caught:
        opened(tmp_path).read(["past"])
    assert caught.value.code == "E609"
