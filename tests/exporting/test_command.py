"""``dlspec export``: what it refuses before TensorFlow starts, run folders, weights, missing packages."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlspec.cli.commands import export as command
from dlspec.cli.main import run
from dlspec.export.formats.export import FORMATS
from tests.support import ROOT, as_documented, dlspec

SPEC = """
name: small
inputs: {x: [4]}
layers: [{dense: {units: 3, activation: softmax, name: species}}]
data: {source: {sklearn: iris}, inputs: {x: {column: data, prepare: [normalization]}}, targets: {species: target}}
train: {loss: sparse_categorical_crossentropy, epochs: 2}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def run_folder(spec: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run as far as its spec and its report go, below the current folder."""
    monkeypatch.chdir(spec.parent)
    folder = spec.parent / "runs" / "small" / "1"
    folder.mkdir(parents=True)
    (folder / "spec.yaml").write_text(
        SPEC.replace("name: small", "params: {units: 3}").replace("units: 3,", "units: $units,")
    )
    (folder / "report.json").write_text(json.dumps({"name": "small", "status": "finished", "spec_folder": "../../.."}))
    return folder


def test_as_python_a_run_stands_for_its_spec(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(run_folder), "--to", "python", "--set", "params.units=4"]) == 0
    written = capsys.readouterr().out
    assert "def build_model(units: int = 4)" in written and 'name="small"' in written


def test_a_project_of_a_run(run_folder: Path, tmp_path: Path) -> None:
    assert run(["export", str(run_folder), "--project", str(tmp_path / "project")]) == 0
    assert "The model small." in (tmp_path / "project" / "model.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("missing", ["spec.yaml", "report.json"])
@pytest.mark.parametrize("target", ["--to python", "--project project"])
def test_a_folder_without_a_spec_or_a_report(
    missing: str, target: str, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_folder / missing).unlink()
    assert run(["export", str(run_folder), *target.split()]) == 1
    assert (
        f"error[E704]: `{run_folder}` is no folder of a run with a report: it has no {missing}"
        in capsys.readouterr().err
    )


def test_every_format_has_its_place() -> None:
    assert set(command._TARGETS) == {"python", *FORMATS}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--to onnx", "name what to write with -o"),
        ("--to onnx -o model.pb", "`model.pb` must end in .onnx"),
        ("--to litert -o model.onnx", "`model.onnx` must end in .tflite"),
        ("--to keras -o model.h5", "`model.h5` must end in .keras"),
        ("--to onnx -o absent/model.onnx", "there is no folder `absent`"),
        ("--to onnx -o folder.onnx --force", "`folder.onnx` is a folder"),
        ("--to onnx -o old.onnx", "`old.onnx` exists; --force replaces it"),
        ("--to savedmodel -o folder.onnx --force", "`folder.onnx` is there, and is no SavedModel"),
        ("--to savedmodel -o old.onnx --force", "`old.onnx` is there, and is no SavedModel"),
        ("--to savedmodel -o . --force", "`.` names no file or folder to write"),
        ("--to savedmodel -o saved", "`saved` exists; --force replaces it"),
        ("--to caffe -o x", "'caffe' is not one of"),
    ],
)
def test_targets_that_cannot_be(
    arguments: str, message: str, spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(spec.parent)
    (spec.parent / "folder.onnx").mkdir()
    (spec.parent / "old.onnx").write_text("old")
    (spec.parent / "saved").mkdir()
    (spec.parent / "saved/saved_model.pb").write_text("old")
    before = sorted(spec.parent.rglob("*"))
    assert run(["export", "small.yaml", *arguments.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and message in captured.err
    assert sorted(spec.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("layers", "target", "message"),
    [
        ("[{lstm: 3}]", "litert", "error[E702]: LiteRT cannot hold the loop of `lstm`"),
        ("[{bidirectional: {layer: {gru: 3}}}]", "litert", "error[E702]: LiteRT cannot hold the loop of `bidirect"),
        ("[{rnn: {cell: {gru_cell: 2}}}]", "litert", "error[E702]: LiteRT cannot hold the loop of `rnn`"),
        ("[Twin]", "litert", "error[E702]: LiteRT cannot hold the loop of `lstm`"),
    ],
)
def test_loops_are_refused_before_tensorflow_starts(
    layers: str, target: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spec.yaml"
    twin = "models: {Twin: {inputs: {y: [5, 2]}, layers: [{lstm: 2}]}}\n" if "Twin" in layers else ""
    path.write_text(f"{twin}inputs: {{x: [5, 2]}}\nlayers: {layers}\n")
    assert run(["export", str(path), "--to", target, "-o", str(tmp_path / "model.tflite")]) == 1
    error = capsys.readouterr().err
    assert message in error and "unroll: true" in error and "spec.yaml:" in error
    assert "starting TensorFlow" not in error


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("[ops.argmax: -1]", "ONNX has no operations for `ops.argmax`"),
        ("[{resizing: {height: 2, width: 2, interpolation: area, name: less}}]", "for `resizing`, `less`"),
        ("[Twin]", "ONNX has no operations for `ops.argmin`"),
    ],
)
def test_what_onnx_lacks_is_refused_before_tensorflow_starts(
    layers: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spec.yaml"
    twin = "models: {Twin: {inputs: {y: [4, 4, 1]}, layers: [ops.argmin: 1]}}\n" if "Twin" in layers else ""
    path.write_text(f"{twin}inputs: {{x: [4, 4, 1]}}\nlayers: {layers}\n")
    assert run(["export", str(path), "--to", "onnx", "-o", str(tmp_path / "model.onnx")]) == 1
    error = capsys.readouterr().err
    assert message in error and "spec.yaml:" in error and "starting TensorFlow" not in error


@pytest.mark.parametrize(
    ("layer", "shape", "form", "message"),
    [
        ("category_encoding: {num_tokens: 3, output_mode: one_hot}", "{shape: [null], dtype: int32}", "onnx", "catego"),
        ("category_encoding: 3", "{shape: [2], dtype: int32}", "litert", "category_encoding"),
        ("integer_lookup: {vocabulary: [1, 2]}", "{shape: [2], dtype: int64}", "litert", "integer_lookup"),
        ("text_vectorization: {vocabulary: [a]}", "{shape: [], dtype: string}", "litert", "text_vectorization"),
        ("hashing: 3", "{shape: [2], dtype: string}", "litert", "hashing"),
        ("hashing: 3", "{shape: [2], dtype: int64}", "onnx", "hashing"),
        ("string_lookup: {vocabulary: [a], num_oov_indices: 2}", "{shape: [], dtype: string}", "litert", "string_look"),
        ("string_lookup: {vocabulary: [a], invert: true}", "{shape: [], dtype: int64}", "onnx", "string_lookup"),
        ("discretization: {bin_boundaries: [0.5], output_mode: count}", "[3]", "litert", "discretization"),
        ("conv_lstm1d: {filters: 2, kernel_size: 2}", "[3, 4, 1]", "litert", "conv_lstm1d"),
        ("adaptive_max_pooling3d: 2", "[4, 4, 4, 1]", "litert", "adaptive_max_pooling3d"),
    ],
)
def test_what_a_format_lacks_is_refused_before_tensorflow_starts(
    layer: str, shape: str, form: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(f"inputs: {{x: {shape}}}\nlayers: [{{{layer}}}]\n")
    target = tmp_path / f"model.{'onnx' if form == 'onnx' else 'tflite'}"
    assert run(["export", str(path), "--to", form, "-o", str(target)]) == 1
    error = capsys.readouterr().err
    assert f" has no operations for `{message}" in error and "starting TensorFlow" not in error


def test_what_a_run_prepares_is_refused_before_tensorflow_starts(
    run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = run_folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("[normalization]", "[{discretization: {num_bins: 3}}]"))
    assert "discretization" in spec.read_text()
    (run_folder / "model.keras").touch()
    assert run(["export", str(run_folder), "--to", "onnx", "-o", "model.onnx"]) == 1
    error = capsys.readouterr().err
    assert "error[E702]: ONNX has no operations for `discretization`" in error and "starting TensorFlow" not in error


def test_text_for_onnx_is_refused_before_tensorflow_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("inputs: {word: {shape: [], dtype: string}}\nlayers: [{string_lookup: {vocabulary: [a]}}]\n")
    assert run(["export", str(path), "--to", "onnx", "-o", str(tmp_path / "model.onnx")]) == 1
    error = capsys.readouterr().err
    assert "error[E702]: ONNX cannot hold the text input `word`" in error
    assert "spec.yaml:1:10" in error and "starting TensorFlow" not in error


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (["tf2onnx"], "needs `tf2onnx`\n  = help: pip install tf2onnx\n"),
        (["tf2onnx", "onnx", "onnxruntime"], "`tf2onnx` and `onnx`\n  = help: pip install tf2onnx onnx onnxruntime\n"),
    ],
)
def test_missing_packages_give_the_command(
    missing: list[str], message: str, spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
    assert run(["export", str(spec), "--to", "onnx", "-o", str(spec.with_suffix(".onnx"))]) == 1
    assert f"error[E703]: writing ONNX {message}".replace("ONNX `", "ONNX needs `") in capsys.readouterr().err


def test_without_onnxruntime_nothing_is_verified(
    spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    path = spec.with_suffix(".onnx")
    assert run(["export", str(spec), "--to", "onnx", "-o", str(path)]) == 0
    captured = capsys.readouterr()
    assert "warning[W702]: `small.onnx` is not verified: `onnxruntime` is not installed" in captured.err
    assert "= help: pip install onnxruntime" in captured.err
    assert captured.out.endswith(", not verified\n") and path.exists()


def test_layers_that_have_seen_no_data_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("inputs: {x: [4]}\nlayers: [normalization, {dense: 1}]\n")
    assert run(["export", str(path), "--to", "keras", "-o", str(tmp_path / "m.keras"), "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert "warning[W404]: `normalization` is exported without having measured any data" in captured.err
    assert "warning[W701]: the weights of `m.keras` are untrained" in captured.err
    facts = as_documented("output/export", captured.out)
    assert facts["verified"] and facts["differences"] == {"dense": 0.0} and facts["format"] == "keras"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("weights.txt", "is no file of weights"),
        ("absent.keras", "there is no file"),
        ("broken.keras", "cannot load"),
        ("broken.weights.h5", "do not fit"),
    ],
)
def test_weights_that_cannot_be(file: str, message: str, spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("weights.txt", "broken.keras", "broken.weights.h5"):
        (spec.parent / name).write_text("no weights")
    weights = str(spec.parent / file)
    assert run(["export", str(spec), "--to", "keras", "-o", str(spec.with_suffix(".keras")), "--weights", weights]) == 1
    error = capsys.readouterr().err
    assert "error[E704]: " in error and message in error
    assert not spec.with_suffix(".keras").exists()


def test_a_folder_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = str(tmp_path / "m.keras")
    assert run(["export", str(tmp_path), "--to", "keras", "-o", target]) == 1
    assert "no folder of a run with a model: it has no report.json" in capsys.readouterr().err
    for option in (["--set", "name=b"], ["--allow-outside"], ["--weights", "a.keras"], ["--seed", "1"]):
        assert run(["export", str(tmp_path), "--to", "keras", "-o", target, *option]) == 2
        assert f"{option[0]} is for specs" in capsys.readouterr().err


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose model prepares its inputs."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(SPEC)
    assert run(["train", str(folder / "small.yaml"), "-q", "--runs", str(folder / "runs")]) == 0
    (path,) = (folder / "runs/small").iterdir()
    return path


@pytest.mark.slow
def test_a_run_takes_raw_values_in_every_format(trained: Path, tmp_path: Path) -> None:
    import onnxruntime
    from sklearn.datasets import load_iris

    path = tmp_path / "iris.onnx"
    done = dlspec("export", str(trained), "--to", "onnx", "-o", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["starting TensorFlow …", "writing ONNX …", "comparing with Keras …"]
    assert done.stdout.startswith(f"{path}: ONNX, ") and "largest difference from Keras" in done.stdout
    import keras

    raw = load_iris().data.astype("float32")
    expected = keras.saving.load_model(trained / "model.keras", compile=False).predict(raw, verbose=0)
    (found,) = onnxruntime.InferenceSession(path).run(["species"], {"x": raw})
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 with numpy 2
def test_weights_of_a_run_fit_its_spec(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    spec = tmp_path / "small.yaml"
    spec.write_text(SPEC)
    core = keras.saving.load_model(trained / "model.keras", compile=False).get_layer("small")
    core.save_weights(tmp_path / "core.weights.h5")
    x = np.ones((2, 4), "float32")
    for weights in (trained / "model.keras", tmp_path / "core.weights.h5"):
        target = tmp_path / f"{weights.suffix[1:]}.keras"
        assert run(["export", str(spec), "--to", "keras", "-o", str(target), "--weights", str(weights)]) == 0
        assert capsys.readouterr().err.startswith("starting TensorFlow")
        loaded = keras.saving.load_model(target, compile=False)
        assert np.array_equal(loaded.predict(x, verbose=0), core.predict(x, verbose=0))
    other = ["--set", "layers=[{dense: 4}]", "--weights", str(trained / "model.keras")]
    assert run(["export", str(spec), "--to", "keras", "-o", str(tmp_path / "other.keras"), *other]) == 1
    assert "do not fit" in capsys.readouterr().err


@pytest.mark.slow
def test_an_unfinished_run_is_exported_with_a_warning(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    report = json.loads((folder / "report.json").read_text())
    (folder / "report.json").write_text(json.dumps({**report, "status": "interrupted"}))
    assert run(["export", str(folder), "--to", "litert", "-o", str(tmp_path / "m.tflite")]) == 0
    assert "warning[W703]: the run has the status `interrupted`" in capsys.readouterr().err


@pytest.mark.slow
def test_words_and_several_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("listing.yaml", "listing.csv"):
        shutil.copy(ROOT / "specs/start" / name, tmp_path)
    assert run(["train", "listing.yaml", "-q", "--set", "train.epochs=1"]) == 0
    (run_folder,) = (tmp_path / "runs/listing").iterdir()
    capsys.readouterr()
    assert run(["export", str(run_folder), "--to", "savedmodel", "-o", "served", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"].keys() == {"price", "sold"}
    code = (
        "import tensorflow as tf\n"
        "model = tf.saved_model.load('served').signatures['serving_default']\n"
        "out = model(tabular=tf.ones((2, 3)), city=tf.constant(['Turku', 'nowhere']))\n"
        "print(sorted(out))"
    )
    served = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert served.stdout == "['price', 'sold']\n", served.stderr
    assert run(["export", str(run_folder), "--to", "onnx", "-o", "m.onnx"]) == 1
    assert "ONNX cannot hold the text input `city`" in capsys.readouterr().err
