import keras


@keras.saving.register_keras_serializable(package="dlspec")
class WeightNormalization(keras.layers.Wrapper):
    """Learns direction and length of a layer's kernel separately: each output unit uses w = g * v / |v|.

    Salimans & Kingma 2016, "Weight Normalization", section 2, equation 2. The kernel of the wrapped layer is v, its
    last axis the output units. g starts as |v|, so that the layer starts as it would alone; the initialization from a
    batch of data (section 3) is left out.

    Args:
        layer: A layer with a kernel: Dense, Conv1D, Conv2D or Conv3D.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = layer.supports_masking

    def build(self, input_shape):
        super().build(input_shape)
        self.g = self.add_weight(
            name="g",
            shape=(self.layer.kernel.shape[-1],),
            initializer=lambda shape, dtype: keras.ops.cast(self.length_of_kernel(), dtype),
        )

    def length_of_kernel(self):
        kernel = self.layer.kernel
        return keras.ops.sqrt(keras.ops.sum(keras.ops.square(kernel), axis=tuple(range(len(kernel.shape) - 1))))

    def call(self, inputs):
        kernel = self.layer.kernel
        values = [(variable, variable.value) for variable in self.layer.variables if variable is not kernel]
        normalized = self.g * kernel / keras.ops.maximum(self.length_of_kernel(), keras.config.epsilon())
        with keras.StatelessScope(state_mapping=[(kernel, normalized), *values]):
            return self.layer(inputs)

    def compute_output_spec(self, inputs):
        return self.layer.compute_output_spec(inputs)
