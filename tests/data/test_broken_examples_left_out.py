"""``bad: skip`` with sources of files: broken ones are left out and told of, the others are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import write
from test_bad_audio_folder import sound
from tfrecords import message, record

from dlspec.data.sources.audio_folder import AudioFolder
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.text_folder import TextFolder
from dlspec.data.sources.tfrecord import RecordFeature, Tfrecord


def test_texts(tmp_path: Path) -> None:
    write(tmp_path, "reviews/bad/a.txt", "dull")
    write(tmp_path, "reviews/bad/b.txt", "l\u00e4uft".encode("latin-1"))
    write(tmp_path, "reviews/good/c.txt", "fine")
    table = TextFolder(path="reviews").open(tmp_path)
    table.tolerant = True
    assert table.faults(["text"]) == {1: "line 1 of `reviews/bad/b.txt` is not UTF-8"}
    assert table.faults(["label"]) == {}
    assert table.read(["text"])["text"].tolist() == ["dull", "", "fine"]


def test_sounds(tmp_path: Path) -> None:
    sound("yes/a.wav")(tmp_path)
    sound("no/b.wav")(tmp_path)
    write(tmp_path, "words/no/c.wav", "no sound")
    table = AudioFolder(path="words").open(tmp_path)
    table.tolerant = True
    assert table.columns["audio"].count == 2
    assert table.skipped == ["words/no/c.wav: `words/no/c.wav` is no WAV file"]
    assert (table.labels("label").values, table.labels("label").counts) == (("no", "yes"), (1, 1))
    assert table.where(1) == "words/yes/a.wav"
    assert table.read(["audio"])["audio"].shape == (2, 800, 1)


def test_no_sound_at_all(tmp_path: Path) -> None:
    write(tmp_path, "words/c.wav", "no sound")
    table = AudioFolder(path="words").open(tmp_path)
    table.tolerant = True
    with pytest.raises(DataProblem, match="no sound can be read"):
        _ = table.columns


def test_records(tmp_path: Path) -> None:
    whole = [record(message({"x": [1.0, 2.0]})), record(message({"x": [3.0]})), record(message({"x": [5.0, 6.0]}))]
    (tmp_path / "a.tfrecord").write_bytes(b"".join(whole))
    table = Tfrecord(path=("a.tfrecord",), features={"x": RecordFeature(shape=(2,))}).open(tmp_path)
    table.tolerant = True
    assert table.faults(["x"]) == {1: "feature `x` of record 1 of `a.tfrecord` holds 1 numbers, expected 2"}
    assert table.take(["x"], np.array([2, 0]))["x"].tolist() == [[5, 6], [1, 2]]
