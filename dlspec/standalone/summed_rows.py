import keras
import tensorflow as tf


def summed_rows(optimizer, model):
    """Lets an optimizer see the whole gradient of each row of an embedding.

    TensorFlow hands over a part for each use of a row in the batch. Keras's optimizers square and clip the parts by
    themselves, g1² + g2² for (g1 + g2)²: a word that stands twice in a batch takes steps that are 1.41 times too long.

    Args:
        optimizer: The optimizer, which is changed.
        model: What is compiled with it.
    """
    apply, clip = optimizer.apply, optimizer._clip_gradients

    def apply_whole(grads, trainable_variables=None):
        variables = list(trainable_variables or optimizer._trainable_variables)
        if any(isinstance(gradient, tf.IndexedSlices) for gradient in grads):
            grads = [whole(gradient, variable) for gradient, variable in zip(grads, variables, strict=True)]
        apply(grads, variables)

    def whole(gradient, variable):
        if not isinstance(gradient, tf.IndexedSlices):
            # In a branch of a conditional, Keras takes gradients only if all of them are made there.
            return gradient if gradient is None else tf.identity(gradient)
        # XLA cannot find out which rows there are, and Keras cannot scale them; small tables are faster as a whole.
        if model.jit_compile or optimizer.loss_scale_factor or variable.shape[0] <= 1000:
            return keras.ops.segment_sum(gradient.values, gradient.indices, variable.shape[0])
        rows, places = tf.unique(gradient.indices)
        sums = tf.scatter_nd(places[:, None], gradient.values, (tf.size(rows), *variable.shape[1:]))
        return tf.IndexedSlices(sums, rows, gradient.dense_shape)

    def clip_rows(grads):
        # All others are 0: the norm of the rows is that of the table, for which Keras would make the whole of it.
        clipped = clip([gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient for gradient in grads])
        return [_like(gradient, values) for gradient, values in zip(grads, clipped, strict=True)]

    optimizer.apply, optimizer._clip_gradients = apply_whole, clip_rows
    return optimizer


def _like(gradient, values):
    if not isinstance(gradient, tf.IndexedSlices):
        return values
    return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
