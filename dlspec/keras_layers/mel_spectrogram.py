import keras


@keras.saving.register_keras_serializable(package="dlspec")
class MelSpectrogram(keras.layers.MelSpectrogram):
    """Turns a sound into the loudness of frequency bands that are spaced as people hear them.

    What is more than `top_db` below the loudest value of the same sound is cut off; the class of Keras 3.15 takes the
    loudest value of the whole batch, so that a sound depends on those that happen to stand beside it.
    """

    def _dbscale(self, inputs):
        numpy, logarithm = self.backend.numpy, self.backend.numpy.log10
        reference = max(self.ref_power, self.min_power)
        decibels = 10.0 * logarithm(numpy.maximum(inputs, self.min_power)) - 10.0 * logarithm(reference)
        loudest = numpy.max(decibels, axis=(-2, -1), keepdims=True)
        return numpy.maximum(decibels, loudest - self.top_db)
