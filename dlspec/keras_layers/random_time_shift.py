import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomTimeShift(keras.layers.Layer):
    """Moves sound, or another signal [time] or [time, channels], along time in training; zeros fill the gap.

    Args:
        factor: Farthest move, as a share of the length.
        seed: Seed of the random numbers.
    """

    def __init__(self, factor, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs, training=False):
        if not training:
            return inputs
        length = keras.ops.shape(inputs)[1]
        batch = keras.ops.shape(inputs)[0]
        farthest = self.factor * keras.ops.cast(length, "float32")
        drawn = keras.random.uniform((batch, 1), -farthest, farthest, seed=self.generator)
        source = keras.ops.arange(length)[None, :] - keras.ops.cast(keras.ops.round(drawn), "int32")
        inside = keras.ops.logical_and(source >= 0, source < length)
        source = keras.ops.clip(source, 0, length - 1)
        if len(inputs.shape) == 3:
            source, inside = source[:, :, None], inside[:, :, None]
        moved = keras.ops.take_along_axis(inputs, keras.ops.broadcast_to(source, keras.ops.shape(inputs)), axis=1)
        return keras.ops.where(inside, moved, keras.ops.zeros_like(moved))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}
