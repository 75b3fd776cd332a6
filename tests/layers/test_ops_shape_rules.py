"""Shape rules of the operations on generated axes, sizes and shapes: Keras infers and computes the same, or refuses."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import keras
import pytest
import yaml
from both import CATALOGUE, instance, symbol
from hypothesis import HealthCheck, assume, given, settings
from op_uses import OpUse, op_uses
from test_ops_against_keras import STRICTER as STRICTER_DTYPES

from dlspec.components.ops.base import Op
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor

BATCH, UNKNOWN = 11, 4  # sizes of what is computed; no axis is as long as the batch

# What dlspec refuses although Keras goes through with it, each with the reason; for dtypes see `STRICTER_DTYPES`.
STRICTER = {
    "which is the batch": "it would mix the examples",
    "with the same number of axes": "the batch of one would meet an axis of the other",
    "names one axis twice": "naming an axis twice is a slip",
    "needs known sizes": "the sizes of one example could spill into the next",
    "needs the size": "the number of outputs' sizes would be unknown",
    "an axis of unknown size": "an index from the end would need it",
    "an axis of size": "an index out of range gives zeros or an error, depending on the machine",
    "entries, but the input has": "Keras would count the batch in",
    "ops.stack cannot stack": "unknown sizes would have to agree when the model runs",
    "the batch does not stay apart": "it would mix the examples",
    "has only constants": "the result would belong to no graph",
    "above `x_max": "a range that goes down means nothing",
    "by 0": "nothing can be divided by 0",
    "only one axis can be -1": "a slip, which Keras does not see",
    "not in ascending order": "Keras makes a part without elements",
    "cannot read `subscripts": "letters for all axes say what goes where; Keras reads more",
    "takes whole numbers, but": "Keras takes fractions for indices",
    ", which holds ": "Keras computes with another constant: a whole number wraps around, a large one becomes infinite",
    "with `ord`": "over two axes 1 and 2 are the norms of matrices, such as the largest singular value",
    "ops.tile takes numbers": "TensorFlow has no kernel for some dtypes, which only shows where something is repeated",
    "frequencies for `fft_length": "Keras cuts or fills up frequencies without a word, and gives another sound",
    "frequencies, or `fft_length`": "there is no transform of nothing",
    "beside the batch": "Keras would take the batch for an axis of the example",
    "below `sequence_length": "the transform would cut the pieces",
    "steps for one piece": "Keras makes no piece at all",
    "puts together": "Keras gives no steps at all, or fills up with zeros",
    "dtype uint64": "TensorFlow has few kernels for it: what runs by itself fails with the next operation",
    "dtype string": "text is for the layers that look words up",
}

Types = list[tuple[tuple[int | None, ...], str]]
REFUSALS = ("E207", "E402", "E403", "E404", "E405", "E408", "E409")


def inferred(op: Op, inputs: list[Tensor]) -> Types:
    """Shapes and dtypes that dlspec infers."""
    found = op.infer(inputs) if op.takes_list else op.infer(*inputs)
    outputs = found if isinstance(found, tuple) else (found,)
    if all(None not in x.shape for x in inputs):
        arguments: list[Any] = [inputs] if op.takes_list else inputs
        assert op.flops(outputs[0], *arguments) >= 0
    return [(x.shape, x.dtype) for x in outputs]


def in_keras(op: Op, arguments: list[Any]) -> Types:
    """Shapes and dtypes that Keras gives for symbols or values."""
    call = op.make()
    results = keras.tree.flatten(call(arguments) if op.takes_list else call(*arguments))
    assert not any(getattr(each, "_keras_mask", None) is not None for each in results), "operations drop masks"
    return [(tuple(each.shape)[1:], keras.backend.standardize_dtype(each.dtype)) for each in results]


def value(x: Tensor) -> Any:
    """Zeros of the type of `x`."""
    return keras.ops.zeros((BATCH, *(size or UNKNOWN for size in x.shape)), dtype=x.dtype)


def goes_through(op: Op, inputs: list[Tensor]) -> bool:
    """Whether Keras infers something, and computes just that."""
    try:
        symbolic = in_keras(op, [symbol(x) for x in inputs])
        computed = in_keras(op, [value(x) for x in inputs])
    except Exception:
        return False
    return len(symbolic) == len(computed) and all(
        dtype == found and len(shape) == len(sizes) and all(a in (None, b) for a, b in zip(shape, sizes, strict=True))
        for (shape, dtype), (sizes, found) in zip(symbolic, computed, strict=True)
    )


@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(op_uses())
def test_same_shapes_or_both_refuse(use: OpUse) -> None:
    check_op(use)


def check_op(use: OpUse) -> None:
    """One case; ``make fuzz`` runs thousands."""
    owner, options, inputs = use
    try:
        op = instance(owner, options)
        static = inferred(op, inputs)
    except Problem as problem:
        assert problem.message and problem.code in REFUSALS
        assume(not any(part in problem.message for part in STRICTER))
        assume(problem.code != "E409" or owner.registered_name not in STRICTER_DTYPES)
        unchecked = type(owner.__name__, (owner,), {"validate": lambda self: None}, abstract=True)
        assert not goes_through(instance(unchecked, options), inputs), (
            f"only dlspec refuses {owner.registered_name} {options} on {inputs}: {problem.message}"
        )
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert in_keras(op, [symbol(x) for x in inputs]) == static, (owner.registered_name, options, inputs)
        if all(None not in x.shape for x in inputs):
            assert in_keras(op, [value(x) for x in inputs]) == static, (owner.registered_name, options, inputs)


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
    ("add", "{x2: 300}", [Tensor((4,), "int8")], "E409", "x2",
     "ops.add has `x2: 300`, but the tensors have dtype int8, which holds whole numbers from -128 to 127", "ops.cast"),
    ("where", "{x2: -1.0e+9}", [Tensor((4,), "bool"), Tensor((4,), "float16")], "E409", "x2",
     "ops.where has `x2: -1000000000.0`, but the tensors have dtype float16, which holds numbers from -65504 to 65504",
     "choose another constant"),
    ("less", "{x1: -3}", [Tensor((4,), "uint8")], "E409", "x1",
     "ops.less has `x1: -3`, but the tensors have dtype uint8, which holds whole numbers from 0 to 255", "ops.cast"),
    ("clip", "{x_min: -1, x_max: 1}", [Tensor((4,), "uint8")], "E409", "x_min",
     "ops.clip has `x_min: -1`, but the tensors have dtype uint8, which holds whole numbers from 0 to 255", "ops.cast"),
    ("pad", "{pad_width: [[1, 1]], constant_values: 0.5}", [Tensor((4,), "int32")], "E409", "constant_values",
     "ops.pad has `constant_values: 0.5`, but the tensors have dtype int32, which holds whole numbers from "
     "-2147483648 to 2147483647", "ops.cast"),
    ("pad", "{pad_width: [[1, 1]], constant_values: 1}", [Tensor((4,), "bool")], "E409", "constant_values",
     "ops.pad has `constant_values: 1`, but the tensors have dtype bool, which holds true and false", "ops.cast"),
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
     "ops.transpose has `axes` with 3 entries, but the input has 2 axes", "[batch, 4] once, the batch as 0"),
    ("tile", "[2]", [(4, 3)], "E402", "repeats",
     "ops.tile has `repeats` with 1 entries, but the input has shape [4, 3]", "without the batch"),
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
