"""Records parsed by TensorFlow are what they are without it: values, types, and what is said of broken ones."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tfrecords import write_records

from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.tfrecord import RecordFeature, Tfrecord, TfrecordTable

FEATURES = {
    "single": RecordFeature(dtype="float32"),
    "half": RecordFeature(dtype="float16", shape=(3,)),
    "wide": RecordFeature(dtype="float64", shape=(2, 2)),
    "label": RecordFeature(dtype="int64"),
    "small": RecordFeature(dtype="uint8", shape=(2,)),
    "huge": RecordFeature(dtype="uint64"),
    "yes": RecordFeature(dtype="bool"),
    "word": RecordFeature(dtype="string"),
    "words": RecordFeature(dtype="string", shape=(2,)),
    "raw": RecordFeature(dtype="int16", shape=(2, 3), decode="raw"),
    "image": RecordFeature(dtype="uint8", shape=(4, 5, 3), decode="image"),
}


def example(seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    picture = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8)).save(picture, "PNG")
    return {
        "single": float(random.normal()),
        "half": random.normal(size=3).tolist(),
        "wide": random.normal(size=4).tolist(),
        "label": int(random.integers(-(2**62), 2**62)),
        "small": random.integers(0, 256, 2).tolist(),
        "huge": 2**63 + seed,
        "yes": seed % 2,
        "word": f"wört {seed}",
        "words": ["", f"二 {seed}"],
        "raw": random.integers(-99, 99, (2, 3)).astype("<i2").tobytes(),
        "image": picture.getvalue(),
    }


def opened(folder: Path, *examples: dict[str, Any]) -> TfrecordTable:
    write_records(folder / "a.tfrecord", examples)
    return Tfrecord(path=("a.tfrecord",), features=FEATURES).open(folder)


def test_the_same_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow  # noqa: F401  # from here on it parses

    table, numbers = opened(tmp_path, *map(example, range(20))), np.array([7, 3, 3, 19, 0])
    assert table._together(FEATURES, numbers) is not None
    fast = table.take(FEATURES, numbers)
    monkeypatch.delitem(sys.modules, "tensorflow")
    assert table._together(FEATURES, numbers) is None
    slow = table.take(FEATURES, numbers)
    assert fast.keys() == slow.keys()
    for name, values in slow.items():
        assert fast[name].dtype == values.dtype, name
        assert fast[name].shape == values.shape, name
        assert fast[name].tolist() == values.tolist(), name
        assert fast[name].flags.writeable == values.flags.writeable, name


BROKEN = {
    "half": ([1.0], "feature `half` of record 1 of `a.tfrecord` holds 1 numbers, expected 3"),
    "label": (1.5, "feature `label` of record 1 of `a.tfrecord` holds floats, expected integers"),
    "small": ([1, 256], "feature `small` of record 1 of `a.tfrecord` holds numbers outside of uint8"),
    "word": (b"l\xe4uft", "feature `word` of record 1 of `a.tfrecord` is not UTF-8"),
    "raw": (b"123", "feature `raw` of record 1 of `a.tfrecord` holds 3 bytes, expected 12"),
    "image": (b"GIF", "feature `image` of record 1 of `a.tfrecord` is an image that cannot be read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_broken_record_is_named(name: str, tmp_path: Path) -> None:
    import tensorflow  # noqa: F401

    value, message = BROKEN[name]
    table = opened(tmp_path, example(0), {**example(1), name: value}, example(2))
    with pytest.raises(DataProblem) as caught:
        table.take(FEATURES, np.arange(3))
    assert caught.value.message == message
    assert caught.value.where == "a.tfrecord, record 1"
    table.tolerant = True
    assert table.take(FEATURES, np.arange(3))["label"][[0, 2]].tolist() == [example(0)["label"], example(2)["label"]]


def test_a_record_without_the_feature(tmp_path: Path) -> None:
    import tensorflow  # noqa: F401

    lacking = example(1)
    del lacking["word"]
    with pytest.raises(DataProblem, match=r"record 1 of `a\.tfrecord` has no feature `word`"):
        opened(tmp_path, example(0), lacking).take(FEATURES, np.arange(2))
