"""The data of a checked spec, bound to its model: what the templates of ``data.py`` need to know."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from dlspec.data.binding import Binding
from dlspec.data.inputs import Input
from dlspec.data.sources.base import TEXT
from dlspec.data.targets import CLASSES, Output
from dlspec.emit.constructors import Constructors
from dlspec.emit.syntax import call, constant, item, name, sequence, text
from dlspec.emit.templates import Code


@dataclass(frozen=True)
class BoundInput:
    """One input of the model.

    Attributes:
        values: Expression of what enters the preparation, from the dictionary `columns`.
        layers: Expression of the list of its layers of preparation; "" for none.
        raw: Expression of the ``keras.Input`` of the saved model.
        rank: Axes of an example as it enters the model proper.
    """

    name: str
    values: Code
    layers: Code
    raw: Code
    rank: int


@dataclass(frozen=True)
class BoundOutput:
    """One output of the model: `values` is what the loss receives, from the dictionary `columns`."""

    name: str
    values: Code


def bound_input(one: Input, binding: Binding, constructors: Constructors) -> BoundInput:
    """An input as templates see it."""
    keywords = {"dtype": constant(one.raw.dtype)} if one.raw.dtype != "float32" else {}
    raw = call("keras.Input", [constant(one.raw.shape)], {**keywords, "name": constant(one.name)})
    layers = sequence([constructors.instance(layer) for layer in one.prepare], as_list=True) if one.prepare else None
    values = Code(text(_input_values(one, binding)))
    return BoundInput(one.name, values, Code(text(layers) if layers else ""), Code(text(raw)), one.tensor.rank)


def _input_values(one: Input, binding: Binding) -> ast.expr:
    dtype = "object" if one.raw.dtype == TEXT else one.raw.dtype
    if one.stacked:
        return _stacked(one.columns, dtype)
    values = _column(one.columns[0])
    if one.length:
        return call("tokens", [values, constant(one.length)])
    have = binding.table.columns[one.columns[0]].tensor
    return _ranked(_cast(values, dtype), have.rank, one.raw.rank)


def bound_output(one: Output, binding: Binding) -> BoundOutput:
    """An output as templates see it."""
    return BoundOutput(one.name, Code(text(_output_values(one, binding))))


def _output_values(one: Output, binding: Binding) -> ast.expr:
    if len(one.columns) > 1:
        return _stacked(one.columns, "float32")
    values = _column(one.columns[0])
    if one.separator:
        return call("several", [values, constant(one.classes), constant(one.separator)])
    rank = binding.table.columns[one.columns[0]].tensor.rank
    if one.classes:
        values = call("places", [values, constant(one.classes)])
    if one.expand:
        ranked = _ranked(_cast(values, "int64"), rank, one.tensor.rank - 1)
        eye = call("np.eye", [constant(one.tensor.shape[-1])], {"dtype": constant("float32")})
        return item(eye, ranked)
    return _ranked(_cast(values, "int32" if one.encoding == CLASSES else "float32"), rank, one.tensor.rank)


def _column(word: str) -> ast.expr:
    return item(name("columns"), constant(word))


def _cast(values: ast.expr, dtype: str) -> ast.expr:
    return call(ast.Attribute(values, "astype", ast.Load()), [constant(dtype)])


def _stacked(columns: tuple[str, ...], dtype: str) -> ast.expr:
    each = ast.ListComp(
        _cast(item(name("columns"), name("name")), dtype),
        [ast.comprehension(ast.Name("name", ast.Store()), sequence([constant(word) for word in columns]), [], 0)],
    )
    return call("np.stack", [each], {"axis": constant(-1)})


def _ranked(values: ast.expr, have: int, want: int) -> ast.expr:
    """With a last axis of 1 added or removed."""
    dots: Any = ast.Constant(...)
    if have < want:
        return item(values, ast.Tuple([dots, constant(None)], ast.Load()))
    return item(values, ast.Tuple([dots, constant(0)], ast.Load())) if have > want else values


def only_or_all(variable: str, names: list[str], as_list: bool = False) -> Code:
    """The single entry of a dictionary; else the dictionary, or a list of its entries."""
    if len(names) == 1:
        return Code(text(item(name(variable), constant(names[0]))))
    if as_list:
        return Code(text(sequence([item(name(variable), constant(word)) for word in names], as_list=True)))
    return Code(variable)
