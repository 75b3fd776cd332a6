"""No command replaces what it reads: not by another path, not by a link, not with ``--force``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from dlspec.cli.main import run

SPEC = """
name: houses
inputs: {size: [1]}
layers: [{dense: 1}]
data: {source: {csv: houses.csv}, inputs: {size: size}, targets: {price: price}}
train: {loss: mse, epochs: 1}
"""
PETS = """
layers: [global_average_pooling2d, {dense: {units: 2, activation: softmax}}]
data: {source: {image_folder: pets}, targets: {pet: label}}
train: {loss: sparse_categorical_crossentropy}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("houses.csv").write_text("size,price\n1,2\n2,4\n3,6\n")
    for name in ("spec.yaml", "spec.svg", "spec.keras", "spec.html"):
        Path(name).write_text(SPEC)
    return tmp_path


def files() -> dict[Path, bytes]:
    """All files but the bytecode that Python keeps of modules."""
    paths = [path for path in Path().rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    return {path: path.read_bytes() for path in paths}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said about the option; every file is as it was."""
    before = files()
    assert run(list(arguments)) == 2
    assert files() == before
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "option", "name"),
    [
        ("show spec.svg --svg spec.svg", "--svg", "spec.svg"),
        ("show spec.html --html ../{here}/spec.html", "--html", "../{here}/spec.html"),
        ("build spec.keras -o spec.keras", "-o", "spec.keras"),
        ("train spec.yaml --run .", "--run", "spec.yaml"),
        ("export spec.keras --to keras -o spec.keras --force", "-o", "spec.keras"),
    ],
)
def test_a_spec(folder: Path, arguments: str, option: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(capsys, *arguments.format(here=folder.name).split())
    shown = name.format(here=folder.name)
    assert (
        told
        == f"Error: Invalid value for {option}: this would replace `{shown}`, which is read here; name another file"
    )


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_data_behind_a_link(folder: Path, link: str, capsys: pytest.CaptureFixture[str]) -> None:
    getattr(Path("houses.html"), link)("houses.csv")
    assert "this would replace `houses.html`" in refused(capsys, "show", "spec.yaml", "--html", "houses.html")


def test_an_image_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("cat", "dog"):
        Path("pets", kind).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (4, 4), (number * 90, 0, 0)).save(Path("pets", kind, f"{number}.png"))
    Path("pets.yaml").write_text(PETS)
    assert "pets/cat/0.png" in refused(capsys, "data", "pets.yaml", "--sheet", "pets/cat/0.png")
    assert run(["data", "pets.yaml", "--sheet", "pets/cat/sheet.png"]) == 0


def test_the_spec_that_is_searched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SPEC.replace("epochs: 1", "epochs: 1, optimizer: {sgd: $rate}")
    Path("spec.yaml").write_text(f"{text}params: {{rate: {{float: [0.01, 0.1]}}}}\ntune: {{objective: loss}}\n")
    assert "this would replace `spec.yaml`" in refused(capsys, "tune", "spec.yaml", "-o", "spec.yaml")


def test_the_modules_and_the_model_that_an_export_reads(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("data.py").write_text("def rows():\n    return {'size': [1.0, 2.0], 'price': [2.0, 4.0]}\n")
    Path("code.yaml").write_text(
        "extensions: [data.py]" + SPEC.replace("{csv: houses.csv}", "{python: {function: 'data:rows'}}")
    )
    shutil.copy("houses.csv", "requirements.txt")
    Path("spec.yaml").write_text(SPEC.replace("houses.csv", "requirements.txt"))
    told = refused(capsys, "export", "spec.yaml", "--project", ".", "--force")
    assert "Invalid value for --project: this would replace `requirements.txt`" in told
    told = refused(capsys, "export", "code.yaml", "--allow-code", "--to", "python", "-o", "data.py", "--force")
    assert "Invalid value for -o: this would replace `data.py`" in told
    shutil.copy("spec.yaml", "weights.keras")
    export = ["export", "spec.yaml", "--to", "keras", "-o", "weights.keras", "--force", "--weights", "weights.keras"]
    assert "this would replace `weights.keras`" in refused(capsys, *export)


def test_a_folder_that_holds_the_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("saved").mkdir()
    Path("saved/saved_model.pb").write_text("")
    shutil.move("houses.csv", "saved/houses.csv")
    Path("spec.yaml").write_text(SPEC.replace("houses.csv", "saved/houses.csv"))
    told = refused(capsys, "export", "spec.yaml", "--to", "savedmodel", "-o", "saved", "--force")
    assert "this would replace `saved/houses.csv`" in told


def test_what_predict_reads(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples, the files of the run, and the data of its training; nothing is loaded before that is known."""
    here = Path("runs/houses/1")
    here.mkdir(parents=True)
    shutil.copy("spec.yaml", here)
    (here / "model.keras").write_text("")
    (here / "metrics.csv").write_text("epoch,loss\n")
    facts = {"name": "houses", "status": "finished", "spec_folder": "../../..", "data": {"targets": {}}}
    (here / "report.json").write_text(json.dumps(facts))
    Path("new.csv").write_text("size\n4\n")
    Path("linked.csv").hardlink_to("new.csv")
    for output in ("new.csv", "./new.csv", "linked.csv", "houses.csv", "runs/houses/1/metrics.csv"):
        told = refused(capsys, "predict", "houses", "new.csv", "-o", output)
        assert told.endswith(f"-o: this would replace `{Path(output)}`, which is read here; name another file")
    told = refused(capsys, "export", "houses", "--to", "keras", "-o", str(here / "model.keras"), "--force")
    assert told.endswith("-o: this would replace `runs/houses/1/model.keras`, which is read here; name another file")
