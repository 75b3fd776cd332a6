"""Records that are laid out alike are read many at a time, with the values that reading them one by one gives."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tfrecords import message, record, varint

from dlspec.data.sources import records as record_files
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.layouts import Layouts, Wanted
from dlspec.data.sources.protos import read_example, spans, varints
from dlspec.data.sources.tfrecord import RecordFeature, Tfrecord, TfrecordTable

WANTED = {"x": RecordFeature(shape=(3,)), "n": RecordFeature(dtype="int64", shape=(2,)),
          "b": RecordFeature(dtype="int16", shape=(2,), decode="raw")}  # fmt: skip


def raw(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


def example(number: int, *, turned: bool = False, spare: str = "abc", broken: bool = False) -> bytes:
    """Numbers of many lengths; two orders of features, and one that nobody asked for."""
    whole = {
        "x": [float(number), -float(number), 0.5],
        "n": [number % 5, number if number % 3 else -number],
        "b": raw(number, -number) if not broken else raw(1, 2, 3),
        "spare": spare,
    }
    return message(dict(reversed(whole.items())) if turned else whole)


def opened(folder: Path, messages: list[bytes]) -> TfrecordTable:
    (folder / "a.tfrecord").write_bytes(b"".join(map(record, messages)))
    return Tfrecord(path=("a.tfrecord",), features=WANTED).open(folder)


def one_by_one(table: TfrecordTable, count: int) -> dict[str, np.ndarray]:
    values = [table._values(index, WANTED) for index in range(count)]
    return {name: np.stack([one[name] for one in values]) for name in WANTED}


def test_values_are_those_of_single_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    messages = [example(number * 7, turned=number % 4 == 0, spare="abz"[number % 3] * 3) for number in range(300)]
    table = opened(tmp_path, messages)
    order = np.random.default_rng(0).permutation(300)[:250]
    expected = one_by_one(table, 300)
    for name, values in table.take(list(WANTED), order).items():
        assert values.dtype == expected[name].dtype
        assert values.tolist() == expected[name][order].tolist()


def test_most_records_are_not_read_singly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = opened(tmp_path, [example(number % 100) for number in range(400)])
    single: list[int] = []
    values = TfrecordTable._values
    monkeypatch.setattr(
        TfrecordTable, "_values", lambda self, index, features: single.append(index) or values(self, index, features)
    )
    table.read(["x", "n", "b"])
    assert len(single) < 2  # the first one, which tells the columns


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (example(3, broken=True), "feature `b` of record 2 of `a.tfrecord` holds 6 bytes, expected 4"),
        (message({"x": [1.0, 2.0, 3.0], "b": raw(1, 2)}), "record 2 of `a.tfrecord` has no feature `n`"),
        (message({"x": [1], "n": [1, 2], "b": raw(1, 2)}), "feature `x` of record 2 of `a.tfrecord` "
         "holds integers, expected floats"),
        (message({"x": [1.0, 2.0, 3.0], "n": [1, 2, 3], "b": raw(1, 2)}), "feature `n` of record 2 of "
         "`a.tfrecord` holds 3 numbers, expected 2"),
        (b"nothing", "record 2 of `a.tfrecord` is no tf.train.Example"),
    ],
)  # fmt: skip
def test_a_bad_record_is_told_of(tmp_path: Path, bad: bytes, what: str) -> None:
    table = opened(tmp_path, [example(1), example(2), bad, example(4)])
    with pytest.raises(DataProblem) as caught:
        table.read(list(WANTED))
    assert (caught.value.message, caught.value.where) == (what, "a.tfrecord, record 2")


def test_a_count_that_is_right_only_in_sum(tmp_path: Path) -> None:
    """Two records of one size, one with a number too few and one with a number too many."""
    few = message({"x": [1.0, 2.0, 3.0], "n": [2**7], "b": raw(1, 2)})
    many = message({"x": [1.0, 2.0, 3.0], "n": [1, 2], "b": raw(1, 2)})
    assert len(few) == len(many)
    with pytest.raises(DataProblem, match=r"record 2 of `a\.tfrecord` holds 1 numbers, expected 2"):
        opened(tmp_path, [many, many, few, many]).read(["n"])


def test_a_damaged_record_among_others(tmp_path: Path) -> None:
    table = opened(tmp_path, [example(number) for number in range(9)])
    start = int(table._records[0].starts[5])
    content = bytearray((tmp_path / "a.tfrecord").read_bytes())
    content[start + 30] ^= 1
    (tmp_path / "a.tfrecord").write_bytes(content)
    with pytest.raises(DataProblem, match=r"record 5 of `a\.tfrecord` is damaged: its checksum differs"):
        Tfrecord(path=("a.tfrecord",), features=WANTED).open(tmp_path).check(list(WANTED))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 63, 64, 255, 256, 257, 1000])
@pytest.mark.parametrize("count", [1, 5, 40])
def test_checksums_of_many(size: int, count: int) -> None:
    block = np.random.default_rng(size).integers(0, 256, (count, size), dtype=np.uint8)
    assert record_files.checksums(block).tolist() == [record_files.checksum(row.tobytes()) for row in block]
    table, crc = record_files._table(), 0xFFFFFFFF
    for byte in block[0].tolist():
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    assert record_files.crc32c(block[0].tobytes()) == crc ^ 0xFFFFFFFF


def test_numbers_of_variable_length() -> None:
    values = [0, 1, 127, 128, 300, 2**31, 2**62, -1, -(2**63)]
    assert varints(np.frombuffer(b"".join(map(varint, values)), np.uint8)).tolist() == values
    for wrong in (b"\x80", b"\xff" * 10 + b"\x01"):
        with pytest.raises(ValueError, match=r"no tf\.train\.Example"):
            varints(np.frombuffer(wrong, np.uint8))


def test_more_layouts_than_are_learnt() -> None:
    """What is left over is named, and is all that is left over."""
    rows = [message({name: [float(place)], "x": [float(place)]}) for place, name in enumerate("abcdefg")]
    block = np.stack([np.frombuffer(row, np.uint8) for row in rows])
    into: dict[str, Any] = {"x": np.zeros((7, 1), np.float32)}
    left = Layouts({"x": Wanted("floats", (1,), "float32")}).read(block, into, np.arange(7))
    assert left.tolist() == [4, 5, 6]
    assert into["x"][:, 0].tolist() == [0, 1, 2, 3, 0, 0, 0]
    assert spans(rows[2])["x"].kind == "floats"
    assert read_example(rows[2], {"x"})["x"].values.tolist() == [2.0]
