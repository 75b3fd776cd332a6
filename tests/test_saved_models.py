"""`models: {Backbone: {file: base.keras}}`: a saved model is part of the graph, read as data, with its weights."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.backends.keras.build import build, build_with_tensors, verify
from dlspec.cli.main import run
from dlspec.core.errors import Problem
from dlspec.export.python.model_files import write_model_files
from dlspec.export.python.module import emit_model
from dlspec.passes.state import Checked, Lowered
from tests.support import ROOT, compile_text

LEARNING = ROOT / "specs" / "learning"
SPEC = """
inputs: {image: [8, 8, 1]}
models:
  Backbone: {file: base.keras, outputs: OUTPUTS, trainable: false}
layers:
  - Backbone
  - dense: {units: 3, activation: softmax}
"""


@pytest.fixture
def base(tmp_path: Path) -> Any:
    """A model in a file with a sum, a model inside, a layer that is called twice, and measured layers."""
    import keras

    keras.utils.set_random_seed(1)
    x = keras.Input((4, 4, 6), name="x")
    y = keras.layers.Conv2D(6, 3, padding="same", name="conv-in")(x)
    y = keras.layers.BatchNormalization(name="norm")(y)
    core = keras.Model(x, keras.layers.Add(name="sum")([x, y]), name="core")
    core.get_layer("norm").set_weights([np.random.default_rng(n).uniform(1, 2, 6) for n in range(4)])
    image = keras.Input((8, 8, 1), name="image")
    scaled = keras.layers.Normalization(axis=None, name="scaled")
    scaled.adapt(np.random.default_rng(0).uniform(0, 9, (50, 8, 8, 1)))
    h = keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="Stem 1")(scaled(image))
    h = core(h)
    twice = keras.layers.Dense(6, name="twice")
    h = twice(twice(keras.layers.Flatten(name="flat")(h)[:, :6]))
    model = keras.Model(image, keras.layers.Dense(2, name="top")(h), name="base")
    model.compile("adam", "mse")
    model.save(tmp_path / "base.keras")
    return model


def lowered(folder: Path, text: str) -> Lowered:
    state = compile_text(folder, text)
    assert isinstance(state, Checked), [item.message for item in state.diagnostics.items]
    return state


def pictures() -> Any:
    return np.random.default_rng(3).uniform(0, 9, (5, 8, 8, 1)).astype("float32")


@pytest.mark.parametrize(
    ("outputs", "layer"), [("stem_1", "Stem 1"), ("sum", "core"), ("flat", "flat"), ("top", "top")]
)
@pytest.mark.parametrize("form", ["base.keras", "base.h5", "run"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_outputs_are_those_of_the_file(base: Any, outputs: str, layer: str, form: str, tmp_path: Path) -> None:
    import keras

    if form == "base.h5":
        base.save(tmp_path / form)
    if form == "run":
        (tmp_path / "run").mkdir()
        shutil.copy(tmp_path / "base.keras", tmp_path / "run" / "model.keras")
    flat = "" if outputs in ("flat", "top") else "  - flatten\n"
    text = SPEC.replace("base.keras", form).replace("OUTPUTS", outputs).replace("  - dense", f"{flat}  - dense")
    state = lowered(tmp_path, text)
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    tensor = base.get_layer("flat").input if layer == "core" else base.get_layer(layer).output
    expected = keras.Model(base.input, tensor)(pictures())
    np.testing.assert_array_equal(model.get_layer("Backbone")(pictures()), expected)
    assert len(model.trainable_weights) == 2


def test_the_whole_model_learns_unless_told_otherwise(base: Any, tmp_path: Path) -> None:
    text = SPEC.replace(", outputs: OUTPUTS, trainable: false", "")
    state = lowered(tmp_path, text)
    model = build(state.graph)
    assert state.graph.trainable_parameters == sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    np.testing.assert_array_equal(model.get_layer("Backbone")(pictures()), base(pictures()))


def test_what_was_saved_frozen_stays_so_unless_the_spec_says_otherwise(base: Any, tmp_path: Path) -> None:
    base.get_layer("Stem 1").trainable = False
    base.save(tmp_path / "base.keras")
    counts = []
    for option in ("", ", trainable: true", ", trainable: false"):
        state = lowered(tmp_path, SPEC.replace(", outputs: OUTPUTS, trainable: false", option))
        counts.append(state.graph.trainable_parameters)
        assert counts[-1] == sum(int(np.prod(w.shape)) for w in build(state.graph).trainable_weights)
    assert counts[2] < counts[0] < counts[1] == counts[0] + 60


def test_several_outputs(base: Any, tmp_path: Path) -> None:
    state = lowered(
        tmp_path,
        """
inputs: {image: [8, 8, 1]}
models: {Backbone: {file: base.keras, outputs: [stem_1, sum]}}
layers:
  - Backbone: {name: [low, high]}
  - concatenate: {from: [low, high], name: both}
""",
    )
    made = build(state.graph)(pictures())
    np.testing.assert_array_equal(made[..., 6:], base.get_layer("core")(made[..., :6]))


AVERAGES = """
inputs: {image: {shape: [8, 8, 1], draw: normal}}
models:
  Backbone: {file: base.keras}
  Slow: {average_of: Backbone}
  Slower: {average_of: Slow}
layers:
  - Backbone: {from: image, name: fast}
  - Slow: {from: image, name: slow}
  - Slower: {from: image, name: slower}
  - losses.mse: {from: [slow, fast], name: apart}
  - losses.mse: {from: [slower, fast], name: farther}
outputs: fast
train: {minimize: [apart, farther]}
data: {source: {draws: 8}}
"""
INSIDE = """
inputs: {image: {shape: [8, 8, 1], draw: normal}}
models:
  Backbone: {file: base.keras}
  Fast: {inputs: {image: [8, 8, 1]}, layers: [Backbone, identity]}
  Slow: {average_of: Fast}
layers:
  - Fast: {from: image, name: fast}
  - Slow: {from: image, name: slow}
  - losses.mse: {from: [slow, fast], name: apart}
outputs: fast
train: {minimize: apart}
data: {source: {draws: 8}}
"""


@pytest.mark.parametrize(("text", "names"), [(AVERAGES, "Backbone Slow Slower"), (INSIDE, "Fast Slow")])
def test_averages_of_it_begin_equal(base: Any, text: str, names: str, tmp_path: Path) -> None:
    """Their measured layers too, which compute with constants made of their weights; also in emitted Python."""
    state = lowered(tmp_path, text)
    model = build(state.training_graph)
    for name in names.split():
        np.testing.assert_array_equal(model.get_layer(name)(pictures()), base(pictures()))
    (tmp_path / "network.py").write_text(emit_model(state.become(Checked)))
    write_model_files(state.training_graph, tmp_path)
    assert [file.name for file in tmp_path.glob("*.h5")] == ["backbone.weights.h5"]
    code = (
        "import network, numpy; x = numpy.load('x.npy'); model = network.build_whole()\n"
        "for layer in model.layers:\n"
        f"    if layer.name in {names.lower().split()} + {names.split()}:\n"
        "        numpy.save(layer.name.lower() + '.npy', layer(x))"
    )
    np.save(tmp_path / "x.npy", pictures())
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    for name in names.lower().split():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), base(pictures()))


def test_wrong_names_and_files(base: Any, tmp_path: Path) -> None:
    def told(text: str) -> list[tuple[str, str, str]]:
        state = compile_text(tmp_path, text)
        return [(item.code, item.message, item.help) for item in state.diagnostics.items]

    message = told(SPEC.replace("OUTPUTS", "nowhere_at_all"))[0]
    assert message[:2] == ("E541", "`base.keras` has no layer `nowhere_at_all`")
    assert all(f"`{name}`" in message[2] for name in ("top", "sum", "stem_1"))
    json_text = base.to_json()
    (tmp_path / "base.json").write_text(json_text)
    assert told(SPEC.replace("base.keras", "base.json").replace("OUTPUTS", "top"))[0][0] == "E542"
    tree = json.loads(json_text)
    tree["config"]["layers"][2]["class_name"] = "Secret"
    tree["config"]["layers"][2]["module"] = "secret"
    (tmp_path / "base.json").write_text(json.dumps(tree))
    assert told(SPEC.replace("base.keras", "base.json").replace("OUTPUTS", "top"))[0][0] == "E803"
    data = (tmp_path / "base.keras").read_bytes()
    (tmp_path / "base.keras").write_bytes(data[: len(data) // 2])
    assert told(SPEC.replace("OUTPUTS", "top"))[0][:2] == (
        "E801",
        "`base.keras` cannot be read as a Keras model: the zip archive is damaged",
    )
    outside = SPEC.replace("base.keras", "../base.keras").replace("OUTPUTS", "top")
    assert [code for code, *_ in told(outside)] == ["E108"]


def test_a_file_that_changes_between_check_and_build(base: Any, tmp_path: Path) -> None:
    state = lowered(tmp_path, SPEC.replace("OUTPUTS", "top"))
    (tmp_path / "base.keras").write_bytes(b"nothing")
    with pytest.raises(Problem, match="the weights of Backbone cannot be read any more"):
        build(state.graph)


def test_emitted_module(base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC.replace("OUTPUTS", "top"))
    assert run(["export", "spec.yaml", "--to", "python"]) == 2  # there is no place for the weights
    assert run(["export", "spec.yaml", "--to", "python", "-o", "network.py"]) == 0
    assert run(["export", "spec.yaml", "--to", "python", "-o", "network.py", "--force"]) == 0
    (tmp_path / "network.py").unlink()
    assert run(["export", "spec.yaml", "--to", "python", "-o", "network.py"]) == 2  # the weights are in the way
    assert run(["export", "spec.yaml", "--to", "python", "-o", "network.py", "--force"]) == 0
    code = (
        "import network, numpy; x = numpy.load('x.npy'); model = network.build_model(); "
        "print(len(model.trainable_weights)); numpy.save('y.npy', model.get_layer('Backbone')(x))"
    )
    np.save("x.npy", pictures())
    shutil.move("base.keras", "away.keras")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2"
    np.testing.assert_array_equal(np.load("y.npy"), base(pictures()))


def test_emitted_layer_by_layer(base: Any, tmp_path: Path) -> None:
    state = lowered(tmp_path, SPEC.replace("OUTPUTS", "top"))
    from dlspec.export.python.module import flat

    functions, _ = flat(state.become(Checked))
    assert "backbone.load_weights(Path(__file__).with_name('backbone.weights.h5'))" in functions[-1].code
    assert "backbone.trainable = False" in emit_model(state.become(Checked))
    write_model_files(state.graph, tmp_path)
    assert (tmp_path / "backbone.weights.h5").is_file()
