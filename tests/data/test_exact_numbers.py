"""Numbers that name things are never rounded, and numbers that float32 cannot hold are found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from builders import checked, graph, only, supervised, write
from pyarrow import parquet

from dlspec.components.layers.lookup import IntegerLookup
from dlspec.components.layers.preprocessing import CategoryEncoding, Hashing, Normalization
from dlspec.components.sections.data import Data, Feature, Target
from dlspec.components.sections.missing import Drop, Median, MostFrequent
from dlspec.components.training.losses import MeanSquaredError
from dlspec.core.errors import SpecError
from dlspec.core.ir import Tensor
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input, bind_inputs
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.values import raw_values
from dlspec.data.feeding.raw import Training, read_inputs
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.npz import Npz
from dlspec.data.sources.parquet import Parquet

BASE = 2**24
IDS = f"a,b,g,y\n{BASE},{BASE + 1},{BASE + 1},1\n{BASE + 2},{BASE + 3},,2\n{BASE + 5},1,{BASE + 3},3\n"
OUT = {"y": Tensor((1,))}


def bound(folder: Path, feature: Feature, wanted: Tensor) -> tuple[Input, np.ndarray]:  # type: ignore[type-arg]
    """The input, and what enters it of `IDS`."""
    write(folder, "a.csv", IDS)
    data = Data(source=Csv(path="a.csv"), inputs={"x": feature}, targets={"y": Target(column="y")})
    findings, table = Findings(), Csv(path="a.csv").open(folder)
    (one,) = bind_inputs(data, table, Signature({"x": wanted}, OUT), findings)
    assert not findings.items
    return one, raw_values(one, table.read(one.columns))


@pytest.mark.parametrize("layer", [IntegerLookup(), Hashing(num_bins=9), CategoryEncoding(num_tokens=BASE * 2)])
def test_stacked_whole_numbers_stay_whole(tmp_path: Path, layer: IntegerLookup) -> None:
    wanted = Tensor((BASE * 2,)) if isinstance(layer, CategoryEncoding) else Tensor((2,), "int64")
    one, values = bound(tmp_path, Feature(columns=("a", "b"), prepare=(layer,)), wanted)
    assert (str(one.raw), values.dtype) == ("[2] int64", np.int64)
    assert values.tolist() == [[BASE, BASE + 1], [BASE + 2, BASE + 3], [BASE + 5, 1]]


@pytest.mark.parametrize("feature", [{"column": "g"}, {"columns": ("g",)}, {"columns": ("a", "g")}])
def test_whole_numbers_beside_a_gap_are_float64_up_to_the_lookup(tmp_path: Path, feature: dict[str, object]) -> None:
    size = len(feature.get("columns", "g"))  # type: ignore[arg-type]
    given = Feature(**feature, missing=MostFrequent(), prepare=(IntegerLookup(),))
    one, values = bound(tmp_path, given, Tensor((size,), "int64"))
    assert (one.raw.dtype, one.prepare[0].dtype) == ("float64", "float64")
    np.testing.assert_array_equal(values[:, -1], [BASE + 1, np.nan, BASE + 3])


def test_numbers_that_are_measured_are_float32(tmp_path: Path) -> None:
    one, _ = bound(tmp_path, Feature(columns=("a", "b"), prepare=(Normalization(),)), Tensor((2,)))
    assert one.raw == Tensor((2,), "float32")


@pytest.mark.parametrize("column", ["a", "y"])
def test_a_single_number_that_is_measured_is_float32(tmp_path: Path, column: str) -> None:
    """A model that was trained on whole numbers takes fractions as well."""
    one, values = bound(tmp_path, Feature(column=column, prepare=(Normalization(),)), Tensor((1,)))
    assert (one.raw, values.dtype) == (Tensor((1,), "float32"), np.float32)


def test_whole_numbers_beside_a_gap_that_is_left_out_are_hashed(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", IDS)
    given = {"x": Feature(column="g", missing=Drop(), prepare=(Hashing(num_bins=5),))}
    data, findings = Data(source=Csv(path="a.csv"), inputs=given, targets={"y": Target(column="y")}), Findings()
    table = Csv(path="a.csv").open(tmp_path)
    (one,) = bind_inputs(data, table, None, findings)
    assert (str(one.raw), str(one.tensor)) == ("[1] int64", "[1] int64")
    there = {"g": table.read(["g"])["g"][[0, 2]]}
    assert raw_values(one, there).tolist() == [[BASE + 1], [BASE + 3]]


def test_fractions_are_not_hashed(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "f,y\n1.5,1\n,2\n3,3\n")
    given = {"x": Feature(column="f", missing=Drop(), prepare=(Hashing(num_bins=5),))}
    data, findings = Data(source=Csv(path="a.csv"), inputs=given, targets={"y": Target(column="y")}), Findings()
    bind_inputs(data, Csv(path="a.csv").open(tmp_path), None, findings)
    assert [item.problem.code for item in findings.items] == ["E409"]


def test_the_filled_numbers_are_told_apart_by_keras(tmp_path: Path) -> None:
    """The saved model's own layers: imputation and lookup, fitted on numbers that float32 would merge."""
    from dlspec.data.feeding import preparing

    given = Feature(columns=("a", "g"), missing=MostFrequent(), prepare=(IntegerLookup(),))
    one, values = bound(tmp_path, given, Tensor((2,), "int64"))
    found = preparing.apply(preparing.fit(one.prepare, values), values)
    assert len(set(found.ravel().tolist())) == 5
    assert found[1, 1] == found[0, 1], "the smallest of equally frequent ones"


def test_several_columns_enter_an_int32_input(tmp_path: Path) -> None:
    one, values = bound(tmp_path, Feature(columns=("a", "b")), Tensor((2,), "int32"))
    assert (str(one.raw), values.dtype) == ("[2] int32", np.int32)


def model(dtype: str = "float32", size: int = 1) -> object:
    return graph({"x": Tensor((size,), dtype)}, OUT)


@pytest.mark.parametrize(
    ("rows", "feature", "dtype", "message"),
    [
        ("3000000000,1\n1,2\n", Feature(columns=("a",)), "int32", "`x` takes -2147483648 to 2147483647"),
        (
            "9007199254740993,1\n,2\n", Feature(columns=("a",), missing=Median(), prepare=(IntegerLookup(),)), "int64",
            "beside missing values, numbers are exact to 2^53",
        ),
    ],
)  # fmt: skip
def test_numbers_that_would_become_others(
    tmp_path: Path, rows: str, feature: Feature, dtype: str, message: str
) -> None:
    write(tmp_path, "a.csv", "a,y\n" + rows.replace("9007199254740993", str(2**54 + 2)))
    data = Data(source=Csv(path="a.csv"), inputs={"x": feature}, targets={"y": Target(column="y")})
    found = only(checked(data, tmp_path, model(dtype), supervised(MeanSquaredError())))  # type: ignore[arg-type]
    assert found.code == "E608" and found.message.endswith(message)
    assert found.notes[-1].message == "found in a.csv, line 2" or found.notes[0].message == "found in a.csv, line 2"


def test_a_fraction_where_the_training_had_whole_numbers(tmp_path: Path) -> None:
    write(tmp_path, "new.csv", "a\n1\n42.5\n")
    data = Data(source=Csv(path="a.csv"), inputs={"x": Feature(column="a")}, targets={"y": Target(column="y")})
    training = Training(data, tmp_path, Signature({"x": Tensor((1,))}, OUT), {"x": Tensor((1,), "int64")})
    with pytest.raises(SpecError, match=r"E603: input `x` takes whole numbers, as the training had, .* give 42\.5"):
        read_inputs(training, path=tmp_path / "new.csv")


LARGE = "column `a` holds `1e+300`, which is too large for float32 (3.4e38 at most)"


@pytest.mark.parametrize("policy", [{}, {"missing": Median()}])
@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.npz"])
def test_a_finite_number_beyond_float32(tmp_path: Path, name: str, policy: dict[str, object]) -> None:
    numbers = np.array([1.0, -3.4028234e38, 1e300])
    write(tmp_path, "a.csv", "a,y\n" + "".join(f"{a},1\n" for a in numbers))
    parquet.write_table(pa.table({"a": numbers, "y": [1.0, 2.0, 3.0]}), tmp_path / "a.parquet")
    np.savez(tmp_path / "a.npz", a=numbers, y=np.ones(3))
    source = {"a.csv": Csv, "a.parquet": Parquet, "a.npz": Npz}[name](path=name)
    data = Data(source=source, inputs={"x": Feature(columns=("a",), **policy)}, targets={"y": Target(column="y")})
    found = only(checked(data, tmp_path, model(), supervised(MeanSquaredError())))  # type: ignore[arg-type]
    assert (found.code, found.message) == ("E608", LARGE)
    assert {"a.csv": "line 4", "a.parquet": "row 2", "a.npz": "2"}[name] in found.notes[0].message


def test_a_number_beyond_float32_of_a_later_file(tmp_path: Path) -> None:
    write(tmp_path, "new.json", json.dumps([{"a": 1.0}, {"a": 1e300}]))
    data = Data(source=Csv(path="a.csv"), inputs={"x": Feature(columns=("a",))}, targets={"y": Target(column="y")})
    with pytest.raises(SpecError) as caught:
        read_inputs(Training(data, tmp_path, Signature({"x": Tensor((1,))}, OUT)), path=tmp_path / "new.json")
    assert caught.value.diagnostics[0].message == LARGE
