"""Files of weights that are damaged inside are refused in words, whatever the libraries raise for them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from dlspec.backends.keras.archive import Unreadable
from dlspec.backends.keras.weight_files import read_weights


def test_damage_inside_of_compressed_weights(tmp_path: Path) -> None:
    """The archive is whole, and the compressed bytes of its weights are none."""
    weights, base = tmp_path / "model.weights.h5", tmp_path / "base.keras"
    with h5py.File(weights, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((4, 3))
    with zipfile.ZipFile(base, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", '{"config": {"layers": [{"class_name": "Dense", "config": {"name": "body"}}]}}')
        archive.write(weights, weights.name)
        info = archive.getinfo(weights.name)
    assert [stored.name for stored in read_weights(base).layers] == ["body"]
    content = bytearray(base.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    content[start : start + 20] = b"\xff" * 20
    base.write_bytes(content)
    with pytest.raises(Unreadable, match="its weights are damaged"):
        read_weights(base)


def test_a_group_in_place_of_weights(tmp_path: Path) -> None:
    """A legacy file lists a group among the weights of a layer."""
    with h5py.File(tmp_path / "base.h5", "w") as file:
        file.attrs["layer_names"] = [b"body"]
        file.create_group("body").attrs["weight_names"] = [b"kernel"]
        file.create_group("body/kernel")
    with pytest.raises(Unreadable, match="its weights are damaged"):
        read_weights(tmp_path / "base.h5")
