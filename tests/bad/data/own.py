import keras


class Scale(keras.layers.Layer):
    """Multiplies by a number."""

    def __init__(self, factor: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.factor = factor


class Shift(Scale):
    """Adds a number."""

    def __init__(self, by: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.by = by


class Stretched(keras.losses.MeanSquaredError):
    """Squares of differences, multiplied."""

    def __init__(self, *, by: float | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.by = by


class Within(keras.metrics.Metric):
    """Share of answers within a distance."""

    def __init__(self, distance=1.0, name="within", **kwargs) -> None:
        super().__init__(name=name, **kwargs)
        self.distance = distance
