"""Which parts of an example an answer follows from."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from dlspec.components.registry import example, integer, optional, text
from dlspec.components.sections.data import Data
from dlspec.components.sections.report import Figure, Tensors, listed
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import show_shape
from dlspec.core.pictures import is_map

PICTURE, TEXT = "picture", "text"
_HELP = (
    "pictures are real numbers [height, width] or [height, width, 1, 3 or 4], texts a column of words; "
    "`dlspec importance RUN` tells which columns matter"
)


class AnswerSaliency(Figure):
    """What answers follow from: of a picture the pixels by which the score changes most, of a text the words."""

    computer = "dlspec.training.saliency.saliency"
    least = 1
    looks_at_inputs = True
    input: Any = optional(text(), doc="The input that is looked at; the only picture or text unless given.")
    layer = optional(
        text(), doc="Of pictures: the layer for Grad-CAM; the last convolution before the output unless given."
    )
    count = integer(min=1, max=100, default=4, doc="How many right answers, and how many of the worst wrong ones.")
    examples = (example("digit"), example("{of: digit, layer: conv2d_2, count: 8}"))

    def mistakes(self, tensors: Tensors) -> Iterator[Problem]:
        """The output is a score or several, the input there, and the layer gives maps (E530)."""
        before = list(super().mistakes(tensors))
        yield from before
        if before:
            return
        if tensors.outputs[self.of].rank > 1:
            shape = show_shape(tensors.outputs[self.of].shape)
            message = f"`{self.of}` is {shape}: an answer is one number, or one of each class"
            yield Problem("E530", message, "name an output of classes, of yes or no, or of one number", "of")
        if self.input is not None and self.input not in _fed(tensors):
            message = f"the model takes no input `{self.input}` from the data"
            yield Problem("E530", message, did_you_mean(self.input, _fed(tensors), guess=True), "input")
        if self.layer is not None:
            yield from self._layer(tensors, self.layer)

    def _layer(self, tensors: Tensors, name: str) -> Iterator[Problem]:
        maps = [layer for layer, tensor in tensors.layers.items() if tensor.rank == 3 and tensor.floating]
        if name not in maps:
            gives = f"gives {tensors.layers[name]}" if name in tensors.layers else "is no layer"
            message = f"`{name}` {gives}, and Grad-CAM takes a layer that gives [height, width, channels]"
            yield Problem("E530", message, did_you_mean(name, maps, guess=True), "layer")

    def lacking(self, tensors: Tensors, texts: frozenset[str]) -> Iterator[Problem]:
        """One input is a picture or a text (E530)."""
        fitting = _fitting(tensors, texts)
        if self.chosen(tensors, texts) is not None:
            return
        if self.input is not None:
            yield Problem("E530", f"`{self.input}` is neither a picture nor a text", _HELP, "input")
        elif not fitting:
            yield Problem("E530", "no input of the model is a picture or a text", _HELP, "of")
        else:
            message = f"{listed(fitting)} are pictures or texts: which is meant is open"
            yield Problem("E530", message, f"name one: `input: {next(iter(fitting))}`", "of")

    def chosen(self, tensors: Tensors, texts: frozenset[str]) -> tuple[str, str] | None:
        """The input that is looked at, and its kind; None where that is not clear."""
        fitting = _fitting(tensors, texts)
        if self.input is not None:
            return (self.input, fitting[self.input]) if self.input in fitting else None
        return next(iter(fitting.items())) if len(fitting) == 1 else None


def _fed(tensors: Tensors) -> list[str]:
    return [name for name in tensors.inputs if name not in tensors.drawn]


def _fitting(tensors: Tensors, texts: frozenset[str]) -> dict[str, str]:
    """The kind of each input that can be looked at."""
    kinds = dict.fromkeys(texts, TEXT)
    for name, tensor in tensors.inputs.items():
        if tensor.floating and is_map(tensor.shape) and name not in texts:
            kinds[name] = PICTURE
    return {name: kinds[name] for name in _fed(tensors) if name in kinds}


def text_inputs(data: Data, texts: Collection[str]) -> frozenset[str]:
    """The inputs that a single column of text enters, which neither names a category nor writes a date or number.

    Args:
        data: The section of the spec.
        texts: The columns that hold text.
    """
    return frozenset(
        name
        for name, feature in data.features.items()
        if len(feature.sources) == 1
        and feature.sources[0] in texts
        and feature.length is None
        and not any(layer.categories or layer.reads for layer in feature.prepare)
    )


def made_out_of_rows(maker: str) -> Problem:
    """Why examples that are made out of rows are not looked at."""
    message = f"examples of `{maker}` are made out of rows, and answers to single rows are looked at"
    return Problem("E530", message, "leave it out; `neighbours` and `map` show what the model makes of them")
