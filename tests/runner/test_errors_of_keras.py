"""Keras's errors, as messages show them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from dlspec.training.run.reasons import reason


def test_what_stands_before_the_reason_is_left_out() -> None:
    wrapped = (
        "<class 'Functional'> could not be deserialized.\n\nconfig={'a': 1}.\n\nException encountered: no\nsuch layer"
    )
    assert reason(ValueError(wrapped)) == "no such layer"
    assert reason(OSError("file  not found")) == "file not found"
    assert reason(KeyError()) == "KeyError"
    assert reason(ValueError("x" * 600)) == "x" * 500 + " …"


@pytest.mark.slow
def test_a_real_one_names_the_class(tmp_path: Path) -> None:
    import keras

    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["config.json"] = files["config.json"].replace(b"Dense", b"Nowhere")
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(Exception, match="Nowhere") as caught:
        keras.saving.load_model(tmp_path / "m.keras", compile=False)
    said = reason(caught.value)
    assert "Nowhere" in said and "\n" not in said
