"""Shape rules of the operations on generated axes, sizes and shapes: Keras infers and computes the same, or refuses."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml
from both import CATALOGUE, OPS, instance
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dlspec.errors import Problem
from dlspec.ir import Tensor
from dlspec.ops.base import Op

AXIS = st.integers(-4, 4)
SIZES = st.one_of(st.integers(1, 4), st.none())
SHAPES = st.lists(SIZES, max_size=3).map(tuple)

# What dlspec refuses although Keras goes through with it.
STRICTER = (
    "which is the batch",  # it would mix the examples
    "with the same number of axes",  # the batch of one would meet an axis of the other
    "names one axis twice",  # a slip
    "needs known sizes",  # the sizes of one example could spill into the next
    "needs the size",  # the number of outputs' sizes would be unknown
    "an axis of unknown size",
    "an axis of size",  # an index out of range gives zeros or an error, depending on the machine
    "entries, but the input has",  # Keras would count the batch in
    "ops.stack cannot stack",  # unknown sizes would have to agree when the model runs
    "the batch does not stay apart",
)


def drawn(owner: type[Any], draw: st.DrawFn, shape: tuple[int | None, ...]) -> dict[str, Any]:
    """Options of the operation, sometimes impossible ones."""
    rank = len(shape)
    special: dict[tuple[str, str], st.SearchStrategy[Any]] = {
        ("ops.reshape", "newshape"): st.lists(st.sampled_from([-1, 1, 2, 3, 4, 6]), max_size=3),
        ("ops.transpose", "axes"): st.permutations(range(1, rank + 1)).map(lambda order: [0, *order]),
        ("ops.tile", "repeats"): st.lists(st.integers(1, 3), min_size=rank, max_size=rank),
        ("ops.pad", "pad_width"): st.lists(
            st.lists(st.integers(0, 2), min_size=2, max_size=2), min_size=rank, max_size=rank
        ),
        ("ops.slice", "start_indices"): st.lists(st.integers(0, 2), min_size=rank, max_size=rank),
        ("ops.slice", "shape"): st.lists(st.sampled_from([-1, 1, 2]), min_size=rank, max_size=rank),
        ("ops.split", "indices_or_sections"): st.one_of(
            st.integers(1, 3), st.lists(st.integers(1, 3), min_size=1, max_size=2, unique=True).map(sorted)
        ),
        ("ops.take", "indices"): st.one_of(st.integers(-3, 3), st.lists(st.integers(-2, 3), min_size=1, max_size=3)),
    }
    options = {}
    for name, field in owner.fields.items():
        if (strategy := special.get((owner.registered_name, name))) is not None:
            options[name] = draw(strategy)
        elif name == "axis" and owner.registered_name == "ops.one_hot":
            options[name] = draw(st.integers(-1, 4))
        elif "axis" in name or name in ("source", "destination"):
            many = st.lists(AXIS, min_size=1, max_size=2) if "array" in field.literal(owner)["type"] else AXIS
            options[name] = draw(st.one_of(AXIS, many))
        elif name in ("k", "repeats", "shift", "num_classes"):
            options[name] = draw(st.integers(1, 4))
        elif name in ("keepdims", "sorted"):
            options[name] = draw(st.booleans())
    return options


@st.composite
def uses(draw: st.DrawFn) -> tuple[type[Any], dict[str, Any], list[Tensor]]:
    """An operation, its options, and inputs; several have about the same shape."""
    owner = draw(st.sampled_from([owner for owner in OPS if owner.registered_name != "ops.einsum"]))
    shape = draw(SHAPES)
    options = drawn(owner, draw, shape)
    for name, value in (yaml.safe_load(owner.examples[-1].value or "{}") or {}).items() if "{" in str(
        owner.examples[-1].value
    ) else ():  # fmt: skip
        if name in owner.fields and owner.fields[name].required:
            options.setdefault(name, value)
    count = 2 if owner.takes_list else len(owner.arguments)
    shapes = [shape]
    for _ in range(count - 1):
        other = [draw(st.sampled_from([size, size, 1, 2])) for size in shape]
        if owner.registered_name == "ops.matmul" and len(shape) > 1 and draw(st.booleans()):
            other[-2] = shape[-1]
        shapes.append(tuple(other[draw(st.sampled_from([0, 0, 0, 1])) :]))
    kinds = {"ops.one_hot": ["int32"], "ops.take_along_axis": ["float32", "int32"]}
    dtypes = kinds.get(owner.registered_name, ["float32"] * count)
    return owner, options, [Tensor(each, dtype) for each, dtype in zip(shapes, dtypes, strict=True)]


def types(op: Op, arguments: list[Any]) -> list[tuple[Any, str]]:
    """Shapes and dtypes that Keras gives for symbols or values."""
    call = op.make()
    results = keras.tree.flatten(call(arguments) if op.takes_list else call(*arguments))
    return [(tuple(each.shape)[1:], keras.backend.standardize_dtype(each.dtype)) for each in results]


def fails(op: Op, arguments: list[Any]) -> bool:
    """Whether Keras refuses."""
    try:
        types(op, arguments)
    except Exception:
        return True
    return False


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(uses())
def test_same_shapes_or_both_refuse(use: tuple[type[Any], dict[str, Any], list[Tensor]]) -> None:
    owner, options, inputs = use
    symbols = [keras.Input(x.shape, dtype=x.dtype) for x in inputs]
    values = [np.zeros((5, *(size or 4 for size in x.shape)), x.dtype) for x in inputs]
    try:
        op = instance(owner, options)
        found = op.infer(inputs) if op.takes_list else op.infer(*inputs)
    except Problem as problem:
        assume(not any(part in problem.message for part in STRICTER))
        assume(problem.code != "E207")
        unchecked = instance(owner, options)
        refused = fails(unchecked, symbols) or fails(unchecked, values)
        assert refused, f"only dlspec refuses {options} on {inputs}: {problem.message}"
        return
    static = [(x.shape, x.dtype) for x in (found if isinstance(found, tuple) else (found,))]
    assert types(op, symbols) == static, (owner, options, inputs)
    if all(None not in x.shape for x in inputs):
        assert types(op, values) == static, (owner, options, inputs)


# name, options, inputs, code, option at fault, message, part of the help
REFUSED: list[tuple[str, str, list[Any], str, str, str, str]] = [
    ("mean", "0", [(4, 3)], "E402", "axis",
     "ops.mean has `axis: 0`, which is the batch: it would mix the examples", "allowed: 1 to 2, or -1 to -2"),
    ("sum", "-2", [(4,)], "E402", "axis",
     "ops.sum has `axis: -2`, which is the batch: it would mix the examples", "allowed: 1 to 1"),
    ("max", "3", [(4,)], "E402", "axis", "ops.max has `axis: 3`, but its input has 1 axis without the batch", "1 to 1"),
    ("sum", "[1, -1]", [(4,)], "E402", "axis",
     "ops.sum names one axis twice in `axis: [1, -1]`, the input has shape [4]", "each axis once"),
    ("add", "", [(4, 3), (3,)], "E403", "",
     "ops.add takes tensors with the same number of axes, but got [4, 3] and [3]", "`ops.expand_dims`"),
    ("add", "", [(4, 3), (4, 2)], "E403", "",
     "ops.add cannot bring [4, 3] and [4, 2] together: 2 and 3 differ", "one of them is 1"),
    ("multiply", "{x1: 1, x2: 2}", [], "E405", "",
     "ops.multiply has only constants: an operation needs at least one tensor of the graph", "leave out one"),
    ("divide", "{x2: 0}", [(4,)], "E207", "x2", "ops.divide has `x2: 0`: nothing can be divided by 0", ""),
    ("clip", "{x_min: 2, x_max: 1}", [(4,)], "E207", "x_min", "ops.clip has `x_min: 2` above `x_max: 1`", "exchange"),
    ("clip", "{x_min: 0.5, x_max: 1}", [Tensor((4,), "int32")], "E409", "",
     "ops.clip has limits that are no whole numbers, but the input has dtype int32", "`ops.cast: float32`"),
    ("exp", "", [Tensor((4,), "string")], "E409", "",
     "ops.exp takes numbers, but the input has dtype string", "`string_lookup`"),
    ("softmax", "", [Tensor((4,), "int32")], "E409", "",
     "ops.softmax takes floating-point numbers, but the input has dtype int32", "`ops.cast: float32`"),
    ("one_hot", "5", [(4,)], "E409", "",
     "ops.one_hot takes whole numbers, but the input has dtype float32", "`ops.cast: int32`"),
    ("logsumexp", "1", [Tensor((4,), "float16")], "E409", "",
     "ops.logsumexp takes float32, but the input has dtype float16", "`ops.cast: float32`"),
    ("norm", "[1, 2, 3]", [(4, 3, 2)], "E207", "axis",
     "ops.norm has `axis: [1, 2, 3]`, which are more than two", "one axis, or two"),
    ("norm", "{axis: [1, 2], ord: 1}", [(4, 3)], "E207", "axis", "ops.norm has `axis: [1, 2]` with `ord`", "one axis"),
    ("top_k", "5", [(4,)], "E402", "k", "ops.top_k has `k: 5`, but the last axis has 4 elements", ""),
    ("reshape", "[-1, -1]", [(4,)], "E207", "newshape",
     "ops.reshape has `newshape: [-1, -1]`: only one axis can be -1", ""),
    ("reshape", "[0, 4]", [(4,)], "E207", "newshape",
     "ops.reshape has `newshape: [0, 4]`: no axis can have size 0", ""),
    ("reshape", "[3]", [(4,)], "E402", "newshape",
     "ops.reshape cannot bring shape [4] (4 elements) into [3]", "make the products equal"),
    ("reshape", "[4]", [(None,)], "E408", "",
     "ops.reshape needs known sizes, but the input has shape [null]", "the layer `reshape`"),
    ("transpose", "[1, 0]", [(4,)], "E207", "axes",
     "ops.transpose has `axes: [1, 0]`, which does not name each axis once, the batch 0 first", "`[0, 2, 1]`"),
    ("transpose", "[0, 2, 1]", [(4,)], "E402", "axes",
     "ops.transpose has `axes` with 2 entries, but the input has shape [4]", "without the batch"),
    ("squeeze", "1", [(4,)], "E402", "axis",
     "ops.squeeze can only remove axes of size 1, but the input has shape [4]", "of size 1"),
    ("pad", "{pad_width: [[1, 1]], mode: reflect, constant_values: 2}", [(4,)], "E207", "constant_values",
     "ops.pad has `constant_values`, which `mode: reflect` does not use", "leave it out"),
    ("pad", "{pad_width: [[4, 0]], mode: reflect}", [(4,)], "E402", "pad_width",
     "ops.pad cannot reflect 4 elements of an axis of size 4", "at most 3"),
    ("slice", "{start_indices: [3], shape: [2]}", [(4,)], "E402", "shape",
     "ops.slice takes 2 from 3 of an axis of size 4", "all lie in the tensor"),
    ("slice", "{start_indices: [1], shape: [-1]}", [(None,)], "E408", "",
     "ops.slice needs known sizes where it starts behind 0, the input has shape [null]", "`inputs`"),
    ("take", "{indices: 4, axis: 1}", [(4,)], "E402", "indices",
     "ops.take has the index 4 into an axis of size 4", "allowed: 0 to 3"),
    ("take", "{indices: -1, axis: 1}", [(None,)], "E408", "indices",
     "ops.take has the index -1 into an axis of unknown size", "`inputs`"),
    ("concatenate", "1", [(4, 3), (3,)], "E404", "",
     "ops.concatenate cannot join [4, 3] and [3]: the number of axes differs", "`ops.expand_dims`"),
    ("concatenate", "1", [(4, 3), (4, 2)], "E404", "axis",
     "ops.concatenate cannot join [4, 3] and [4, 2] along axis 1: 2 and 3 differ", "only the joined axis"),
    ("stack", "1", [(4,), (3,)], "E404", "", "ops.stack cannot stack [4] and [3]", "the same shape"),
    ("split", "{indices_or_sections: [2, 1], axis: 1}", [(4,)], "E207", "indices_or_sections",
     "ops.split has `indices_or_sections: [2, 1]`, which is not in ascending order", "sort"),
    ("split", "{indices_or_sections: 3, axis: 1}", [(4,)], "E402", "indices_or_sections",
     "ops.split cannot cut an axis of size 4 into 3 equal parts", "choose a divisor"),
    ("split", "{indices_or_sections: [4], axis: 1}", [(4,)], "E402", "indices_or_sections",
     "ops.split cannot cut an axis of size 4 at 4", "up to 3"),
    ("matmul", "", [(4,), (4,)], "E402", "",
     "ops.matmul takes two tensors with the same number of axes, at least two, but got [4] and [4]", "expand_dims"),
    ("matmul", "", [(4, 3), (4, 3)], "E402", "",
     "ops.matmul cannot multiply [4, 3] and [4, 3]: 3 and 4 differ", "the last axis of the first"),
    ("einsum", "{subscripts: 'b...->b'}", [(4,)], "E207", "subscripts",
     "ops.einsum cannot read `subscripts: b...->b`", "`bqd,bkd->bqk`"),
    ("einsum", "{subscripts: 'bi,bj->ij'}", [(4,), (4,)], "E207", "subscripts",
     "ops.einsum has `subscripts: bi,bj->ij`, in which the batch does not stay apart", "start every term"),
    ("einsum", "{subscripts: 'bi->bj'}", [(4,)], "E207", "subscripts",
     "ops.einsum has `subscripts: bi->bj`, which makes `j` of nothing", "a letter of its own"),
    ("einsum", "{subscripts: 'bii->bi'}", [(4, 4)], "E207", "subscripts",
     "ops.einsum has `subscripts: bii->bi`, which has a letter twice in one term", "a letter of its own"),
    ("einsum", "{subscripts: 'bi,bi->bi'}", [(4,)], "E405", "subscripts",
     "ops.einsum has `subscripts` for 2 tensors, but gets 1", "a term for each"),
    ("einsum", "{subscripts: 'bi->bi'}", [(4, 3)], "E402", "subscripts",
     "ops.einsum has `bi` for a tensor of shape [4, 3]", "a letter for each axis"),
    ("einsum", "{subscripts: 'bi,bi->bi'}", [(4,), (3,)], "E402", "subscripts",
     "ops.einsum has `i` for axes of size 4 and 3", "one size"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "inputs", "code", "option", "message", "help"), REFUSED)
def test_refused(name: str, options: str, inputs: list[Any], code: str, option: str, message: str, help: str) -> None:
    owner = CATALOGUE["layer", f"ops.{name}"]
    tensors = [x if isinstance(x, Tensor) else Tensor(x) for x in inputs]
    with pytest.raises(Problem) as caught:
        op = instance(owner, yaml.safe_load(options) if options else None)
        op.infer(tensors) if op.takes_list else op.infer(*tensors)
    problem = caught.value
    assert (problem.code, problem.option, problem.message) == (code, option, message)
    assert help in problem.help
    assert not option or option in owner.fields


def test_every_problem_has_a_test() -> None:
    folder = Path(inspect.getfile(Op)).parent
    places = sum(path.read_text(encoding="utf-8").count("raise Problem(") for path in folder.glob("*.py"))
    assert len(REFUSED) >= places
