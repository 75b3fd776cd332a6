"""Files of JSON Lines as a source of training: what is read, what is refused, and where a mistake stands."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import write
from click.testing import CliRunner

from dlspec.cli.main import cli
from dlspec.components.sections.data import Data, Feature, Target
from dlspec.components.sections.missing import Median
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature
from dlspec.data.feeding.raw import RawInputs, Training, read_inputs
from dlspec.data.sources.json_lines import JsonLines, JsonLinesTable
from dlspec.data.sources.stated import NOTHING, Stated
from tests.support import as_documented

PEOPLE = (
    '{"age": 40, "member": true, "city": "Graz", "since": "2024-01-31", "pair": [1, 2.5], "home": {"zip": 1}}\n'
    "\n"
    '{"age": 41.5, "city": null, "since": "2024-02-01T12:00:00Z", "pair": [3, 4], "many": [1]}\n'
    '{"member": false, "city": "Cork", "since": "2024-02-02", "pair": [5, 6], "many": [1, 2], "score": NaN}\r\n'
)


def opened(folder: Path, name: str = "a.jsonl", **options: Any) -> JsonLinesTable:
    table = JsonLines(path=name).open(folder)
    table.tolerant = options.get("tolerant", False)
    return table


def test_types_gaps_and_order(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", PEOPLE)
    table = opened(tmp_path)
    types = {name: str(column.tensor) for name, column in table.columns.items()}
    assert list(types.items()) == [
        ("age", "[] float64"), ("member", "[] float64"), ("city", "[] string"), ("since", "[] string"),
        ("pair", "[2] float64"), ("score", "[] float64"),
    ]  # fmt: skip
    found = table.read(types)
    np.testing.assert_array_equal(found["age"], [40, 41.5, np.nan])
    np.testing.assert_array_equal(found["member"], [1, np.nan, 0])
    assert found["city"].tolist() == ["Graz", "", "Cork"]
    assert found["since"].tolist() == ["2024-01-31", "2024-02-01T12:00:00Z", "2024-02-02"]
    np.testing.assert_array_equal(found["pair"], [[1, 2.5], [3, 4], [5, 6]])
    assert [table.where(row) for row in range(3)] == ["a.jsonl, line 1", "a.jsonl, line 3", "a.jsonl, line 4"]
    with pytest.raises(Problem, match="column `age` has 1 missing value") as caught:
        table.check(["age"])
    assert caught.value.where == "a.jsonl, line 4"


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst", "a.ndjson.bz2"])
def test_packed_files(tmp_path: Path, name: str) -> None:
    with pa.output_stream(tmp_path / name, compression="detect") as stream:
        stream.write(PEOPLE.encode())
    assert opened(tmp_path, name).read(["city"])["city"].tolist() == ["Graz", "", "Cork"]


def test_a_row_longer_than_a_block_of_pyarrow(tmp_path: Path) -> None:
    long = "x" * (3 << 20)
    write(tmp_path, "a.jsonl", json.dumps({"a": 1}) + "\n" + json.dumps({"a": 0.5, "b": long}) + "\n")
    found = opened(tmp_path).read(["a", "b"])
    assert found["a"].tolist() == [1, 0.5] and found["b"].tolist() == ["", long]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("home", "column `home` holds objects"),
        ("many", "column `many` holds lists of different lengths: 1 in row 1, 2 in row 2"),
        ("aeg", "the source has no column `aeg`"),
    ],
)
def test_columns_that_no_model_takes(tmp_path: Path, column: str, message: str) -> None:
    write(tmp_path, "a.jsonl", PEOPLE)
    with pytest.raises(Problem) as caught:
        opened(tmp_path).find(column, "column")
    assert caught.value.message == message and caught.value.help


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        ("", "`a.jsonl` is empty", 0),
        ("\n\n", "`a.jsonl` is empty", 0),
        ("{}\n{}\n", "`a.jsonl` holds no column of numbers or text", 0),
        ('[{"a": 1}, {"a": 2}]', "line 1 of `a.jsonl`: a list, expected an object a line", 1),
        ('[\n{"a": 1},\n{"a": 2}]', "line 1 of `a.jsonl`: a list, expected an object a line", 1),
        ('{"a": 1}\n7\n', "line 2 of `a.jsonl`: a number, expected an object", 2),
        ('{"a": 1}\n\n{"a": \n', "line 3 of `a.jsonl`: Expecting value in column 6", 3),
        ('{"a": 1}\n{"a": "x"}\n', "line 2 of `a.jsonl`: column `a` holds text, and a number in line 1", 2),
        ('{"a": true}\n{"a": 1}\n', "line 2 of `a.jsonl`: column `a` holds a number, and true or false in line 1", 2),
        ('{"a": 1, "a": 2}', "line 1 of `a.jsonl`: the key `a` stands there twice", 1),
        ('{"a": [1]}\n\n{"a": ["x"]}', "line 3 of `a.jsonl` cannot be read: JSON parse error: "
         "Column(/a/[]) changed from number to string", 3),
    ],
)  # fmt: skip
def test_broken_files(tmp_path: Path, content: str, message: str, line: int) -> None:
    write(tmp_path, "a.jsonl", content)
    with pytest.raises(Problem) as caught:
        _ = opened(tmp_path).columns
    assert (caught.value.code, caught.value.message) == ("E608", message)
    assert caught.value.where == (f"a.jsonl, line {line}" if line else "a.jsonl")


def test_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress('{"a": "x"}\n{"a": "é"}\n'.encode("cp1252")))
    with pytest.raises(Problem, match=r"line 2 of `a\.jsonl\.gz` is not UTF-8"):
        _ = opened(tmp_path, "a.jsonl.gz").columns


def test_broken_lines_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", '{"a": 1}\n{"a": \n{"a": "x"}\n\n{"a": 4}\n')
    table = opened(tmp_path, tolerant=True)
    assert table.read(table.columns)["a"].tolist() == [1, 4]
    assert list(table.skipped) == [
        "a.jsonl, line 2: Expecting value in column 6",
        "a.jsonl, line 3: column `a` holds text, and a number in line 1",
    ]
    assert table.where(1) == "a.jsonl, line 5"


@pytest.mark.parametrize(
    ("content", "stated", "reason"),
    [
        ('{"a": 7}', Stated(texts=frozenset("a")), "JSON numbers that are taken for text"),
        ('{"a": [1, 2]}\n{"a": null}', NOTHING, "a column of lists, some of which are missing"),
        ('{"a": "x"}\n{"a": "NA"}', Stated(gaps={"a": ("NA",)}), "words for a missing value in texts"),
        ('{"a": "x"}\n{"a": "NA"}', NOTHING, ""),
    ],
)
def test_what_no_project_reads_is_said(tmp_path: Path, content: str, stated: Stated, reason: str) -> None:
    write(tmp_path, "a.jsonl", content)
    table = opened(tmp_path)
    table.stated = stated
    assert table.refused(["a"]) == reason
    assert ("refused" in JsonLines(path="a.jsonl").emitted(["a"], table)) == bool(reason)


def later(folder: Path, content: str) -> RawInputs:
    """What enters a model that was trained on numbers `a` and texts `site`, from another file."""
    write(folder, "new.jsonl", content)
    signature = Signature({"num": Tensor((1,)), "where": Tensor((), "string")}, {"kind": Tensor((3,))})
    features = {"num": Feature(columns=("a",), missing=Median()), "where": Feature(column="site")}
    data = Data(source=JsonLines(path="a.jsonl"), inputs=features, targets={"kind": Target(column="kind")})
    saved = {"num": Tensor((1,)), "where": Tensor((), "string")}
    training = Training(data, folder, signature, saved, {"a": "float64", "site": "string"})
    return read_inputs(training, path=folder / "new.jsonl")


def test_a_later_file_is_read_in_the_types_of_the_training(tmp_path: Path) -> None:
    assert later(tmp_path, '{"a": 3, "site": 7}\n{"a": 4, "site": 12}\n').inputs["where"].tolist() == ["7", "12"]
    found = later(tmp_path, '{"a": null, "site": "b"}').inputs
    assert np.isnan(found["num"]).all() and found["where"].tolist() == ["b"]
    assert later(tmp_path, '{"a": 1, "site": null}').inputs["where"].tolist() == [""]


def test_init_and_data_find_it(tmp_path: Path) -> None:
    rows = [{"size": row / 4, "kind": "abc"[row % 3], "pair": [row, 1]} for row in range(60)]
    write(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    done = CliRunner().invoke(cli, ["data", str(tmp_path / "a.jsonl"), "--format", "json"])
    facts = as_documented("output/data", done.stdout)
    assert facts["source"] == {"json_lines": {"path": "a.jsonl"}} and facts["examples"][0]["where"] == "a.jsonl, line 1"
    assert {name: one["role"] for name, one in facts["roles"].items()} == {
        "size": "number", "kind": "word", "pair": "row of numbers",
    }  # fmt: skip
    spec = str(tmp_path / "a.yaml")
    done = CliRunner().invoke(cli, ["init", str(tmp_path / "a.jsonl"), "--target", "kind", "--output", spec])
    assert done.exit_code == 0 and "source: {json_lines: a.jsonl}" in (tmp_path / "a.yaml").read_text()
    assert CliRunner().invoke(cli, ["check", spec]).exit_code == 0
