"""Recurrent layers, which read a sequence step by step and carry a state along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from dlspec.components.layers.base import (
    Layer,
    Outputs,
    Stepwise,
    constraint,
    drop_rate,
    initializer,
    regularizer,
    seed,
)
from dlspec.components.layers.base import activation as function
from dlspec.components.registry import boolean, choice, example, integer
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, Weight, known, show_shape, volume

States = Tensor | Sequence[Tensor] | None


class Recurrent(Layer, abstract=True):
    """Base of the layers that read a sequence step by step; `bidirectional` can wrap them.

    Class attributes:
        states: Number of state tensors.
    """

    arguments = ("sequence", "initial_state?")
    list_arguments = ("initial_state",)
    masking = "pass"
    states: ClassVar[int] = 1
    # Declared as options by each layer, in Keras's order.
    return_sequences: Any
    return_state: Any
    go_backwards: Any
    stateful: Any

    def validate(self) -> None:
        """A state that outlives the batch would need a fixed batch size."""
        if self.stateful:
            message = f"{self.name} has `stateful: true`, which needs a fixed batch size; a model here takes any"
            fix = "leave it out and pass states with `return_state` and `from: {initial_state: …}`"
            raise Problem("E207", message, fix, "stateful")

    def step(self, sequence: Tensor) -> Shape:
        """Shape of the output of one step, which the states have as well."""
        raise NotImplementedError

    def state_shapes(self, sequence: Tensor) -> list[Shape]:
        """Shape of each state."""
        return [self.step(sequence)] * self.states

    def initial_shapes(self, sequence: Tensor) -> list[Shape]:
        """Shape of each initial state that a call can give; raises E405 where it can give none."""
        return self.state_shapes(sequence)

    def infer(self, sequence: Tensor, initial_state: States = None) -> Outputs:
        """[steps, …] → the last step's output or all of them; with `return_state` also the states."""
        step = self.step(sequence)
        if initial_state is not None:
            check_states(self.name, initial_state, self.initial_shapes(sequence))
        output = Tensor((sequence.shape[0], *step) if self.return_sequences else step, self.compute_dtype)
        if not self.return_state:
            return output
        return (output, *(Tensor(shape, self.compute_dtype) for shape in self.state_shapes(sequence)))

    def stepwise_for(self, sequence: Tensor, initial_state: States = None) -> Stepwise:
        """From states, where it reads forwards and gives all steps."""
        return "states" if self.return_sequences and not self.go_backwards else ""

    def mask(self, sequence: Tensor, initial_state: States = None) -> bool:
        """Whether the output carries a mask: only a sequence keeps that of the input."""
        return bool(self.return_sequences) and sequence.masked


def check_states(who: str, given: Tensor | Sequence[Tensor], shapes: Sequence[Shape]) -> None:
    """Raises E405 or E402 where initial states do not fit."""
    states = [given] if isinstance(given, Tensor) else list(given)
    if len(states) != len(shapes):
        wanted = f"{len(shapes)} tensor" + ("s" if len(shapes) > 1 else "")
        message = f"{who} takes an initial state of {wanted}, but got {len(states)}"
        raise Problem("E405", message, f"write `initial_state: [{', '.join('abcdefgh'[: len(shapes)])}]`")
    for tensor, shape in zip(states, shapes, strict=True):
        fits = len(shape) == tensor.rank and all(
            a == b or None in (a, b) for a, b in zip(tensor.shape, shape, strict=True)
        )
        if not fits:
            message = (
                f"{who} takes initial states of shape {show_shape(shape)}, but got shape {show_shape(tensor.shape)}"
            )
            raise Problem("E402", message, "bring it to that size with a `dense`")


def check_sequence(who: str, sequence: Tensor, unroll: bool) -> None:
    """Raises E402 or E408 where the input is no sequence of vectors, or has no known length to unroll."""
    shape = show_shape(sequence.shape)
    if sequence.rank != 2:
        message = f"{who} expects 2 axes [steps, features], but the input has shape {shape}"
        raise Problem("E402", message, _sequence_help(sequence))
    known(sequence, -1, who)
    if unroll and sequence.shape[0] is None:
        message = f"{who} has `unroll: true`, but the number of steps is unknown: {shape}"
        raise Problem("E408", message, "give the number of steps in `inputs`, or leave `unroll` out", "unroll")


def _sequence_help(x: Tensor) -> str:
    """Help on how to make a sequence of vectors of an input of another shape."""
    if x.rank == 1:
        add = "`ops.expand_dims: -1`" if None in x.shape else f"`reshape: {show_shape((*x.shape, 1))}`"
        return f"add an axis: {add} for numbers, `embedding` for indices"
    if x.rank > 2 and None not in x.shape:
        shape = show_shape((x.shape[0], volume(x.shape[1:])))
        return f"bring each step to one axis: `reshape: {shape}`, or a convolution and pooling before it"
    return "bring each step to one axis: `time_distributed: {layer: flatten}`" if x.rank > 2 else ""


class _Gated(Recurrent, abstract=True):
    """Rules of the recurrent layers whose state is a vector.

    Class attributes:
        gates: How many vectors of the state's size each step computes from input and state.
        updates: Further operations per element of the state in each step.
    """

    gates: ClassVar[int] = 1
    updates: ClassVar[int] = 0
    units: Any
    use_bias: Any
    unroll: Any

    def step(self, sequence: Tensor) -> Shape:
        """[units]."""
        check_sequence(self.name, sequence, self.unroll)
        return (self.units,)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias."""
        return (self.gates * self.units,)

    def weights(self, sequence: Tensor, initial_state: States = None) -> Iterable[Weight]:
        """Kernels for the input and for the state, and the bias, the gates side by side."""
        yield Weight("kernel", (known(sequence, -1, self.name), self.gates * self.units))
        yield Weight("recurrent_kernel", (self.units, self.gates * self.units))
        if self.use_bias:
            yield Weight("bias", self.bias_shape)

    def flops(self, output: Tensor, sequence: Tensor, initial_state: States = None) -> int:
        """Per step and gate: the two products, the bias and the activation; then the update of the state."""
        per_gate = 2 * (known(sequence, -1, self.name) + self.units) + self.use_bias + 1
        per_step: int = self.units * (self.gates * per_gate + self.updates)
        return Tensor((sequence.shape[0],)).size * per_step


class LSTM(_Gated):
    """Long short-term memory: a recurrent layer whose gates decide what to keep, take in and show."""

    keras = "keras.layers.LSTM"
    shorthand = "units"
    gates = 4
    states = 2
    updates = 5
    units = integer(min=1, doc="Size of the output and of each of the two states.")
    activation = function("tanh", "Activation of the candidate and of the cell.")
    recurrent_activation = function("sigmoid", "Activation of the gates.")
    use_bias = boolean(default=True, doc="Whether to add a bias.")
    kernel_initializer = initializer("glorot_uniform", "the input's kernel")
    recurrent_initializer = initializer("orthogonal", "the state's kernel")
    bias_initializer = initializer("zeros", "the bias")
    unit_forget_bias = boolean(default=True, doc="Whether the forget gate's bias starts at 1.")
    kernel_regularizer = regularizer("the input's kernel")
    recurrent_regularizer = regularizer("the state's kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the input's kernel")
    recurrent_constraint = constraint("the state's kernel")
    bias_constraint = constraint("the bias")
    dropout = drop_rate("the input")
    recurrent_dropout = drop_rate("the state")
    seed = seed()
    return_sequences = boolean(default=False, doc="Whether to return the output of every step.")
    return_state = boolean(default=False, doc="Whether to return the last states as well.")
    go_backwards = boolean(default=False, doc="Whether to read the sequence from its end.")
    stateful = boolean(default=False, doc="Whether the state outlives the batch.")
    unroll = boolean(default=False, doc="Whether to write the steps out instead of looping.")
    use_cudnn = choice("auto", True, False, default="auto", doc="Whether to use the fused kernel of a GPU.")
    examples = (
        example("64", (20, 8)),
        example("{units: 5, return_sequences: true, return_state: true, use_bias: false}", (None, 3)),
    )


class GRU(_Gated):
    """Gated recurrent unit: a recurrent layer with one state and two gates."""

    keras = "keras.layers.GRU"
    shorthand = "units"
    gates = 3
    updates = 5
    units = integer(min=1, doc="Size of the output and of the state.")
    activation = function("tanh", "Activation of the candidate.")
    recurrent_activation = function("sigmoid", "Activation of the gates.")
    use_bias = boolean(default=True, doc="Whether to add a bias.")
    kernel_initializer = initializer("glorot_uniform", "the input's kernel")
    recurrent_initializer = initializer("orthogonal", "the state's kernel")
    bias_initializer = initializer("zeros", "the bias")
    kernel_regularizer = regularizer("the input's kernel")
    recurrent_regularizer = regularizer("the state's kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the input's kernel")
    recurrent_constraint = constraint("the state's kernel")
    bias_constraint = constraint("the bias")
    dropout = drop_rate("the input")
    recurrent_dropout = drop_rate("the state")
    seed = seed()
    return_sequences = boolean(default=False, doc="Whether to return the output of every step.")
    return_state = boolean(default=False, doc="Whether to return the last state as well.")
    go_backwards = boolean(default=False, doc="Whether to read the sequence from its end.")
    stateful = boolean(default=False, doc="Whether the state outlives the batch.")
    unroll = boolean(default=False, doc="Whether to write the steps out instead of looping.")
    reset_after = boolean(default=True, doc="Whether the reset gate acts after the state's product (as cuDNN does).")
    use_cudnn = choice("auto", True, False, default="auto", doc="Whether to use the fused kernel of a GPU.")
    examples = (example("32", (None, 8)), example("{units: 4, reset_after: false, return_state: true}", (9, 3)))

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias: with `reset_after`, input and state have one each."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)


class SimpleRNN(_Gated):
    """A recurrent layer whose state is its last output."""

    keras = "keras.layers.SimpleRNN"
    shorthand = "units"
    units = integer(min=1, doc="Size of the output and of the state.")
    activation = function("tanh", "Activation of the output.")
    use_bias = boolean(default=True, doc="Whether to add a bias.")
    kernel_initializer = initializer("glorot_uniform", "the input's kernel")
    recurrent_initializer = initializer("orthogonal", "the state's kernel")
    bias_initializer = initializer("zeros", "the bias")
    kernel_regularizer = regularizer("the input's kernel")
    recurrent_regularizer = regularizer("the state's kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the input's kernel")
    recurrent_constraint = constraint("the state's kernel")
    bias_constraint = constraint("the bias")
    dropout = drop_rate("the input")
    recurrent_dropout = drop_rate("the state")
    return_sequences = boolean(default=False, doc="Whether to return the output of every step.")
    return_state = boolean(default=False, doc="Whether to return the last state as well.")
    go_backwards = boolean(default=False, doc="Whether to read the sequence from its end.")
    stateful = boolean(default=False, doc="Whether the state outlives the batch.")
    unroll = boolean(default=False, doc="Whether to write the steps out instead of looping.")
    seed = seed()
    examples = (example("16", (20, 8)), example("{units: 4, return_sequences: true, unroll: true}", (9, 3)))

    def validate(self) -> None:
        """Refuses options that Keras accepts and ignores."""
        super().validate()
        if self.activity_regularizer is not None:
            message = "Keras's SimpleRNN forgets its `activity_regularizer`"
            raise Problem("E207", message, "put an `activity_regularization` behind it", "activity_regularizer")
