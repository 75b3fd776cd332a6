"""`check` reads the file of `start_from` without Keras: what is there, whole, and fits, and what does not.

And training begins with these weights: the outputs are those of the model in the file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dlspec.backends.importing.archives import read_source
from dlspec.backends.keras.archive import Unreadable
from dlspec.backends.keras.build import build
from dlspec.backends.keras.weight_files import read_weights
from dlspec.components.layers.base import Layer
from dlspec.components.sections.training import StartFrom
from dlspec.core.ir import Graph, SharedModel
from dlspec.drafting.models.drafting import drafted
from dlspec.graph.layer_order import in_keras_order
from dlspec.training.loop.starting import load_weights
from tests.random_specs import Writer
from tests.support import ROOT, compile_text

SPEC = """
inputs: {x: [4]}
layers:
  - dense: {units: 3, name: body}
  - dense: {units: 1, name: head}
train: {loss: mse, start_from: base.keras}
"""


def save(path: Path, *layers: Any, inner: bool = False) -> None:
    """A model of four numbers whose layers come one after the other; `inner` puts them into a model of their own."""
    import keras

    x = keras.Input((4,), name="x")
    y = x
    for layer in layers:
        y = layer(y)
    model = keras.Model(x, y, name="core")
    if inner:
        raw = keras.Input((4,), name="raw")
        model = keras.Model(raw, model(keras.layers.Rescaling(0.5)(raw)), name="whole")
    model.compile(optimizer="adam", loss="mse")
    model.save_weights(path) if path.name.endswith(".weights.h5") else model.save(path)


def body_and_other() -> list[Any]:
    import keras

    return [keras.layers.Dense(3, name="body"), keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(2, name="other")]


def told(folder: Path, text: str = SPEC) -> list[tuple[str, str, str]]:
    return [(item.code, item.message, item.help) for item in compile_text(folder, text).diagnostics.items]


def saved_layers(path: Path) -> list[tuple[str, list[tuple[int, ...]]]]:
    """The layers of a file with the shapes of their weights."""
    return [(".".join(layer.path), sorted(layer.shapes.values())) for layer in read_weights(path).layers]


@pytest.mark.parametrize("form", [".keras", ".weights.h5", ".h5"])
@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_layers_of_a_file(inner: bool, form: str, tmp_path: Path) -> None:
    import keras

    lstm = keras.layers.Bidirectional(keras.layers.LSTM(2), name="both")
    layers = [*body_and_other(), keras.layers.Reshape((2, 1)), lstm, keras.layers.BatchNormalization(name="norm")]
    save(tmp_path / f"base{form}", *layers, inner=inner)
    before = "core." if inner else ""
    listed = [
        (f"{before}body", [(3,), (4, 3)]),
        (f"{before}other", [(2,), (3, 2)]),
        (f"{before}both", [(1, 8), (1, 8), (2, 8), (2, 8), (8,), (8,)]),
        (f"{before}norm", [(4,), (4,), (4,), (4,)]),
    ]
    read = saved_layers(tmp_path / f"base{form}")
    assert (sorted(read) if form == ".weights.h5" else read) == (sorted(listed) if form == ".weights.h5" else listed)


def test_a_layer_that_fits(tmp_path: Path) -> None:
    save(tmp_path / "base.keras", *body_and_other())
    assert told(tmp_path) == []


def test_no_file(tmp_path: Path) -> None:
    (tmp_path / "bas.keras").write_bytes(b"")
    assert told(tmp_path) == [("E601", "there is no file `base.keras`", "did you mean `bas.keras`?")]
    outside = SPEC.replace("base.keras", "../base.keras")
    assert [code for code, *_ in told(tmp_path, outside)] == ["E108"]


def test_no_layer_fits(tmp_path: Path) -> None:
    import keras

    save(tmp_path / "base.keras", keras.layers.Dense(5, name="body"), keras.layers.Dense(3, name="tail"))
    message = "no layer of `base.keras` has the name and shapes of one of this model"
    assert told(tmp_path) == [("E516", message, "its layers are `body`, `tail`")]
    order = SPEC.replace("base.keras", "{file: base.keras, match: order}")
    message = (
        "the weights of `base.keras` do not fit this model in their order: `body` has [4, 3], [3] here, [4, 5], [5] in "
        "the next of the file, `body`"
    )
    assert told(tmp_path, order) == [("E516", message, "its layers are `body`, `tail`")]


def test_damaged_files(tmp_path: Path) -> None:
    base, whole = tmp_path / "base.keras", tmp_path / "whole.keras"
    base.write_text("nothing")
    text = "`base.keras` cannot be read as weights of Keras: "
    help = "it takes a `.keras`, `.weights.h5` or `.h5` file, or the folder of a run"
    neither = f"{text}it is neither a `.keras` archive nor HDF5, or damaged"
    assert told(tmp_path) == [("E516", neither, help)]
    save(whole, *body_and_other())
    base.write_bytes(whole.read_bytes()[:-200])
    assert told(tmp_path) == [("E516", f"{text}it is a damaged zip archive", help)]
    for name, content, reason in (
        ("config.json", None, "it holds no `config.json`"),
        ("config.json", b"{", "its `config.json` is no JSON"),
        ("model.weights.h5", None, "it holds no `model.weights.h5`"),
        ("model.weights.h5", b"\x89HDF\r\n\x1a\n", "its weights are damaged"),
    ):
        changed(whole, base, name, content)
        assert told(tmp_path) == [("E516", text + reason, help)]


def changed(whole: Path, base: Path, name: str, content: bytes | None) -> None:
    """A copy of an archive with another content of one member, or without it."""
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(base, "w") as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        if content is not None:
            new.writestr(name, content)


def test_packed_again(tmp_path: Path) -> None:
    """Weights that are compressed are read all the same."""
    save(tmp_path / "whole.keras", *body_and_other())
    base = tmp_path / "base.keras"
    with zipfile.ZipFile(tmp_path / "whole.keras") as old, zipfile.ZipFile(base, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    assert saved_layers(base) == saved_layers(tmp_path / "whole.keras") != []
    assert told(tmp_path) == []


def test_deep_json_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "whole.keras", *body_and_other())
    changed(tmp_path / "whole.keras", tmp_path / "base.keras", "config.json", b"[" * 100_000)
    with pytest.raises(Unreadable, match="is no JSON"):
        read_weights(tmp_path / "base.keras")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "base.keras", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", " " * 20_000_000)
    with pytest.raises(Unreadable, match="compressed more than 200 times"):
        read_weights(tmp_path / "base.keras")


def test_without_tensorflow(tmp_path: Path) -> None:
    save(tmp_path / "base.keras", *body_and_other())
    (tmp_path / "spec.yaml").write_text(SPEC)
    code = (
        "import sys; from pathlib import Path; from dlspec.passes import compile_spec; "
        "assert not compile_spec(Path('spec.yaml')).diagnostics.items; "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


# --- which layer takes which weights ------------------------------------------------------------------------------


def described(folder: Path, start: str, layers: str = "") -> str:
    """What `check` says of the file, without an error."""
    text = SPEC.replace("start_from: base.keras", f"start_from: {start}")
    state: Any = compile_text(folder, text.replace("  - dense: {units: 1, name: head}\n", layers) if layers else text)
    assert not state.diagnostics.errors, state.diagnostics.errors
    return str(state.start.describe("base.keras"))


def test_what_fits_is_told(tmp_path: Path) -> None:
    save(tmp_path / "base.keras", *body_and_other())
    left = "2 of 4 tensors fit `base.keras`; left as initialised: `head` "
    assert described(tmp_path, "base.keras") == left + "(no layer of that name)"
    in_order = "([3, 1], [1] here, [3, 2], [2] in the next of the file, `other`)"
    assert described(tmp_path, "{file: base.keras, match: order}") == left + in_order
    assert described(tmp_path, "{file: base.keras, layers: body}") == "2 of 2 tensors fit `base.keras`"
    moved = "{file: base.keras, moved: {body: trunk, o*r: h*d}}"
    layers = "  - dense: {units: 2, name: hthed}\n"
    assert described(tmp_path, moved, layers) == (
        "2 of 4 tensors fit `base.keras`; left as initialised: `body` (no layer of that name)"
    )


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    save(tmp_path / "base.keras", *body_and_other())
    start = SPEC.replace("start_from: base.keras", "start_from: {}")
    lacking = told(tmp_path, start.replace("{}", "{file: base.keras, layers: [body, head]}"))
    assert lacking == [
        (
            "E516",
            "`base.keras` has no weights for all layers that `layers` names: `head` (no layer of that name)",
            "name the layers alone that the file has, or give their names there in `moved`",
        )
    ]
    assert told(tmp_path, start.replace("{}", "{file: base.keras, layers: hed}")) == [
        ("E516", "`hed` is no layer with weights", "did you mean `head`?")
    ]
    assert told(tmp_path, start.replace("{}", "{file: base.keras, moved: {bode: head}}")) == [
        ("E516", "`bode` fits no layer of `base.keras`", "did you mean `body`?")
    ]


def test_layers_that_begin_anew_are_told(tmp_path: Path) -> None:
    import keras

    save(tmp_path / "base.keras", keras.layers.Dense(3, name="body"), keras.layers.Dense(2, name="head"))
    message = "`head` has other shapes than in `base.keras`, and begins anew: [3, 1], [1] here, [3, 2], [2] there"
    help = "name in `layers` what is to start from the file, or give the layer a name of its own"
    assert told(tmp_path) == [("W516", message, help)]
    chosen = SPEC.replace("start_from: base.keras", "start_from: {file: base.keras, layers: body}")
    assert told(tmp_path, chosen) == []
    more = SPEC.replace("name: head}", "name: tail}\n  - dense: {units: 2, name: end}")
    assert [code for code, *_ in told(tmp_path, more)] == ["W516"]


def test_the_order_is_proposed(tmp_path: Path) -> None:
    import keras

    save(tmp_path / "base.keras", keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b"))
    help = "in their order 4 of 4 tensors fit: write `start_from: {file: base.keras, match: order}`"
    assert [item[2] for item in told(tmp_path)] == [help]


# --- the order of layers ------------------------------------------------------------------------------------------


def same_order(graph: Graph, model: Any) -> None:
    """The static order is the one of the built model, and of the models inside it."""
    nodes = [node for node in in_keras_order(graph) if node.weights or isinstance(node.layer, SharedModel)]
    names = [node.layer.name if isinstance(node.layer, SharedModel) else node.name for node in nodes]
    assert names == [layer.name for layer in model.layers if layer.name in set(names)]
    for node in nodes:
        if isinstance(node.layer, SharedModel):
            same_order(node.layer.graph, model.get_layer(node.layer.name))


@pytest.mark.parametrize("seed", range(12))
def test_layers_stand_in_keras_order(seed: int, tmp_path: Path) -> None:
    state: Any = compile_text(tmp_path, Writer(seed).text())
    assert any(isinstance(node.layer, Layer) for node in state.graph.nodes)
    same_order(state.graph, build(state.graph))


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["cnn/resnet50", "cnn/xception", "attention/attention_by_hand"])
def test_layers_of_specs_stand_in_keras_order(spec: str) -> None:
    from dlspec.passes import compile_spec

    state: Any = compile_spec(ROOT / "specs" / f"{spec}.yaml")
    same_order(state.training_graph, build(state.training_graph))


# --- training begins with them ------------------------------------------------------------------------------------


def network(nested: bool) -> Any:
    """A model with branches, a layer that is called twice, and layers that hold others; with models inside."""
    import keras

    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    x = image
    for width in (4, 4, 4, 5):
        steps = [layers.Conv2D(width, 3, padding="same"), layers.BatchNormalization()]
        inner = keras.Sequential(steps)(x) if nested else steps[1](steps[0](x))
        x = layers.Add()([inner, layers.Conv2D(width, 1)(x)])
    x = layers.Reshape((64, 5))(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    x = layers.MultiHeadAttention(2, 3)(x, x)
    tied = layers.Dense(6)
    x = layers.GlobalAveragePooling1D()(tied(tied(x)))
    return keras.Model(image, layers.Dense(2)(x))


def filled(model: Any) -> Any:
    """A model with random weights, statistics of normalizations too."""
    import numpy as np

    random = np.random.default_rng(5)
    model.set_weights([random.uniform(0.1, 1, weight.shape) for weight in model.weights])
    return model


@pytest.mark.parametrize("form", [".keras", ".weights.h5", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_outputs_are_those_of_the_file(form: str, tmp_path: Path) -> None:
    """A folded spec has other names than the file; a file of weights knows the order within each class alone."""
    model = filled(network(nested=form != ".weights.h5"))
    model.save(tmp_path / "whole.keras")
    path = tmp_path / f"base{form}"
    model.save_weights(path) if form == ".weights.h5" else model.save(path)
    draft = drafted(read_source(tmp_path / "whole.keras"))
    assert draft.weighted and draft.text.count("conv2d") < 8
    start_and_compare(build(compile_text(tmp_path, draft.text).graph), model, path)


def test_a_file_of_weights_does_not_tell_the_order_of_models(tmp_path: Path) -> None:
    model = filled(network(nested=True))
    model.save_weights(tmp_path / "base.weights.h5")
    fit = load_weights(model, tmp_path / "base.weights.h5", StartFrom(file="base", match="order")).fit
    assert {left.target.kind for left in fit.left} == {"conv2d", "batch_normalization"}
    assert all("does not tell the order" in left.reason for left in fit.left)
    assert not load_weights(model, tmp_path / "base.weights.h5", StartFrom(file="base")).fit.left


def start_and_compare(model: Any, other: Any, path: Path) -> None:
    """The model takes all weights of the file in order, and answers as the other one does."""
    import numpy as np

    loaded = load_weights(model, path, StartFrom(file=path.name, match="order"))
    assert loaded.fit.tensors == loaded.fit.total == len(model.weights) == len(loaded.weights)
    image = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(model(image), other(image))


@pytest.mark.slow
def test_an_imported_model_trains_on(tmp_path: Path) -> None:
    """From the command line: after an import, steps that change nothing, alone and in a search, keep its answers."""
    import keras
    import numpy as np

    x = keras.Input((4,), name="x")
    y = keras.layers.Dense(6, activation="relu")(keras.layers.Dense(6, activation="relu")(x))
    model = keras.Model(x, keras.layers.Dense(3, activation="softmax", name="kind")(y))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.save(tmp_path / "base.keras")
    dlspec("import", "base.keras", "-o", "iris.yaml", cwd=tmp_path)
    text = (tmp_path / "iris.yaml").read_text().replace("optimizer: sgd", "optimizer: {sgd: 1e-12}\n  epochs: 2")
    assert text.endswith("start_from: {file: base.keras, match: order}\n")
    data = "data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}, split: {validation: 0.2}}\n"
    (tmp_path / "iris.yaml").write_text(
        text + data + "tune: {algorithm: grid, trials: 1}\nparams: {size: {choice: [16]}}\n"
    )
    (tmp_path / "iris.yaml").write_text(
        (tmp_path / "iris.yaml").read_text().replace("split:", "batch_size: $size, split:")
    )
    done = dlspec("check", "iris.yaml", cwd=tmp_path)
    assert "start_from: 6 of 6 tensors fit `base.keras`" in done
    dlspec("train", "iris.yaml", "--run", "run", cwd=tmp_path)
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert report["method_facts"]["start_from"]["value"] == "6 of 6 tensors"
    dlspec("tune", "iris.yaml", cwd=tmp_path)
    runs = [tmp_path / "run", *(path.parent for path in tmp_path.rglob("trials/*/model.keras"))]
    examples = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")
    for run in runs:
        trained = keras.models.load_model(run / "model.keras", compile=False)
        np.testing.assert_allclose(trained(examples), model(examples), atol=1e-6)


def dlspec(*arguments: str, cwd: Path) -> str:
    """What the command prints; it succeeds."""
    command = [sys.executable, "-m", "dlspec", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
