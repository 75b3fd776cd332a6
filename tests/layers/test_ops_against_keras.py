"""Every operation against ``keras.ops``: types, values, saving; and its dtype rules on all dtypes."""

from __future__ import annotations

import inspect
import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from both import OPS, of_example

from dlspec.backends.keras.build import build_with_tensors, verify
from dlspec.components.ops.base import Op
from dlspec.components.ops.dtypes import result_type
from dlspec.components.registry import MISSING, Component, Example, load_attribute
from dlspec.core.errors import Problem
from dlspec.core.ir import DTYPES, Tensor
from tests.support import compile_text

EXAMPLES = [(owner, example) for owner in OPS for example in owner.examples]
IDS = [f"{owner.registered_name} {example.value} {list(example.inputs)}" for owner, example in EXAMPLES]

# Options of Keras that are left out, or that a spec must give although Keras has a default, and why.
LEFT_OUT = {
    "initial": "`ops.maximum` with a constant says the same",
    "sparse": "the graph knows dense tensors only",
    "dtype": "`ops.cast` says it; the functions that count or accumulate keep Keras's default",
}
REQUIRED = {
    "axis": "Keras's default is all axes, or the first: the batch",
    "axes": "Keras's default reverses the batch",
}
OTHER_DEFAULT = {("ops.one_hot", "dtype"): "float32", ("ops.normalize", "epsilon"): None}


def spec_of(owner: type[Component], example: Example) -> str:
    """A model of this one step; the examples' inputs are a, b, c."""
    names = "abc"[: len(example.inputs)]
    inputs = "".join(
        f"  {name}: {{shape: {str(list(shape)).replace('None', 'null')}, dtype: {example.dtype}}}\n"
        for name, shape in zip(names, example.inputs, strict=True)
    )
    options = example.value[1:-1] if example.value.startswith("{") else ""
    shorthand = f"{owner.shorthand}: {example.value}" if example.value and not options else ""
    parts = [part for part in (options, shorthand, f"from: [{', '.join(names)}]") if part]
    layer, _ = of_example(owner, example)
    found = layer.infer([Tensor(s, example.dtype) for s in example.inputs]) if layer.takes_list else layer.infer(
        *(Tensor(shape, example.dtype) for shape in example.inputs)
    )  # fmt: skip
    count = len(found) if isinstance(found, tuple) else 1
    results = [f"y{number}" for number in range(count)]
    name = f"[{', '.join(results)}]" if count > 1 else results[0]
    step = f"{owner.registered_name}: {{{', '.join(parts)}, name: {name}}}"
    return f"inputs:\n{inputs}layers:\n  - {step}\noutputs: {name}\n"


def arrays(example: Example) -> list[Any]:
    """Numbers of the examples' types, the same each time; whole ones are small, so that they can be indices."""
    random = np.random.default_rng(0)
    shapes = [(2, *(size or 4 for size in shape)) for shape in example.inputs]
    if "float" in example.dtype:
        return [random.uniform(0.1, 2, shape).astype(example.dtype) for shape in shapes]
    return [random.integers(0, 2, shape).astype(example.dtype) for shape in shapes]


def by_hand(op: Op, values: list[Any]) -> Any:
    """What ``keras.ops`` gives for the values and the options as written."""
    function = load_attribute(op.keras)
    given = dict(op.given)
    if op.name == "ops.einsum":
        return function(given["subscripts"], *values)
    if op.name == "ops.reshape":
        return np.reshape(values[0], (len(values[0]), *given["newshape"]))
    if op.name == "ops.slice":
        pairs = zip(given["start_indices"], given["shape"], strict=True)
        return values[0][(slice(None), *(slice(at, at + size if size > 0 else None) for at, size in pairs))]
    if op.name == "ops.tile":
        given["repeats"] = [1, *given["repeats"]]
    if op.name == "ops.pad":
        given["pad_width"] = [[0, 0], *given["pad_width"]]
    if op.takes_list:
        return function(values, **given)
    return function(**dict(zip(op.arguments, values, strict=True)), **given)


@pytest.mark.parametrize(("owner", "example"), EXAMPLES, ids=IDS)
def test_example(owner: type[Component], example: Example, tmp_path: Path) -> None:
    state = compile_text(tmp_path, spec_of(owner, example))
    assert not state.diagnostics.items, state.diagnostics.items
    assert state.graph is not None
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    assert len(model.operations) == len(state.graph.nodes), "one operation each, so that one name is enough"
    node = state.graph.nodes[-1]
    assert model.operations[-1].name == node.name
    assert node.flops is None or node.flops >= 0

    values = arrays(example)
    computed = keras.tree.flatten(model(values if len(values) > 1 else values[0]))
    op, _ = of_example(owner, example)
    expected = keras.tree.flatten(by_hand(op, values))
    assert len(computed) == len(expected) == len(node.outputs)
    for one, other, static in zip(computed, expected, node.outputs, strict=True):
        np.testing.assert_allclose(np.asarray(one, "float64"), np.asarray(other, "float64"), rtol=1e-6)
        assert all(a in (None, b) for a, b in zip(static.shape, one.shape[1:], strict=True))
        assert keras.backend.standardize_dtype(one.dtype) == static.dtype

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert [each.name for each in again.operations] == [each.name for each in model.operations]
    for one, other in zip(computed, keras.tree.flatten(again(values if len(values) > 1 else values[0])), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("owner", OPS, ids=lambda owner: owner.registered_name)
def test_options_are_those_of_keras(owner: type[Op]) -> None:
    parameters = dict(inspect.signature(load_attribute(owner.keras)).parameters)
    parameters.pop("kwargs", None)
    arguments = [name.rstrip("?") for name in owner.arguments]
    assert set(arguments) <= set(parameters)
    theirs = {name for name in parameters if name not in arguments}
    ours = {name for name in owner.fields if name not in arguments}
    assert ours <= theirs
    assert theirs - ours <= set(LEFT_OUT)
    assert owner.registered_name == owner.keras.removeprefix("keras.")
    for name in ours:
        field, default = owner.fields[name], parameters[name].default
        if default is inspect.Parameter.empty or (name in REQUIRED and field.required):
            assert field.default is MISSING, name
        elif (owner.registered_name, name) in OTHER_DEFAULT:
            assert field.default == OTHER_DEFAULT[owner.registered_name, name]
        else:
            assert field.default == default, name


@pytest.mark.parametrize("owner", OPS, ids=lambda owner: owner.registered_name)
def test_has_documentation(owner: type[Op]) -> None:
    assert owner.__doc__ and owner.__doc__.strip().endswith(".")
    assert owner.examples
    assert not {"trainable"} & set(owner.fields)


def test_promotion_is_that_of_keras() -> None:
    kinds = {"int": int, "float": float}
    numbers = [dtype for dtype in DTYPES if dtype != "string"]
    for pair in itertools.product([*numbers, *kinds], repeat=2):
        assert result_type(*pair) == keras.backend.result_type(*(kinds.get(each, each) for each in pair)), pair
    for each in itertools.product(["bool", "int8", "uint32", "float16", "int"], repeat=3):
        assert result_type(*each) == keras.backend.result_type(*(kinds.get(one, one) for one in each)), each


STRICTER = {
    "ops.matmul": "products of whole numbers are no arithmetic of a network, and Keras has special rules for int8",
    "ops.einsum": "as above",
    "ops.power": "whole numbers have no negative powers: the result would depend on the values",
    "ops.one_hot": "a number that is no index is a slip",
    "ops.normalize": "Keras infers float32 for all dtypes, and computes it only for some orders",
    "ops.add": "sums of truth values are a logical or in one place and a number in another",
    "ops.multiply": "as above",
    "ops.subtract": "as above",
    "ops.maximum": "as above",
    **dict.fromkeys(
        ("ops.less", "ops.less_equal", "ops.greater", "ops.greater_equal"),
        "Keras infers a result, and TensorFlow has none for two tensors",
    ),
    "ops.minimum": "as above",
}

NAMES = [owner for owner in OPS if owner.registered_name != "ops.take_along_axis"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("owner", NAMES, ids=lambda owner: owner.registered_name)
def test_dtypes(owner: type[Component], dtype: str) -> None:
    """What dlspec accepts, Keras computes, with the data type that both say; what it refuses, Keras gets wrong."""
    for example in owner.examples:
        op, inputs = of_example(owner, example)
        tensors = [Tensor(x.shape, dtype) for x in inputs]
        try:
            found = op.infer(tensors) if op.takes_list else op.infer(*tensors)
        except Problem as problem:
            assert problem.code == "E409"
            wraps = ", which holds " in problem.message  # Keras would take another number for the constant
            stricter = dtype == "string" or wraps or owner.registered_name in STRICTER
            assert stricter or not agrees(op, tensors, None), f"{owner.registered_name} refuses {dtype}"
            continue
        static = [each.dtype for each in (found if isinstance(found, tuple) else (found,))]
        assert agrees(op, tensors, static), f"{owner.registered_name} {example.value}: {dtype} → {static}"


def agrees(op: Op, tensors: list[Tensor], static: list[str] | None) -> bool:
    """Whether Keras computes what it infers, with the dtypes `static` where they are given."""
    try:
        symbols = [keras.Input(tensor.shape, dtype=tensor.dtype) for tensor in tensors]
        values = [keras.ops.ones((2, *(size or 4 for size in each.shape)), dtype=each.dtype) for each in tensors]
        call = op.make()
        inferred = [each.dtype for each in keras.tree.flatten(call(symbols) if op.takes_list else call(*symbols))]
        computed = keras.tree.flatten(call(values) if op.takes_list else call(*values))
    except Exception:
        return False
    return inferred == [keras.backend.standardize_dtype(each.dtype) for each in computed] == (static or inferred)
