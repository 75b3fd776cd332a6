"""The Python interface: `import dlspec`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dlspec
from dlspec.syntax.dumping import dump
from tests.documents import Block, blocks, furnish
from tests.support import ROOT

FLOWERS: dict[str, Any] = {
    "name": "flowers",
    "params": {"width": 8},
    "layers": [{"dense": {"units": "$width", "activation": "relu"}}, {"dense": {"units": 3, "activation": "softmax"}}],
    "data": {
        "source": {"csv": "flowers.csv"},
        "inputs": {"x": {"columns": ["length", "width"], "prepare": ["normalization"]}},
        "targets": {"kind": "kind"},
        "split": {"validation": 0.25},
    },
    "train": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "epochs": 2},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table."""
    monkeypatch.chdir(tmp_path)
    rows = [
        f"{kind + number / 40},{(number * 7 + kind) % 5},{'abc'[kind]}" for number in range(20) for kind in range(3)
    ]
    (tmp_path / "flowers.csv").write_text("\n".join(["length,width,kind", *rows]) + "\n")
    return tmp_path


def test_import_loads_nothing_and_the_static_calls_no_tensorflow() -> None:
    code = (
        "import sys, dlspec\nassert not {'yaml', 'click', 'numpy'} & set(sys.modules)\n"
        "spec = dlspec.load({'inputs': {'x': [4]}, 'layers': [{'dense': 3}]})\n"
        "spec.check(), spec.show(), spec.svg(), spec._repr_html_(), spec.python()\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_dictionaries_stand_for_files(folder: Path) -> None:
    (folder / "flowers.yaml").write_text(dump(FLOWERS))
    for spec in (
        dlspec.load(FLOWERS, width=16),
        dlspec.load("flowers.yaml", width=16),
        dlspec.load("flowers.yaml", {"params.width": 16}),
    ):
        assert spec.show().parameters == 3 * 16 + 17 * 3 and spec.name == "flowers" and not spec.check()
    assert str(dlspec.load(FLOWERS)) == (folder / "flowers.yaml").read_text()
    assert dlspec.load({"inputs": {"x": (4,)}, "layers": [{"dense": 3}]}).show().parameters == 15
    with pytest.raises(TypeError, match="no object"):
        dlspec.load({"inputs": object()})


def test_errors_carry_diagnostics(folder: Path) -> None:
    wrong = dlspec.load({**FLOWERS, "layers": [{"densse": 3}]})
    for call in (wrong.check, wrong.show, wrong.svg, wrong.build, wrong.train, wrong.python):
        with pytest.raises(dlspec.InvalidSpec, match="unknown layer `densse`") as caught:
            call()
        assert [item.code for item in caught.value.diagnostics] == ["E201"]
    assert "did you mean `dense`?" in str(wrong.diagnostics) and len(wrong.diagnostics.errors) == 1
    assert "densse" in wrong._repr_html_() and "<svg" in dlspec.load(FLOWERS)._repr_html_()
    with pytest.raises(dlspec.InvalidSpec, match="no parameter `height`"):
        dlspec.load(FLOWERS, height=3).check()
    with pytest.raises(dlspec.InvalidSpec, match="cannot read"):
        dlspec.load("absent.yaml").check()
    with pytest.raises(dlspec.InvalidSpec, match="no runs"):
        dlspec.open_run()
    with pytest.raises(dlspec.InvalidSpec, match="no `tune`"):
        dlspec.load(dump_of(folder)).tune()
    with pytest.raises(TypeError, match="study"):
        dlspec.load({**FLOWERS, "train": {**FLOWERS["train"], "method": {"seeds": 2}}}).train()


def dump_of(folder: Path) -> Path:
    """The spec as a file."""
    path = folder / "flowers.yaml"
    path.write_text(dump(FLOWERS))
    return path


def test_modules_are_written_once(folder: Path) -> None:
    spec = dlspec.load(FLOWERS)
    assert "def build_model" in spec.export("model.py").read_text()
    with pytest.raises(FileExistsError):
        spec.export("model.py")
    spec.export("model.py", force=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what Keras Tuner imports
@pytest.mark.slow
def test_a_spec_is_trained_asked_searched_and_exported(folder: Path) -> None:
    spec = dlspec.load(FLOWERS, width=16)
    assert spec.build().count_params() == spec.show().parameters
    run = spec.train(progress=False)
    assert spec.train(run=run.path, progress=False).path == run.path  # it is finished
    assert (
        run.history["val_loss"][-1] == pytest.approx(run.metrics["validation"]["loss"], rel=1) and run.report["status"]
    )
    examples = {"length": [0.1, 2.2], "width": [3, 1]}

    class Frame:
        """What a data frame is to us: columns by name."""

        columns = ("length", "width")

        def __getitem__(self, name: str) -> list[float]:
            return examples[name]

    answers = run.predict(examples, keep=["length"])
    assert [set(row) >= {"kind", "kind probabilities", "length"} for row in answers] == [True, True]
    assert run.predict(Frame()) == run.predict(examples)
    assert len(run.predict("flowers.csv")) == 60 and dlspec.open_run("flowers").path == run.path
    with pytest.raises(dlspec.InvalidSpec, match="no column"):
        run.predict({"length": [1]})
    measured = run.evaluate(parts=["validation"])
    assert measured == {"validation": pytest.approx(run.metrics["validation"])}
    assert set(run.evaluate("flowers.csv")) == {"examples"}
    with pytest.raises(ValueError, match="no such format"):
        run.export("m.x", to="x")
    assert run.export("m.keras").is_file() and "<table>" in run._repr_html_()
    with pytest.raises(FileExistsError):
        run.export("m.keras")
    searched = {**FLOWERS, "params": {"width": {"choice": [4, 8]}}, "tune": {"algorithm": "grid"}}
    path = folder / "searched.yaml"
    path.write_text(dump(searched))
    search = dlspec.load(path).tune(progress=False)
    assert len(search.report["trials"]) == 2 and not search.best.check()


@pytest.mark.slow
def test_a_study_is_run_and_a_project_written(folder: Path) -> None:
    studied = dlspec.load(FLOWERS, {"train.method": {"seeds": {"count": 2, "keep": "best"}}}, width=4)
    with pytest.raises(TypeError, match="call `study"):
        studied.train(progress=False)
    study = studied.study(progress=False)
    assert [set(run.metrics) for run in study.members] == [set(study.run.metrics)] * 2
    assert "2 trainings" in str(study) and studied.study(study=study.path, progress=False).path == study.path
    plain = dlspec.load(FLOWERS, width=4)
    with pytest.raises(TypeError, match="call `train"):
        plain.study()
    made = plain.project(folder / "plain")
    assert (made / "model.py").is_file() and (made / "train.py").is_file()
    with pytest.raises(FileExistsError):
        plain.project(made)
    assert plain.project(made, force=True) == made


@pytest.mark.slow
@pytest.mark.parametrize("block", [pytest.param(b, id=b.id) for b in blocks("python", "docs/python.md")])
def test_the_examples_of_the_page_run(block: Block, tmp_path: Path) -> None:
    furnish(tmp_path)
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", block.text], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout, done.stderr
