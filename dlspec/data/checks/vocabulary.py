"""What vocabularies will hold, counted before TensorFlow is imported: indices for embeddings, and lengths of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.layers.filling import Imputation, TextImputation
from dlspec.components.layers.lookup import IntegerLookup, StringLookup, VocabularyLayer
from dlspec.components.layers.sequences import MarkedSequence
from dlspec.components.registry import Alike
from dlspec.components.sections.data import Data
from dlspec.components.sections.sequences import MASK
from dlspec.core.errors import Note, Problem, Span
from dlspec.core.ir import Edge, Graph, Tensor, show_shape
from dlspec.data.binding.bad import bad_examples
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.missing import gaps
from dlspec.data.binding.sequences import prepared_with
from dlspec.data.binding.splitting import parts_of, splits
from dlspec.data.binding.targets import bind_outputs
from dlspec.data.binding.values import tokens
from dlspec.data.order.splits import choose
from dlspec.data.sources.base import Table


def check_indices(data: Data, graph: Graph, binding: Binding, findings: Findings) -> None:
    """Every layer that takes indices takes all that the examples bring it (E617): embeddings, and those of `prepare`.

    What cannot be counted without TensorFlow is left to the training.
    """
    for input_ in binding.inputs:
        for position, layer in enumerate(input_.prepare):
            if layer.counts_by:
                before = replace(input_, prepare=input_.prepare[:position])
                path = ("prepare", position - _added(data, input_))
                _check_takers(data, binding, before, [(layer.name, layer, None)], findings, path)
        takers = [taker for name in binding.names_of(input_) for taker in _takers(graph, name)]
        _check_takers(data, binding, input_, takers, findings)


def _check_takers(
    data: Data,
    binding: Binding,
    input_: Input,
    takers: Sequence[tuple[str, Any, Span | None]],
    findings: Findings,
    at: tuple[str | int, ...] = (),
) -> None:
    """What an input brings is what some layers take: their names, themselves, and their lines in the model.

    Args:
        at: Where they stand in the input's own section; () for layers of the model.
    """
    if not takers:
        return
    counted = None
    name, _, span = takers[0]
    with findings.at("data", "inputs", input_.name, *at, notes=_notes(f"`{name}`", span)):
        counted = _count(data, binding, input_, min(layer.index_limit for _, layer, _ in takers))
    index = None if at else _index_of_mask(data, input_)
    if index is not None and (counted is None or counted[0] <= index):
        counted = index + 1, f"input `{input_.name}`, with its mask, brings", ("marks",)
    if counted is None:
        return
    count, what, path = counted
    for name, layer, span in takers:
        limit = layer.index_limit
        if count <= limit:
            continue
        with findings.at(
            "data",
            "inputs",
            input_.name,
            *(at or path),
            notes=_notes(f"`{name}` has `{layer.counts_by}: {limit}`", span),
        ):
            message = f"{what} 0 to {count - 1}, `{name}` takes 0 to {limit - 1}"
            raise Problem("E617", message, f"write `{layer.counts_by}: {count}` for `{name}`")


def _notes(text: str, span: Span | None) -> tuple[Note, ...]:
    return (Note(text, span),) if span is not None else ()


def index_limits(data: Data, graph: Graph) -> dict[str, list[int]]:
    """How many indices the layers of the model behind each input take."""
    names = (*data.features, *(data.maker.names if data.maker is not None else ()))
    return {name: [layer.index_limit for _, layer, _ in _takers(graph, name)] for name in names}


def _takers(graph: Graph, name: str) -> Iterator[tuple[str, Any, Span | None]]:
    """The layers that take the indices of an input of the model as it is."""
    for node in graph.nodes:
        if not isinstance(node.layer, Layer) or not node.layer.counts_by or not node.arguments:
            continue
        edge = node.arguments[node.layer.counts_argument]
        if isinstance(edge, Edge) and graph.nodes[edge.node].layer is None and graph.nodes[edge.node].name == name:
            yield node.name, node.layer, node.span


def _added(data: Data, input_: Input) -> int:
    """How many layers stand before those that `prepare` names."""
    marked = sum(isinstance(layer, MarkedSequence) for layer in input_.prepare[-1:])
    listed = data.features[input_.name].prepare if input_.name in data.features else ()
    return len(input_.prepare) - marked * (not any(isinstance(layer, MarkedSequence) for layer in listed)) - len(listed)


def _count(data: Data, binding: Binding, input_: Input, fewest: int) -> tuple[int, str, tuple[str | int, ...]] | None:
    """How many indices there are, what has them, and where it stands; None where that is not known.

    Args:
        fewest: So many are fine, and need not be counted.
    """
    if not input_.prepare:
        return _numbers(data, binding, input_)
    *before, layer = input_.prepare
    marked = layer if isinstance(layer, MarkedSequence) else None
    if marked is not None:
        if not before or not before[-1].splits_texts:
            return None
        input_, layer = replace(input_, prepare=tuple(before)), before[-1]
        fewest -= marked.reserved
    if not isinstance(layer, VocabularyLayer) or layer.output_mode != "int" or layer.invert:
        return None
    most: int | None = layer.max_tokens
    if layer.vocabulary is not None:
        count: int | None = len(layer.special()) + len(layer.tokens())
    elif most is not None and most <= fewest:
        return None
    else:
        count = _learned(data, binding, input_, layer)
    listed = data.features[input_.name].prepare if input_.name in data.features else ()
    path = ("prepare", len(listed) - 1) if listed and not isinstance(listed, Alike) else ("prepare",)
    if count is not None and marked is not None:
        count += marked.reserved
    return None if count is None else (count, f"`{layer.name}` of input `{input_.name}` gives", path)


def sized(data: Data, table: Table, inputs: Sequence[Input], findings: Findings) -> list[Input]:
    """The inputs, with the length of rows that a vocabulary decides: the words of the training examples are counted.

    Args:
        inputs: As they are bound without a model.
    """
    if not any(_rows(input_) for input_ in inputs):
        return list(inputs)
    outputs = bind_outputs(data, table, None, None, Findings())  # whose mistakes are said elsewhere
    count = max(column.count for column in table.columns.values())
    bad = bad_examples(table, (*inputs, *outputs), count) if table.tolerant else {}
    binding = Binding(table, count, tuple(inputs), tuple(outputs), bad=bad)
    resized = []
    for input_ in inputs:
        with findings.at("data", "split"):
            size = row_size(data, binding, input_)
            tensor = input_.tensor if size is None else Tensor((*input_.tensor.shape[:-1], size), input_.tensor.dtype)
            resized.append(replace(input_, tensor=tensor))
    return resized


def _index_of_mask(data: Data, input_: Input) -> int | None:
    """The index that stands for hidden steps, where the spec says it; None where the vocabulary leaves one free."""
    marks = data.features[input_.name].marks if input_.name in data.features else None
    index: int | None = marks.get(MASK) if isinstance(marks, dict) else None
    return index


def check_masks(data: Data, binding: Binding, findings: Findings) -> None:
    """No value has the index of the mask (E564), and no other input shows what is hidden (W624)."""
    inputs = {input_.name: input_ for input_ in binding.inputs}
    for output in binding.outputs:
        if output.mask is None:
            continue
        input_ = inputs[output.input]
        index = _index_of_mask(data, input_)
        counted = None if index is None else _count(data, binding, _before_marks(input_), 0)
        if index is not None and counted is not None and index < counted[0]:
            with findings.at("data", "inputs", input_.name, "marks", "mask"):
                message = (
                    f"index {index} of the mask is one of those that input `{input_.name}` has, 0 to {counted[0] - 1}"
                )
                help = f"write `mask: {counted[0]}`, and let layers that take the rows have room for it"
                raise Problem("E564", message, help)
        for other in binding.inputs:
            same = sorted({*other.columns} & {*input_.columns})
            if other.name != input_.name and same:
                with findings.at("data", "inputs", other.name):
                    message = (
                        f"column `{same[0]}` enters as `{other.name}` too, and shows what is hidden of `{input_.name}`"
                    )
                    raise Problem("W624", message, f"leave input `{other.name}` out")


def check_rows(data: Data, graph: Graph, binding: Binding, findings: Findings) -> None:
    """Rows whose length a vocabulary decides are as long as the model takes them (E605)."""
    inputs = {graph.nodes[index].name: graph.nodes[index] for index in graph.inputs}
    for input_ in binding.column_inputs:
        wanted = inputs[input_.name].outputs[0].shape[-1:]
        size = row_size(data, binding, input_) if wanted not in ((), (None,)) else None
        if size is None or (size,) == wanted:
            continue
        span = inputs[input_.name].span
        notes = (Note(f"input `{input_.name}` is {inputs[input_.name].outputs[0]}", span),) if span is not None else ()
        with findings.at("data", "inputs", input_.name, notes=notes):
            layer, shape = input_.prepare[-1].name, show_shape((*inputs[input_.name].outputs[0].shape[:-1], size))
            rows = f"`{layer}` of input `{input_.name}` gives rows of {size} for the words of the training examples"
            raise Problem("E605", f"{rows}, the model takes {wanted[0]}", f"write `inputs: {{{input_.name}: {shape}}}`")


def row_size(data: Data, binding: Binding, input_: Input) -> int | None:
    """How long the rows are that a vocabulary makes of an input's words; None where that is not known or not asked."""
    return _learned(data, binding, input_, input_.prepare[-1]) if _rows(input_) else None


def _rows(input_: Input) -> bool:
    """Whether the last layer of preparation learns how long its rows are."""
    layer = input_.prepare[-1] if input_.prepare else None
    return isinstance(layer, VocabularyLayer) and layer.output_mode != "int" and layer.depth is None


def _learned(data: Data, binding: Binding, input_: Input, layer: VocabularyLayer) -> int | None:
    """How many words the layer learns, those included that stand for others; None where that cannot be counted."""
    values = learned_from(data, binding, input_)
    if values is None:
        return None
    if (size := layer.learned_size(values)) is not None:
        return size
    words = _distinct_words(layer, values)
    if words is None:
        return None
    special = layer.special()
    taken = {_as_bytes(word) for word in (*special, layer.mask_token) if word is not None}
    count, most = len(special) + len(words - taken), layer.max_tokens
    return count if most is None else min(count, int(most))


def learned_from(data: Data, binding: Binding, input_: Input) -> Any:
    """The training examples, of all inputs that are prepared alike, that the last layer of preparation learns from.

    Args:
        input_: The input, up to that layer.

    Returns:
        An array of values as they enter the layer; None where they are not known without TensorFlow.
    """
    import numpy as np

    alike = {other.name: other for other in binding.inputs}
    values = []
    for name in prepared_with(data, input_.name, binding.inputs):
        own = input_ if name == input_.name else _before_marks(alike[name])
        values.append(_training_values(data, binding, own))
        if values[-1] is None:
            return None
    return np.concatenate(values)


def _before_marks(input_: Input) -> Input:
    """An input as it was before marks were put around its rows."""
    marked = bool(input_.prepare) and isinstance(input_.prepare[-1], MarkedSequence)
    return replace(input_, prepare=input_.prepare[:-1]) if marked else input_


def check_classes(data: Data, graph: Graph, binding: Binding, findings: Findings) -> None:
    """Outputs that tell the next index of an input have a unit for each of them (E604)."""
    outputs, inputs = dict(graph.outputs), {input_.name: input_ for input_ in binding.inputs}
    for output in binding.shifted_outputs:
        counted = _count(data, binding, inputs[output.input], output.units) if output.units else None
        if counted is None:
            continue
        count, what, _ = counted
        if count > output.units:
            span = graph.nodes[outputs[output.name].node].span
            with findings.at("data", "targets", output.target, notes=_notes(f"`{output.name}`", span)):
                message = f"{what} 0 to {count - 1}, the output tells {output.units} apart"
                raise Problem("E604", message, f"give the last layer {count} units")


def _training_values(data: Data, binding: Binding, input_: Input) -> Any:
    """What enters the last layer of preparation, of the training examples; None where that is not known."""
    import numpy as np

    table = binding.table
    before = input_.prepare[:-1]
    if table.streamed or len(before) > 1 or not all(fills_alone(layer) for layer in before):
        return None
    rows = choose(data, table, binding.count, binding.dropped()).train
    columns = [table.read([column])[column][rows].reshape(-1) for column in input_.columns]
    return np.concatenate([_filled(before[0], values) if before else values for values in columns])


def fills_alone(layer: Any) -> bool:
    """Whether a layer puts a value in place of missing ones, and adds nothing else."""
    return isinstance(layer, TextImputation) or (isinstance(layer, Imputation) and not layer.indicator)


def _filled(layer: Imputation | TextImputation, values: Any) -> Any:
    """The distinct values of a column once what is missing is filled in, some of them several times."""
    import numpy as np

    lacking = gaps(values)
    known = values[~lacking]
    if not lacking.any() or layer.strategy == "most_frequent":
        return known
    fill: Any = layer.fill_value
    if layer.strategy != "constant":
        fill = np.mean(known) if layer.strategy == "mean" else np.median(known)
    return np.append(known, fill)


def _distinct_words(layer: VocabularyLayer, values: Any) -> set[Any] | None:
    """The distinct words of some examples, as the layer sees them."""
    if isinstance(layer, IntegerLookup):
        return {int(value) for value in values.tolist()}  # as Keras does with a median between two whole numbers
    if isinstance(layer, StringLookup):
        return {_as_bytes(value) for value in values.tolist()}
    if not splits(layer):
        return None
    return {word for value in values for word in parts_of(layer, value)}


def _as_bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _numbers(data: Data, binding: Binding, input_: Input) -> tuple[int, str, tuple[str | int, ...]] | None:
    """Of whole numbers that enter as they are, in every split: no vector stands for those that are unknown."""
    import numpy as np

    table = binding.table
    if table.streamed or any(table.columns[column].text and not input_.length for column in input_.columns):
        return None
    path = (("columns",) if input_.stacked else ("column",)) if input_.name in data.features else ()
    if all(table.columns[column].indices for column in input_.columns):
        return max(table.columns[column].indices for column in input_.columns), f"input `{input_.name}` brings", path
    rows = np.concatenate(choose(data, table, binding.count, binding.dropped()))
    columns = [table.read([column])[column][rows] for column in input_.columns]
    columns = [tokens(values, input_.length) if input_.length else values for values in columns]
    for values in columns:
        if (values % 1 != 0).any():
            message = f"input `{input_.name}` brings {float(values[values % 1 != 0][0]):g}, which is no index"
            raise Problem("E617", message, "let whole numbers from 0 on enter, as `discretization` makes them")
    largest, least = max(int(values.max()) for values in columns), min(int(values.min()) for values in columns)
    if least < 0:
        message = f"input `{input_.name}` brings {least}: indices begin at 0"
        raise Problem("E617", message, "number what enters it from 0 on")
    return largest + 1, f"input `{input_.name}` brings", path
