"""Missing values: policies, statistics of the training split alone, and models that take them as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import checked, graph, only, supervised, write
from pyarrow import parquet as pq

from dlspec.components.layers.lookup import StringLookup
from dlspec.components.layers.preprocessing import Normalization
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Split, Target
from dlspec.components.sections.missing import Constant, Drop, Error, Mean, Median, MostFrequent
from dlspec.components.training.losses import BinaryCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature
from dlspec.data.checks.contract import check
from dlspec.data.feeding.pipeline import Prepared, prepare
from dlspec.data.order.splits import choose
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.json_lines import JsonLines
from dlspec.data.sources.parquet import Parquet
from dlspec.passes import compile_spec

TABLE = "a,b,city,y\n1,10,Cork,0\n,20,Graz,1\n3,,,0\n8,40,Graz,1\n"
BOTH = {"x": Tensor((2,))}
OUT = {"y": Tensor((1,))}


def data(feature: Feature, **options: Any) -> Data:
    given = {"source": Csv(path="a.csv"), "inputs": {"x": feature}, "targets": {"y": Target(column="y")}}
    return Data(**{**given, **options})


def prepared(folder: Path, section: Data, inputs: dict[str, Tensor] = BOTH, loss: Any = None) -> Prepared:
    return prepare(section, folder, Signature(inputs, OUT), Supervised(loss=loss or BinaryCrossentropy()))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Mean(), [[1, 10], [4, 20], [3, 70 / 3], [8, 40]]),
        (Median(), [[1, 10], [3, 20], [3, 20], [8, 40]]),
        (MostFrequent(), [[1, 10], [1, 20], [3, 10], [8, 40]]),
        (Constant(value=-1), [[1, 10], [-1, 20], [3, -1], [8, 40]]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_numbers_are_filled_in(tmp_path: Path, policy: Any, expected: list[list[float]]) -> None:
    write(tmp_path, "a.csv", TABLE)
    found = prepared(tmp_path, data(Feature(columns=("a", "b"), missing=policy)))
    np.testing.assert_allclose(found.train.inputs["x"], expected, rtol=1e-6)


def test_the_indicator_says_what_was_missing(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", TABLE)
    feature = Feature(columns=("a", "b"), missing=Constant(value=0, indicator=True))
    found = prepared(tmp_path, data(feature), {"x": Tensor((4,))})
    assert found.train.inputs["x"].tolist() == [[1, 10, 0, 0], [0, 20, 1, 0], [3, 0, 0, 1], [8, 40, 0, 0]]


@pytest.mark.parametrize(("policy", "word"), [(MostFrequent(), "Graz"), (Constant(value="Rome"), "Rome")])
def test_words_are_filled_in(tmp_path: Path, policy: Any, word: str) -> None:
    write(tmp_path, "a.csv", TABLE)
    lookup = StringLookup(vocabulary=["Cork", "Graz", "Rome"])
    feature = Feature(column="city", missing=policy, prepare=(lookup,))
    found = prepared(tmp_path, data(feature), {"x": Tensor((), "int64")})
    assert found.train.inputs["x"].tolist() == [1, 2, 1 + ["Cork", "Graz", "Rome"].index(word), 2]


def test_examples_are_dropped_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", TABLE)
    found = prepared(tmp_path, data(Feature(columns=("a", "b"), missing=Drop())))
    assert found.train.inputs["x"].tolist() == [[1, 10], [8, 40]]
    assert found.dropped == 2
    assert found.parts.train.tolist() == [0, 3]


def test_examples_without_a_target_are_dropped(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a,y\n1,ash\n2,\n3,elm\n4,ash\n")
    section = data(Feature(column="a"), targets={"y": Target(column="y", missing="drop")})
    signature = Signature({"x": Tensor((1,))}, {"y": Tensor((2,))})
    found = prepare(section, tmp_path, signature, Supervised(loss=SparseCategoricalCrossentropy()))
    assert found.train.targets["y"].tolist() == [0, 1, 0]
    assert found.classes == {"y": ("ash", "elm")}


@pytest.mark.parametrize(
    ("feature", "code", "message"),
    [
        (Feature(columns=("a", "b")), "E608", "column `a`"),
        (Feature(columns=("a", "b"), missing=Error()), "E608", "column `a`"),
        (
            Feature(column="city", missing=Error(), prepare=(StringLookup(),)),
            "E608",
            "column `city` has 1 missing value",
        ),
        (Feature(column="city", missing=Mean(), prepare=(StringLookup(),)), "E603", "text has no mean"),
        (
            Feature(columns=("a", "b"), missing=Constant(value="none")),
            "E603",
            "`none` cannot stand for a missing number",
        ),
    ],
    ids=["numbers", "said", "words", "mean of words", "word for a number"],
)
def test_mistakes(tmp_path: Path, feature: Feature, code: str, message: str) -> None:
    write(tmp_path, "a.csv", TABLE)
    wanted = Tensor((), "int64") if feature.column else Tensor((2,))
    findings = checked(data(feature), tmp_path, graph({"x": wanted}, OUT), supervised())
    assert (findings[0].code, findings[0].message[: len(message)]) == (code, message)


def test_a_text_label_that_is_missing(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a,y\n1,ash\n2,\n3,elm\n")
    section = data(Feature(column="a"))
    model = graph({"x": Tensor((1,))}, {"y": Tensor((2,))})
    found = only(checked(section, tmp_path, model, supervised(SparseCategoricalCrossentropy())))
    assert (found.code, found.message) == ("E608", "column `y` has 1 missing value")
    assert found.notes[-1].message == "found in a.csv, line 3" or found.notes[0].message == "found in a.csv, line 3"


def test_statistics_come_from_the_training_split_alone(tmp_path: Path) -> None:
    """Other parts hold values and words that would change every statistic."""
    split = Split(validation=0.25, test=0.25, seed=4)
    section = Data(
        source=Csv(path="a.csv"),
        inputs={
            "x": Feature(columns=("a",), missing=Mean(), prepare=(Normalization(),)),
            "word": Feature(column="w", missing=MostFrequent(), prepare=(StringLookup(),)),
        },
        targets={"y": Target(column="y")},
        split=split,
    )
    write(tmp_path, "a.csv", "a,w,y\n" + "1,u,0\n" * 40)
    parts = choose(section, Csv(path="a.csv").open(tmp_path), 40)
    number, word = np.arange(40.0).astype(object), np.array([f"t{i % 3}" for i in range(40)], object)
    number[parts.validation], number[parts.test] = 1e7, -1e8
    word[parts.validation], word[parts.test] = "other", "further"
    number[parts.train[:4]], word[parts.train[:4]] = "", ""
    number[parts.test[:2]], word[parts.test[:2]] = "", ""
    rows = [f"{n},{w},{i % 2}" for i, (n, w) in enumerate(zip(number, word, strict=True))]
    write(tmp_path, "a.csv", "\n".join(["a,w,y", *rows]) + "\n")

    signature = Signature({"x": Tensor((1,)), "word": Tensor((), "int64")}, OUT)
    found = prepare(section, tmp_path, signature, Supervised(loss=BinaryCrossentropy()))
    known = number[parts.train[4:]].astype(float)
    filling, normalization = found.layers["x"]
    np.testing.assert_allclose(np.ravel(filling.fill), known.mean(), rtol=1e-6)
    np.testing.assert_allclose(np.ravel(normalization.mean), known.mean(), rtol=1e-6)
    wording, lookup = found.layers["word"]
    assert wording.fill_value in {"t0", "t1", "t2"}
    assert sorted(lookup.get_vocabulary()) == ["[UNK]", "t0", "t1", "t2"]
    assert found.test is not None
    np.testing.assert_allclose(found.test.inputs["x"][:2], 0, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "source", "warned"),
    [
        ("", "a.csv", True),
        (", missing: {constant: missing}", "a.csv", False),
        (", missing: drop", "a.csv", False),
        ("", "{path: a.csv, missing_words: [NA]}", False),
    ],
)
def test_words_for_missing_values_among_words(tmp_path: Path, options: str, source: str, warned: bool) -> None:
    write(tmp_path, "a.csv", "sex,price\nF,3\nM,4\nNA,6\nF,5\n")
    spec = (
        "layers:\n  - dense: 1\n"
        f"data:\n  source: {{csv: {source}}}\n"
        f"  inputs: {{sex: {{column: sex, prepare: [string_lookup: {{output_mode: one_hot}}]{options}}}}}\n"
        "  targets: {price: price}\ntrain: {loss: mse}\n"
    )
    write(tmp_path, "spec.yaml", spec)
    found = compile_spec(tmp_path / "spec.yaml").diagnostics.items
    message = "column `sex` holds `NA` in 1 row, which is a word like others here"
    assert [(one.code, one.message) for one in found] == ([("W606", message)] if warned else [])


def test_a_vocabulary_says_that_such_a_word_is_one(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "land,price\nNA,3\nZA,4\n")
    lookup = StringLookup(vocabulary=("NA", "ZA"), output_mode="one_hot")
    section = data(Feature(column="land", prepare=(lookup,)), targets={"y": Target(column="price")})
    assert checked(section, tmp_path, graph({"x": Tensor((3,))}, OUT), supervised(MeanSquaredError())) == []


@pytest.mark.parametrize("name", ["parquet", "json_lines"])
@pytest.mark.parametrize("policy", [{}, {"missing": Drop()}])
def test_words_of_typed_files_are_words(tmp_path: Path, name: str, policy: dict[str, Any]) -> None:
    rows = {"land": ["NA", "ZA", None, "nan"], "kind": ["N/A", "b", "b", "N/A"]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    lines = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    source = Parquet(path="a.parquet") if name == "parquet" else JsonLines(path="a.jsonl")
    feature = Feature(column="land", prepare=(StringLookup(output_mode="one_hot"),), **policy)
    section = Data(source=source, inputs={"x": feature}, targets={"y": Target(column="kind")})
    model = graph({"x": Tensor((4,) if policy else (5,))}, {"y": Tensor((2,))})
    found = check(section, {}, model, supervised(SparseCategoricalCrossentropy()), tmp_path)
    assert found.diagnostics == [] and found.binding is not None
    dropped = found.binding.dropped()
    assert (dropped.tolist() if dropped is not None else []) == ([False, False, True, False] if policy else [])
    assert found.binding.outputs[0].classes == ("N/A", "b")
    assert found.binding.table.read(["land"])["land"].tolist() == ["NA", "ZA", "", "nan"]
