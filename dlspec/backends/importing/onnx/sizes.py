"""Operators that make tensors larger or smaller: resizing, padding, slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.state import Lack, State, operator
from dlspec.backends.importing.onnx.tree import NUMPY, Value
from dlspec.backends.importing.onnx.windows import filled

_MODES = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}
# So many positions tell whether a rule repeats each element.
_TRIED = 12
# Factors are kept as float32.
_NEAR = 1e-4


@operator("Resize", "Upsample")
def _resize(state: State, node: Node) -> Value:
    value = state.last(state.value(node))
    mode = _MODES.get(node.attributes.get("mode", "nearest"))
    if mode is None or value.rank not in (3, 4, 5) or (mode != "nearest" and value.rank != 4):
        raise Lack(f"`{node.operator}` of the mode `{node.attributes.get('mode')}`")
    if node.attributes.get("antialias", 0):
        raise Lack(f"`{node.operator}` with `antialias`")
    before = value.sizes[1:-1]
    factors, after = _factors(state, node, value)
    whole = [round(factor) for factor in factors]
    larger = all(factor == each >= 1 for factor, each in zip(factors, whole, strict=True))
    if larger and all(each == 1 for each in whole):
        return value
    if not _agrees(node, mode, whole if larger else None):
        rule = node.attributes.get("coordinate_transformation_mode", "half_pixel")
        raise Lack(f"`{node.operator}` with positions that Keras has not: `{rule}`")
    sizes: Any = (None, *after, value.sizes[-1])
    if larger:
        config: dict[str, Any] = {"size": whole if value.rank > 3 else whole[0]}
        config |= {"interpolation": mode} if value.rank == 4 else {}
        return state.add(f"UpSampling{value.rank - 2}D", value, config, sizes=sizes, positive=value.positive)
    if value.rank != 4 or None in after:
        raise Lack(f"`{node.operator}` of {list(before)} by {factors}")
    config = {"height": after[0], "width": after[1], "interpolation": mode}
    return state.add("Resizing", value, config, sizes=sizes, positive=value.positive)


def _factors(state: State, node: Node, value: Value) -> tuple[list[float], list[int | None]]:
    """How much larger each axis becomes, and its size then."""
    before = value.sizes[1:-1]
    places = (1,) if node.operator == "Upsample" or state.graph.opset < 11 else (2,)
    said: Any = node.attributes.get("scales")
    if said is None and state.has(node, places[0]) and state.constant(node, places[0]).size:
        said = state.constant(node, places[0]).ravel().tolist()
    if said is not None:
        if len(said) != value.rank or list(said[:2]) != [1, 1] or not all(0 < each < 2**31 for each in said):
            raise Lack(f"`{node.operator}` by {list(said)}")
        factors = [float(each) for each in said[2:]]
        exact = [None if size is None else size * factor for size, factor in zip(before, factors, strict=True)]
        if any(size is not None and abs(size - round(size)) > _NEAR for size in exact):
            raise Lack(f"`{node.operator}` by {factors} of {list(before)}, which leaves a rest")
        return factors, [None if size is None else round(size) for size in exact]
    wanted = [int(each) for each in state.constant(node, 3).ravel()]
    if len(wanted) != value.rank or wanted[1] != value.sizes[-1] or None in before or min(wanted[2:]) < 1:
        raise Lack(f"`{node.operator}` to {wanted}")
    after: list[int | None] = [*wanted[2:]]
    return [new / (old or 1) for new, old in zip(wanted[2:], before, strict=True)], after


def _agrees(node: Node, mode: str, whole: Sequence[int] | None) -> bool:
    """Whether positions are those of Keras: repeated elements, or half pixels."""
    if node.operator == "Upsample":
        rule, rounding = "asymmetric", "floor"
    else:
        rule = node.attributes.get("coordinate_transformation_mode", "half_pixel")
        rounding = node.attributes.get("nearest_mode", "round_prefer_floor")
    if mode != "nearest":
        return rule in ("half_pixel", "pytorch_half_pixel")
    if whole is None:
        return rule == "tf_half_pixel_for_nn" and rounding == "floor"
    return all(_repeats(rule, rounding, factor) for factor in whole)


def _repeats(rule: str, rounding: str, factor: int) -> bool:
    """Whether a rule gives each element `factor` times."""
    import math

    for position in range(_TRIED * factor):
        if rule in ("half_pixel", "pytorch_half_pixel"):
            source = (position + 0.5) / factor - 0.5
        elif rule == "tf_half_pixel_for_nn":
            source = (position + 0.5) / factor
        elif rule == "asymmetric":
            source = position / factor
        else:
            return False
        rounded = {
            "floor": math.floor(source),
            "ceil": math.ceil(source),
            "round_prefer_floor": math.ceil(source - 0.5),
            "round_prefer_ceil": math.floor(source + 0.5),
        }.get(rounding, -1)
        if min(max(rounded, 0), _TRIED - 1) != position // factor:
            return False
    return True


@operator("Pad")
def _pad(state: State, node: Node) -> Value:
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    mode = node.attributes.get("mode", "constant")
    pads = state.integers(node, "pads", 1) or []
    axes = [int(axis) % value.rank for axis in state.constant(node, 3).ravel()] if state.has(node, 3) else []
    axes = axes or list(range(value.rank))
    filler = float(state.constant(node, 2).ravel()[0]) if state.has(node, 2) else node.attributes.get("value", 0.0)
    if len(pads) != 2 * len(axes) or any(not 0 <= each < 2**31 for each in pads):
        raise Lack(f"`Pad` by {pads}")
    if mode not in ("constant", "reflect"):
        raise Lack(f"`Pad` of the mode `{mode}`")
    pairs = [[0, 0] for _ in range(value.rank)]
    for number, axis in enumerate(axes):
        pairs[value.axes[axis]] = [pads[number], pads[number + len(axes)]]
    if any(pairs[0]):
        raise Lack("`Pad` of examples")
    if not any(map(any, pairs)):
        return value
    return filled(state, value, pairs, filler, mode)


@operator("Slice")
def _slice(state: State, node: Node) -> Value:
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    starts, ends = state.integers(node, "starts", 1) or [], state.integers(node, "ends", 2) or []
    axes = state.integers(node, "axes", 3) or list(range(len(starts)))
    steps = state.integers(node, "steps", 4) or [1] * len(starts)
    cuts: dict[int, tuple[int, int | None]] = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        own = value.axes[axis % value.rank]
        size = value.sizes[own]
        if own == 0 and (start, step) == (0, 1) and end >= 2**31 - 1:
            continue
        if step != 1 or own == 0:
            raise Lack(f"`Slice` in steps of {step}" if own else "`Slice` of examples")
        if size is None:
            raise Lack("`Slice` of an axis whose size is open")
        begin, stop, _ = slice(start, end).indices(size)
        cuts[own] = (begin, stop)
    return _cut(state, value, cuts)


@operator("Split")
def _split(state: State, node: Node) -> list[Value]:
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    own = value.axes[node.attributes.get("axis", 0) % value.rank]
    size = value.sizes[own]
    if own == 0 or size is None:
        raise Lack("`Split` of examples" if own == 0 else "`Split` of an axis whose size is open")
    count = len(node.outputs)
    part = -(-size // count)
    lengths = state.integers(node, "split", 1) or [min(part, size - number * part) for number in range(count)]
    if sum(lengths) != size or min(lengths) < 1 or len(lengths) != count:
        raise Lack(f"`Split` of {size} into {lengths}")
    starts = [sum(lengths[:number]) for number in range(count)]
    return [_cut(state, value, {own: (start, start + n)}) for start, n in zip(starts, lengths, strict=True)]


def _cut(state: State, value: Value, cuts: dict[int, tuple[int, int | None]]) -> Value:
    """A part of a tensor."""
    sizes = list(value.sizes)
    key: list[Any] = []
    for axis, size in enumerate(value.sizes):
        start, stop = cuts.get(axis, (None, None))
        if start is not None and stop is not None:
            if stop <= start:
                raise Lack("a slice of nothing")
            sizes[axis] = stop - start
            start, stop = (None, None) if (start, stop) == (0, size) else (start, stop)
        key.append({"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": None}})
    if tuple(sizes) == value.sizes:
        return value
    return state.tree.add("GetItem", {}, [value, key], replace(value, sizes=tuple(sizes)), module=NUMPY)
