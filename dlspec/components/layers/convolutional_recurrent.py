"""Convolutional LSTMs, which read a sequence of images step by step."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.base import activation as function
from dlspec.components.layers.base import constraint, data_format, drop_rate, initializer, regularizer, seed
from dlspec.components.layers.recurrent import Recurrent, States
from dlspec.components.layers.windows import SpatialLayer, check_dilation, check_positive, window_length
from dlspec.components.registry import boolean, choice, example, integer, sizes
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, Weight, known, show_shape, volume


class _ConvLSTM(Recurrent, SpatialLayer, abstract=True):
    """Options and rules that the convolutional LSTMs share."""

    states = 2
    formats_lacking = ("litert",)  # it loops over the steps
    filters = integer(min=1, doc="Number of output channels.")
    kernel_size = sizes(doc="Size of the window, one number or one for each axis.")
    strides = sizes(default=1, doc="Step of the window.")
    padding = choice("valid", "same", default="valid", doc="`same` pads so that stride 1 keeps the size.")
    data_format = data_format()
    dilation_rate = sizes(default=1, doc="Distance between the window's elements.")
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

    def validate(self) -> None:
        """Strides and dilation exclude each other."""
        super().validate()
        check_dilation(self.name, self.strides, self.dilation_rate)

    def step(self, sequence: Tensor) -> Shape:
        """[*reduced, filters]."""
        frame = self._frame(sequence)
        spatial, _ = self.split(frame)
        for axis in range(frame.rank):
            known(frame, axis, self.name)
        windows = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        reduced = [window_length(n, k, s, self.padding, d) for n, k, s, d in windows]
        check_positive(reduced, frame, self.name, "kernel_size")
        if sequence.masked and (tuple(reduced) != tuple(spatial) or self.data_format == "channels_first"):
            # Masks have an entry for each place of a frame, and Keras keeps or updates the state place by place.
            message = f"{self.name} cannot use the mask of its input: its states have other axes than the frames"
            raise Problem("E402", message, "`padding: same` with `strides: 1` and channels last keep them", "padding")
        return self.image(reduced, self.filters).shape

    def _frame(self, sequence: Tensor) -> Tensor:
        if sequence.rank != self.rank + 2:
            axes = ["steps", *["rows", "columns", "slices"][: self.rank], "channels"]
            expected = f"{len(axes)} axes [{', '.join(axes)}]"
            message = f"{self.name} expects {expected}, but the input has shape {show_shape(sequence.shape)}"
            raise Problem("E402", message, "bring the input to these axes with `reshape`")
        return sequence.reshaped(sequence.shape[1:])

    def weights(self, sequence: Tensor, initial_state: States = None) -> Iterable[Weight]:
        """Kernels for the input and for the state, and the bias, the four gates side by side."""
        channels = self.channels(self._frame(sequence))
        yield Weight("kernel", (*self.kernel_size, channels, 4 * self.filters))
        yield Weight("recurrent_kernel", (*self.kernel_size, self.filters, 4 * self.filters))
        if self.use_bias:
            yield Weight("bias", (4 * self.filters,))

    def flops(self, output: Tensor, sequence: Tensor, initial_state: States = None) -> int:
        """Per step and gate: the two convolutions, the bias and the activation; then the update of the state."""
        channels = self.channels(self._frame(sequence)) + self.filters
        per_gate = 2 * volume(self.kernel_size) * channels + self.use_bias + 1
        return Tensor((sequence.shape[0],)).size * volume(self.step(sequence)) * (4 * per_gate + 5)


class ConvLSTM1D(_ConvLSTM):
    """An LSTM whose states are sequences and whose products are convolutions."""

    keras = "keras.layers.ConvLSTM1D"
    rank = 1
    examples = (example("{filters: 4, kernel_size: 3}", (None, 20, 2)),)


class ConvLSTM2D(_ConvLSTM):
    """An LSTM whose states are images and whose products are convolutions."""

    keras = "keras.layers.ConvLSTM2D"
    rank = 2
    examples = (
        example("{filters: 4, kernel_size: 3, padding: same, return_sequences: true}", (5, 9, 9, 1)),
        example("{filters: 3, kernel_size: [3, 2], return_state: true, use_bias: false}", (None, 9, 8, 2)),
    )


class ConvLSTM3D(_ConvLSTM):
    """An LSTM whose states are volumes and whose products are convolutions."""

    keras = "keras.layers.ConvLSTM3D"
    rank = 3
    examples = (example("{filters: 2, kernel_size: 2}", (3, 5, 6, 7, 1)),)
