"""Recurrent layers put together from cells: what a cell computes in one step, and the layer that repeats it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from dlspec.components.layers.recurrent import GRU, LSTM, Recurrent, SimpleRNN, States, check_sequence
from dlspec.components.registry import Component, boolean, component, components, example
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, Weight, known


class Cell(Component, abstract=True):
    """Base of the cells, which `rnn` repeats.

    Class attributes:
        stacked: Whether it is several cells, whose states come grouped by cell.
    """

    kind = "cell"
    stacked: ClassVar[bool] = False

    @property
    def nested(self) -> bool:
        """Whether Keras groups the states by cell."""
        return False

    @property
    def deep(self) -> bool:
        """Whether Keras groups the states of a cell once more."""
        return False

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Size of each state."""
        raise NotImplementedError

    @property
    def output_size(self) -> int:
        """Size of the output."""
        return self.state_sizes[0]

    def weights(self, features: int) -> Iterable[Weight]:
        """Variables for an input with so many features."""
        raise NotImplementedError

    def flops(self, features: int) -> int:
        """Operations of one step."""
        raise NotImplementedError


class _UnitCell(Cell, abstract=True):
    """Rules of the cells with one number of units."""

    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1
    updates: ClassVar[int] = 0
    shorthand = "units"
    units: Any
    use_bias: Any

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Every state has `units` elements."""
        return (self.units,) * self.states

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias."""
        return (self.gates * self.units,)

    def weights(self, features: int) -> Iterable[Weight]:
        """Kernels for the input and for the state, and the bias, the gates side by side."""
        yield Weight("kernel", (features, self.gates * self.units))
        yield Weight("recurrent_kernel", (self.units, self.gates * self.units))
        if self.use_bias:
            yield Weight("bias", self.bias_shape)

    def flops(self, features: int) -> int:
        """Operations for one step, as in the layer of the same name."""
        per_gate = 2 * (features + self.units) + self.use_bias + 1
        count: int = self.units * (self.gates * per_gate + self.updates)
        return count


class LSTMCell(_UnitCell):
    """One step of an LSTM."""

    keras = "keras.layers.LSTMCell"
    gates = 4
    states = 2
    updates = 5
    units = LSTM.units
    activation = LSTM.activation
    recurrent_activation = LSTM.recurrent_activation
    use_bias = LSTM.use_bias
    kernel_initializer = LSTM.kernel_initializer
    recurrent_initializer = LSTM.recurrent_initializer
    bias_initializer = LSTM.bias_initializer
    unit_forget_bias = LSTM.unit_forget_bias
    kernel_regularizer = LSTM.kernel_regularizer
    recurrent_regularizer = LSTM.recurrent_regularizer
    bias_regularizer = LSTM.bias_regularizer
    kernel_constraint = LSTM.kernel_constraint
    recurrent_constraint = LSTM.recurrent_constraint
    bias_constraint = LSTM.bias_constraint
    dropout = LSTM.dropout
    recurrent_dropout = LSTM.recurrent_dropout
    seed = LSTM.seed
    examples = (example("8"),)


class GRUCell(_UnitCell):
    """One step of a GRU."""

    keras = "keras.layers.GRUCell"
    gates = 3
    updates = 5
    units = GRU.units
    activation = GRU.activation
    recurrent_activation = GRU.recurrent_activation
    use_bias = GRU.use_bias
    kernel_initializer = GRU.kernel_initializer
    recurrent_initializer = GRU.recurrent_initializer
    bias_initializer = GRU.bias_initializer
    kernel_regularizer = GRU.kernel_regularizer
    recurrent_regularizer = GRU.recurrent_regularizer
    bias_regularizer = GRU.bias_regularizer
    kernel_constraint = GRU.kernel_constraint
    recurrent_constraint = GRU.recurrent_constraint
    bias_constraint = GRU.bias_constraint
    dropout = GRU.dropout
    recurrent_dropout = GRU.recurrent_dropout
    reset_after = GRU.reset_after
    seed = GRU.seed
    examples = (example("{units: 8, reset_after: false}"),)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias: with `reset_after`, input and state have one each."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)


class SimpleRNNCell(_UnitCell):
    """One step of a simple recurrent layer."""

    keras = "keras.layers.SimpleRNNCell"
    units = SimpleRNN.units
    activation = SimpleRNN.activation
    use_bias = SimpleRNN.use_bias
    kernel_initializer = SimpleRNN.kernel_initializer
    recurrent_initializer = SimpleRNN.recurrent_initializer
    bias_initializer = SimpleRNN.bias_initializer
    kernel_regularizer = SimpleRNN.kernel_regularizer
    recurrent_regularizer = SimpleRNN.recurrent_regularizer
    bias_regularizer = SimpleRNN.bias_regularizer
    kernel_constraint = SimpleRNN.kernel_constraint
    recurrent_constraint = SimpleRNN.recurrent_constraint
    bias_constraint = SimpleRNN.bias_constraint
    dropout = SimpleRNN.dropout
    recurrent_dropout = SimpleRNN.recurrent_dropout
    seed = SimpleRNN.seed
    examples = (example("8"),)


class StackedRNNCells(Cell):
    """Several cells in one, each step going through all of them."""

    keras = "keras.layers.StackedRNNCells"
    stacked = True
    cells = components("cell", doc="The cells, from the input to the output.")
    examples = (example("{cells: [{lstm_cell: 8}, {gru_cell: 4}]}"),)

    def validate(self) -> None:
        """There are several cells: Keras fails on a stack of one when the input is masked or the steps are unrolled."""
        if len(self.cells) < 2:
            message = f"stacked_rnn_cells needs several `cells`, but has {len(self.cells)}"
            raise Problem(
                "E207", message, "write a single cell by itself, as in `rnn: {cell: {lstm_cell: 8}}`", "cells"
            )

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Sizes of the states of all cells, in their order."""
        return tuple(size for cell in self.cells for size in cell.state_sizes)

    @property
    def nested(self) -> bool:
        """Whether Keras groups the states by cell."""
        return any(len(cell.state_sizes) > 1 for cell in self.cells)

    @property
    def deep(self) -> bool:
        """Whether Keras groups the states of a cell once more."""
        return any(cell.nested for cell in self.cells)

    @property
    def output_size(self) -> int:
        """Output size of the last cell."""
        size: int = self.cells[-1].output_size
        return size

    def _inputs(self, features: int) -> Sequence[tuple[Cell, int]]:
        sizes = [features, *(cell.output_size for cell in self.cells)]
        return list(zip(self.cells, sizes, strict=False))

    def weights(self, features: int) -> Iterable[Weight]:
        """Weights of all cells, in their order."""
        for number, (cell, size) in enumerate(self._inputs(features)):
            yield from (replace(weight, name=f"cell_{number}/{weight.name}") for weight in cell.weights(size))

    def flops(self, features: int) -> int:
        """Operations of all cells for one step."""
        return sum(cell.flops(size) for cell, size in self._inputs(features))


class RNN(Recurrent):
    """Repeats a cell over the steps of a sequence."""

    keras = "keras.layers.RNN"
    shorthand = "cell"
    cell = component("cell", doc="Operation in each step.")
    return_sequences = boolean(default=False, doc="Whether to return the output of every step.")
    return_state = boolean(default=False, doc="Whether to return the last states as well, cell by cell.")
    go_backwards = boolean(default=False, doc="Whether to read the sequence from its end.")
    stateful = boolean(default=False, doc="Whether the state outlives the batch.")
    unroll = boolean(default=False, doc="Whether to write the steps out instead of looping.")
    zero_output_for_mask = boolean(default=False, doc="Whether masked steps give zeros instead of the last output.")
    examples = (
        example("{cell: {lstm_cell: 8}, return_state: true}", (None, 5)),
        example(
            "{cell: {stacked_rnn_cells: {cells: [{lstm_cell: 8}, {gru_cell: 4}]}}, return_sequences: true}", (9, 5)
        ),
        example("{cell: {stacked_rnn_cells: {cells: [{gru_cell: 3}, {lstm_cell: 4}]}}, return_state: true}", (None, 5)),
        example("{cell: {simple_rnn_cell: 4}, unroll: true}", (6, 3)),
    )

    def validate(self) -> None:
        """Keras cannot return states that are grouped twice."""
        super().validate()
        if self.return_state and self.cell.deep:
            message = "rnn cannot return the states of a stack of cells within another"
            raise Problem(
                "E207", message, "write all cells into one stack, or leave `return_state` out", "return_state"
            )

    def step(self, sequence: Tensor) -> Shape:
        """Shape of the cell's output for one step."""
        check_sequence(self.name, sequence, self.unroll)
        return (self.cell.output_size,)

    def state_shapes(self, sequence: Tensor) -> list[Shape]:
        """Shapes of the cell's states."""
        return [(size,) for size in self.cell.state_sizes]

    def initial_shapes(self, sequence: Tensor) -> list[Shape]:
        """The cell's states, unless Keras wants them grouped by cell."""
        if self.cell.nested:
            message = "rnn takes no initial state for stacked cells of which one has several"
            raise Problem("E405", message, "use one `rnn` for each cell", "cell")
        return self.state_shapes(sequence)

    def weights(self, sequence: Tensor, initial_state: States = None) -> Iterable[Weight]:
        """Weights of the cell."""
        weights: Iterable[Weight] = self.cell.weights(known(sequence, -1, self.name))
        return weights

    def flops(self, output: Tensor, sequence: Tensor, initial_state: States = None) -> int:
        """Operations of the cell, times the number of steps."""
        return Tensor((sequence.shape[0],)).size * int(self.cell.flops(known(sequence, -1, self.name)))
