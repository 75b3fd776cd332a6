"""Splits by group, time, column and from sources of their own; fingerprints, and equal examples in two parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import checked, graph, only, supervised, write

from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Split, Target
from dlspec.components.sections.splitters import Column, Grouped, Time
from dlspec.components.training.losses import BinaryCrossentropy
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.data.binding.binding import open_table
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.signature import Signature
from dlspec.data.feeding.content import examine, row_keys
from dlspec.data.feeding.pipeline import prepare
from dlspec.data.order.splits import Parts, choose
from dlspec.data.sources.csv import Csv

MODEL = graph({"x": Tensor((1,))}, {"y": Tensor((1,))})


def section(split: Split, **options: Any) -> Data:
    given = {
        "source": Csv(path="a.csv"),
        "inputs": {"x": Feature(column="x")},
        "targets": {"y": Target(column="y")},
        "split": split,
    }
    return Data(**{**given, **options})


def parts(folder: Path, split: Split, count: int) -> Parts:
    data = section(split)
    table = open_table(data, folder, Findings())
    assert table is not None
    return choose(data, table, count)


def test_groups_stay_together(tmp_path: Path) -> None:
    groups = [f"g{number % 17}" for number in range(100)]
    write(tmp_path, "a.csv", "x,y,who\n" + "".join(f"{i},{i % 2},{who}\n" for i, who in enumerate(groups)))
    split = Split(validation=0.2, test=0.2, by=Grouped(column="who"), seed=1)
    found = parts(tmp_path, split, 100)
    assert sorted(np.concatenate(found)) == list(range(100))
    names = [{groups[i] for i in part} for part in found]
    assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])
    assert [len(part) for part in found[1:]] == pytest.approx([20, 20], abs=5)
    other = parts(tmp_path, Split(validation=0.2, test=0.2, by=Grouped(column="who"), seed=2), 100)
    assert found.test.tolist() != other.test.tolist()


@pytest.mark.parametrize("column", [None, "day", "number"])
def test_the_latest_examples_are_the_test(tmp_path: Path, column: str | None) -> None:
    order = np.random.default_rng(0).permutation(20) if column else np.arange(20)
    rows = [f"{i},{i % 2},2024-01-{place + 1:02},{place / 2}" for i, place in enumerate(order)]
    write(tmp_path, "a.csv", "\n".join(["x,y,day,number", *rows]) + "\n")
    found = parts(tmp_path, Split(validation=0.2, test=0.25, by=Time(column=column, gap=1)), 20)
    times = [sorted(order[part].tolist()) for part in found]
    assert times == [list(range(9)), list(range(10, 14)), list(range(15, 20))]


def test_a_column_says_the_part(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,y,part\n1,0,train\n2,1,Test\n3,0,dev\n4,1,train\n")
    found = parts(tmp_path, Split(by=Column(column="part")), 4)
    assert [part.tolist() for part in found] == [[0, 3], [2], [1]]


def test_parts_with_sources_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(10)))
    write(tmp_path, "b.csv", "extra,y,x\n0,1,50.5\n0,0,51.5\n")
    data = section(Split(validation=0.2, test=Csv(path="b.csv")))
    found = prepare(
        data, tmp_path, Signature({"x": Tensor((1,))}, {"y": Tensor((1,))}), Supervised(loss=BinaryCrossentropy())
    )
    assert found.test is not None and found.validation is not None
    assert found.test.inputs["x"].tolist() == [[50.5], [51.5]]
    assert found.test.targets["y"].tolist() == [[1], [0]]
    assert (found.train.count, found.validation.count) == (8, 2)
    assert found.binding.table.where(11) == "b.csv, line 3"


@pytest.mark.parametrize(
    ("split", "rows", "message", "where"),
    [
        (Split(by=Column(column="z")), "1,0,train\n2,1,maybe\n", "`maybe` in column `z` is no part", "a.csv, line 3"),
        (Split(by=Column(column="z")), "1,0,test\n2,1,test\n", "nothing is left to train on", ""),
        (
            Split(test=0.5, by=Time(column="z")), "1,0,2024-01-01\n2,1,soon\n",
            "`soon` in column `z` is no date or number", "a.csv, line 3",
        ),
        (Split(test=0.5, by=Grouped(column="w")), "1,0,a\n2,1,b\n", "the source has no column `w`", ""),
        (Split(test=0.5, by=Grouped(column="z")), "1,0,a\n2,1,a\n", "nothing is left to train on", ""),
        (Split(test=Csv(path="c.csv")), "1,0,a\n2,1,a\n", "the source of `test` has no column `x`", ""),
        (
            Split(test=Csv(path="d.csv")), "1,0,a\n2,1,a\n",
            "column `x` holds numbers in `source`, and text (`one`) in the source of `test`", "",
        ),
        (Split(test=Csv(path="no.csv")), "1,0,a\n2,1,a\n", "there is no file `no.csv`", ""),
    ],
)  # fmt: skip
def test_splits_that_do_not_work(tmp_path: Path, split: Split, rows: str, message: str, where: str) -> None:
    write(tmp_path, "a.csv", "x,y,z\n" + rows)
    write(tmp_path, "c.csv", "y,z\n1,a\n")
    write(tmp_path, "d.csv", "x,y,z\none,1,a\n")
    found = only(checked(section(split), tmp_path, MODEL, supervised()))
    assert found.message == message
    assert not where or found.notes[0].message == f"found in {where}"


def test_a_column_of_parts_needs_no_shares() -> None:
    with pytest.raises(Problem, match="column `part` says which examples are kept, and so does `test`"):
        Split(test=0.2, by=Column(column="part")).validate()


def test_the_fingerprint_follows_the_values_alone(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,y,city\n1,0,Cork\n2,1,Graz\n")
    write(tmp_path, "b.csv", "city;y;unused;x\nCork;0;7;1\nGraz;1;8;2\n")
    write(tmp_path, "c.csv", "x,y,city\n1,0,Cork\n2,1,Graw\n")
    parts = Parts(np.arange(2), np.arange(0), np.arange(0))
    tables = [
        Csv(path=name, delimiter=sign).open(tmp_path) for name, sign in (("a.csv", ","), ("b.csv", ";"), ("c.csv", ","))
    ]
    first, same, other = (examine(table, ["x", "city", "y"], ["x"], parts, 2).fingerprint for table in tables)
    assert first == same != other


def test_equal_rows_have_equal_keys() -> None:
    random = np.random.default_rng(0)
    numbers, words = random.normal(size=(500, 3)), random.integers(0, 50, 500).astype(str).astype(object)
    image = random.integers(0, 255, (500, 20, 20, 3), dtype=np.uint8)
    keys = row_keys([numbers, words, image])
    assert len(set(keys.tolist())) == 500
    for part in ([numbers[:9], words[:9], image[:9]], [numbers[4:9], words[4:9], image[4:9]]):
        assert set(row_keys(part).tolist()) <= set(keys.tolist())
    changed = image.copy()
    changed[7, 19, 19, 2] ^= 1
    assert (row_keys([numbers, words, changed]) != keys).nonzero()[0].tolist() == [7]
