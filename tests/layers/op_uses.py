"""Random uses of the operations: options, tensors and constants, drawn from the declarations and their examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from both import OPS
from drawing import mutations, resized, values, written
from hypothesis import strategies as st

from dlspec.components.ops.base import Op
from dlspec.components.registry import Field
from dlspec.core.ir import DTYPES, Shape, Tensor

CONSTANTS = st.sampled_from([-3, -1, 0, 1, 2, 5, 300, -1.5, 0.0, 0.5, 2.0, 1e9])
LETTERS = "ijkl"
# Operations whose tensors have dtypes of their own, where the example says only one.
MIXED = {"ops.take_along_axis": ("float32", "int32"), "ops.where": ("bool", "float32", "float32")}


class OpUse(NamedTuple):
    """What a spec could write, and what enters."""

    owner: type[Op]
    options: dict[str, Any]
    inputs: list[Tensor]


@st.composite
def op_uses(draw: st.DrawFn, owners: list[type[Any]] = OPS) -> OpUse:
    """An operation, some options on top of one of its examples, constants in place of tensors, and inputs."""
    owner = draw(st.sampled_from(owners))
    example = draw(st.sampled_from(owner.examples))
    options = written(owner, example)
    shapes = list(example.inputs)
    for name in constants(owner):
        if not draw(st.integers(0, 3)):
            if name in options:
                options.pop(name)
                shapes.append(example.inputs[0])
            else:
                options[name] = draw(CONSTANTS)
                shapes.pop()
    if owner.takes_list and (change := draw(st.sampled_from([0, 0, 1, 2, -1]))):
        shapes = shapes[:change] if change < 0 and len(shapes) > owner.minimum_inputs else [*shapes, *shapes[:change]]
        shapes = shapes[: owner.maximum_inputs or len(shapes)]  # how many enter, the graph says
    shapes = draw(resized(shapes))
    if not draw(st.integers(0, 2)):
        shapes = [draw(mutations(shape)) for shape in shapes]
    others = [name for name in owner.fields if name not in constants(owner)]
    for name in draw(st.lists(st.sampled_from(others), max_size=3, unique=True)) if others else []:
        options[name] = draw(option(owner, name, shapes))
    return OpUse(owner, options, draw(tensors(owner, example.dtype, shapes)))


def constants(owner: type[Op]) -> list[str]:
    """The options that stand in place of tensors."""
    return [name for name in owner.arguments if name in owner.fields]


@st.composite
def tensors(draw: st.DrawFn, owner: type[Op], dtype: str, shapes: list[Shape]) -> list[Tensor]:
    """Inputs of these shapes: mostly of the usual dtypes, else of one other, or each of its own; a few are masked."""
    usual = MIXED.get(owner.registered_name, (dtype,) * len(shapes))[: len(shapes)]
    kind = draw(st.sampled_from(["usual", "usual", "usual", "other", "each"]))
    if kind == "usual":
        dtypes = list(usual)
    elif kind == "other":
        dtypes = [draw(st.sampled_from(DTYPES))] * len(shapes)
    else:
        dtypes = [draw(st.sampled_from(DTYPES)) for _ in shapes]
    made = [Tensor(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    masked = not draw(st.integers(0, 7))
    return [replace(tensor, masked=masked and tensor.rank > 0) for tensor in made]


def option(owner: type[Op], name: str, shapes: list[Shape]) -> st.SearchStrategy[Any]:
    """A value that the declaration allows; mostly one that goes with the number of axes."""
    field: Field[Any] = owner.fields[name]
    fitting = fitted(shapes[0] if shapes else (), shapes).get((owner.registered_name, name))
    if fitting is None:
        return values(field.literal(owner))
    drawn = [] if "enum" in field.literal(owner) else [values(field.literal(owner))]
    return st.one_of(fitting, fitting, fitting, *drawn)


def fitted(shape: Shape, shapes: list[Shape]) -> dict[tuple[str, str], st.SearchStrategy[Any]]:
    """Values of the options that have an entry for each axis."""
    rank = len(shape)
    pair = st.lists(st.integers(0, 2), min_size=2, max_size=2)
    return {
        ("ops.reshape", "newshape"): st.lists(st.sampled_from([-1, 1, 2, 3, 4, 6]), max_size=3),
        ("ops.transpose", "axes"): st.permutations(range(1, rank + 1)).map(lambda order: [0, *order]),
        ("ops.tile", "repeats"): st.lists(st.integers(1, 3), min_size=rank, max_size=rank),
        ("ops.pad", "pad_width"): st.lists(pair, min_size=rank, max_size=rank),
        ("ops.slice", "start_indices"): st.lists(st.integers(0, 2), min_size=rank, max_size=rank),
        ("ops.slice", "shape"): st.lists(st.sampled_from([-1, 1, 2]), min_size=rank, max_size=rank),
        ("ops.einsum", "subscripts"): subscripts([len(each) for each in shapes]),
    }


@st.composite
def subscripts(draw: st.DrawFn, ranks: list[int]) -> str:
    """Letters for the axes of tensors with so many axes, now and then with a slip."""
    terms = ["b" + "".join(draw(st.permutations(LETTERS)))[: min(rank, 4)] for rank in ranks]
    inside = sorted(set("".join(terms)) - {"b"})
    kept = draw(st.lists(st.sampled_from(inside), unique=True)) if inside else []
    slip = draw(st.sampled_from(["", "", "", "", "b", "i", "z", "...", ","]))
    return f"{','.join(terms)}->b{''.join(kept)}{slip}"
