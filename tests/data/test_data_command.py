"""``dlspec data``: the summary as text and JSON, the picture sheet, and what it says of equal examples."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from builders import picture, write
from click.testing import CliRunner
from PIL import Image
from pyarrow import parquet

from dlspec.cli.main import cli
from tests.support import ROOT, as_documented


def shown(spec: Path, *options: str) -> Any:
    return CliRunner().invoke(cli, ["data", str(spec), *options], standalone_mode=False)


def test_summary_as_text() -> None:
    result = shown(ROOT / "specs/start/listing.yaml")
    columns = result.stdout.split("\n\n")
    lines = {line.split()[0]: line.split() for part in (columns[1], columns[4]) for line in part.splitlines()}
    assert lines["rooms"][:8] == ["rooms", "numeric", "[]", "int64", "0", "1", "…", "7,"]
    assert lines["city"][1] == "categorical"
    assert lines["train"][1] == "350"
    assert "equal examples in two parts: none" in result.stdout


def test_columns_that_are_not_used_are_folded_where_they_are_many() -> None:
    said = shown(ROOT / "specs/start/digits.yaml").stdout
    assert (
        "not used: data, pixel_0_0, pixel_0_1, pixel_0_2, pixel_0_3, pixel_0_4, pixel_0_5, pixel_0_6 and 57 more"
        in said
    )
    assert "pixel_7_7" not in said and "pixel_0_6  numeric" in said and "\nimages" in said
    said = shown(ROOT / "specs/start/zones.yaml").stdout
    assert "\nnot used: country\n" in said and "\ncountry    text" in said


def test_options_of_a_source_are_shown_as_a_spec_has_them() -> None:
    said = shown(ROOT / "specs/start/co2.yaml").stdout
    assert said.startswith(
        "timeseries (table: {csv: {path: co2.csv}}, time: month, targets: [co2], window: 24, horizon: 6)"
    )
    assert "\nthe first training examples:\n\nco2.csv, line 2 to line 31\n" in said


def test_missing_values_of_examples() -> None:
    assert "age: missing, bmi: 25.3" in shown(ROOT / "specs/start/diabetes.yaml").stdout
    said = shown(ROOT / "specs/start/diabetes.yaml", "--format", "json").stdout
    facts = as_documented("output/data", said)
    assert facts["examples"][0]["age"] is None
    assert facts["columns"]["age"]["used"]


MESSY = ",id,when,sex,size,empty\n" + "".join(
    f"{row},{900 - row * 7},2024-01-{row % 28 + 1:02d},{'NA' if row % 4 == 0 else 'fm'[row % 2]},{row % 9}.5,\n"
    for row in range(40)
)


def test_a_table_needs_no_spec(tmp_path: Path) -> None:
    write(tmp_path, "my table.csv", MESSY)
    result = shown(tmp_path / "my table.csv")
    assert result.stderr.startswith("warning[W603]: the first column of `my table.csv` has no name")
    columns, roles, offered = (result.stdout.split("\n\n")[place] for place in (1, -2, -1))
    assert [line.split()[:4] for line in columns.splitlines()[1:]] == [
        ["id", "numeric", "[]", "int64"],
        ["when", "categorical", "[]", "string"],
        ["sex", "categorical", "[]", "string"],
        ["size", "numeric", "[]", "float64"],
        ["empty", "numeric", "[]", "float64"],
        ["not", "used:", "empty"],
    ]
    assert "sex     categorical  [] string   10       f 10, m 20" in columns
    assert [line.split(maxsplit=1) for line in roles.splitlines()[1:]] == [
        ["id", "left out                  another number in every row, a name of it"],
        ["when", "date"],
        ["sex", "word"],
        ["size", "number"],
        ["empty", "left out                  empty"],
    ]
    assert offered.splitlines()[:3] == [
        "columns that could be predicted:",
        "  sex: one of 2 classes: f, m",
        "  size: a number from 0.5 to 8.5",
    ]
    assert f"`dlspec init '{tmp_path}/my table.csv' --target sex` writes a spec for the first" in offered


def test_the_dialect_of_a_table_is_found(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "kind;size\n" + "".join(f"{'ab'[row % 2]};{row},5\n" for row in range(30)))
    said = shown(tmp_path / "a.txt").stdout
    assert said.startswith("csv (path: a.txt, delimiter: ;, decimal: ','): 30 examples\n")
    assert "\nsize    numeric      [] float64  0        0.5 … 29.5, mean 15, 30 distinct\n" in said


def test_a_table_as_json(tmp_path: Path) -> None:
    lists = pa.array([[1.0, 2.0]] * 30)
    size = pa.array([row / 4 for row in range(30)])
    parquet.write_table(pa.table({"lists": lists, "size": size, "kind": list("abc") * 10}), tmp_path / "a.parquet")
    facts = as_documented("output/data", shown(tmp_path / "a.parquet", "--format", "json").stdout)
    assert facts["source"] == {"parquet": {"path": "a.parquet"}} and facts["looked_at"] == facts["count"] == 30
    assert facts["roles"] == {
        "lists": {"role": "row of numbers", "reason": ""},
        "size": {"role": "number", "reason": ""},
        "kind": {"role": "word", "reason": ""},
    }
    assert [one["column"] for one in facts["candidates"]] == ["kind", "size", "lists"]
    assert facts["columns"]["kind"]["values"] == {"a": 10, "b": 10, "c": 10}


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, "inf.csv", "x,y\n1,2\n3,inf\n")
    write(tmp_path, "none.csv", "")
    for name, said in (
        ("inf.csv", "error[E608]: column `y` holds an infinite value\n  = note: found in inf.csv, line 3\n"),
        ("none.csv", "error[E608]: `none.csv` is empty\n"),
        ("nome.csv", "error[E601]: there is no file `nome.csv`\n"),
    ):
        done = CliRunner().invoke(cli, ["data", str(tmp_path / name)])
        assert done.exit_code == 1 and done.stderr.startswith(said) and not done.stdout
    done = CliRunner().invoke(cli, ["data", str(tmp_path / "inf.csv"), "--set", "a=1"])
    assert done.exit_code == 2 and "--set and --sheet go with a spec" in done.stderr


def test_an_empty_column_keeps_no_summary_away(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x,none\n1,\n2,\n")
    write(tmp_path, "spec.yaml", "data: {source: {csv: a.csv}}\n")
    assert "\nnot used: none\n" in shown(tmp_path / "spec.yaml").stdout


BROKEN = "x,y\n1,0\nmany,1\n2\n3,1\ninf,0\n4,0\n5,1\n"


def test_broken_examples_are_counted_and_named(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", BROKEN)
    write(
        tmp_path,
        "spec.yaml",
        "inputs: {x: [1]}\nlayers:\n  - dense: {units: 1, activation: sigmoid}\n"
        "data: {source: {csv: a.csv}, targets: {y: y}, bad: skip}\ntrain: {loss: binary_crossentropy}\n",
    )
    said = shown(tmp_path / "spec.yaml").stdout
    assert said.splitlines()[:5] == [
        "csv (path: a.csv): 7 examples, 3 left out since they are broken:",
        "  a.csv, line 4: 1 value, expected 2",
        "  a.csv, line 3: column `x` holds `many`, expected a number",
        "  a.csv, line 6: column `x` holds `inf`, expected a number",
        "",
    ]
    facts = as_documented("output/data", shown(tmp_path / "spec.yaml", "--format", "json").stdout)
    assert facts["columns"]["x"]["range"] == [1.0, 5.0] and facts["splits"]["train"]["examples"] == 4


def test_examples_between_two_parts_are_counted() -> None:
    assert "\nin no part  12\n" in shown(ROOT / "specs/start/co2.yaml").stdout


def test_summary_as_json() -> None:
    facts = as_documented("output/data", shown(ROOT / "specs/start/listing.yaml", "--format", "json").stdout)
    assert facts["columns"]["price"]["type"] == "numeric"
    assert facts["columns"]["sold"]["type"] == "label"
    assert facts["columns"]["city"]["values"]["Cork"] == 74
    assert facts["inputs"]["city"] == {
        "columns": ["city"], "raw": "[] string", "missing": "keep", "prepare": ["string_lookup"],
        "enters": "[] int64", "augment": [],
    }  # fmt: skip
    assert sum(part["examples"] for part in facts["splits"].values()) == facts["count"] == 500
    assert len(facts["fingerprint"]) == 64
    assert facts["examples"][0]["where"] == "listing.csv, line 2"


def test_equal_examples_are_counted_and_named(tmp_path: Path) -> None:
    rows = [f"{number},{number % 2}" for number in range(20)]
    write(tmp_path, "a.csv", "\n".join(["x,y", *rows, *rows[:10]]) + "\n")
    write(
        tmp_path,
        "spec.yaml",
        "inputs: {x: [1]}\nlayers:\n  - dense: {units: 1, activation: sigmoid}\n"
        "data: {source: {csv: a.csv}, targets: {y: y}, split: {test: 0.5}}\ntrain: {loss: binary_crossentropy}\n",
    )
    result = shown(tmp_path / "spec.yaml", "--format", "json")
    facts = json.loads(result.stdout)
    [shared] = facts["equal_examples"]
    assert shared["parts"] == ["test", "train"]
    assert shared["examples"] >= 3
    first, second = (int(where.removeprefix("a.csv, line ")) - 2 for where in shared["rows"][0])
    assert first % 20 == second % 20
    assert first != second
    assert f"warning[W602]: {shared['examples']} of 15 test examples equal a training example" in result.stderr


def test_warnings_are_counted_together(tmp_path: Path) -> None:
    rows = [f"{number},{number % 2}" for number in range(40)]
    write(tmp_path, "a.csv", "\n".join(["x,y", *rows, *rows]) + "\n")
    write(
        tmp_path,
        "spec.yaml",
        "inputs: {x: [1]}\nlayers:\n  - dense: {units: 1, activation: sigmoid}\ndata: {source: {csv: a.csv}, "
        "targets: {y: y}, split: {validation: 0.3, test: 0.3}}\ntrain: {loss: binary_crossentropy}\n",
    )
    said = shown(tmp_path / "spec.yaml").stderr
    assert said.count("warning[W602]") == 3 and said.endswith("\n3 warnings\n")


def test_masks_stand_beside_their_images(tmp_path: Path) -> None:
    assert shown(ROOT / "specs/start/masks.yaml", "--sheet", str(tmp_path / "sheet.png")).exit_code == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        image, mask = (sheet.crop((left, 22, left + 96, 118)).getcolors(1 << 16) for left in (6, 108))
        assert image is not None and len(image) > 50
        assert mask is not None and {color for _, color in mask} == {(0, 0, 0), (255, 255, 255)}


def test_picture_sheet(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(3):
            picture(tmp_path / "pets" / name / f"{number}.png", (8, 8, 3), number)
    write(
        tmp_path,
        "spec.yaml",
        "inputs: {x: [8, 8, 3]}\nlayers:\n  - flatten\n  - dense: {units: 2, activation: softmax}\n"
        "data: {source: {image_folder: pets}, targets: {pet: label}}\ntrain: {loss: sparse_categorical_crossentropy}\n",
    )
    assert shown(tmp_path / "spec.yaml", "--sheet", str(tmp_path / "sheet.png")).exit_code == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (822, 242)
        assert len(sheet.getcolors(1 << 20)) > 100


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("specs/start/listing.yaml", ["--sheet", "a.png"], "no input takes images"),
        ("specs/cnn/lenet5.yaml", [], "no `data`"),
    ],
)
def test_what_cannot_be_shown(spec: str, options: list[str], message: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "dlspec", "data", str(ROOT / spec), *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_tensorflow_stays_out() -> None:
    code = (
        "import sys\nfrom dlspec.cli.main import run\n"
        "code = run(['data', 'specs/start/digits.yaml', '--format', 'json'])\n"
        "sys.exit(code or len({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


WORDS = "id,colour,size,y\n" + "".join(
    f"{row},{['red', 'blue', ''][row % 3]},{row % 5},{row % 2}\n" for row in range(12)
)


@pytest.mark.parametrize("rest", ["", ", inputs: {x: {columns: [size]}}", ", targets: {y: y}", ", targets: {}"])
def test_data_without_targets_and_layers(tmp_path: Path, rest: str) -> None:
    write(tmp_path, "words.csv", WORDS)
    write(tmp_path, "spec.yaml", f"data: {{source: {{csv: words.csv}}{rest}}}\n")
    result = shown(tmp_path / "spec.yaml")
    assert (result.return_value, result.stderr) == (0, "")
    assert "\ncolour  categorical  [] string  4        blue 4, red 4\n" in result.stdout
    assert "\ntrain  12" in result.stdout
    assert ("\nx      size" in result.stdout) == ("inputs" in rest)
    assert ("\ntarget" in result.stdout) == ("{y" in rest)


@pytest.mark.parametrize(
    ("layers", "code"),
    [("[{dense: {units: -1}}]", "E205"), ("[{dens: 1}]", "E201"), ("[{reshape: [7]}, {dense: 1}]", "E402")],
)
def test_the_summary_comes_whatever_the_layers_are(tmp_path: Path, layers: str, code: str) -> None:
    write(tmp_path, "words.csv", WORDS)
    data = "{source: {csv: words.csv}, inputs: {x: {columns: [id, size]}}, targets: {y: y}}"
    write(tmp_path, "spec.yaml", f"layers: {layers}\ndata: {data}\ntrain: {{loss: mse}}\n")
    result = shown(tmp_path / "spec.yaml")
    assert result.return_value == 1
    assert f"error[{code}]" in result.stderr
    assert "\nx      id, size" in result.stdout
    assert "\ntrain  12" in result.stdout
