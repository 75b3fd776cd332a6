import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomSpeed(keras.layers.Layer):
    """Plays sound, or another signal [time] or [time, channels], faster or slower in training.

    The pitch changes with the speed, as that of a tape does. Samples are interpolated linearly; what a faster signal
    lacks at its end is zero, what a slower one has beyond it is cut off.

    Args:
        factor: Largest change of the speed: 0.1 stands for 0.9 to 1.1 times.
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
        ops = keras.ops
        length = ops.shape(inputs)[1]
        speed = keras.random.uniform((ops.shape(inputs)[0], 1), 1 - self.factor, 1 + self.factor, seed=self.generator)
        position = ops.cast(ops.arange(length)[None, :], "float32") * speed
        before = ops.floor(position)
        share = ops.cast(position - before, inputs.dtype)
        before = ops.cast(before, "int32")
        inside = before < length
        if len(inputs.shape) == 3:
            before, share, inside = before[:, :, None], share[:, :, None], inside[:, :, None]

        def sample(index):
            index = ops.broadcast_to(ops.clip(index, 0, length - 1), ops.shape(inputs))
            return ops.take_along_axis(inputs, index, axis=1)

        played = sample(before) * (1 - share) + sample(before + 1) * share
        return ops.where(inside, played, ops.zeros_like(played))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}
