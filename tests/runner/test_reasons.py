"""Keras's errors, as messages show them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from dlspec.runner.reasons import reason


def test_what_stands_before_the_reason_is_left_out() -> None:
    wrapped = (
        "<class 'Functional'> could not be deserialized.\n\nconfig={'a': 1}.\n\nException encountered: no\nsuch layer"
    )
    assert reason(ValueError(wrapped)) == "no such layer"
    assert reason(OSError("file  not found")) == "file not found"
    assert reason(KeyError()) == "KeyError"
    assert reason(ValueError("x" * 600)) == "x" * 500 + " …"


@pytest.mark.slow
def test_a_real_one_is_whole(tmp_path: Path) -> None:
    import keras

    stream = io.BytesIO()
    inner = {"module": "keras.layers", "class_name": "Nowhere", "config": {}, "registered_name": "Nowhere"}
    layers = {
        "name": "m",
        "layers": [{**inner, "name": "n", "inbound_nodes": []}],
        "input_layers": [],
        "output_layers": [],
    }
    config = {"module": "keras", "class_name": "Functional", "config": layers, "registered_name": "Functional"}
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
    path = tmp_path / "m.keras"
    path.write_bytes(stream.getvalue())
    with pytest.raises(Exception) as caught:
        keras.saving.load_model(path, compile=False)
    said = reason(caught.value)
    assert "Nowhere" in said and "\n" not in said
