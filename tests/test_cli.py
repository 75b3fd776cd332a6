"""The real command line: outputs, streams, exit codes, colours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlspec.cli.main import run
from tests.support import ROOT, as_documented, dlspec

GOOD = "inputs: {x: [4]}\nlayers:\n  - dense: 3\n"
BAD = "inputs: {x: [4]}\nlayers:\n  - dense: {unit: 3}\n  - densse: 3\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return path


def test_check_a_good_spec(good: Path) -> None:
    result = dlspec("check", "good.yaml", cwd=good.parent)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "good.yaml: ok, 1 layer, 15 parameters, 27 FLOPs\n"


def test_check_a_bad_spec_reports_everything_on_stdout(bad: Path) -> None:
    result = dlspec("check", "bad.yaml", cwd=bad.parent)
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.count("error[") == 2
    assert "\x1b" not in result.stdout
    assert result.stdout.endswith("bad.yaml: 2 errors\n")


def test_json_is_one_document_and_1_based(bad: Path) -> None:
    result = dlspec("check", "bad.yaml", "--format", "json", cwd=bad.parent)
    assert result.returncode == 1
    document = json.loads(result.stdout)
    assert document["version"] == 1
    first = document["diagnostics"][0]
    assert set(first) == {"code", "severity", "message", "help", "notes", "edits", "file", "range"}
    assert (first["code"], first["file"]) == ("E202", "bad.yaml")
    assert first["range"] == {"start": {"line": 3, "column": 13}, "end": {"line": 3, "column": 17}}


@pytest.mark.parametrize("form", ["json", "github", "sarif"])
def test_other_formats_of_a_good_spec(good: Path, form: str) -> None:
    result = dlspec("check", "good.yaml", "--format", form, cwd=good.parent)
    assert result.returncode == 0
    if form != "github":
        json.loads(result.stdout)


def test_show_prints_only_the_report_on_stdout(good: Path) -> None:
    report = as_documented("output/show", dlspec("show", "good.yaml", "--format", "json", cwd=good.parent).stdout)
    assert report["name"] == "good"
    assert report["parameters"] == {"total": 15, "trainable": 15, "non_trainable": 0}
    assert report["flops"] == 27
    dense = report["layers"][1]
    assert {key: dense[key] for key in ("name", "layer", "output_shape", "parameters", "line")} == {
        "name": "dense", "layer": "dense", "output_shape": [3], "parameters": 15, "line": 3,
    }  # fmt: skip


def test_show_and_build_of_a_bad_spec_print_nothing_on_stdout(bad: Path) -> None:
    for command in ("show", "build", "train"):
        result = dlspec(command, "bad.yaml", cwd=bad.parent)
        assert (result.returncode, result.stdout) == (1, "")
        assert "error[E202]" in result.stderr


def test_colour_follows_no_color_and_force_color(bad: Path) -> None:
    forced = dlspec("check", "bad.yaml", cwd=bad.parent, FORCE_COLOR="1")
    assert "\x1b[1;31merror[E202]\x1b[0m" in forced.stdout
    both = dlspec("check", "bad.yaml", cwd=bad.parent, FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b" not in both.stdout


def test_usage_errors_exit_with_2(good: Path) -> None:
    for arguments in (
        ["trian"],
        ["check"],
        ["check", str(good), "--fromat", "json"],
        ["check", str(good), "--format", "x"],
    ):
        result = dlspec(*arguments)
        assert result.returncode == 2, arguments
        assert "Traceback" not in result.stderr
    assert "did you mean `train`?" in dlspec("trian").stderr


def test_an_absent_file_is_a_problem_of_the_spec() -> None:
    result = dlspec("check", "absent.yaml")
    assert result.returncode == 1
    assert "cannot read `absent.yaml`: No such file or directory" in result.stdout


def test_help_lists_every_command() -> None:
    result = dlspec("--help")
    assert result.returncode == 0
    for path in (ROOT / "dlspec" / "cli" / "commands").glob("[a-z]*.py"):
        assert f"  {path.stem} " in result.stdout


def test_a_closed_pipe_is_no_error(good: Path) -> None:
    command = f"{sys.executable} -m dlspec show {ROOT / 'specs/cnn/resnet50.yaml'} | head -1"
    result = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr and "BrokenPipe" not in result.stderr


def test_the_installed_script_and_the_module_are_one(good: Path) -> None:
    script = Path(sys.executable).with_name("dlspec")
    environment = {**os.environ, "PATH": "/usr/bin"}
    result = subprocess.run(
        [script, "check", good.name], cwd=good.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert result.stdout == dlspec("check", good.name, cwd=good.parent).stdout


@pytest.mark.slow
def test_build_saves_whole_models_only(
    good: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    monkeypatch.chdir(good.parent)
    assert run(["build", "good.yaml", "-o", "model.keras"]) == 0
    assert "static analysis and Keras agree on all 2 nodes" in capsys.readouterr().err
    assert sorted(path.name for path in good.parent.iterdir()) == ["good.yaml", "model.keras"]
    model = keras.models.load_model(good.parent / "model.keras")
    assert model.count_params() == 15
    (good.parent / "unadapted.yaml").write_text("inputs: {x: [4]}\nlayers:\n  - normalization\n  - dense: 3\n")
    assert run(["build", "unadapted.yaml", "-o", "model.keras"]) == 0
    assert "warning[W404]: `normalization` is saved without having measured any data" in capsys.readouterr().err
    assert run(["build", "good.yaml", "-o", "absent/model.keras"]) == 2
    assert "there is no folder `absent`" in capsys.readouterr().err


@pytest.mark.slow
def test_callbacks_write_into_the_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spec.yaml").write_text(
        "name: logged\ninputs: {x: [4]}\nlayers:\n  - dense: {units: 3, activation: softmax}\n"
        "data: {source: {sklearn: iris}, targets: {species: target}}\n"
        "train:\n  loss: sparse_categorical_crossentropy\n  epochs: 2\n  callbacks: [{csv_logger: logs/epochs.csv}]\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run(["train", "spec.yaml", "--quiet"]) == 0
    (log,) = tmp_path.glob("runs/logged/*/logs/epochs.csv")
    assert len(log.read_text().splitlines()) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs", "spec.yaml"]


def test_init_writes_a_spec_that_checks(tmp_path: Path) -> None:
    assert dlspec("init", "first.yaml", cwd=tmp_path).returncode == 0
    text = (tmp_path / "first.yaml").read_text()
    schema = text.split("\n")[0].removeprefix("# yaml-language-server: $schema=")
    assert not Path(schema).is_absolute()  # the folder may go to another machine
    assert json.loads((tmp_path / schema).read_text())["title"] == "dlspec"
    checked = dlspec("check", "first.yaml", cwd=tmp_path)
    assert checked.stdout.startswith("first.yaml: ok, 5 layers"), checked.stdout
    (tmp_path / schema).write_text("{}")  # that of an older dlspec
    second = dlspec("init", "second.yaml", cwd=tmp_path)
    assert "wrote .dlspec/schema.json, by which editors complete and check specs\n" in second.stderr
    assert json.loads((tmp_path / schema).read_text())["title"] == "dlspec"
    again = dlspec("init", "first.yaml", cwd=tmp_path)
    assert again.returncode == 2
    assert "`first.yaml` exists; --force overwrites it" in again.stderr
    assert (tmp_path / "first.yaml").read_text() == text
    assert dlspec("init", "no-name.yaml", cwd=tmp_path).returncode == 2
