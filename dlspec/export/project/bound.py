"""The data of a checked spec, bound to its model: what the templates of ``data.py`` need to know."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.binding import missing
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


def bound_input(input_: Input, binding: Binding, writer: LayerWriter) -> BoundInput:
    """An input as templates see it."""
    values = Code(text(_input_values(input_, binding)))
    return BoundInput(input_.name, values, _layers(input_, writer), entering_input(input_.name, input_.raw))


def drawn_input(input_: Drawn) -> Code:
    """The ``keras.Input`` of the saved model for an input that is drawn."""
    return entering_input(input_.name, input_.tensor)


def entering_input(name: str, tensor: Tensor) -> Code:
    """The ``keras.Input`` of the saved model for an input of that name."""
    keywords = {"dtype": constant(tensor.dtype)} if tensor.dtype != "float32" else {}
    return Code(text(call("keras.Input", [constant(tensor.shape)], {**keywords, "name": constant(name)})))


def _layers(input_: Input, writer: LayerWriter) -> Code:
    """The list of the layers of preparation, with one for the axis of 1 that the model has and they have not."""
    if not input_.prepare:
        return Code("")
    made = [writer.preparation(layer) for layer in input_.prepare]
    prepared = input_.raw
    for layer in input_.prepare:
        prepared = call_layer(layer, [prepared], {}).outputs[0]
    if prepared.rank != input_.tensor.rank:
        if sum(size is None for size in input_.tensor.shape) > 1:
            raise Unsupported("an axis of 1 beside several axes whose size is not known")
        shape = tuple(-1 if size is None else size for size in input_.tensor.shape)
        made.append(call("layers.Reshape", [constant(shape)]))
    return Code(text(sequence(made, as_list=True)))


def _input_values(input_: Input, binding: Binding) -> ast.expr:
    dtype = "object" if input_.raw.dtype == TEXT else input_.raw.dtype
    if input_.stacked:
        return _stacked(input_.columns, dtype)
    values = _column(input_.columns[0])
    if input_.length:
        return call("tokens", [values, constant(input_.length)])
    have = binding.table.columns[input_.columns[0]].tensor
    if not keeps_bytes(input_, have) and not (input_.prepare and have.dtype == TEXT):
        values = _cast(values, dtype)
    return _ranked(values, have.rank, input_.raw.rank)


def keeps_bytes(input_: Input, have: Tensor) -> bool:
    """Whether images stay bytes until they enter the model, which takes a quarter of the memory."""
    return have.dtype == "uint8" and not input_.prepare


def bound_output(output: Output, binding: Binding) -> BoundOutput:
    """An output as templates see it."""
    return BoundOutput(output.name, Code(text(_output_values(output, binding))))


def _output_values(output: Output, binding: Binding) -> ast.expr:
    if output.separator:
        return call("several_hot", [_column(output.columns[0]), constant(output.classes), constant(output.separator)])
    if len(output.columns) > 1:
        stacked = _stacked(output.columns, "float32")
        negative = output.encoding == BINARY and any(-1 in binding.table.labels(name).values for name in output.columns)
        return call("np.maximum", [stacked, constant(0)]) if negative else stacked
    values = _column(output.columns[0])
    column = binding.table.columns[output.columns[0]].tensor
    gaps = output.missing == missing.IGNORE
    if output.classes:
        values = call("places_if_known" if gaps else "places", [values, constant(_classes(output, column.dtype))])
    elif gaps:
        values = call("numbers_if_known", [values])
    if output.expand:
        ranked = _ranked(_cast(values, "int64"), column.rank, output.tensor.rank - 1)
        eye = call("np.eye", [constant(output.tensor.shape[-1])], {"dtype": constant("float32")})
        return item(eye, ranked)
    return _ranked(_cast(values, "int32" if output.encoding == CLASSES else "float32"), column.rank, output.tensor.rank)


def _classes(output: Output, dtype: str) -> tuple[Any, ...]:
    """Classes as the column holds them."""
    if dtype == TEXT:
        return tuple(str(value) for value in output.classes)
    if dtype == "bool":
        return tuple(str(value) in ("true", "1") for value in output.classes)
    return tuple(_number(value) for value in output.classes)


def _number(value: str | int) -> float:
    number = float({"true": 1, "false": 0}.get(str(value), value))
    return int(number) if number == int(number) else number


def _column(column: str) -> ast.expr:
    return item(name("columns"), constant(column))


def _cast(values: ast.expr, dtype: str) -> ast.expr:
    return call(ast.Attribute(values, "astype", ast.Load()), [constant(dtype)])


def _stacked(columns: tuple[str, ...], dtype: str) -> ast.expr:
    each = ast.ListComp(
        _cast(item(name("columns"), name("name")), dtype),
        [ast.comprehension(ast.Name("name", ast.Store()), sequence([constant(column) for column in columns]), [], 0)],
    )
    return call("np.stack", [each], {"axis": constant(-1)})


def _ranked(values: ast.expr, have: int, want: int) -> ast.expr:
    """An expression of `values` with a last axis of 1 added or removed."""
    dots: Any = ast.Constant(...)
    if have < want:
        return item(values, ast.Tuple([dots, constant(None)], ast.Load()))
    return item(values, ast.Tuple([dots, constant(0)], ast.Load())) if have > want else values


def drawn_values(input_: Drawn, key: Piece, places: str) -> Piece:
    """Expression of what is drawn for an input; `key` and `places` are those of ``draws_at``."""
    draw, tensor = (input_.draw.numbers, dict(input_.draw.arguments)), input_.tensor
    return Piece(f"draws_at({{}}, {{}}, {{}}, {{}}, {places})", draw, tensor.shape, tensor.dtype, key)


def only_or_all(variable: str, names: list[str], as_list: bool = False) -> Code:
    """The single entry of a dictionary; else the dictionary, or a list of its entries."""
    if len(names) == 1:
        return Code(text(item(name(variable), constant(names[0]))))
    if as_list:
        return Code(text(sequence([item(name(variable), constant(key)) for key in names], as_list=True)))
    return Code(variable)
