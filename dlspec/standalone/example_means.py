import keras
from keras import ops


class ExampleMeans(keras.Model):
    """A model of several outputs that measures the loss of each as a mean over examples, like their sum.

    Keras 3 weighs the mean loss of a batch by the batch's static size (`CompileLoss.call`), which a graph does not
    know: a last, smaller batch would count as much as the others, and the parts would not add up to `loss`.
    """

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self.count_examples(y_pred)
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        trackers = self._compile_loss.metrics  # Keras makes them in the first call, which computes nothing yet
        trackers[:] = [
            tracker if isinstance(tracker, ExampleMean) else ExampleMean(tracker.name) for tracker in trackers
        ]
        return loss

    def count_examples(self, y_pred):
        """Makes the next values of the loss trackers means over the examples of these outputs."""
        count = ops.shape(keras.tree.flatten(y_pred)[0])[0]
        for tracker in self._compile_loss.metrics:
            tracker.examples = count


class ExampleMean(keras.metrics.Mean):
    """A mean of means, each of which counts as many times as it has examples."""

    def update_state(self, values, sample_weight=None):
        super().update_state(values, sample_weight=self.examples)
