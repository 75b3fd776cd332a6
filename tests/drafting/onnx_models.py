"""ONNX models as exporters write them, with random weights: run by onnxruntime, and as the spec they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dlspec.backends.importing.onnx.source import listed, read_onnx_source, write_weights
from dlspec.backends.keras.assigning import assign, layers_in_order
from dlspec.backends.keras.build import build
from dlspec.backends.keras.weight_files import read_weights
from dlspec.components.sections.training import StartFrom
from dlspec.drafting.models.drafting import Draft, drafted
from dlspec.graph.starting import fitting, targets_of
from dlspec.passes import Checked
from tests.support import compile_text


class Maker:
    """Writes a graph node by node, with channels second, as PyTorch's exporter does."""

    def __init__(self, seed: int = 0, opset: int = 17) -> None:
        self.random = np.random.default_rng(seed)
        self.opset = opset
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0

    def new(self, kind: str) -> str:
        """A name that no other tensor has."""
        self._count += 1
        return f"/{kind}_{self._count}_output_0"

    def constant(self, array: Any) -> str:
        """An array of the file."""
        name = self.new("constant")
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, *shape: int, scale: float | None = None) -> str:
        """A random array, scaled by what goes into one element of the result."""
        fan = int(np.prod(shape[1:])) or 1
        return self.constant((self.random.normal(size=shape) * (scale or fan**-0.5)).astype(np.float32))

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """A call of an operator; the names of what comes out."""
        names = [self.new(operator) for _ in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=names[0][:-9], **attributes))
        return names[0] if outputs == 1 else names

    def conv(
        self, x: str, before: int, after: int, size: int = 3, *, groups: int = 1, bias: bool = False, **more: Any
    ) -> str:
        """A convolution over images; padded by half its size unless `pads` says otherwise."""
        inputs = [x, self.weight(after, before // groups, size, size), *([self.weight(after)] if bias else [])]
        said = {"kernel_shape": [size, size], "pads": [size // 2] * 4, "group": groups, **more}
        return self.node("Conv", *inputs, **said)

    def norm(self, x: str, channels: int) -> str:
        """A normalization over the batch with random statistics."""
        low, high = np.full(channels, 0.5), np.full(channels, 1.5)
        arrays = [self.random.uniform(low, high), self.random.normal(size=channels) * 0.1]
        arrays += [self.random.normal(size=channels) * 0.1, self.random.uniform(low, high)]
        names = [self.constant(array.astype(np.float32)) for array in arrays]
        return self.node("BatchNormalization", x, *names, epsilon=1e-5, momentum=0.9)

    def gemm(self, x: str, before: int, after: int) -> str:
        """A dense layer as PyTorch writes it."""
        return self.node("Gemm", x, self.weight(after, before), self.weight(after), alpha=1.0, beta=1.0, transB=1)

    def model(self, outputs: dict[str, Any], /, **inputs: Any) -> Any:
        """The model of what was written; shapes are given without the batch, None stands for an open size."""
        ends = []
        for name, tensor in outputs.items():
            self.nodes.append(helper.make_node("Identity", [tensor], [name], name=f"/{name}"))
            ends.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        entries = [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, ["batch", *(size or f"{name}_{n}" for n, size in enumerate(shape))]
            )
            for name, shape in inputs.items()
        ]
        graph = helper.make_graph(self.nodes, "main_graph", entries, ends, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


def run(path: Path, values: dict[str, Any]) -> list[Any]:
    """What onnxruntime computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, values)


def as_keras(path: Path, *, flat: bool = False) -> tuple[Draft, Any]:
    """The draft of a file, and its model with the weights that are written beside it."""
    source = read_onnx_source(path)
    draft = drafted(source, flat=flat)
    folder = path.parent
    if source.weights:
        write_weights(folder / "model.weights.h5", listed(source, draft.order))
    state = compile_text(folder, draft.text)
    assert isinstance(state, Checked), state.diagnostics.errors
    model = build(state.graph)
    if source.weights:
        start(state.graph, model, folder / "model.weights.h5")
    return draft, model


def start(graph: Any, model: Any, path: Path) -> None:
    """Gives a model the weights of a file as `start_from` with `match: order` does."""
    fit = fitting(targets_of(graph, graph), read_weights(path), StartFrom(file="", match="order"), "")
    assert not fit.left, fit.left
    assign(layers_in_order(model), fit.pairs, path, "")


def examples(model: Any, batch: int = 2) -> dict[str, Any]:
    """Random values for the inputs of an ONNX model; open sizes are 16."""
    random = np.random.default_rng(1)
    values = {}
    for entry in model.graph.input:
        sizes = [dim.dim_value or 16 for dim in entry.type.tensor_type.shape.dim]
        values[entry.name] = random.normal(size=[batch, *sizes[1:]]).astype(np.float32)
    return values


def assert_equal(path: Path, model: Any, *, flat: bool = False, tolerance: float = 1e-5) -> Draft:
    """Both compute the same, channels last or second; returns the draft."""
    onnx.save(model, path)
    values = examples(model)
    expected = run(path, values)
    draft, keras_model = as_keras(path, flat=flat)
    given = []
    for tensor, value in zip(keras_model.inputs, values.values(), strict=True):
        same = tuple(tensor.shape[1:]) == value.shape[1:] and not any(
            note.startswith(f"# `{tensor.name}`") for note in draft.text.split("\n")
        )
        given.append(value if same else np.moveaxis(value, 1, -1))
    received = keras_model(given if len(given) > 1 else given[0], training=False)
    received = (
        list(received.values())
        if isinstance(received, dict)
        else received
        if isinstance(received, list)
        else [received]
    )
    for one, other in zip(received, expected, strict=True):
        got = np.asarray(one)
        if got.ndim > 2 and f"here, {list(other.shape[1:])}" in draft.text.replace("?", "16"):
            got = np.moveaxis(got, -1, 1)
        scale = max(1.0, float(np.abs(other).max()))
        np.testing.assert_allclose(got / scale, other / scale, rtol=0, atol=tolerance)
    return draft
