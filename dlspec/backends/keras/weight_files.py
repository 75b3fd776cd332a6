"""Names, shapes and values of the weights in a file, read as data: `.keras`, `.weights.h5`, and legacy `.h5`.

Keras is not loaded, and nothing of a file runs. Where the weights of a layer stand:

- In a `.keras` file ``config.json`` lists the layers, and ``model.weights.h5`` has a group for each, by its class:
  ``layers/dense_1`` is the second `Dense`, whatever its name.
- A `.weights.h5` file is such a group structure alone. The layers' names are attributes; their order is known within
  each class only.
- A legacy `.h5` file has a group for each layer, by its name, and lists the layers and the weights of each.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlspec.backends.keras.archive import (
    MAX_MEMBERS,
    MAX_RATIO,
    WEIGHTS,
    Member,
    Shape,
    Unreadable,
    config_in,
    inner_layers,
    layer_name,
    parsed,
)
from dlspec.components.registry import snake_case
from dlspec.core.weights import Stored, WeightFile

# Groups of variables that Keras does not count among a layer's weights.
_NO_WEIGHTS = "seed_generator"
_LAYERS, _VARIABLES = "layers", "vars"
_NUMBERED = re.compile(r"(.+?)_(\d+)\Z")
# A legacy file: the attributes that list layers and weights, and the group that holds both beside a model.
_LISTED, _WEIGHTS_LISTED, _LEGACY, _MODEL = "layer_names", "weight_names", "model_weights", "model_config"
# Lists of names that are too long for one attribute stand in several, which are numbered.
_MAX_PARTS = 10_000
_MAX_DATASETS = 1_000_000
# What zlib and h5py raise for damaged files; a group where a dataset should be has no shape: AttributeError.
_DAMAGED = (
    OSError, EOFError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, MemoryError, zlib.error,
)  # fmt: skip
_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


def read_weights(path: Path) -> WeightFile:
    """What a file has, values left out.

    Raises:
        Unreadable: It is none that Keras writes weights to, or damaged, or beyond a limit.
    """
    with _opened(path) as (file, config):
        if config is not None:
            tree = _Tree(file)
            return WeightFile(tuple(_of_model(config, tree, tree.root, "", ())), True)
        if _LISTED in file.attrs or f"{_LISTED}0" in file.attrs or _LEGACY in file:
            return WeightFile(tuple(_of_legacy(file)), True)
        tree = _Tree(file)
        if _LAYERS not in tree.root:
            raise Unreadable("it holds no layers of a Keras model")
        return WeightFile(tuple(_of_groups(tree, tree.root[_LAYERS], f"{_LAYERS}/", ())), False)


class Values:
    """Reads the weights of an open file."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def of(self, layer: Stored, location: str) -> Any:
        """The array at one of the places of a layer."""
        dataset = self._file[f"{layer.root}{layer.group}/{location}"]
        if dataset.external or dataset.is_virtual:
            raise Unreadable("its weights stand in other files")
        return dataset[()]


@contextmanager
def values_of(path: Path) -> Iterator[Values]:
    """The values in a file that :func:`read_weights` could read. Raises as that does."""
    with _opened(path) as (file, _):
        yield Values(file)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The open HDF5 file, and the config beside it in a `.keras` file; None for any other."""
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
            if start[:4] == _ZIP:
                config, member = _in_zip(path, stream)
                import h5py

                with h5py.File(member, "r") as file:
                    yield file, config
            elif start == _HDF5:
                import h5py

                with h5py.File(path, "r") as file:
                    yield file, None
            else:
                raise Unreadable("it is neither a `.keras` archive nor HDF5, or damaged")
    except zipfile.BadZipFile as error:
        raise Unreadable("it is a damaged zip archive") from error
    except _DAMAGED as error:
        raise Unreadable("its weights are damaged") from error


def _in_zip(path: Path, stream: Any) -> tuple[Any, Any]:
    """The config of an archive, and its weights as a file."""
    with zipfile.ZipFile(path) as archive:
        config = config_in(archive, "`config.json`")
        infos = [info for info in archive.infolist() if info.filename == WEIGHTS]
        if len(infos) != 1:
            raise Unreadable(f"it holds {'no' if not infos else 'more than one'} `{WEIGHTS}`")
        info = infos[0]
        if info.compress_type == zipfile.ZIP_STORED:
            return config, Member(stream, info)
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise Unreadable(f"its `{WEIGHTS}` is compressed more than {MAX_RATIO} times")
        return config, io.BytesIO(archive.read(info))


class _Tree:
    """The groups and datasets of a file, listed in one go, which is ten times as fast as group by group.

    Attributes:
        root: Nested dicts by the parts of paths; a dataset is None.
    """

    def __init__(self, file: Any) -> None:
        self._id = file.id
        names = _own_names(file)
        inside = {name.rpartition(b"/")[0] for name in names}
        self.root: dict[str, Any] = {}
        for name in names:
            # A group without anything in it counts as a dataset here; it is asked for its shape by nobody.
            *parts, last = name.decode().split("/")
            level = self.root
            for part in parts:
                level = level.setdefault(part, {})
            level.setdefault(last, {} if name in inside else None)

    def shapes(self, group: str, level: Mapping[str, Any]) -> dict[str, Shape]:
        """The shapes of the datasets in a group that are weights, by their places in it."""
        return {location: self._shape(f"{group}/{location}") for location in _datasets(level, "")}

    def _shape(self, path: str) -> Shape:
        from h5py import h5d

        return tuple(int(size) for size in h5d.open(self._id, path.encode()).shape)

    def name(self, group: str) -> str:
        """The name of the layer that a group belongs to, an attribute of its variables; "" where there is none."""
        from h5py import h5a, h5g

        variables = h5g.open(self._id, f"{group}/{_VARIABLES}".encode())
        if not h5a.exists(variables, b"name"):
            return ""
        import h5py

        value = h5py.Group(variables).attrs["name"]
        return value if isinstance(value, str) else ""


def _own_names(file: Any) -> list[bytes]:
    """The paths of all groups and datasets of a file, without what links name: that may stand in another file."""
    from h5py import h5o

    names: list[bytes] = []
    h5o.visit(file.id, names.append)
    if len(names) > _MAX_DATASETS:
        raise Unreadable(f"it has more than {_MAX_DATASETS:,} groups and datasets")
    return names


def _datasets(level: Mapping[str, Any], before: str) -> Iterator[str]:
    for name, inner in level.items():
        if inner is None and before.rstrip("/").endswith(_VARIABLES):
            yield f"{before}{name}"
        elif inner and name != _NO_WEIGHTS:
            yield from _datasets(inner, f"{before}{name}/")


def _of_model(
    config: Any, tree: _Tree, level: Mapping[str, Any], group: str, around: tuple[str, ...]
) -> Iterator[Stored]:
    """The layers of a functional or sequential model, in the order in which Keras names their groups."""
    counts: dict[str, int] = {}
    groups = level.get(_LAYERS) or {}
    for layer in inner_layers(config):
        kind = snake_case(str(layer.get("class_name", "")))
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        own = f"{kind}_{number}" if number else kind
        inner = groups.get(own)
        if not inner:
            continue
        path, location = (*around, layer_name(layer)), f"{group}{_LAYERS}/{own}"
        if inner_layers(layer):
            yield from _of_model(layer, tree, inner, f"{location}/", path)
        elif shapes := tree.shapes(location, inner):
            yield Stored(path, kind, location, shapes)


def _of_groups(tree: _Tree, groups: Mapping[str, Any], before: str, around: tuple[str, ...]) -> Iterator[Stored]:
    """The layers of a model by the names of their groups, those of one class in their order."""

    def numbering(name: str) -> tuple[str, int]:
        match = _NUMBERED.match(name)
        numbered = match is not None and match[1] in groups
        return (match[1], int(match[2])) if match is not None and numbered else (name, 0)

    for name in sorted(groups, key=numbering):
        inner = groups[name]
        if not inner:
            continue
        group, own = f"{before}{name}", ""
        if inner.get(_VARIABLES, 0) != 0:
            own = tree.name(group)
        path = (*around, own or name)
        if inner.get(_LAYERS):
            yield from _of_groups(tree, inner[_LAYERS], f"{group}/{_LAYERS}/", path)
        elif shapes := tree.shapes(group, inner):
            yield Stored(path, numbering(name)[0], group, shapes)


def _of_legacy(file: Any) -> Iterator[Stored]:
    """The layers of a legacy file, in their order. A model inside has one group for the weights of all its layers."""
    models, own_names = _models_of(file), {*_own_names(file)}
    root = f"{_LEGACY}/" if _LEGACY in file else ""
    listing = file.get(_LEGACY, file)
    for name in _listed(listing, _LISTED):
        if f"{root}{name}".encode() not in own_names:
            raise Unreadable(f"its layer `{name}` is a link, or not there")
        group, shapes = listing[name], dict[str, Shape]()
        for each in _listed(group, _WEIGHTS_LISTED):
            if f"{root}{name}/{each}".encode() not in own_names:
                raise Unreadable(f"its weight `{each}` is a link, or not there")
            shapes[each] = tuple(int(size) for size in group[each].shape)
        if name not in models:
            if shapes:
                yield Stored((name,), "", name, shapes, True, root)
            continue
        inside: dict[str, dict[str, Shape]] = {}
        for weight, shape in shapes.items():
            for part in {*weight.split("/")[:-1]}:
                inside.setdefault(part, {})[weight] = shape
        for path in _leaves(models[name], (name,)):
            if path[-1] in inside:
                yield Stored(path, "", name, inside[path[-1]], True, root)


def _leaves(config: Any, around: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of the layers in a model that are no models themselves."""
    for layer in inner_layers(config):
        path = (*around, layer_name(layer))
        if inner_layers(layer):
            yield from _leaves(layer, path)
        else:
            yield path


def _models_of(file: Any) -> dict[str, Any]:
    """The configs of the models inside the one of a legacy file, by name."""
    text = file.attrs.get(_MODEL)
    if not isinstance(text, str | bytes):
        return {}
    config = parsed(text.encode() if isinstance(text, str) else text)
    return {layer_name(layer): layer for layer in inner_layers(config) if inner_layers(layer)}


def _listed(item: Any, name: str) -> list[str]:
    """A list of names in an attribute, or in several that are numbered."""
    if name in item.attrs:
        parts = [item.attrs[name]]
    else:
        keys = (f"{name}{number}" for number in range(_MAX_PARTS))
        parts = []
        for key in keys:
            if key not in item.attrs:
                break
            parts.append(item.attrs[key])
    values = [value for part in parts for value in part]
    if len(values) > MAX_MEMBERS * 100:
        raise Unreadable("it lists too many names")
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]
