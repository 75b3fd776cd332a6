"""Training on several devices of one machine, with the result of one."""

import keras
import tensorflow as tf


def devices(count: int) -> list[str]:
    """Names of `count` devices that share each batch: GPUs; without any, parts of the CPU."""
    if tf.config.list_physical_devices("GPU"):
        return [f"GPU:{number}" for number in range(count)]
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    return [f"CPU:{number}" for number in range(count)]


class Mirrored(keras.Model):
    """Trains on several devices; every example counts alike, however many of a batch each of them has."""

    def _maybe_symbolic_build(self, iterator: object = None, data_batch: object = None) -> None:
        """Before `fit`, Keras takes the mean of the devices' shares of a batch, which only equal ones have."""
        if data_batch is not None:
            super()._maybe_symbolic_build(data_batch=data_batch)

    def train_step(self, data: tuple) -> dict:
        inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
        replica = tf.distribute.get_replica_context()
        count = tf.cast(tf.shape(tf.nest.flatten(inputs)[0])[0], "float32")
        share = count / replica.all_reduce("sum", count)
        with tf.GradientTape() as tape:
            outputs = self(inputs, training=True)
            # Keras divides by the number of devices, as if each had as many examples as the others.
            loss = self.compute_loss(inputs, targets, outputs, weights) * replica.num_replicas_in_sync
            scaled = self.optimizer.scale_loss(loss * share)
        gradients = tape.gradient(scaled, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.metrics[0].update_state(loss, sample_weight=count)
        return self.compute_metrics(inputs, targets, outputs, weights)
