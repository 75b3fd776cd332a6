"""Data types of results: Keras's rules of promotion, without Keras."""

from __future__ import annotations

import math
from functools import cache

from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor

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


# The largest finite number of each floating-point dtype.
_LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38}


def check_exact(value: float, dtype: str, who: str, option: str) -> None:
    """Checks that a constant stays what it is where it meets tensors of a dtype.

    Keras lets whole numbers wrap around (300 is 44 in int8) and large ones become infinite, or fails when it computes.

    Args:
        value: The constant.
        dtype: What it is converted to.
        who: The operation.
        option: The option that gives the constant.

    Raises:
        Problem: E409, the dtype does not hold the constant.
    """
    if dtype.startswith(INTEGERS):
        bits = int(dtype.lstrip("uint")) - (dtype[0] == "i")
        low, high = (-(2**bits) if dtype[0] == "i" else 0), 2**bits - 1
        fits, range = isinstance(value, int) and low <= value <= high, f"whole numbers from {low} to {high}"
    elif dtype == "bool":
        fits, range = False, "true and false"
    else:
        largest = _LARGEST.get(dtype, math.inf)
        fits, range = abs(value) <= largest, f"numbers from {-largest:g} to {largest:g}"
    if not fits:
        message = f"{who} has `{option}: {value}`, but the tensors have dtype {dtype}, which holds {range}"
        raise Problem("E409", message, "choose another constant, or convert the tensors: `ops.cast: float32`", option)


FLOATS = ("float", "bfloat")
INTEGERS = ("int", "uint")
