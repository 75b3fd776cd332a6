import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class HierarchicalSoftmax(keras.layers.Layer):
    """Probabilities of many classes as products of decisions down a binary tree, and their negative logarithm.

    Morin and Bengio 2005, "Hierarchical Probabilistic Neural Network Language Model". Classes are the leaves of a
    complete tree whose inner nodes are logistic regressions: node n has the children 2 n + 1 and 2 n + 2, class c is
    node classes - 1 + c, and the probability to go to the second child is sigmoid(kernel[n] . x + bias[n]). The loss of
    a label computes the nodes of its path alone, log2(classes) of them; the probabilities of all classes, where they
    are asked for, all nodes.

    Args:
        classes: Number of classes.
        return_loss: Whether the loss of each example is given, and not added to the loss.
    """

    def __init__(
        self, classes, return_loss=False, kernel_initializer="glorot_uniform", bias_initializer="zeros", **kwargs
    ):
        super().__init__(**kwargs)
        self.classes = classes
        self.return_loss = return_loss
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.depth = (classes - 1).bit_length()

    def build(self, inputs_shape, label_shape):
        nodes = self.classes - 1
        self.kernel = self.add_weight(
            name="kernel", shape=(nodes, inputs_shape[-1]), initializer=self.kernel_initializer
        )
        self.bias = self.add_weight(name="bias", shape=(nodes,), initializer=self.bias_initializer)

    def __call__(self, inputs, label, **kwargs):
        if not self.return_loss or "part" in kwargs:
            return super().__call__(inputs, label, **kwargs)
        # Two calls in a functional model: what only one of them needs does not read all weights for the other.
        probabilities = super().__call__(inputs, label, part="probabilities", **kwargs)
        return probabilities, super().__call__(inputs, label, part="loss", **kwargs)

    def call(self, inputs, label, part=None):
        if part != "probabilities":
            loss = self.loss_of(inputs, ops.reshape(label, (-1,)))
            if part == "loss":
                return loss
            self.add_loss(ops.mean(loss))
        return ops.cast(ops.exp(self.log_probabilities(inputs)), self.compute_dtype)

    def loss_of(self, inputs, label):
        """Negative logarithm of the probability of a label, by the nodes on the way to it; shape [batch]."""
        node, way = ops.cast(label, "int32") + self.classes - 1, []
        for _ in range(self.depth):
            way.append(node)
            node = ops.maximum((node - 1) // 2, 0)
        way = ops.stack(way, axis=1)
        parents = ops.maximum((way - 1) // 2, 0)
        # Rows of the variable itself: its value as a whole would be copied at each step.
        kernel = ops.cast(tf.gather(self.kernel.value, parents), inputs.dtype)
        logits = ops.cast(ops.sum(kernel * inputs[:, None], axis=-1), "float32")
        logits = logits + ops.cast(tf.gather(self.bias.value, parents), "float32")
        decisions = ops.softplus(ops.where(ops.equal(way % 2, 0), -logits, logits))
        return ops.sum(ops.where(way > 0, decisions, 0.0), axis=1)  # leaves of the upper row are one step nearer

    def log_probabilities(self, inputs):
        """Logarithm of the probability of each class; shape [batch, classes]."""
        kernel = ops.cast(self.kernel, inputs.dtype)
        logits = ops.cast(tf.matmul(inputs, kernel, transpose_b=True), "float32") + ops.cast(self.bias, "float32")
        rows, start = [ops.zeros_like(logits[:, :1])], 0
        while start < self.classes - 1:
            row = rows.pop()
            inner = min(row.shape[1], self.classes - 1 - start)
            some = logits[:, start : start + inner]
            pairs = ops.stack([-ops.softplus(some), -ops.softplus(-some)], axis=-1) + row[:, :inner, None]
            rows += [row[:, inner:], ops.reshape(pairs, (-1, 2 * inner))]
            start += row.shape[1]
        return ops.concatenate(rows[-2:], axis=-1)

    def compute_output_spec(self, inputs, label, part=None):
        if part == "loss":
            return keras.KerasTensor(inputs.shape[:1], dtype="float32")
        return keras.KerasTensor((inputs.shape[0], self.classes), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "classes": self.classes,
            "return_loss": self.return_loss,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
