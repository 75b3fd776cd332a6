"""ONNX files as sources of an import, and their weights as a file of Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlspec.backends.importing.archives import Source
from dlspec.backends.importing.onnx.conversion import convert_onnx
from dlspec.backends.importing.onnx.reading import read_onnx


def read_onnx_source(path: Path) -> Source:
    """The model in an ONNX file, with its weights.

    Raises:
        Problem: E801, the file cannot be read; E803, no layers compute what its operators do.
    """
    converted = convert_onnx(read_onnx(path))
    return Source(converted.tree, {}, path.name, None, converted.weights, converted.notes)


def write_weights(path: Path, layers: Sequence[tuple[str, str, Sequence[Any]]]) -> None:
    """Writes arrays as Keras's `save_weights` would.

    Args:
        path: A file whose name ends in ``.weights.h5``.
        layers: Class in snake_case, name and arrays of each layer, in the order of the model.
    """
    import h5py

    counts: dict[str, int] = {}
    with h5py.File(path, "w") as file:
        for kind, name, arrays in layers:
            number = counts.get(kind, 0)
            counts[kind] = number + 1
            group = file.create_group(f"layers/{kind}_{number}/vars" if number else f"layers/{kind}/vars")
            group.attrs["name"] = name
            for position, array in enumerate(arrays):
                group.create_dataset(str(position), data=array)


def listed(source: Source, order: Sequence[str]) -> list[tuple[str, str, Sequence[Any]]]:
    """The weights of a source by layer, with their classes, in an order of its layers."""
    from dlspec.components.registry import snake_case

    config: Mapping[str, Any] = source.model["config"]
    kinds = {layer["name"]: snake_case(layer["class_name"]) for layer in config["layers"]}
    return [(kinds[name], name, source.weights[name]) for name in order]
