"""Operators on constants, computed with NumPy: shapes and weights that a file does not hold as they are used."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.state import Lack

# Arrays of any type; NumPy is loaded where they are computed.
Array = Any

_MAX_ELEMENTS = 2**28
_PAIRS = {
    "Add": "add", "Sub": "subtract", "Mul": "multiply", "Pow": "power", "Min": "minimum", "Max": "maximum",
    "Mod": "mod", "Equal": "equal", "Greater": "greater", "Less": "less", "And": "logical_and", "Or": "logical_or",
}  # fmt: skip
_SINGLE = {
    "Neg": "negative", "Sqrt": "sqrt", "Floor": "floor", "Ceil": "ceil", "Exp": "exp", "Abs": "abs",
    "Identity": "array", "Reciprocal": "reciprocal", "Not": "logical_not",
}  # fmt: skip


def computed(node: Node, arrays: Sequence[Array | None], numbers: Callable[[str, int], list[int] | None]) -> Array:
    """What an operator gives for constants.

    Args:
        node: The call.
        arrays: What enters; None for an optional input that does not.
        numbers: Whole numbers that are an attribute or an input, by both.

    Raises:
        Lack: The operator is not one of these, or does not take such constants.
    """
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            result = _computed(node, arrays, numbers)
    except (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, OverflowError, MemoryError) as error:
        raise Lack(f"`{node.operator}` of constants that do not fit each other") from error
    if result.size > _MAX_ELEMENTS:
        raise Lack(f"`{node.operator}`, which makes a constant of {result.size:,} elements")
    return result


def _computed(node: Node, arrays: Sequence[Array | None], numbers: Callable[[str, int], list[int] | None]) -> Array:
    import numpy as np

    name, (first, *rest) = node.operator, (*arrays,)
    if name in _SPECIAL and first is not None:
        return _SPECIAL[name](node, first, rest, numbers)
    if first is None or any(array is None for array in rest):
        raise Lack(f"the operator `{name}` of constants")
    if name in _SINGLE:
        return np.asarray(getattr(np, _SINGLE[name])(first))
    if name in _PAIRS and rest:
        _check_size(np.broadcast_shapes(*(array.shape for array in (first, *rest) if array is not None)), node)
        result = first
        for array in rest:
            result = np.asarray(getattr(np, _PAIRS[name])(result, array))
        return result
    if name == "Div" and len(rest) == 1 and rest[0] is not None:
        whole = first.dtype.kind in "iu"
        return np.asarray(np.trunc(first / rest[0]).astype(first.dtype) if whole else first / rest[0])
    if name == "Concat":
        return np.concatenate([first, *(array for array in rest if array is not None)], node.attributes["axis"])
    if name == "Where":
        return np.where(first, rest[0], rest[1])
    raise Lack(f"the operator `{name}` of constants")


def _check_size(shape: Sequence[int], node: Node) -> None:
    if math.prod(int(size) for size in shape) > _MAX_ELEMENTS:
        raise Lack(f"`{node.operator}`, which makes a constant of {math.prod(shape):,} elements")


_Numbers = Callable[[str, int], "list[int] | None"]


def _gather(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    import numpy as np

    return np.asarray(np.take(first, np.asarray(rest[0]), axis=node.attributes.get("axis", 0)))


def _unsqueeze(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    import numpy as np

    return np.expand_dims(first, tuple(numbers("axes", 1) or ()))


def _squeeze(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    axes = numbers("axes", 1)
    return first.squeeze() if axes is None else first.squeeze(tuple(axes))


def _slice(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    starts, ends = numbers("starts", 1) or [], numbers("ends", 2) or []
    axes = numbers("axes", 3)
    steps = numbers("steps", 4) or [1] * len(starts)
    cuts = [slice(None)] * first.ndim
    for axis, start, end, step in zip(axes or range(len(starts)), starts, ends, steps, strict=True):
        cuts[axis] = slice(start, None if step < 0 and end < -first.shape[axis] else end, step)
    return first[tuple(cuts)]


def _cast(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    from onnx import helper

    return first.astype(helper.tensor_dtype_to_np_dtype(node.attributes["to"]))


def _reshape(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    shape = numbers("shape", 1) or []
    return first.reshape([first.shape[axis] if size == 0 else size for axis, size in enumerate(shape)])


def _transpose(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    return first.transpose(node.attributes.get("perm"))


def _filled(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    import numpy as np

    _check_size([int(size) for size in first], node)
    value = node.attributes.get("value")
    return np.full([int(size) for size in first], np.float32(0) if value is None else value.ravel()[0])


def _expand(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    import numpy as np

    shape = np.broadcast_shapes(first.shape, tuple(numbers("shape", 1) or ()))
    _check_size(shape, node)
    return np.broadcast_to(first, shape)


def _range(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    import numpy as np

    limit, step = (np.asarray(array).item() for array in rest)
    _check_size([max(0, math.ceil((limit - first.item()) / step))], node)
    return np.arange(first.item(), limit, step).astype(first.dtype)


def _product(node: Node, first: Array, rest: Sequence[Array | None], numbers: _Numbers) -> Array:
    import numpy as np

    axes = numbers("axes", 1)
    reduced = np.prod(first, None if axes is None else tuple(axes), keepdims=bool(node.attributes.get("keepdims", 1)))
    return np.asarray(reduced)


_SPECIAL: dict[str, Callable[[Node, Any, Sequence[Any], _Numbers], Any]] = {
    "Gather": _gather,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Slice": _slice,
    "Cast": _cast,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Range": _range,
    "ReduceProd": _product,
}
