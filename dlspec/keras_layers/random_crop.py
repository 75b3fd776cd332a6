import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomCrop(keras.layers.RandomCrop):
    """Cuts out a random part in training and the middle otherwise.

    The class of Keras 3.15 crops in training alone, and lets whole images through a model that states the cropped
    size. Images that are smaller than the part are resized, as there.
    """

    def transform_images(self, images, transformation, training=True):
        if not training:
            shape = self.backend.shape(images)
            rows, columns = shape[self.height_axis], shape[self.width_axis]
            maximum = self.backend.numpy.maximum
            transformation = maximum(rows - self.height, 0) // 2, maximum(columns - self.width, 0) // 2
        return super().transform_images(images, transformation, training=True)
