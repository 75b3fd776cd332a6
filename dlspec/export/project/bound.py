"""The data of a checked spec, bound to its model: what the templates of ``data.py`` need to know."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.drawn import Drawn
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.targets import BINARY, CLASSES, Output
from dlspec.data.sources.base import TEXT
from dlspec.export.project.writing import LayerWriter
from dlspec.export.python.syntax import Unsupported, call, constant, item, name, sequence, text
from dlspec.export.python.templates import Code
from dlspec.graph.lower.infer import call_layer


@dataclass(frozen=True)
class BoundInput:
    """One input of the model.

    Attributes:
        values: Expression of what enters the preparation, from the dictionary `columns`.
        layers: Expression of the list of its layers of preparation; "" for none.
        raw: Expression of the ``keras.Input`` of the saved model.
    """

    name: str
    values: Code
    layers: Code
    raw: Code


@dataclass(frozen=True)
class BoundOutput:
    """One output of the model: `values` is what the loss receives, from the dictionary `columns`."""

    name: str
    values: Code


def bound_input(one: Input, binding: Binding, writer: LayerWriter) -> BoundInput:
    """An input as templates see it."""
    values = Code(text(_input_values(one, binding)))
    return BoundInput(one.name, values, _layers(one, writer), _entering(one.name, one.raw))


def drawn_input(one: Drawn) -> Code:
    """The ``keras.Input`` of the saved model for an input that is drawn."""
    return _entering(one.name, one.tensor)


def _entering(name: str, tensor: Tensor) -> Code:
    keywords = {"dtype": constant(tensor.dtype)} if tensor.dtype != "float32" else {}
    return Code(text(call("keras.Input", [constant(tensor.shape)], {**keywords, "name": constant(name)})))


def _layers(one: Input, writer: LayerWriter) -> Code:
    """The list of the layers of preparation, with one for the axis of 1 that the model has and they have not."""
    if not one.prepare:
        return Code("")
    made = [writer.preparation(layer) for layer in one.prepare]
    prepared = one.raw
    for layer in one.prepare:
        prepared = call_layer(layer, [prepared], {}).outputs[0]
    if prepared.rank != one.tensor.rank:
        if sum(size is None for size in one.tensor.shape) > 1:
            raise Unsupported("an axis of 1 beside several axes whose size is not known")
        shape = tuple(-1 if size is None else size for size in one.tensor.shape)
        made.append(call("layers.Reshape", [constant(shape)]))
    return Code(text(sequence(made, as_list=True)))


def _input_values(one: Input, binding: Binding) -> ast.expr:
    dtype = "object" if one.raw.dtype == TEXT else one.raw.dtype
    if one.stacked:
        return _stacked(one.columns, dtype)
    values = _column(one.columns[0])
    if one.length:
        return call("tokens", [values, constant(one.length)])
    have = binding.table.columns[one.columns[0]].tensor
    if not keeps_bytes(one, have) and not (one.prepare and have.dtype == TEXT):
        values = _cast(values, dtype)
    return _ranked(values, have.rank, one.raw.rank)


def keeps_bytes(one: Input, have: Tensor) -> bool:
    """Whether images stay bytes until they enter the model, which takes a quarter of the memory."""
    return have.dtype == "uint8" and not one.prepare


def bound_output(one: Output, binding: Binding) -> BoundOutput:
    """An output as templates see it."""
    return BoundOutput(one.name, Code(text(_output_values(one, binding))))


def _output_values(one: Output, binding: Binding) -> ast.expr:
    if one.separator:
        return call("several_hot", [_column(one.columns[0]), constant(one.classes), constant(one.separator)])
    if len(one.columns) > 1:
        stacked = _stacked(one.columns, "float32")
        negative = one.encoding == BINARY and any(-1 in binding.table.labels(name).values for name in one.columns)
        return call("np.maximum", [stacked, constant(0)]) if negative else stacked
    values = _column(one.columns[0])
    column = binding.table.columns[one.columns[0]].tensor
    if one.classes:
        values = call("places", [values, constant(_classes(one, column.dtype))])
    if one.expand:
        ranked = _ranked(_cast(values, "int64"), column.rank, one.tensor.rank - 1)
        eye = call("np.eye", [constant(one.tensor.shape[-1])], {"dtype": constant("float32")})
        return item(eye, ranked)
    return _ranked(_cast(values, "int32" if one.encoding == CLASSES else "float32"), column.rank, one.tensor.rank)


def _classes(one: Output, dtype: str) -> tuple[Any, ...]:
    """Classes as the column holds them."""
    if dtype == TEXT:
        return tuple(str(value) for value in one.classes)
    if dtype == "bool":
        return tuple(str(value) in ("true", "1") for value in one.classes)
    return tuple(_number(value) for value in one.classes)


def _number(value: str | int) -> float:
    number = float({"true": 1, "false": 0}.get(str(value), value))
    return int(number) if number == int(number) else number


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


def drawn_values(one: Drawn, key: Piece, places: str) -> Piece:
    """Expression of what is drawn for an input; `key` and `places` are those of ``draws_at``."""
    draw, tensor = (one.draw.numbers, dict(one.draw.arguments)), one.tensor
    return Piece(f"draws_at({{}}, {{}}, {{}}, {{}}, {places})", draw, tensor.shape, tensor.dtype, key)


def only_or_all(variable: str, names: list[str], as_list: bool = False) -> Code:
    """The single entry of a dictionary; else the dictionary, or a list of its entries."""
    if len(names) == 1:
        return Code(text(item(name(variable), constant(names[0]))))
    if as_list:
        return Code(text(sequence([item(name(variable), constant(word)) for word in names], as_list=True)))
    return Code(variable)
