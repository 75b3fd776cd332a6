"""What a trained model writes: rows of indices, and the texts that they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@dataclass
class Writing:
    """A trained model that writes rows of indices.

    Attributes:
        core: The model, which takes prepared inputs.
        answer: From all inputs by name to what it says of each step: [n, steps, classes].
        fed: Name of the input that what is written enters.
        make: Makes the function that writes, of how rows are written: see :meth:`how`.
        marks: The indices of `start` and `end`, of those that there are, and of further marks.
        names: The text of each index; [] where indices are numbers of the data.
        kind: What indices are of a text: `words`, `characters` or `subwords`.
        stream: Whether the model was trained on pieces of rows, so that a row may be longer than what it sees.
        length: Most indices that are written; None for as many as it sees.
        logits: Whether it answers with scores before softmax.
        stepper: What writes with less work, or None.
        functions: Those that write, by the columns of their beginnings.
    """

    core: keras.Model
    answer: Callable[[dict], Any]
    fed: str
    make: Callable[..., Any]
    marks: dict = field(default_factory=dict)
    names: list = field(default_factory=list)
    kind: str = "words"
    stream: bool = False
    length: int | None = None
    logits: bool = False
    stepper: Any = None
    functions: dict = field(default_factory=dict)

    @property
    def inputs(self) -> dict:
        """The inputs of the model by name."""
        return {tensor.name: tensor for tensor in self.core.inputs}

    @property
    def others(self) -> list:
        """Names of those that are given."""
        return [name for name in self.inputs if name != self.fed]

    @property
    def steps(self) -> int:
        """Indices of a row that the model sees."""
        return int(self.inputs[self.fed].shape[1])

    @property
    def more(self) -> int:
        """Most indices that are written behind what a row begins with, of a model trained on pieces."""
        return self.length or self.steps

    def scores(self, inputs: dict, rows: Any) -> Any:
        """What the model says of each step of rows, [n, steps, classes]."""
        given = {**inputs, self.fed: rows}
        return self.answer({name: tf.cast(given[name], tensor.dtype) for name, tensor in self.inputs.items()})

    def how(self, columns: int) -> dict:
        """How rows are written whose beginnings have so many columns, in the words of ``Rows``."""
        forbidden = [0, *(self.marks["start"] for _ in range("start" in self.marks))]
        if self.names:
            units = int(keras.tree.flatten(self.core.output)[0].shape[-1])
            forbidden += [1, *range(len(self.names), units)]  # a vocabulary may have fewer words than units
        inputs = self.inputs
        taken = {name: inputs[name] for name in self.others}
        return {
            "scores": self.scores,
            "steps": self.steps,
            "length": columns if self.stream else min(self.steps, self.length or self.steps),
            "end": self.marks.get("end"),
            "logits": self.logits,
            "forbidden": tuple(forbidden),
            "width": max(columns, self.steps),
            "more": self.more if self.stream else None,
            "given": {name: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype) for name, tensor in taken.items()},
            "stepper": self.stepper,
        }

    def write(self, inputs: dict, beginnings: np.ndarray, numbers: Any = None) -> np.ndarray:
        """Whole rows for some examples, without the mark of the start, filled up with 0 behind their end.

        Args:
            inputs: The other inputs, prepared, by name.
            beginnings: Indices that rows begin with, filled up with 0, shape [examples, steps].
            numbers: Random numbers from 0 to 1, of that shape; None where nothing is drawn.

        Returns:
            An array of shape [examples, steps], as the target is; of pieces with a step more: these may have no mark.
        """
        columns, together = beginnings.shape[1], 256
        if columns not in self.functions:
            self.functions[columns] = self.make(**self.how(columns))
        numbers = np.zeros(beginnings.shape, np.float32) if numbers is None else numbers
        written = []
        for start in range(0, len(beginnings), together):
            some = slice(start, start + together)
            given = {name: tf.convert_to_tensor(inputs[name][some]) for name in self.others}
            rows = self.functions[columns](given, tf.constant(beginnings[some]), tf.constant(numbers[some]))
            written.append(np.asarray(rows)[:, 0 if self.stream else 1 :])
        return np.concatenate(written)

    def beginnings(self, count: int, rows: Any = None) -> np.ndarray:
        """Indices that rows begin with, shape [count, steps].

        Args:
            count: How many examples.
            rows: The input that is fed, prepared, where rows begin with what it holds; else they begin with their mark.
        """
        begun = np.zeros((count, self.steps), np.int32)
        begun[:, 0] = self.marks["start"]
        if rows is not None:
            begun[:] = self.unended(rows)
        return begun

    def prompts(self, rows: Any) -> np.ndarray:
        """Beginnings out of whole rows of indices of any length, with room for what is written behind them.

        Raises:
            ValueError: A row is empty, and there is no mark that it could begin with.
        """
        rows = self.unended(rows)
        lengths = (rows != 0).sum(axis=1)
        step = 64  # widths that differ little have one function compiled
        longest = -(-int(lengths.max(initial=1)) // step) * step
        begun = np.zeros((len(rows), max(self.steps, longest + self.more)), np.int32)
        begun[:, : rows.shape[1]] = rows[:, : begun.shape[1]]
        first = self.marks.get("start", self.marks.get("end"))
        if first is None and not lengths.all():
            raise ValueError("a row begins with nothing, and this model knows no mark that one could begin with")
        begun[lengths == 0, 0] = first or 0
        return begun

    def unended(self, rows: Any) -> np.ndarray:
        """Rows without the mark of their end, so that they can go on."""
        end = self.marks.get("end")
        return np.asarray(rows) if end is None else np.where(rows == end, 0, rows)

    def text(self, row: Any) -> str:
        """A row of indices as text: without marks and padding."""
        left_out = {0, *self.marks.values()}
        indices = [int(index) for index in row if int(index) not in left_out]
        named = [str(self.names[index]) if index < len(self.names) else str(index) for index in indices]
        return as_text(named, self.kind if self.names else "words")


def as_text(pieces: list, kind: str) -> str:
    """The text that words, characters or subwords in their order are of."""
    if kind == "subwords":
        return "".join(piece.removeprefix("##") for piece in pieces).replace("▁", " ").removeprefix(" ")
    return ("" if kind == "characters" else " ").join(pieces)


def index_names(vocabulary: Any, marks: dict, reserved: int) -> list:
    """The text of each index of prepared rows, the marks included, which stand behind padding and the unknown word.

    Args:
        vocabulary: That of the layer that takes texts apart.
        marks: The index of each mark of the input.
        reserved: How many indices are kept free for marks, some of which may be those of other inputs.
    """
    named = {index: f"<{name}>" for name, index in marks.items()}
    return [*vocabulary[:2], *(named.get(index, "<mark>") for index in range(2, 2 + reserved)), *vocabulary[2:]]


def entering(core: keras.Model) -> dict:
    """The tensors of a saved model that enter the model proper inside of it, by the names of their inputs."""
    names = [tensor.name for tensor in core.inputs]
    return dict(zip(names, core._inbound_nodes[-1].input_tensors, strict=True))


def vocabulary_before(tensor: Any) -> list:
    """The vocabulary of the layer that takes texts apart on the way to a tensor."""
    layer = tensor._keras_history.operation
    while not hasattr(layer, "get_vocabulary"):
        layer = layer._inbound_nodes[0].input_tensors[0]._keras_history.operation
    return [str(text) for text in layer.get_vocabulary()]


def prepared(saved: keras.Model, inputs: dict, tensors: dict) -> dict:
    """The values of tensors of a saved model, arrays by name, for raw values of those inputs that they depend on."""
    given = [tensor for tensor in saved.inputs if tensor.name in inputs]
    model = keras.Model(given, tensors)
    values = [tf.convert_to_tensor(inputs[tensor.name].tolist(), tensor.dtype) for tensor in given]
    return {name: np.asarray(value) for name, value in model(values, training=False).items()}


def rows_before(tensor: Any) -> Any:
    """The output of the last layer on the way to a tensor: operations behind it only take steps of it."""
    while not isinstance(tensor._keras_history.operation, keras.layers.Layer):
        (tensor,) = tensor._keras_history.operation._inbound_nodes[0].input_tensors
    return tensor
