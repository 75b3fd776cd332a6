"""Data types of results: Keras's rules of promotion, without Keras."""

from __future__ import annotations

from functools import cache

from dlspec.errors import Problem
from dlspec.ir import Tensor

# Each dtype with those directly above it; `int` and `float` are Python's constants, which give way to tensors.
_ABOVE = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64",),
    "float64": (),
}
_STORED = {"int": "int32", "float": "float32", "uint64": "uint32"}


@cache
def _bounds(dtype: str) -> frozenset[str]:
    return frozenset((dtype,)).union(*map(_bounds, _ABOVE[dtype]))


def result_type(*dtypes: str) -> str:
    """The smallest dtype that holds all of `dtypes`, as ``keras.backend.result_type``."""
    common = frozenset.intersection(*map(_bounds, dtypes))
    least = next(dtype for dtype in common if common <= _bounds(dtype))
    return _STORED.get(least, least)


def numeric(tensor: Tensor, who: str, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> str:
    """The dtype of a tensor that `who` computes with.

    Args:
        tensor: What enters.
        who: The operation.
        only: Prefixes of the dtypes that it takes; empty for all numbers.
        without: Prefixes of the dtypes that it does not take.

    Raises:
        Problem: E409, the operation does not take such tensors.
    """
    dtype = tensor.dtype
    if dtype == "string" or dtype.startswith(without) or (only and not dtype.startswith(only)):
        taken = "floating-point numbers" if only and "float" in only[0] else "whole numbers" if only else "numbers"
        taken = only[0] if only and only[0] == "float32" else taken
        help = "text becomes numbers by `string_lookup`" if dtype == "string" else "convert it: `ops.cast: float32`"
        help = "convert it: `ops.cast: int32`" if taken == "whole numbers" and dtype != "string" else help
        raise Problem("E409", f"{who} takes {taken}, but the input has dtype {dtype}", help)
    return dtype


FLOATS = ("float", "bfloat")
INTEGERS = ("int", "uint")
