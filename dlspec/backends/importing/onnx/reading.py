"""ONNX files, read as data: nodes, constants and inputs, within limits; nothing of a file runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.core.errors import Problem

if TYPE_CHECKING:
    import numpy as np

SUFFIX = ".onnx"
# Of protobuf itself.
_MAX_BYTES = 2**31 - 1
_MAX_NODES = 100_000
_HELP = "it takes an ONNX file as exporters write it, with its external data beside it"
# The ending of a tensor's place that ONNX keeps in another file.
_EXTERNAL = 1


@dataclass(frozen=True)
class Node:
    """A call of an operator.

    Attributes:
        operator: Its name, such as ``Conv``; with its domain where that is not ONNX's own.
        name: The node's name, or that of its first output.
        inputs: Names of the tensors that enter; "" where an optional one does not.
        outputs: Names of the tensors that come out.
        attributes: Numbers, texts, lists of them, and arrays.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Entry(NamedTuple):
    """An input of the model.

    Attributes:
        name: In the file.
        shape: With the batch; None where a size is open.
        dtype: As NumPy calls it.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class OnnxGraph:
    """The graph of a file.

    Attributes:
        name: The model's.
        shown: The file's name, for messages.
        nodes: In an order in which they can run.
        constants: Arrays that the file holds, by name.
        inputs: What enters.
        outputs: Names of the tensors that leave.
        opset: The version of ONNX's own operators.
    """

    name: str
    shown: str
    nodes: Sequence[Node]
    constants: Mapping[str, np.ndarray[Any, Any]]
    inputs: Sequence[Entry]
    outputs: Sequence[str]
    opset: int


def read_onnx(path: Path) -> OnnxGraph:
    """The graph in an ONNX file.

    Raises:
        Problem: E801, there is no such file, the package `onnx` is not installed, or the file is damaged, beyond a
            limit, or names data outside of its folder.
    """
    if find_spec("onnx") is None:
        raise Problem("E801", "reading ONNX needs the package onnx", "pip install 'dlspec[onnx]'")
    shown = path.name
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _broken(shown, "it is larger than 2 GiB, which protobuf cannot read")
        model = _parsed(path.read_bytes())
    except OSError as error:
        raise _broken(str(path), error.strerror or "it cannot be opened") from error
    except (ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise _broken(shown, "its structure is damaged") from error
    if not model.graph.node:
        raise _broken(shown, "it holds no graph")
    if len(model.graph.node) > _MAX_NODES:
        raise _broken(shown, f"it has more than {_MAX_NODES:,} nodes")
    reader = _Reader(path, shown)
    constants = {tensor.name: reader.array(tensor) for tensor in model.graph.initializer}
    nodes = [reader.node(node) for node in model.graph.node]
    entries = [reader.entry(value) for value in model.graph.input if value.name not in constants]
    outputs = [value.name for value in model.graph.output]
    opset = max((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), default=1)
    _check_names(nodes, shown)
    given = {*constants, *(entry.name for entry in entries)}
    ordered = _ordered(nodes, given, shown)
    known = given.union(*(node.outputs for node in ordered))
    for name in outputs:
        if name not in known:
            raise _broken(shown, f"nothing gives its output `{name}`")
    if not entries or not outputs:
        raise _broken(shown, "it has no input" if not entries else "it has no output")
    return OnnxGraph(path.stem, shown, ordered, constants, entries, outputs, opset)


def _parsed(data: bytes) -> Any:
    """The message in a file.

    Raises:
        ValueError: There is none.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ValueError from error
    return model


def _broken(shown: str, why: str) -> Problem:
    return Problem("E801", f"`{shown}` cannot be read as an ONNX model: {why}", _HELP)


def _check_names(nodes: Sequence[Node], shown: str) -> None:
    """A tensor comes from one node alone."""
    seen: set[str] = set()
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in seen:
                raise _broken(shown, f"two nodes give `{name}`")
            seen.add(name)


def _ordered(nodes: Sequence[Node], given: set[str], shown: str) -> list[Node]:
    """The nodes so that each comes after what it takes."""
    makers = {name: node for node in nodes for name in node.outputs if name}
    waiting = {
        id(node): {id(makers[name]) for name in node.inputs if name in makers and name not in given} for node in nodes
    }
    takers: dict[int, list[Node]] = {}
    for node in nodes:
        for name in filter(None, node.inputs):
            if name not in given and name not in makers:
                raise _broken(shown, f"`{node.name}` takes `{name}`, which nothing gives")
        for maker in waiting[id(node)]:
            takers.setdefault(maker, []).append(node)
    ready = [node for node in reversed(nodes) if not waiting[id(node)]]
    ordered: list[Node] = []
    while ready:
        node = ready.pop()
        ordered.append(node)
        for taker in reversed(takers.get(id(node), [])):
            waiting[id(taker)].discard(id(node))
            if not waiting[id(taker)]:
                ready.append(taker)
    if len(ordered) < len(nodes):
        stuck = next(node for node in nodes if waiting[id(node)])
        raise _broken(shown, f"`{stuck.name}` depends on itself")
    return ordered


class _Reader:
    """Reads the parts of one file."""

    def __init__(self, path: Path, shown: str) -> None:
        self.path, self.shown = path, shown

    def node(self, proto: Any) -> Node:
        """A call of an operator."""
        name = proto.name or next(iter(proto.output), proto.op_type)
        operator = proto.op_type if proto.domain in ("", "ai.onnx") else f"{proto.domain}.{proto.op_type}"
        attributes = {item.name: self.attribute(item) for item in proto.attribute}
        return Node(operator, name, tuple(proto.input), tuple(proto.output), attributes)

    def attribute(self, item: Any) -> Any:
        """The value of an attribute; None for graphs and what else no layer has."""
        from onnx import AttributeProto

        kinds = AttributeProto.AttributeType
        if item.type == kinds.Value("TENSOR"):
            return self.array(item.t)
        if item.type == kinds.Value("STRING"):
            return item.s.decode("utf-8", "replace")
        if item.type == kinds.Value("STRINGS"):
            return [text.decode("utf-8", "replace") for text in item.strings]
        plain = {"FLOAT": "f", "INT": "i", "FLOATS": "floats", "INTS": "ints"}
        for kind, field_name in plain.items():
            if item.type == kinds.Value(kind):
                value = getattr(item, field_name)
                return list(value) if kind.endswith("S") else value
        return None

    def entry(self, value: Any) -> Entry:
        """An input, with what the file says of its shape."""
        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
            raise _broken(self.shown, f"its input `{value.name}` has no shape")
        # Some exporters write -1 or 0 for a size that is open.
        sizes = [dim.dim_value if dim.dim_value not in (-1, 0) else None for dim in tensor.shape.dim]
        if any(size is not None and not 0 < size < 2**31 for size in sizes):
            raise _broken(self.shown, f"its input `{value.name}` has the shape {sizes}")
        return Entry(value.name, tuple(sizes), self.dtype(tensor.elem_type, value.name))

    def dtype(self, number: int, name: str) -> str:
        """A type of elements by its number in ONNX."""
        from onnx import helper

        try:
            return str(helper.tensor_dtype_to_np_dtype(number))
        except (KeyError, ValueError, TypeError) as error:
            raise _broken(self.shown, f"`{name}` has elements of an unknown type") from error

    def array(self, tensor: Any) -> np.ndarray[Any, Any]:
        """A constant, of as many bytes as its shape says."""
        import numpy as np
        from onnx import numpy_helper

        shape = tuple(tensor.dims)
        dtype = np.dtype(object) if tensor.data_type == 8 else np.dtype(self.dtype(tensor.data_type, tensor.name))
        if any(size < 0 for size in shape):
            raise _broken(self.shown, f"`{tensor.name}` has the shape {list(shape)}")
        count = math.prod(shape)
        external = tensor.data_location == _EXTERNAL
        data: bytes = self.external(tensor, count * dtype.itemsize) if external else tensor.raw_data
        if external or tensor.HasField("raw_data"):
            if len(data) != count * dtype.itemsize:
                raise _broken(self.shown, f"`{tensor.name}` has {len(data)} bytes, and not those of {list(shape)}")
            little = dtype.newbyteorder("<") if dtype.itemsize > 1 and dtype.kind != "V" else dtype
            array: np.ndarray[Any, Any] = np.frombuffer(data, little).reshape(shape)
            return array
        if count > 2**31:
            raise _broken(self.shown, f"`{tensor.name}` has the shape {list(shape)}")
        try:
            return np.asarray(numpy_helper.to_array(tensor))
        except (ValueError, TypeError, KeyError, MemoryError, AttributeError) as error:
            raise _broken(self.shown, f"`{tensor.name}` does not hold what its shape {list(shape)} says") from error

    def external(self, tensor: Any, length: int) -> bytes:
        """The bytes of a constant that stand in another file of the same folder."""
        said = {item.key: item.value for item in tensor.external_data}
        location = said.get("location", "")
        folder = self.path.resolve().parent
        file = (folder / location).resolve()
        if not location or Path(location).is_absolute() or not file.is_relative_to(folder):
            raise _broken(self.shown, f"`{tensor.name}` names the file `{location}`, outside of the model's folder")
        if not file.is_file():
            raise _broken(self.shown, f"its data file `{location}` is not there")
        try:
            offset = int(said.get("offset") or 0)
            if int(said.get("length") or length) != length or offset < 0 or offset + length > file.stat().st_size:
                raise ValueError
            with file.open("rb") as stream:
                stream.seek(offset)
                data: bytes = stream.read(length)
                return data
        except (ValueError, OverflowError) as error:
            raise _broken(self.shown, f"`{location}` does not hold `{tensor.name}`") from error
        except OSError as error:
            raise _broken(self.shown, f"its data file `{location}`: {error.strerror}") from error
