import keras


class Scale(keras.layers.Layer):
    """Multiplies by a number, and takes no name."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor
