"""Operators that leave the elements as they are: other axes, other shapes, several tensors as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.state import BATCH, Lack, State, operator
from dlspec.backends.importing.onnx.tree import Value, channels_last

Sizes = Sequence[int | None]


@operator("Transpose")
def _transpose(state: State, node: Node) -> Value:
    value = state.value(node)
    value = state.exact(value) if value.mix is not None else value
    order = node.attributes.get("perm") or list(range(value.rank))[::-1]
    if sorted(order) != list(range(value.rank)):
        raise Lack(f"`Transpose` by {order} of a tensor of {value.rank} axes")
    return replace(value, axes=tuple(value.axes[axis] for axis in order))


@operator("Flatten")
def _flatten(state: State, node: Node) -> Value:
    value = state.value(node)
    axis = node.attributes.get("axis", 1)
    if axis not in (1, 1 - value.rank):
        raise Lack(f"`Flatten` from axis {axis}")
    if value.axes[0] != 0:
        raise Lack("`Flatten` that mixes examples")
    return value if value.rank == 2 else state.flattened(value)


@operator("Reshape")
def _reshape(state: State, node: Node) -> Value:
    value = state.value(node)
    wanted = state.integers(node, "shape", 1) or []
    if node.attributes.get("allowzero", 0) and 0 in wanted:
        raise Lack("`Reshape` to an empty tensor")
    return reshaped(state, value, wanted, _fixed(state))


def _fixed(state: State) -> int | None:
    """The number of examples that the file is made for; None where it is open."""
    return state.graph.inputs[0].shape[0]


def reshaped(state: State, value: Value, wanted: Sequence[int], fixed: int | None) -> Value:
    """A tensor in another shape.

    Args:
        state: The tensors so far.
        value: The tensor.
        wanted: The shape in ONNX, where 0 keeps a size, and one may be -1.
        fixed: The number of examples in the file; None where it is open.
    """
    if value.axes[0] != 0 or not wanted:
        raise Lack("`Reshape` that mixes examples")
    before = value.shape[1:]
    target = [value.shape[axis] if size == 0 and axis else size for axis, size in enumerate(wanted)]
    if 0 in target[1:] or any(size is not None and (size < -1 or size >= BATCH) for size in target[1:]):
        raise Lack(f"`Reshape` to {list(wanted)}")
    whole = None if None in before else math.prod(size or 1 for size in before)
    after = [*target[1:]]
    if whole is not None and None not in after and after.count(-1) <= 1:
        known = math.prod(size for size in after if size is not None and size != -1)
        if -1 in after:
            after[after.index(-1)] = whole // known if known else 0
        elif target[0] == -1 and known != whole:
            raise Lack(f"`Reshape` to {list(wanted)}, which mixes examples")
        if math.prod(size or 0 for size in after) != whole:
            raise Lack(f"`Reshape` of {list(before)} to {list(wanted)}")
    elif after.count(-1) > 1 or target[0] == -1:
        raise Lack(f"`Reshape` to {list(wanted)} of sizes that the file leaves open")
    if target[0] not in (0, -1, BATCH, fixed):
        raise Lack(f"`Reshape` to {list(wanted)}, which mixes examples")
    return _to(state, value, [None if size == -1 else size for size in after])


def _to(state: State, value: Value, after: Sizes) -> Value:
    """A tensor in a shape without the batch, in the fewest steps."""
    before = value.shape[1:]
    if list(after) == list(before):
        return value
    if len(after) == 1:
        return state.flattened(value)
    moved = _moved(value, after)
    if moved is not None:
        return moved
    pooled = _spread(state, value, after)
    if pooled is not None:
        return pooled
    shared = _shared(before, after) if not value.plain and value.mix is None else 0
    if shared:
        return _around(state, value, after, shared)
    value = state.exact(value)
    target = [-1 if size is None else size for size in after]
    result = replace(value, sizes=(None, *after), axes=tuple(range(len(after) + 1)))
    return state.tree.add("Reshape", {"target_shape": target}, [value], result)


def _moved(value: Value, after: Sizes) -> Value | None:
    """The tensor with axes of size 1 elsewhere, where the shape says no more than that."""
    before = value.shape[1:]
    rest = [size for size in before if size != 1]
    if len(after) != len(before) or rest != [size for size in after if size != 1] or value.mix is not None:
        return None
    single = [axis for axis, size in enumerate(before, 1) if size == 1]
    other = [axis for axis, size in enumerate(before, 1) if size != 1]
    order = [single.pop(0) if size == 1 else other.pop(0) for size in after]
    return replace(value, axes=(0, *(value.axes[axis] for axis in order)))


def _spread(state: State, value: Value, after: Sizes) -> Value | None:
    """Features as channels beside axes of size 1."""
    if value.rank != 2 or len(after) < 2 or any(size != 1 for size in after[1:]) or value.mix is not None:
        return None
    rank = len(after) + 1
    sizes = (None, *(1 for _ in after[1:]), after[0])
    target = [-1 if size is None else size for size in sizes[1:]]
    result = replace(value, sizes=sizes, axes=channels_last(rank))
    return state.tree.add("Reshape", {"target_shape": target}, [value], result)


def _shared(before: Sizes, after: Sizes) -> int:
    """How many last axes remain."""
    count = 0
    for size, other in zip(reversed(before), reversed(after), strict=False):
        if size != other:
            break
        count += 1
    return min(count, len(before) - 1, len(after) - 1)


def _around(state: State, value: Value, after: Sizes, shared: int) -> Value:
    """Another shape of the axes before the last ones, which come first in Keras."""
    front = value.rank - 1 - shared
    value = state.arranged(value, (0, *range(1 + shared, 1 + shared + front), *range(1, 1 + shared)))
    kept, new = after[len(after) - shared :], after[: len(after) - shared]
    sizes = (None, *kept, *new)
    axes = (0, *range(1 + shared, 1 + shared + len(new)), *range(1, 1 + shared))
    target = [-1 if size is None else size for size in sizes[1:]]
    if target.count(-1) > 1:
        raise Lack("`Reshape` of sizes that the file leaves open")
    return state.tree.add("Reshape", {"target_shape": target}, [value], replace(value, sizes=sizes, axes=axes))


@operator("Squeeze")
def _squeeze(state: State, node: Node) -> Value:
    value = state.value(node)
    shape = value.shape
    axes = state.integers(node, "axes", 1)
    gone = (
        [axis % value.rank for axis in axes] if axes is not None else [n for n, size in enumerate(shape) if size == 1]
    )
    if 0 in gone or any(shape[axis] != 1 for axis in gone):
        raise Lack(f"`Squeeze` of the axes {gone} of a tensor of {list(shape)}")
    return _to(state, value, [size for axis, size in enumerate(shape) if axis and axis not in gone])


@operator("Unsqueeze")
def _unsqueeze(state: State, node: Node) -> Value:
    value = state.value(node)
    axes = state.integers(node, "axes", 1) or []
    rank = value.rank + len(axes)
    new = {axis % rank for axis in axes}
    if 0 in new or len(new) != len(axes):
        raise Lack(f"`Unsqueeze` of the axes {axes}")
    rest = iter(value.shape)
    return _to(state, value, [1 if axis in new else next(rest) for axis in range(rank)][1:])


@operator("Concat")
def _concat(state: State, node: Node) -> Value:
    values = [state.value(node, number) for number in range(len(node.inputs))]
    first = values[0]
    if any(value.rank != first.rank for value in values):
        raise Lack("`Concat` of tensors with different numbers of axes")
    plain = tuple(range(first.rank))
    axes = next((value.axes for value in values if value.axes != plain), plain)
    values = [state.arranged(value, axes) for value in values]
    own = axes[node.attributes["axis"] % first.rank]
    if own == 0:
        raise Lack("`Concat` of examples")
    sizes: list[int | None] = list(values[0].sizes)
    for value in values[1:]:
        if any(
            a != b and None not in (a, b) for n, (a, b) in enumerate(zip(sizes, value.sizes, strict=True)) if n != own
        ):
            raise Lack(f"`Concat` of tensors of the shapes {list(first.shape)[1:]} and {list(value.shape)[1:]}")
    lengths = [value.sizes[own] for value in values]
    sizes[own] = None if None in lengths else sum(length or 0 for length in lengths)
    result = replace(values[0], sizes=tuple(sizes), positive=all(value.positive for value in values))
    if len(values) == 1:
        return values[0]
    return state.tree.add("Concatenate", {"axis": own if own != first.rank - 1 else -1}, [values], result)
