import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class MarkedSequence(keras.layers.Layer):
    """Puts marks around rows of indices and cuts or fills them to one length; 0 is padding and stands at the end.

    Args:
        length: Indices of a row that comes out; None for as many as the longest row has with its marks.
        start: The index that is put before each row; None for none.
        end: The index that is put behind each row; None for none. What is cut off has none.
        reserved: So many indices from 2 on are kept free: those that enter move up by as many.
    """

    def __init__(self, length=None, start=None, end=None, reserved=0, **kwargs):
        super().__init__(**kwargs)
        self.length = length
        self.start = start
        self.end = end
        self.reserved = reserved

    def call(self, inputs):
        rows = inputs
        if self.reserved:
            rows = ops.where(rows >= 2, rows + self.reserved, rows)
        if self.start is not None:
            rows = ops.concatenate([ops.full_like(rows[:, :1], self.start), rows], axis=1)
        rows = ops.pad(rows, [[0, 0], [0, 1 if self.length is None else self.length]])
        if self.end is not None:
            places = ops.arange(1, ops.shape(rows)[1] + 1)[None, :]
            lengths = ops.max(ops.where(ops.not_equal(rows, 0), places, ops.zeros_like(places)), axis=1, keepdims=True)
            rows = ops.where(ops.equal(places, lengths + 1), ops.full_like(rows, self.end), rows)
        if self.length is None:
            return rows if self.end is not None else rows[:, :-1]
        # Keras does not tell the length of a slice of an axis of unknown length.
        return ops.reshape(rows[:, : self.length], (-1, self.length))

    def compute_output_spec(self, inputs):
        length = self.length
        if length is None and inputs.shape[1] is not None:
            length = inputs.shape[1] + (self.start is not None) + (self.end is not None)
        return keras.KerasTensor((inputs.shape[0], length), dtype=inputs.dtype)

    def get_config(self):
        marks = {"start": self.start, "end": self.end, "reserved": self.reserved}
        return {**super().get_config(), "length": self.length, **marks}
