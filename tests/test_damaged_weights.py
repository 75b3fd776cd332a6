"""Files of weights that are damaged inside are refused in words, whatever the libraries raise for them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from dlspec.backends.keras.archive import Unreadable
from dlspec.backends.keras.weight_files import read_weights, values_of


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


@pytest.mark.parametrize("place", ["layer", "weight"])
def test_links_are_no_weights(tmp_path: Path, place: str) -> None:
    """What a legacy file links to may stand in another file, which nobody named."""
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["body/kernel"] = np.zeros((4, 3))
        other["body"].attrs["weight_names"] = [b"kernel"]
    with h5py.File(tmp_path / "base.h5", "w") as file:
        file.attrs["layer_names"] = [b"body"]
        if place == "layer":
            file["body"] = h5py.ExternalLink("other.h5", "body")
        else:
            file.create_group("body").attrs["weight_names"] = [b"kernel"]
            file["body/kernel"] = h5py.ExternalLink("other.h5", "body/kernel")
    with pytest.raises(Unreadable, match="is a link, or not there"):
        read_weights(tmp_path / "base.h5")


def test_values_in_other_files_are_not_read(tmp_path: Path) -> None:
    """A dataset whose bytes stand outside of the file."""
    (tmp_path / "bytes").write_bytes(bytes(48))
    with h5py.File(tmp_path / "base.h5", "w") as file:
        file.attrs["layer_names"] = [b"body"]
        group = file.create_group("body")
        group.attrs["weight_names"] = [b"kernel"]
        group.create_dataset("kernel", (4, 3), "float32", external=[(str(tmp_path / "bytes"), 0, 48)])
    (stored,) = read_weights(tmp_path / "base.h5").layers
    with values_of(tmp_path / "base.h5") as values, pytest.raises(Unreadable, match="other files"):
        values.of(stored, "kernel")
