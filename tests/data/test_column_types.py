"""The type of a column is that of the spec and of the training, not of each file that happens to hold digits."""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import checked, graph, only, supervised, write
from pyarrow import parquet

from dlspec.components.layers.lookup import StringLookup
from dlspec.components.layers.preprocessing import Hashing
from dlspec.components.sections.data import Data, Feature, Split, Target
from dlspec.components.sections.missing import Drop, Median, MostFrequent
from dlspec.components.training.losses import BinaryCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.core.errors import SpecError
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.targets import Output
from dlspec.data.feeding.raw import RawInputs, Training, outputs_of, read_inputs
from dlspec.data.sources import csv_table as csv_source
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.parquet import Parquet
from dlspec.data.sources.stated import Stated

SITES = "a,site,kind\n0.5,07,1\n1.5,12,2\n2.5,b3,x\n"
RECORDED = {"a": "float64", "site": "string", "kind": "string"}


def section(**options: Any) -> Data:
    inputs = {
        "num": Feature(columns=("a",), missing=Median()),
        "where": Feature(column="site", missing=MostFrequent(), prepare=(Hashing(num_bins=8),)),
    }
    return Data(
        **{"source": Csv(path="train.csv"), "inputs": inputs, "targets": {"kind": Target(column="kind")}} | options
    )


def later(folder: Path, name: str, columns: Mapping[str, str] | None = RECORDED, **options: Any) -> RawInputs:
    """What enters a model that was trained on `SITES`, from another file."""
    signature = Signature({"num": Tensor((1,)), "where": Tensor((), "int64")}, {"kind": Tensor((3,))})
    saved = {"num": Tensor((1,)), "where": Tensor((), "string")}
    return read_inputs(Training(section(), folder, signature, saved, columns), path=folder / name, **options)


@pytest.mark.parametrize("columns", [RECORDED, None], ids=["recorded", "of an older run"])
def test_digits_and_gaps_of_a_later_file(tmp_path: Path, columns: Mapping[str, str] | None) -> None:
    write(tmp_path, "digits.csv", "a,site\n0.1,07\n1.1,12\n")
    assert later(tmp_path, "digits.csv", columns).inputs["where"].tolist() == ["07", "12"]
    write(tmp_path, "gap.csv", "a,site\n,b3\n")
    np.testing.assert_array_equal(later(tmp_path, "gap.csv", columns).inputs["num"], [[np.nan]])
    write(tmp_path, "word.csv", "a,site\n0.1,\n0.1,NA\n")
    assert later(tmp_path, "word.csv", columns).inputs["where"].tolist() == ["", ""]
    write(tmp_path, "one.json", json.dumps([{"a": 0.1, "site": 7}]))
    assert later(tmp_path, "one.json", columns).inputs["where"].tolist() == ["7"]
    write(tmp_path, "none.json", json.dumps([{"a": 3, "site": None}]))
    assert later(tmp_path, "none.json", columns).inputs["where"].tolist() == [""]
    write(tmp_path, "mixed.json", json.dumps([{"a": 3, "site": value} for value in (7, 7.0, 1.5, True, "07")]))
    assert later(tmp_path, "mixed.json", columns).inputs["where"].tolist() == ["7", "7", "1.5", "true", "07"]


def test_packed_files_of_later_examples(tmp_path: Path) -> None:
    for name, text in (("new.csv.gz", "a,site\n0.1,07\n"), ("new.jsonl.gz", '{"a": 0.1, "site": "07"}\n')):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
        assert later(tmp_path, name).inputs["where"].tolist() == ["07"]
    (tmp_path / "new.json.gz").write_bytes(gzip.compress(b"[]"))
    with pytest.raises(SpecError, match=r"nothing reads files such as `new\.json\.gz`"):
        later(tmp_path, "new.json.gz")


def test_columns_of_parquet_in_the_types_of_the_training(tmp_path: Path) -> None:
    for values, texts in (
        (pa.array([7, 123456789012]), ["7", "123456789012"]),
        (pa.array([7.0, None]), ["7", ""]),
        (pa.array([True, None]), ["true", ""]),
        (pa.array([None, None]), ["", ""]),
        (pa.array(["07", None]).dictionary_encode(), ["07", ""]),
        (pa.array([datetime.date(2024, 1, 31), None]), ["2024-01-31", ""]),
    ):
        parquet.write_table(pa.table({"a": pa.array([None, None]), "site": values}), tmp_path / "new.parquet")
        found = later(tmp_path, "new.parquet").inputs
        assert found["where"].tolist() == texts
        assert np.isnan(found["num"]).all()


def test_labels_of_a_later_file(tmp_path: Path) -> None:
    write(tmp_path, "val.csv", "a,site,kind\n1,07,2\n2,12,1\n")
    facts = {
        "kind": {
            "target": "kind", "columns": ["kind"], "encoding": "classes", "shape": [], "dtype": "int32",
            "classes": ["1", "2", "x"], "one_hot": False, "separator": "",
        }
    }  # fmt: skip
    assert later(tmp_path, "val.csv", outputs=outputs_of(facts)).targets["kind"].tolist() == [1, 0]


def test_examples_that_the_training_would_have_dropped(tmp_path: Path) -> None:
    """They are left out, and the label that is wrong is found in its own row."""
    write(tmp_path, "val.csv", "a,site,kind\n1,07,\n2,12,2\n3,12,NA\n4,12,y\n")
    output = Output("kind", "kind", ("kind",), "classes", Tensor((), "int32"), ("1", "2", "x"), missing="drop")
    with pytest.raises(SpecError, match="E604: the training knew no label `y`") as caught:
        later(tmp_path, "val.csv", outputs=[output])
    assert caught.value.diagnostics[0].notes[0].message == "found in " + str(tmp_path / "val.csv") + ", line 5"
    write(tmp_path, "val.csv", "a,site,kind\n1,07,\n2,12,2\n3,12,NA\n")
    found = later(tmp_path, "val.csv", outputs=[output])
    assert (found.count, found.dropped, found.targets["kind"].tolist()) == (1, 2, [1])
    assert found.inputs["where"].tolist() == ["12"]


def test_inputs_that_were_found_keep_their_columns_and_their_order(tmp_path: Path) -> None:
    write(tmp_path, "new.csv", "b,more,a\n2,x,1\n")
    data = Data(source=Csv(path="train.csv"), targets={"y": Target(column="y")})
    signature = Signature({"features": Tensor((2,))}, {"y": Tensor((1,))})
    training = Training(data, tmp_path, signature, inputs={"features": ["a", "b"]})
    assert read_inputs(training, path=tmp_path / "new.csv").inputs["features"].tolist() == [[1, 2]]


# --- while a spec is checked ------------------------------------------------------------------------------------------

MODEL = {"num": Tensor((1,)), "where": Tensor((), "int64")}
SPLIT = Split(validation=Csv(path="val.csv"))


def test_a_validation_source_is_read_as_the_first(tmp_path: Path) -> None:
    write(tmp_path, "train.csv", SITES)
    write(tmp_path, "val.csv", "a,site,kind\n,07,1\n1,12,2\n")
    model = graph(MODEL, {"kind": Tensor((3,))})
    assert checked(section(split=SPLIT), tmp_path, model, supervised(SparseCategoricalCrossentropy())) == []


def test_letters_where_the_first_source_holds_digits(tmp_path: Path) -> None:
    write(tmp_path, "train.csv", "a,site,kind\n0.5,7,x\n1.5,12,y\n")
    write(tmp_path, "val.csv", "a,site,kind\n1,7,x\n1,b3,y\n")
    model = graph(MODEL, {"kind": Tensor((2,))})
    found = only(checked(section(split=SPLIT), tmp_path, model, supervised(SparseCategoricalCrossentropy())))
    assert found.code == "E603"
    assert found.message == "column `site` holds numbers in `source`, and text (`b3`) in the source of `validation`"
    assert found.help == "correct the value; of codes written in digits, name the column in `texts` of the source"
    assert found.notes[0].message == "found in val.csv, line 3"
    named = section(split=SPLIT, source=Csv(path="train.csv", texts=("site",)))
    assert checked(named, tmp_path, model, supervised(SparseCategoricalCrossentropy())) == []


@pytest.mark.parametrize(
    ("feature", "wanted"),
    [(Feature(column="code", prepare=(StringLookup(),)), "int64"), (Feature(column="code"), "string")],
    ids=["by the first layer", "by the model"],
)
def test_digits_where_only_text_can_enter(tmp_path: Path, feature: Feature, wanted: str) -> None:
    write(tmp_path, "a.csv", "code,kind\n0100,n\n0101,p\n")
    data = Data(source=Csv(path="a.csv"), inputs={"x": feature}, targets={"kind": Target(column="kind")})
    model = graph({"x": Tensor((), wanted)}, {"kind": Tensor((1,))})
    assert checked(data, tmp_path, model, supervised(BinaryCrossentropy())) == []


@pytest.mark.parametrize("copied_from", [1, 1 << 30])
def test_columns_that_are_named_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copied_from: int) -> None:
    monkeypatch.setattr(csv_source, "CONVERTED_FROM", copied_from)
    monkeypatch.setenv("DLSPEC_CACHE", str(tmp_path / "cache"))
    write(tmp_path, "a.csv", "code,empty,n\n0100,,07\nNA,,08\n")
    table = Csv(path="a.csv", texts=("code", "empty")).open(tmp_path)
    assert {name: str(column.tensor.dtype) for name, column in table.columns.items()} == {
        "code": "string", "empty": "string", "n": "int64",
    }  # fmt: skip
    assert {name: values.tolist() for name, values in table.read(["code", "empty"]).items()} == {
        "code": ["0100", "NA"], "empty": ["", ""],
    }  # fmt: skip


def test_a_text_that_is_named_and_not_there(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code,kind\n0100,n\n0101,p\n")
    data = Data(
        source=Csv(path="a.csv", texts=("cod",)),
        inputs={"x": Feature(column="code")},
        targets={"kind": Target(column="kind")},
    )
    found = only(
        checked(data, tmp_path, graph({"x": Tensor((1,))}, {"kind": Tensor((1,))}), supervised(MeanSquaredError()))
    )
    assert (found.code, found.message, found.help) == ("E602", "the source has no column `cod`", "did you mean `code`?")


SEX = "a,sex\n1,F\n2,M\n3,NA\n4,F\n5,null\n"


@pytest.mark.parametrize(
    ("target", "units", "message"),
    [
        (Target(column="sex", missing="drop"), 1, ""),
        (Target(column="sex"), 1, "column `sex` has 2 missing values: `NA` stands for one"),
        (Target(column="sex", classes=("F", "M", "NA"), missing="drop"), 3, ""),
        (
            Target(column="sex", classes=("F", "M", "NA", "null")), 1,
            "target `sex` has 4 classes, a binary output tells 2 apart: `F`, `M`, `NA`, `null`",
        ),
    ],
)  # fmt: skip
def test_na_is_a_missing_value_unless_it_is_a_class(tmp_path: Path, target: Target, units: int, message: str) -> None:
    write(tmp_path, "a.csv", SEX)
    data = Data(source=Csv(path="a.csv"), inputs={"x": Feature(columns=("a",))}, targets={"sex": target})
    loss = BinaryCrossentropy() if units == 1 else SparseCategoricalCrossentropy()
    found = checked(data, tmp_path, graph({"x": Tensor((1,))}, {"sex": Tensor((units,))}), supervised(loss))
    assert [one.message for one in found] == [message][: bool(message)]


def test_a_text_that_enters_as_it_is_keeps_its_words(tmp_path: Path) -> None:
    """Namibia's NA is a country as long as the spec says nothing about missing values."""
    write(tmp_path, "a.csv", "country,y\nNA,1\nFI,2\n")
    table = Csv(path="a.csv").open(tmp_path)
    assert table.read(["country"])["country"].tolist() == ["NA", "FI"]
    table = Csv(path="a.csv").open(tmp_path)
    table.stated = Stated(gaps={"country": ("NA",)})
    assert (table.gap("country"), table.read(["country"])["country"].tolist()) == ("NA", ["", "FI"])


@pytest.mark.parametrize("value", ["1_5", "1\u0663", "15\u00a0"])
def test_numbers_that_only_python_reads(tmp_path: Path, value: str) -> None:
    write(tmp_path, "a.csv", f"a,y\n1,1\n{value},2\n3,3\n")
    data = Data(source=Csv(path="a.csv"), inputs={"x": Feature(columns=("a",))}, targets={"y": Target(column="y")})
    found = only(
        checked(data, tmp_path, graph({"x": Tensor((1,))}, {"y": Tensor((1,))}), supervised(MeanSquaredError()))
    )
    assert (found.code, found.message) == ("E603", f"column `a` holds text (`{value}`), expected numbers")
    assert found.notes[0].message == "found in a.csv, line 3"


def test_a_date_is_no_number(tmp_path: Path) -> None:
    days = pa.array([None, datetime.date(2024, 1, 31)])
    parquet.write_table(pa.table({"a": days, "y": [1.0, 2.0]}), tmp_path / "a.parquet")
    source = Parquet(path="a.parquet")
    data = Data(source=source, inputs={"x": Feature(columns=("a",), missing=Drop())}, targets={"y": Target(column="y")})
    model = graph({"x": Tensor((1,))}, {"y": Tensor((1,))})
    found = only(checked(data, tmp_path, model, supervised(MeanSquaredError())))
    assert (found.code, found.message) == ("E603", "column `a` holds text (`2024-01-31`), expected numbers")
    assert found.notes[0].message == "found in a.parquet, row 1"


def test_a_column_without_values_hinders_only_where_it_is_used(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a,b,y\n1,,1\n2,,2\n")
    model = graph({"x": Tensor((1,))}, {"y": Tensor((1,))})
    for columns, wrong in ((("a",), []), (("b",), ["column `b` is empty in every row"])):
        inputs = {"x": Feature(columns=columns, missing=Median())}
        data = Data(source=Csv(path="a.csv"), inputs=inputs, targets={"y": Target(column="y")})
        assert [one.message for one in checked(data, tmp_path, model, supervised(MeanSquaredError()))] == wrong
    data = Data(source=Csv(path="a.csv"), targets={"y": Target(column="y")})
    found = only(
        checked(data, tmp_path, graph({"x": Tensor((2,))}, {"y": Tensor((1,))}), supervised(MeanSquaredError()))
    )
    assert found.message == "column `b` is empty in every row"
