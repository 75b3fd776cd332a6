import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class RestrictedBoltzmann(keras.layers.Layer):
    """A restricted Boltzmann machine: hidden probabilities, and the contrastive divergence that trains it.

    Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence"; Hinton 2010, "A Practical Guide to
    Training Restricted Boltzmann Machines". The free energy of visible values v is
    F(v) = −b·v − Σ softplus(v W + c), or ½|v − b|² − Σ softplus(v W + c) where they are normal with variance 1. The
    divergence of an example is F(v) − F(v′), where v′ is what Gibbs steps make of v (or of chains that go on from batch
    to batch: Tieleman 2008) and passes no gradient on: minimised, its gradient is that of the textbook.

    In training every call draws anew. In use the draws follow from the seed and the example's place in the batch.

    Args:
        units: Number of hidden units.
        steps: Gibbs steps from v to v′.
        visible: "bernoulli" for values between 0 and 1, "gaussian" for numbers of variance 1.
        persistent: Whether chains of its own go on from batch to batch, in place of those that begin at the examples.
        chains: How many of them.
        samples: Gibbs steps, in use, from what enters to what is given besides; None for no such output.
        return_loss: Whether the divergence is given, and not added to the loss.
        seed: Seed of the random numbers.
    """

    def __init__(
        self,
        units,
        steps=1,
        visible="bernoulli",
        persistent=False,
        chains=100,
        samples=None,
        return_loss=False,
        kernel_initializer="random_normal",
        bias_initializer="zeros",
        visible_bias_initializer="zeros",
        seed=None,
        dtype="float32",
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.units = units
        self.steps = steps
        self.visible = visible
        self.persistent = persistent
        self.chains = chains
        self.samples = samples
        self.return_loss = return_loss
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.visible_bias_initializer = keras.initializers.get(visible_bias_initializer)
        self.seed_generator = keras.random.SeedGenerator(seed)
        # One that Keras has chosen is kept, so that a saved model draws as this one does.
        self.seed = int(ops.convert_to_numpy(self.seed_generator.state)[0])
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def build(self, input_shape):
        size = input_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(size, self.units), initializer=self.kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer=self.bias_initializer)
        self.visible_bias = self.add_weight(
            name="visible_bias", shape=(size,), initializer=self.visible_bias_initializer
        )
        if self.persistent:
            start = keras.initializers.RandomUniform(0.0, 1.0, seed=self.seed)
            self.particles = self.add_weight(
                name="particles", shape=(self.chains, size), initializer=start, trainable=False
            )

    def call(self, inputs, training=False):
        hidden = ops.sigmoid(self.drive(inputs))
        seed = self.seed_of(training)
        if self.persistent:
            fantasies = ops.convert_to_tensor(self.particles)
            if training:
                fantasies = self.walk(fantasies, self.steps, seed)
                self.particles.assign(fantasies)
            divergence = self.free_energy(inputs) - ops.mean(self.free_energy(ops.stop_gradient(fantasies)))
        else:
            fantasies = self.walk(inputs, self.steps, seed)
            divergence = self.free_energy(inputs) - self.free_energy(ops.stop_gradient(fantasies))
        if not self.return_loss:
            self.add_loss(ops.cast(ops.mean(divergence), "float32"))
        outputs = [hidden, divergence] if self.return_loss else [hidden]
        if self.samples is not None:
            outputs.append(inputs if training else self.sample(inputs, seed))
        return tuple(outputs) if len(outputs) > 1 else hidden

    def drive(self, visible):
        """The sum that enters the sigmoid of the hidden units, [examples, units]."""
        return ops.matmul(visible, self.kernel) + self.bias

    def free_energy(self, visible):
        """One number for each example."""
        if self.visible == "gaussian":
            outer = 0.5 * ops.sum(ops.square(visible - self.visible_bias), axis=-1)
        else:
            outer = -ops.matmul(visible, ops.expand_dims(self.visible_bias, -1))[:, 0]
        return outer - ops.sum(ops.softplus(self.drive(visible)), axis=-1)

    def mean_visible(self, hidden):
        """The probabilities, or means, of the visible units."""
        values = ops.matmul(hidden, ops.transpose(self.kernel)) + self.visible_bias
        return values if self.visible == "gaussian" else ops.sigmoid(values)

    def seed_of(self, training):
        """The seed of a call's draws, int32 [2]; in use it is another one than training has at its first step."""
        if training:
            return self.seed_generator.next()
        return ops.convert_to_tensor([(self.seed + 2**30) % (2**31 - 1), 0], dtype="int32")

    def walk(self, visible, steps, seed):
        """Visible values, [examples, features], after so many Gibbs steps."""
        for number in range(steps):
            visible = self.gibbs(visible, tf.random.experimental.stateless_fold_in(seed, number))
        return visible

    def gibbs(self, visible, seed):
        """One Gibbs step: hidden units by the visible ones, then these by those."""
        means = self.mean_visible(self.draw(ops.sigmoid(self.drive(visible)), seed))
        other = tf.random.experimental.stateless_fold_in(seed, -1)
        if self.visible == "gaussian":
            return means + tf.random.stateless_normal(tf.shape(means), other, dtype=means.dtype)
        return self.draw(means, other)

    def draw(self, chances, seed):
        """1 with the given probabilities, else 0."""
        return ops.cast(
            tf.random.stateless_uniform(tf.shape(chances), seed, dtype=chances.dtype) < chances, chances.dtype
        )

    def sample(self, visible, seed):
        """The probabilities, or means, of the visible units after the Gibbs steps of `samples`."""
        return self.sampled(visible, seed, [tf.convert_to_tensor(weight.value) for weight in self.weights])

    # A graph, even where the model is called step by step: hundreds of steps would take seconds there. Weights enter as
    # values, for a graph that reads variables is computed even where nobody asks for its result.
    @tf.function(autograph=False, reduce_retracing=True)
    def sampled(self, visible, seed, weights):
        """The same, by these values of the weights."""

        def step(number, values):
            return number + 1, self.gibbs(values, tf.random.experimental.stateless_fold_in(seed, number))

        with keras.StatelessScope(list(zip(self.weights, weights, strict=True))):
            number = ops.convert_to_tensor(0, "int32")
            number, visible = ops.while_loop(lambda number, _: number < self.samples - 1, step, (number, visible))
            last = tf.random.experimental.stateless_fold_in(seed, number)
            return self.mean_visible(self.draw(ops.sigmoid(self.drive(visible)), last))

    def compute_output_spec(self, inputs, training=False):
        hidden = keras.KerasTensor((*inputs.shape[:-1], self.units), dtype=self.compute_dtype)
        outputs = [hidden]
        if self.return_loss:
            outputs.append(keras.KerasTensor(inputs.shape[:1], dtype=self.compute_dtype))
        if self.samples is not None:
            outputs.append(keras.KerasTensor(inputs.shape, dtype=self.compute_dtype))
        return tuple(outputs) if len(outputs) > 1 else hidden

    def get_config(self):
        serialize = keras.initializers.serialize
        return {
            **super().get_config(),
            "units": self.units,
            "steps": self.steps,
            "visible": self.visible,
            "persistent": self.persistent,
            "chains": self.chains,
            "samples": self.samples,
            "return_loss": self.return_loss,
            "kernel_initializer": serialize(self.kernel_initializer),
            "bias_initializer": serialize(self.bias_initializer),
            "visible_bias_initializer": serialize(self.visible_bias_initializer),
            "seed": self.seed,
        }
