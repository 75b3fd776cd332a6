"""``dlspec evaluate`` and ``dlspec predict``: the same figures as in training, and answers in the words of the data."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlspec.cli.main import run
from tests.support import as_documented, asked

pytestmark = pytest.mark.slow

HOUSES = """
name: houses
layers:
  - dense: {units: 8, activation: relu, from: numbers, name: trunk}
  - dense: {units: 1, from: trunk, name: price}
  - dense: {units: 3, activation: softmax, from: trunk, name: kind}
outputs: [price, kind]
data:
  source: {csv: houses.csv}
  inputs: {numbers: {columns: [rooms, area], prepare: [normalization]}}
  targets: {price: price, kind: kind}
  split: {validation: 0.2, test: 0.2, seed: 3}
  batch_size: 16
train:
  loss: {price: mse, kind: sparse_categorical_crossentropy}
  optimizer: {adam: 0.05}
  metrics: {price: [mae], kind: [accuracy]}
  epochs: 40
"""
PHOTOS = """
name: photos
layers: [flatten, {dense: {units: 1, activation: sigmoid}}]
inputs: {image: [6, 6, 1]}
data:
  source: {image_folder: photos}
  inputs: {image: {column: image, prepare: [{rescaling: 1 / 255}]}}
  targets: {side: label}
  split: {test: 0.25, by: stratified}
train: {loss: binary_crossentropy, optimizer: {adam: 0.1}, metrics: [accuracy], epochs: 15}
"""
MASKS = """
name: masks
inputs: {image: [4, 4, 1]}
layers: [{conv2d: {filters: 2, kernel_size: 1, activation: softmax}}]
data: {source: {npz: masks.npz}, inputs: {image: image}, targets: {mask: mask}, split: {test: 0.25}}
train: {loss: sparse_categorical_crossentropy, epochs: 1}
"""

GAPS = """
name: gaps
layers: [{dense: 1}]
data:
  source: {csv: gaps.csv}
  inputs: {size: {column: size, missing: median}}
  targets: {price: price}
  split: {test: 0.25}
train: {loss: mse, epochs: 1}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of each spec."""
    folder = tmp_path_factory.mktemp("trained")
    chance = np.random.default_rng(0)
    with (folder / "houses.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["rooms", "area", "price", "kind"])
        for rooms, area in zip(chance.integers(1, 9, 100).tolist(), chance.uniform(20, 200, 100).tolist(), strict=True):
            kind = "cabin" if area < 60 else "villa" if rooms > 5 else "house, plain"
            writer.writerow([rooms, f"{area:.2f}", f"{rooms + area / 50:.3f}", kind])
    for side in ("left", "right"):
        (folder / "photos" / side).mkdir(parents=True)
        for number in range(20):
            pixels = chance.integers(0, 60, (6, 6)).astype(np.uint8)
            pixels[:, slice(0, 3) if side == "left" else slice(3, 6)] += 150
            Image.fromarray(pixels).save(folder / "photos" / side / f"{number}.png")
    image = chance.random((40, 4, 4, 1)).astype(np.float32)
    np.savez(folder / "masks.npz", image=image, mask=(image[..., 0] > 0.5).astype(np.int64))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, text in (
            ("houses", HOUSES),
            ("photos", PHOTOS),
            ("masks", MASKS.replace("image: image", "image: {column: image}")),
        ):
            (folder / f"{name}.yaml").write_text(text)
            assert run(["train", f"{name}.yaml", "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def inside(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)


def report(name: str) -> dict[str, dict[str, dict[str, float]]]:
    (path,) = Path("runs", name).glob("*/report.json")
    found: dict[str, dict[str, dict[str, float]]] = json.loads(path.read_text())
    return found


def figures(facts: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every figure of an output's facts with its place, trivial answers included."""
    if not isinstance(facts, dict | list):
        yield prefix, facts
        return
    for key, value in facts.items() if isinstance(facts, dict) else enumerate(facts):
        yield from figures(value, f"{prefix}.{key}")


@pytest.mark.parametrize("name", ["houses", "photos", "masks"])
def test_evaluating_again_gives_the_figures_of_the_report(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_documented("output/evaluate", asked(capsys, "evaluate", name, "--format", "json"))
    then = report(name)
    assert set(found["metrics"]) == set(then["metrics"])
    for part, measured in then["metrics"].items():
        assert found["metrics"][part] == pytest.approx(measured, rel=1e-5, abs=1e-6)
        assert list(found["metrics"][part]) == list(measured)
    for part in ("test",):
        (judged, *_), (before, *_) = found["outputs"][part].values(), then["results"]["outputs"].values()
        about = [(key, pytest.approx(value) if isinstance(value, float) else value) for key, value in figures(before)]
        assert list(figures(judged)) == about


def test_data_that_changed_since_the_training_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("houses.csv").read_text()
    lines = before.splitlines(keepends=True)
    changed = lines[-1].replace(lines[-1].split(",")[0], str(float(lines[-1].split(",")[0]) + 1), 1)
    try:
        for text, how in (
            ("".join([*lines, lines[1]]), "are 61 train + 20 validation + 20 test examples, and were 60 train + "),
            ("".join([*lines[:-1], changed]), "hold other values"),
        ):
            Path("houses.csv").write_text(text)
            for options in ((), ("--part", "test")):
                assert run(["evaluate", "houses", *options]) == 0
                said = capsys.readouterr().err
                assert said.count("warning[W613]") == 1 and "no longer those that it was trained on" in said
                assert how in said
    finally:
        Path("houses.csv").write_text(before)
    assert run(["evaluate", "houses"]) == 0
    assert "W613" not in capsys.readouterr().err


def test_one_part_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    lines = asked(capsys, "evaluate", "houses", "--part", "test").splitlines()
    assert "loss" in lines[0].split() and [line.split()[0] for line in lines if line][1] == "test"
    assert any(line.startswith("kind: examples 20, accuracy ") for line in lines)
    assert any(line.startswith("price: examples 20, R² ") for line in lines)


def test_other_examples_with_labels(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.csv").write_text("kind,price,area,rooms\ncabin,2,30,1\nvilla,11,180,8\n")
    found = as_documented(
        "output/evaluate", asked(capsys, "evaluate", "houses", "--data", "two.csv", "--format", "json")
    )
    assert found["outputs"]["two.csv"]["kind"]["examples"] == 2
    assert found["metrics"]["two.csv"]["kind_accuracy"] in (0, 0.5, 1)


def test_answers_come_in_the_words_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    Path("new.csv").write_text("rooms,area,other\n1,25,x\n8,190,y\n4,100,z\n")
    rows = list(csv.DictReader(io.StringIO(asked(capsys, "predict", "houses", "new.csv"))))
    assert list(rows[0]) == ["example", "price", "kind", "kind probability"]
    assert [row["example"] for row in rows] == ["new.csv, line 2", "new.csv, line 3", "new.csv, line 4"]
    assert [row["kind"] for row in rows][:2] == ["cabin", "villa"]
    assert float(rows[0]["price"]) < float(rows[1]["price"])

    Path("new.json").write_text(json.dumps([{"rooms": 1, "area": 25}, {"rooms": 8, "area": 190}]))
    objects = as_documented("output/predict", asked(capsys, "predict", "houses", "new.json", "--format", "json"))
    assert [one["kind"] for one in objects] == ["cabin", "villa"]
    assert set(objects[0]["kind probabilities"]) == {"cabin", "house, plain", "villa"}
    assert sum(objects[0]["kind probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert objects[1]["price"] == pytest.approx(float(rows[1]["price"]), rel=1e-5)


def test_folders_and_single_images(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(asked(capsys, "predict", "photos", "photos/right"))))
    assert len(rows) == 20 and {row["side"] for row in rows} == {"right"}
    picked = ["photos/right/1.png", "photos/left/2.png"]
    rows = list(csv.DictReader(io.StringIO(asked(capsys, "predict", "photos", *picked))))
    assert [row["example"] for row in rows] == picked
    assert [row["side"] for row in rows] == ["right", "left"]


def test_files_of_a_folder_that_are_left_out_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    other = Path("photos/right/1.heic")
    other.write_bytes(b"?")
    try:
        assert run(["predict", "photos", "photos/right"]) == 0
    finally:
        other.unlink()
    assert "1 file of `right` is left out: `right/1.heic`" in capsys.readouterr().err


def test_arrays_are_written_as_an_archive(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "masks", "masks.npz", "-o", "answers.npz"]) == 0
    assert "wrote 40 predictions to answers.npz" in capsys.readouterr().err
    with np.load("answers.npz") as archive:
        assert archive["mask"].shape == (40, 4, 4, 2)
    assert run(["predict", "masks", "masks.npz"]) == 1
    assert "error[E524]: `mask` is an array for each example" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("predict", "houses", "none.csv"), "error[E523]: there is no file or folder `none.csv`"),
        (("predict", "houses", "houses.yaml"), "nothing reads files such as `houses.yaml`"),
        (("predict", "houses", "lacking.csv"), "error[E602]: the source has no column `area`"),
        (
            ("predict", "houses", "other.csv"),
            "error[E602]: the source has none of the columns that are named: `rooms`, `area`",
        ),
        (("predict", "houses", "hole.csv"), "help: fill it in, or leave such examples out"),
        (
            ("evaluate", "houses", "--data", "new.csv"),
            "these examples have no column `price`, `kind`: there are no labels",
        ),
        (("predict", "houses", "new.csv", "houses.csv"), "error[E523]: several inputs must all be images"),
        (("predict", "nothing", "new.csv"), "error[E521]: there is no run `nothing`"),
        (("predict", "empty", "new.csv"), "error[E522]: run `20990101T000000Z-0000` (unfinished) has no model"),
        (("evaluate", "houses", "--data", "strange.csv"), "the training knew no label `castle`"),
        (("evaluate", "torn"), "error[E522]: "),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("lacking.csv").write_text("rooms\n1\n")
    Path("new.csv").write_text("rooms,area\n1,25\n")
    Path("other.csv").write_text("height,weight\n1,25\n")
    Path("hole.csv").write_text("rooms,area\n1,\n2,3\n")
    Path("strange.csv").write_text("rooms,area,price,kind\n1,25,3,castle\n")
    empty = Path("runs/empty/20990101T000000Z-0000")
    empty.mkdir(parents=True, exist_ok=True)
    (empty / "spec.yaml").write_text("name: empty\n")
    torn = Path("runs/torn/20200101T000000Z-0000")
    if not torn.exists():
        torn.mkdir(parents=True)
        (whole,) = Path("runs/houses").iterdir()
        for name in ("spec.yaml", "report.json", "model.keras"):
            data = (whole / name).read_bytes()
            (torn / name).write_bytes(data[:2000] if name == "model.keras" else data)
    assert run(list(arguments)) == 1
    assert said in capsys.readouterr().err


def test_weights_that_are_not_numbers_are_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    (whole,) = Path("runs/photos").iterdir()
    ruined = Path("runs/ruined/20200101T000000Z-0000")
    shutil.copytree(whole, ruined)
    try:
        model = keras.saving.load_model(ruined / "model.keras")
        model.set_weights([np.full_like(values, np.nan) for values in model.get_weights()])
        model.save(ruined / "model.keras")
        for arguments in (["predict", "ruined", "photos/left"], ["evaluate", "ruined"]):
            assert run(arguments) == 1
            said = capsys.readouterr().err
            assert (
                "error[E522]: the weights of layer `dense` in `runs/ruined/20200101T000000Z-0000/model.keras`" in said
            )
        assert run(["export", str(ruined), "--to", "keras", "-o", "ruined.keras"]) == 1
        assert "error[E704]: the weights of layer `dense` in " in capsys.readouterr().err
        assert not Path("ruined.keras").exists()
    finally:
        shutil.rmtree(ruined.parent)


def test_a_score_that_is_not_a_number_has_no_class(capsys: pytest.CaptureFixture[str]) -> None:
    # Within float32, but not when it is multiplied: infinity less infinity is what the softmax then sees.
    Path("huge.csv").write_text("rooms,area\n3.0e38,-3.0e38\n")
    objects = json.loads(asked(capsys, "predict", "houses", "huge.csv", "--format", "json"))
    shares = set(objects[0]["kind probabilities"].values())
    # The share of a class that is minus infinity is 0 on some processors.
    assert None in shares and shares <= {None, 0} and objects[0]["kind"] is None
    rows = list(csv.DictReader(io.StringIO(asked(capsys, "predict", "houses", "huge.csv"))))
    assert (rows[0]["kind"], rows[0]["kind probability"]) == ("", "")


def test_an_array_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "masks", "masks.npz", "--keep", "image", "--format", "json"]) == 1
    assert "error[E524]: column `image` has an array for each example" in capsys.readouterr().err


def test_examples_to_measure_by_are_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "houses", "houses.csv"]) == 2
    assert "examples with labels are given as `--data houses.csv`" in capsys.readouterr().err


def test_the_data_of_the_training_may_be_gone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("new.csv").write_text("rooms,area\n1,25\n")
    Path("houses.csv").rename("away.csv")
    try:
        assert "cabin" in asked(capsys, "predict", "houses", "new.csv")
        assert run(["evaluate", "houses"]) == 1
        assert "error[E601]: there is no file `houses.csv`" in capsys.readouterr().err
    finally:
        Path("away.csv").rename("houses.csv")


def test_missing_values_enter_a_model_that_another_process_trained(tmp_path: Path) -> None:
    rows = "".join(f"{number if number % 3 else ''},{number}\n" for number in range(60))
    (tmp_path / "gaps.csv").write_text("size,price\n" + rows, encoding="utf-8")
    (tmp_path / "gaps.yaml").write_text(GAPS, encoding="utf-8")
    assert run(["train", str(tmp_path / "gaps.yaml"), "--runs", str(tmp_path / "runs"), "--quiet"]) == 0
    (folder,) = (tmp_path / "runs" / "gaps").iterdir()
    assert "outputs" in json.loads((folder / "report.json").read_text(encoding="utf-8"))["results"]
    (tmp_path / "new.csv").write_text("size\nNaN\n3\n", encoding="utf-8")
    # Only a new process shows that the classes of our own layers become known by loading, not by training before.
    command = [sys.executable, "-m", "dlspec", "predict", str(folder), str(tmp_path / "new.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
