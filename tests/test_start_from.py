"""`check` reads the file of `start_from` without Keras: what is there, whole, and fits, and what does not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dlspec.backends.keras.archive import Saved, Unreadable, read_layers
from tests.support import compile_text

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
    model.save(path)


def body_and_other() -> list[Any]:
    import keras

    return [keras.layers.Dense(3, name="body"), keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(2, name="other")]


def told(folder: Path, text: str = SPEC) -> list[tuple[str, str, str]]:
    return [(item.code, item.message, item.help) for item in compile_text(folder, text).diagnostics.items]


@pytest.mark.parametrize("inner", [False, True])
def test_layers_of_a_file(inner: bool, tmp_path: Path) -> None:
    import keras

    lstm = keras.layers.Bidirectional(keras.layers.LSTM(2), name="both")
    layers = [*body_and_other(), keras.layers.Reshape((2, 1)), lstm, keras.layers.BatchNormalization(name="norm")]
    save(tmp_path / "base.keras", *layers, inner=inner)
    assert read_layers(tmp_path / "base.keras") == [
        Saved("body", ((3,), (4, 3))),
        Saved("other", ((2,), (3, 2))),
        Saved("both", ((1, 8), (1, 8), (2, 8), (2, 8), (8,), (8,))),
        Saved("norm", ((4,), (4,), (4,), (4,))),
    ] + ([Saved("core", _all(read_layers(tmp_path / "base.keras")))] if inner else [])


def _all(layers: list[Saved] | None) -> tuple[tuple[int, ...], ...]:
    """The shapes of all layers but the model around them."""
    return tuple(sorted(shape for layer in layers or () if layer.name != "core" for shape in layer.shapes))


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


def test_damaged_files(tmp_path: Path) -> None:
    base, whole = tmp_path / "base.keras", tmp_path / "whole.keras"
    base.write_text("nothing")
    text = "`base.keras` cannot be read as a Keras model: "
    archive = f"{text}it is no zip archive, as `.keras` files are, or a damaged one"
    assert told(tmp_path) == [("E516", archive, "it takes a `.keras` file")]
    save(whole, *body_and_other())
    base.write_bytes(whole.read_bytes()[:-200])
    assert told(tmp_path) == [("E516", archive, "it takes a `.keras` file")]
    for name, content, reason in (
        ("config.json", None, "it holds no `config.json`"),
        ("config.json", b"{", "its `config.json` is no JSON"),
        ("model.weights.h5", None, "it holds no `model.weights.h5`"),
        ("model.weights.h5", b"\x89HDF\r\n\x1a\n", "its `model.weights.h5` is damaged"),
    ):
        changed(whole, base, name, content)
        assert told(tmp_path) == [("E516", text + reason, "it takes a `.keras` file")]


def changed(whole: Path, base: Path, name: str, content: bytes | None) -> None:
    """A copy of an archive with another content of one member, or without it."""
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(base, "w") as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        if content is not None:
            new.writestr(name, content)


def test_packed_again(tmp_path: Path) -> None:
    """Only Keras reads weights that are compressed; `check` lets them pass."""
    save(tmp_path / "whole.keras", *body_and_other())
    base = tmp_path / "base.keras"
    with zipfile.ZipFile(tmp_path / "whole.keras") as old, zipfile.ZipFile(base, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    assert read_layers(tmp_path / "base.keras") is None
    assert told(tmp_path) == []


def test_deep_json_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "whole.keras", *body_and_other())
    changed(tmp_path / "whole.keras", tmp_path / "base.keras", "config.json", b"[" * 100_000)
    with pytest.raises(Unreadable, match="is no JSON"):
        read_layers(tmp_path / "base.keras")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "base.keras", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", " " * 20_000_000)
    with pytest.raises(Unreadable, match="compressed more than 200 times"):
        read_layers(tmp_path / "base.keras")


def test_without_tensorflow(tmp_path: Path) -> None:
    save(tmp_path / "base.keras", *body_and_other())
    (tmp_path / "spec.yaml").write_text(SPEC)
    code = (
        "import sys; from pathlib import Path; from dlspec.passes import compile_spec; "
        "assert not compile_spec(Path('spec.yaml')).diagnostics.items; "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
