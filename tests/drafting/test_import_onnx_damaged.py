"""``dlspec import`` of ONNX files that are damaged, hostile, or beyond a spec: each ends in a diagnostic."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dlspec.backends.importing.onnx.source import read_onnx_source
from dlspec.cli.main import run
from dlspec.core.errors import Problem
from dlspec.drafting.models.drafting import drafted
from tests.drafting.onnx_models import Maker


def small() -> Any:
    """A convolution, pooling and a dense layer."""
    make = Maker(1)
    x = make.node("Relu", make.conv("image", 1, 2, bias=True))
    x = make.node("Flatten", make.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]))
    return make.model({"classes": make.gemm(x, 32, 3)}, image=[1, 8, 8])


def refused(path: Path) -> Problem:
    """The problem that a file ends in."""
    with pytest.raises(Problem) as caught:
        drafted(read_onnx_source(path))
    return caught.value


def changed(change: Callable[[Any], None]) -> Any:
    """The small model after a change."""
    model = small()
    change(model.graph)
    return model


def _turn(graph: Any) -> None:
    graph.node[0].input[0] = graph.node[2].output[0]


def _twice(graph: Any) -> None:
    graph.node[1].output[0] = graph.node[0].output[0]


def _absurd_window(graph: Any) -> None:
    graph.node[2].attribute[0].ints[:] = [2**62, 2**62]


def _absurd_input(graph: Any) -> None:
    graph.input[0].type.tensor_type.shape.dim[2].dim_value = 2**60


def _elsewhere(location: str) -> Callable[[Any], None]:
    def change(graph: Any) -> None:
        tensor = graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


DAMAGED: dict[str, tuple[Callable[[Any], None], str, str]] = {
    "no weights": (lambda graph: graph.initializer.pop(0), "E801", "which nothing gives"),
    "a circle": (_turn, "E801", "depends on itself"),
    "a tensor twice": (_twice, "E801", "two nodes give"),
    "no output": (lambda graph: graph.output.pop(), "E801", "it has no output"),
    "no input": (lambda graph: graph.input.pop(), "E801", "which nothing gives"),
    "an output of nothing": (lambda graph: graph.node.pop(), "E801", "nothing gives its output `classes`"),
    "an absurd input": (_absurd_input, "E801", "its input `image` has the shape"),
    "an absurd window": (_absurd_window, "E803", "of a window of the sizes"),
    "a shape without bytes": (
        lambda graph: graph.initializer[0].dims.__setitem__(0, 2**40), "E801", "and not those of",
    ),
    "a negative shape": (lambda graph: graph.initializer[0].dims.__setitem__(0, -3), "E801", "has the shape [-3,"),
    "an unknown type": (
        lambda graph: setattr(graph.initializer[0], "data_type", 999), "E801", "has elements of an unknown type",
    ),
    "other rows": (
        lambda graph: graph.initializer[2].dims.__setitem__(slice(None), [6, 16]), "E803", "whose bias fits no unit",
    ),
    "data elsewhere": (_elsewhere("../../etc/passwd"), "E801", "outside of the model's folder"),
    "data at a root": (_elsewhere("/etc/passwd"), "E801", "outside of the model's folder"),
    "data not there": (_elsewhere("weights.bin"), "E801", "its data file `weights.bin` is not there"),
    "data behind a link": (_elsewhere("link"), "E801", "outside of the model's folder"),
    "data too short": (_elsewhere("short"), "E801", "does not hold"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_graph_is_refused(name: str, tmp_path: Path) -> None:
    change, code, words = DAMAGED[name]
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "short").write_bytes(b"\0" * 4)
    path = tmp_path / "m.onnx"
    path.write_bytes(changed(change).SerializeToString())
    problem = refused(path)
    assert problem.code == code
    assert words in problem.message, problem.message


def test_data_beside_the_model_is_read(tmp_path: Path) -> None:
    onnx.save(small(), tmp_path / "plain.onnx")
    path = tmp_path / "m.onnx"
    onnx.save(small(), path, save_as_external_data=True, location="m.bin", size_threshold=0)
    assert (tmp_path / "m.bin").stat().st_size > 0
    one, other = (read_onnx_source(each).weights for each in (tmp_path / "plain.onnx", path))
    assert list(one) == list(other)
    for name, arrays in one.items():
        for left, right in zip(arrays, other[name], strict=True):
            np.testing.assert_array_equal(left, right)


def test_each_cut_and_each_changed_byte_ends_in_a_spec_or_a_problem(tmp_path: Path) -> None:
    whole = small().SerializeToString()
    chance = random.Random(3)
    path = tmp_path / "m.onnx"
    problems = 0
    for number in range(300):
        data = bytearray(whole[: chance.randrange(len(whole))] if number % 3 == 0 else whole)
        for _ in range(chance.randrange(1, 6)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(bytes(data))
        try:
            drafted(read_onnx_source(path))
        except Problem as problem:
            assert problem.code in ("E801", "E803"), problem
            problems += 1
    assert problems > 150


def test_files_that_are_no_model(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    assert "No such file" in refused(path).message
    for data in (b"", b"PK\x03\x04", b"\xff" * 50, b"text"):
        path.write_bytes(data)
        assert refused(path).code == "E801"


def test_all_that_no_layer_computes_is_named_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make = Maker(1)
    x = make.node("Relu", make.conv("image", 1, 2))
    one = make.node("NonMaxSuppression", make.node("Det", x), x)
    sizes = make.constant(np.array([1, 2, 11, 11], np.int64))
    two = make.node("Resize", x, "", "", sizes, mode="linear", coordinate_transformation_mode="align_corners")
    model = make.model({"one": one, "two": two}, image=[1, 8, 8])
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    assert run(["import", str(path)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "E803" in said and "`/Det_4`: the operator `Det`" in said
    assert "`/Resize_7`: `Resize` with positions that Keras has not: `align_corners`" in said


def test_an_operator_of_another_domain_is_named_with_it(tmp_path: Path) -> None:
    make = Maker(1)
    make.nodes.append(helper.make_node("FusedConv", ["x"], ["y"], name="fused", domain="com.microsoft"))
    path = tmp_path / "m.onnx"
    path.write_bytes(make.model({"out": "y"}, x=[3]).SerializeToString())
    assert "`fused`: the operator `com.microsoft.FusedConv`" in refused(path).message


def test_a_shape_that_asks_for_gigabytes_is_refused(tmp_path: Path) -> None:
    make = Maker(1)
    shape = make.constant(np.array([2**20, 2**20], np.int64))
    filled = make.node("ConstantOfShape", shape)
    model = make.model({"out": make.node("MatMul", "x", filled)}, x=[4])
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    assert "which makes a constant of 1,099,511,627,776 elements" in refused(path).message


def test_a_size_that_is_open_may_be_handed_on_but_not_used(tmp_path: Path) -> None:
    """The number of examples is taken out of a shape that has open sizes; a size of an image is not known."""
    for index, words in ((0, ""), (2, "`Reshape` of a size that the file leaves open")):
        make = Maker(1)
        pooled = make.node("GlobalAveragePool", make.conv("image", 1, 4))
        size = make.node("Gather", make.node("Shape", "image"), make.constant(np.array([index], np.int64)), axis=0)
        target = make.node("Concat", size, make.constant(np.array([-1], np.int64)), axis=0)
        path = tmp_path / f"m{index}.onnx"
        model = make.model({"out": make.node("Reshape", pooled, target)}, image=[1, None, None])
        path.write_bytes(model.SerializeToString())
        if words:
            assert words in refused(path).message
        else:
            assert "- global_average_pooling2d\n" in drafted(read_onnx_source(path)).text


def test_sizes_of_minus_one_are_open(tmp_path: Path) -> None:
    make = Maker(1)
    model = make.model({"out": make.node("GlobalMaxPool", make.conv("image", 1, 4))}, image=[1, 8, 8])
    for number in (0, 2):
        model.graph.input[0].type.tensor_type.shape.dim[number].dim_value = -1
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    text = drafted(read_onnx_source(tmp_path / "m.onnx")).text
    assert "# `image` is [?, 8, 1] here, [1, ?, 8] in the file" in text
