"""Words that the classes of a target stand for, once the vocabulary of its input is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dlspec.components.layers.sequences import MarkedSequence
from dlspec.components.sections.sequences import END, MASK, START
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.targets import Output
from dlspec.data.feeding.preparing import Layers


def named_by_words(binding: Binding, layers: Layers) -> Binding:
    """The same, where outputs that are made of texts have the words of the vocabulary for classes."""
    if not binding.shifted_outputs:
        return binding
    inputs = {input_.name: input_ for input_ in binding.inputs}
    outputs = tuple(
        replace(output, classes=_names(output, inputs[output.input], layers[output.input])) if output.input else output
        for output in binding.outputs
    )
    return replace(binding, outputs=outputs)


def _names(output: Output, input_: Input, layers: Sequence[Any]) -> tuple[str, ...]:
    """Names of the indices 0, 1, … of the input of an output; () where these are numbers of the data."""
    splitting = next((index for index, layer in enumerate(input_.prepare) if layer.splits_texts), None)
    if splitting is None:
        return ()
    vocabulary = [str(text) for text in layers[splitting].get_vocabulary()]
    from dlspec.standalone.writing import index_names

    marked = input_.prepare[-1]
    if not isinstance(marked, MarkedSequence):
        return tuple(vocabulary)
    marks = {START: marked.start, END: marked.end} | ({MASK: output.mask.index} if output.mask is not None else {})
    return tuple(index_names(vocabulary, marks, marked.reserved))
