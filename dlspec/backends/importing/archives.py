"""Files of saved models, read as data: zip, HDF5 and JSON within limits, without Keras; nothing of them runs."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.backends.keras import archive
from dlspec.core.errors import Problem

# Of a run folder.
_MODEL = "model.keras"
# Attributes of a legacy HDF5 file.
_HDF5_MODEL, _HDF5_TRAINING = "model_config", "training_config"


class Source(NamedTuple):
    """A saved model as data.

    Attributes:
        model: The tree of ``class_name`` and ``config`` that Keras writes of a model.
        compiled: What the model was compiled with; empty where it was not.
        shown: The file's name, for messages.
        path: The file; None where the model comes from none.
        weights: Arrays by layer, in Keras's order, of a model that is no file of Keras.
        notes: What is different here from what was read.
    """

    model: Mapping[str, Any]
    compiled: Mapping[str, Any]
    shown: str
    path: Path | None = None
    weights: Mapping[str, Sequence[Any]] = {}
    notes: Sequence[str] = ()


def read_source(path: Path, shown: str = "") -> Source:
    """The model in a `.keras` or `.h5` file, in a JSON file of `model.to_json()`, or in the folder of a run.

    Args:
        path: The file or folder.
        shown: What messages call it; its path unless given.

    Raises:
        Problem: E801, there is no such file, or it is none of these, or damaged, or beyond a limit.
    """
    if path.is_dir():
        if not (path / _MODEL).is_file():
            help = "name the folder of a finished run, or the file of a model"
            raise Problem("E801", f"`{shown or path}` is no run with a model: it holds no `{_MODEL}`", help)
        path = path / _MODEL
    try:
        return _source(_tree(path), path, shown or path.name)
    except archive.Unreadable as error:
        help = "it takes a `.keras` or `.h5` file, the JSON of `model.to_json()`, or the folder of a run"
        raise Problem("E801", f"`{shown or path}` cannot be read as a Keras model: {error}", help) from error


def _tree(path: Path) -> Any:
    """What Keras wrote of the model.

    Raises:
        Unreadable: The file is none of a model, or damaged.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
        return _read(path, start)
    except OSError as error:
        raise archive.Unreadable(error.strerror or "its structure is damaged") from error
    except (ValueError, RecursionError, MemoryError, KeyError, RuntimeError, NotImplementedError) as error:
        raise archive.Unreadable("its structure is damaged") from error


def _read(path: Path, start: bytes) -> Any:
    if start[:4] == b"PK\x03\x04":
        return _from_zip(path)
    if start == b"\x89HDF\r\n\x1a\n":
        return _from_hdf5(path)
    if path.stat().st_size > archive.MAX_CONFIG:
        raise archive.Unreadable("it is neither an archive nor a JSON of ordinary size")
    return archive.parsed(path.read_bytes())


def _from_zip(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as file:
            return archive.config_in(file)
    except (zipfile.BadZipFile, EOFError) as error:
        raise archive.Unreadable("the zip archive is damaged") from error


def _from_hdf5(path: Path) -> Any:
    """The tree of a legacy file, with what it was compiled with beside it, as newer files have it."""
    import h5py

    with h5py.File(path, "r") as file:
        if _HDF5_MODEL not in file.attrs:
            raise archive.Unreadable("it holds weights alone, without the model that they belong to")
        tree = archive.parsed(_attribute(file, _HDF5_MODEL))
        if isinstance(tree, dict) and _HDF5_TRAINING in file.attrs:
            tree["compile_config"] = archive.parsed(_attribute(file, _HDF5_TRAINING))
        return tree


def _attribute(file: Any, name: str) -> bytes:
    shape = file.attrs.get_id(name).shape
    value = file.attrs[name] if shape == () else None
    if not isinstance(value, str | bytes):
        raise archive.Unreadable(f"its attribute `{name}` is no text")
    return value.encode() if isinstance(value, str) else value


def _source(tree: Any, path: Path, shown: str) -> Source:
    if not (
        isinstance(tree, dict) and isinstance(tree.get("class_name"), str) and isinstance(tree.get("config"), dict)
    ):
        raise archive.Unreadable("it describes no model")
    compiled = tree.get("compile_config")
    return Source(tree, compiled if isinstance(compiled, dict) else {}, shown, path)
