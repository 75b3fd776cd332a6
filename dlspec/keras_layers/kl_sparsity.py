import keras


@keras.saving.register_keras_serializable(package="dlspec")
class KLSparsity(keras.layers.Layer):
    """Leaves the input as it is and adds a penalty to the loss unless each unit is rarely active.

    Ng 2011, "Sparse autoencoder" (CS294A lecture notes), section 3: the loss grows by
    kl_weight * sum(p log(p / q) + (1 - p) log((1 - p) / (1 - q))), where p is the wanted and q the measured mean
    activation of a unit over the batch. The inputs lie between 0 and 1, as those of a sigmoid do.

    Args:
        sparsity: Wanted mean activation of each unit (ρ of the notes).
        kl_weight: Factor of the penalty (β of the notes).
        return_loss: Whether the penalty is given as well, the same for each example, and nothing is added to the loss.
    """

    def __init__(self, sparsity=0.05, kl_weight=1.0, return_loss=False, **kwargs):
        super().__init__(**kwargs)
        self.return_loss = return_loss
        self.sparsity = sparsity
        self.kl_weight = kl_weight
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(min_ndim=2)

    def call(self, inputs):
        wanted, epsilon = self.sparsity, keras.config.epsilon()
        examples = tuple(range(len(inputs.shape) - 1))
        measured = keras.ops.mean(keras.ops.cast(inputs, "float32"), axis=examples)
        measured = keras.ops.clip(measured, epsilon, 1.0 - epsilon)
        active = wanted * keras.ops.log(wanted / measured)
        inactive = (1.0 - wanted) * keras.ops.log((1.0 - wanted) / (1.0 - measured))
        penalty = keras.ops.sum(active + inactive)
        if self.return_loss:
            return inputs, keras.ops.broadcast_to(penalty, keras.ops.shape(inputs)[:1])
        self.add_loss(self.kl_weight * penalty)
        return inputs

    def compute_output_spec(self, inputs):
        same = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        return (same, keras.KerasTensor(inputs.shape[:1], dtype="float32")) if self.return_loss else same

    def compute_mask(self, inputs, previous_mask=None):
        return (previous_mask, None) if self.return_loss else previous_mask

    def get_config(self):
        return {
            **super().get_config(),
            "sparsity": self.sparsity,
            "kl_weight": self.kl_weight,
            "return_loss": self.return_loss,
        }
