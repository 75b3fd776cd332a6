import keras


@keras.saving.register_keras_serializable(package="dlspec")
class PatchExtraction(keras.layers.Layer):
    """Cuts an image into a sequence of flat patches, row by row; learns nothing.

    Dosovitskiy et al. 2021, "An Image Is Worth 16x16 Words", section 3.1: [height, width, channels] becomes
    [height * width / patch², patch² * channels]. A dense layer behind it is the paper's linear projection.

    Args:
        patch_size: Height and width of a patch, or one number for both; they divide those of the image.
    """

    def __init__(self, patch_size, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = (patch_size, patch_size) if isinstance(patch_size, int) else tuple(patch_size)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        batch, height, width, channels = keras.ops.shape(inputs)
        down, across = self.patch_size
        rows, columns = height // down, width // across
        patches = keras.ops.reshape(inputs, (batch, rows, down, columns, across, channels))
        patches = keras.ops.transpose(patches, (0, 1, 3, 2, 4, 5))
        return keras.ops.reshape(patches, (batch, rows * columns, down * across * channels))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        down, across = self.patch_size
        count = None if height is None or width is None else (height // down) * (width // across)
        return (batch, count, None if channels is None else down * across * channels)

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size}
