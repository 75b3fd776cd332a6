"""Raw examples for prediction and evaluation: the spec's source or a file of new examples, with the same checks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import HOUSES, houses, picture, write

from dlspec.components.layers.lookup import StringLookup
from dlspec.components.layers.preprocessing import CategoryEncoding
from dlspec.components.sections.data import Data, Feature, Target
from dlspec.components.sections.missing import Drop, Median
from dlspec.core.errors import SpecError
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.targets import CLASSES, Output
from dlspec.data.feeding.raw import RawInputs, Training, outputs_of, read_inputs
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_folder import ImageFolder

MIXED = {
    "size": Feature(columns=("rooms", "area"), missing=Median()),
    "city": Feature(column="city", prepare=(StringLookup(),)),
}
SIGNATURE = Signature({"size": Tensor((2,)), "city": Tensor((), "int64")}, {"sold": Tensor((1,))})


def mixed() -> Data:
    return houses(inputs=MIXED)


def read(folder: Path, path: Path | None = None, outputs: Sequence[Output] = (), **training: Any) -> RawInputs:
    return read_inputs(Training(mixed(), folder, SIGNATURE, **training), path=path, outputs=outputs)


def test_the_spec_s_own_source(folder: Path) -> None:
    found = read(folder)
    assert found.inputs["size"].tolist() == [[3, 70], [5, 120], [2, 50], [4, 90]]
    assert found.inputs["size"].dtype == np.float32
    assert found.inputs["city"].tolist() == ["Cork", "Graz", "Cork", "Graz"]
    assert (found.count, found.targets) == (4, {})


@pytest.mark.parametrize("name", ["new.json", "new.jsonl", "lists.json", "new.csv", "new.npz", "new.tsv"])
def test_new_examples_without_targets(folder: Path, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    rows = [{"rooms": 3, "area": None, "city": "Cork"}, {"rooms": 7, "area": 1.5, "city": "Oslo"}]
    path = tmp_path_factory.mktemp("elsewhere") / name
    if path.suffix == ".npz":
        np.savez(path, rooms=np.array([3, 7]), area=np.array([np.nan, 1.5]), city=np.array(["Cork", "Oslo"]))
    elif path.suffix in (".csv", ".tsv"):
        text = "rooms,area,city\n3,,Cork\n7,1.5,Oslo\n"
        path.write_text(text if path.suffix == ".csv" else text.replace(",", "\t"))
    elif name == "lists.json":
        path.write_text(json.dumps({key: [row[key] for row in rows] for key in rows[0]}))
    else:
        path.write_text(json.dumps(rows) if name == "new.json" else "\n".join(map(json.dumps, rows)))
    found = read(folder, path)
    np.testing.assert_array_equal(found.inputs["size"], [[3, np.nan], [7, 1.5]])
    assert found.inputs["city"].tolist() == ["Cork", "Oslo"]
    assert name in found.table.where(1)


def test_a_folder_of_images(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        picture(tmp_path / "pets" / name / "0.png", (8, 8, 3))
    picture(tmp_path / "new" / "a.png", (20, 10, 3))
    data = Data(source=ImageFolder(path="pets", size=(8, 8)), targets={"pet": Target(column="label")})
    signature = Signature({"image": Tensor((8, 8, 3))}, {"pet": Tensor((2,))})
    found = read_inputs(Training(data, tmp_path, signature), path=tmp_path / "new")
    assert found.inputs["image"].shape == (1, 8, 8, 3)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('[{"rooms": 3, "city": "Cork"}]', "E602", "the source has no column `area`"),
        (
            '[{"rooms": "three", "area": 1, "city": "a"}]',
            "E603",
            "column `rooms` holds text (`three`), expected numbers",
        ),
        ("[3]", "E608", "`new.json` holds no objects with a key for each column"),
        ('{"rooms": 3\n', "E608", "line 1 of `new.json` is not JSON"),
        ('[{"rooms": 3, "area": Infinity, "city": "a"}]', "E608", "column `area` holds an infinite value"),
        ('[{"rooms": [3, "x"], "area": 1, "city": "a"}]', "E608", 'column `rooms` holds `"x"`, expected a number'),
        ('[{"rooms": [3, null], "area": 1, "city": "a"}]', "E608", "column `rooms` holds `null`, expected a number"),
        ('[{"rooms": 3, "area": 1, "city": ["a", 1]}]', "E608", "column `city` holds `1`, expected text"),
        ('[{"rooms": {"n": 3}, "area": 1, "city": "a"}]', "E608", 'column `rooms` holds `{"n": 3}`, expected a number'),
    ],
)
def test_mistakes(folder: Path, text: str, code: str, message: str) -> None:
    path = folder / write(folder, "new.json", text)
    with pytest.raises(SpecError) as caught:
        read(folder, path)
    assert [(one.code, one.message) for one in caught.value.diagnostics] == [(code, message)]


@pytest.mark.parametrize("rooms", [[[1, 2], [3]], [["a"], ["b", "c"]]])
def test_lists_of_different_lengths(folder: Path, rooms: list[Any]) -> None:
    path = folder / write(folder, "new.json", json.dumps([{"rooms": one, "area": 1, "city": "a"} for one in rooms]))
    with pytest.raises(SpecError, match=r"E608: the values of `rooms` in `new\.json` do not form an array"):
        read(folder, path)


@pytest.mark.parametrize("prepare", [(), (CategoryEncoding(num_tokens=4),)])
def test_indices_that_the_model_does_not_take(folder: Path, prepare: tuple[Any, ...]) -> None:
    data = houses(inputs={"word": Feature(column="word", prepare=prepare)})
    signature = Signature({"word": Tensor((4,) if prepare else (1,), "float32" if prepare else "int32")}, {})
    training = Training(data, folder, signature, limits={} if prepare else {"word": 4})
    for text in ("[0, 3]", "[3.0, 0]"):
        write(folder, "new.json", f'{{"word": {text}}}')
        assert len(read_inputs(training, path=folder / "new.json").inputs["word"]) == 2
    for value in (4, -1):
        write(folder, "new.json", f'{{"word": [0, {value}]}}')
        with pytest.raises(SpecError, match=f"E617: column `word` holds {value}, and the model takes 0 to 3") as caught:
            read_inputs(training, path=folder / "new.json")
        assert caught.value.diagnostics[0].notes[0].message == "found in new.json, object 2"


def test_no_such_file_and_no_such_format(folder: Path) -> None:
    with pytest.raises(SpecError, match="E601: there is no file"):
        read(folder, folder / "nowhere.csv")
    write(folder, "a.docx", "x")
    with pytest.raises(SpecError, match=r"E601: nothing reads files such as `a\.docx`"):
        read(folder, folder / "a.docx")


def test_examples_that_training_would_drop_are_errors(folder: Path) -> None:
    path = folder / write(folder, "new.csv", "rooms,area\n3,\n2,50\n")
    data = houses(inputs={"size": Feature(columns=("rooms", "area"), missing=Drop())})
    with pytest.raises(SpecError, match="E608"):
        read_inputs(Training(data, folder, Signature({"size": Tensor((2,))}, {"sold": Tensor((1,))})), path=path)


def test_arrays_are_what_the_saved_model_takes(folder: Path) -> None:
    path = folder / write(folder, "new.json", '{"rooms": 3.0, "area": 2, "city": "a"}')
    found = read(folder, path, saved={"size": Tensor((2,), "float64"), "city": Tensor((), "string")})
    assert found.inputs["size"].dtype == np.float64
    with pytest.raises(
        SpecError, match=r"E605: input `size` of the saved model has shape \[3\], these data give \[2\]"
    ):
        read(folder, path, saved={"size": Tensor((3,))})


def test_targets_with_the_classes_of_the_training(folder: Path) -> None:
    facts = {
        "sold": {
            "target": "sold", "columns": ["city"], "encoding": CLASSES, "shape": [], "dtype": "int32",
            "classes": ["Cork", "Graz", "Oslo"], "one_hot": False, "separator": "",
        }
    }  # fmt: skip
    outputs = outputs_of(facts)
    assert outputs == [Output("sold", "sold", ("city",), CLASSES, Tensor((), "int32"), ("Cork", "Graz", "Oslo"))]
    assert read(folder, outputs=outputs).targets["sold"].tolist() == [0, 1, 0, 1]
    path = folder / write(folder, "new.csv", HOUSES + "1,2,Rome,1,1\n")
    with pytest.raises(SpecError, match="E604: the training knew no label `Rome` of target `sold`"):
        read(folder, path, outputs=outputs)


def test_another_csv_keeps_the_options(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x;y\n1;2\n")
    path = tmp_path / write(tmp_path, "b.csv", "x\n5\n")
    data = Data(
        source=Csv(path="a.csv", delimiter=";"), inputs={"x": Feature(column="x")}, targets={"y": Target(column="y")}
    )
    assert read_inputs(Training(data, tmp_path, Signature({"x": Tensor((1,))}, {})), path=path).inputs[
        "x"
    ].tolist() == [[5]]
