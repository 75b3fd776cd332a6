import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class DeepBoltzmann(keras.layers.Layer):
    """A deep Boltzmann machine: the mean field of its highest layer, and the divergence that trains it.

    Salakhutdinov & Hinton 2009, "Deep Boltzmann Machines". The energy of binary units v = h_0, h_1 … h_L is
    E = −Σ_l b_l·h_l − Σ_l h_(l−1) W_l h_l. The divergence of an example is its variational free energy E(v, μ) − H(μ),
    where μ is the mean field of the hidden units and H its entropy, less the mean energy of chains that go on by Gibbs
    steps from batch to batch; no gradient passes through μ and chains. Minimised, it gives the article's gradient.

    The divergences of single layers are those of restricted machines whose input from below counts twice where nothing
    comes from above, and vice versa (section 3.1): trained one after another, they are where the whole begins.

    Args:
        units: Number of hidden units in each layer, the lowest first.
        mean_field: Rounds of the mean field.
        steps: Gibbs steps of the chains in each batch.
        chains: How many chains go on.
        samples: Gibbs steps, in use, from what enters to what is given besides; None for no such output.
        return_loss: Whether the divergence is given, and not added to the loss.
        layer_losses: Whether the divergence of each layer by itself is given after it.
        seed: Seed of the random numbers.
    """

    def __init__(
        self,
        units,
        mean_field=10,
        steps=5,
        chains=100,
        samples=None,
        return_loss=False,
        layer_losses=False,
        kernel_initializer="random_normal",
        seed=None,
        dtype="float32",
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.units = list(units)
        self.mean_field = mean_field
        self.steps = steps
        self.chains = chains
        self.samples = samples
        self.return_loss = return_loss
        self.layer_losses = layer_losses
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.seed_generator = keras.random.SeedGenerator(seed)
        # One that Keras has chosen is kept, so that a saved model draws as this one does.
        self.seed = int(ops.convert_to_numpy(self.seed_generator.state)[0])
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def build(self, input_shape):
        sizes = [input_shape[-1], *self.units]
        self.kernels = [
            self.add_weight(
                name=f"kernel_{number}",
                shape=(sizes[number], sizes[number + 1]),
                initializer=self.kernel_initializer.clone(),
            )
            for number in range(len(self.units))
        ]
        self.biases = [
            self.add_weight(name=f"bias_{number}", shape=(size,), initializer="zeros")
            for number, size in enumerate(sizes)
        ]
        self.particles = [
            self.add_weight(
                name=f"particles_{number}",
                shape=(self.chains, size),
                initializer=keras.initializers.RandomUniform(0.0, 1.0, seed=self.seed + number),
                trainable=False,
            )
            for number, size in enumerate(sizes)
        ]

    def call(self, inputs, training=False):
        seed = self.seed_of(training)
        means = self.means(inputs)
        outputs = [means[-1]]
        divergence = self.divergence(inputs, means, seed, training)
        if self.return_loss:
            outputs.append(divergence)
        else:
            self.add_loss(ops.cast(ops.mean(divergence), "float32"))
        if self.layer_losses:
            outputs += self.divergences(inputs, tf.random.experimental.stateless_fold_in(seed, -1))
        if self.samples is not None:
            outputs.append(inputs if training else self.sample(inputs, seed))
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def seed_of(self, training):
        """The seed of a call's draws, int32 [2]; in use it is another one than training has at its first step."""
        if training:
            return self.seed_generator.next()
        return ops.convert_to_tensor([(self.seed + 2**30) % (2**31 - 1), 0], dtype="int32")

    # --- what it computes ---------------------------------------------------------------------------------------

    def upwards(self, visible):
        """The probabilities of all hidden units by a single pass, in which what comes from below counts twice."""
        outputs = [visible]
        for number, kernel in enumerate(self.kernels):
            times = 2.0 if number < len(self.kernels) - 1 else 1.0
            outputs.append(ops.sigmoid(times * ops.matmul(outputs[-1], kernel) + self.biases[number + 1]))
        return outputs[1:]

    def drive(self, units, number):
        """The sum that enters the sigmoid of one layer, from the layers below and above it."""
        total = self.biases[number]
        if number > 0:
            total = total + ops.matmul(units[number - 1], self.kernels[number - 1])
        if number < len(self.units):
            total = total + ops.matmul(units[number + 1], ops.transpose(self.kernels[number]))
        return total

    def means(self, visible):
        """The mean field of the hidden units: rounds from the lowest layer to the highest."""
        units = [visible, *self.upwards(visible)]
        for _ in range(self.mean_field):
            for number in range(1, len(units)):
                units[number] = ops.sigmoid(self.drive(units, number))
        return units[1:]

    def energy(self, units):
        """One number for each state of all units."""
        total = -sum(ops.sum(unit * bias, axis=-1) for unit, bias in zip(units, self.biases, strict=True))
        for below, kernel, above in zip(units[:-1], self.kernels, units[1:], strict=True):
            total = total - ops.sum(ops.matmul(below, kernel) * above, axis=-1)
        return total

    def divergence(self, visible, means, seed, training):
        """The variational free energy of each example, less the mean energy of the chains."""
        means = [ops.stop_gradient(mean) for mean in means]
        near = [ops.clip(mean, 1e-7, 1.0 - 1e-7) for mean in means]
        entropy = -sum(ops.sum(mean * ops.log(mean) + (1.0 - mean) * ops.log(1.0 - mean), axis=-1) for mean in near)
        units = [ops.convert_to_tensor(unit) for unit in self.particles]
        if training:
            for number in range(self.steps):
                units = self.gibbs(units, tf.random.experimental.stateless_fold_in(seed, number))
            for variable, value in zip(self.particles, units, strict=True):
                variable.assign(value)
        units = [ops.stop_gradient(unit) for unit in units]
        return self.energy([visible, *means]) - entropy - ops.mean(self.energy(units))

    def divergences(self, visible, seed):
        """The contrastive divergence of each layer by itself, of one Gibbs step."""
        divergences, below = [], visible
        for number, above in enumerate(self.upwards(visible)):
            below = ops.stop_gradient(below)
            other = self.reconstruct(below, number, tf.random.experimental.stateless_fold_in(seed, number))
            divergences.append(self.free_energy(below, number) - self.free_energy(ops.stop_gradient(other), number))
            below = above
        return divergences

    def free_energy(self, below, number):
        """Of a pair of layers by itself: units below come twice unless the layer is the highest, those above else."""
        up = 2.0 if number < len(self.kernels) - 1 else 1.0
        down = 2.0 if number > 0 else 1.0
        drive = up * ops.matmul(below, self.kernels[number]) + self.biases[number + 1]
        twice = up * ops.sum(below * self.biases[number], axis=-1) + down * ops.sum(ops.softplus(drive), axis=-1)
        return -0.5 * twice

    def reconstruct(self, below, number, seed):
        """One Gibbs step in a pair of layers by itself."""
        up = 2.0 if number < len(self.kernels) - 1 else 1.0
        down = 2.0 if number > 0 else 1.0
        above = self.draw(ops.sigmoid(up * ops.matmul(below, self.kernels[number]) + self.biases[number + 1]), seed, 0)
        values = down * ops.matmul(above, ops.transpose(self.kernels[number])) + self.biases[number]
        return self.draw(ops.sigmoid(values), seed, 1)

    # --- draws --------------------------------------------------------------------------------------------------

    def gibbs(self, units, seed):
        """One Gibbs step of all layers, the lowest hidden one first, the visible units last."""
        units = list(units)
        for number in [*range(1, len(units)), 0]:
            units[number] = self.draw(ops.sigmoid(self.drive(units, number)), seed, number)
        return units

    def draw(self, chances, seed, number):
        """1 with the given probabilities, else 0."""
        seed = tf.random.experimental.stateless_fold_in(seed, number)
        shares = tf.random.stateless_uniform(tf.shape(chances), seed, dtype=chances.dtype)
        return ops.cast(shares < chances, chances.dtype)

    def sample(self, visible, seed):
        """The probabilities of the visible units after the Gibbs steps of `samples`."""
        return self.sampled(visible, seed, [tf.convert_to_tensor(weight.value) for weight in self.weights])

    # A graph, even where the model is called step by step: hundreds of steps would take seconds there. Weights enter as
    # values, for a graph that reads variables is computed even where nobody asks for its result.
    @tf.function(autograph=False, reduce_retracing=True)
    def sampled(self, visible, seed, weights):
        """The same, by these values of the weights."""

        def step(number, *units):
            return number + 1, *self.gibbs(units, tf.random.experimental.stateless_fold_in(seed, number))

        with keras.StatelessScope(list(zip(self.weights, weights, strict=True))):
            chances = enumerate(self.upwards(visible))
            first = [visible, *(self.draw(upper, seed, -1 - level) for level, upper in chances)]
            start = (ops.convert_to_tensor(0, "int32"), *first)
            _, *units = ops.while_loop(lambda number, *_: number < self.samples, step, start)
            return ops.sigmoid(self.drive(units, 0))

    def compute_output_spec(self, inputs, training=False):
        dtype, batch = self.compute_dtype, inputs.shape[:1]
        outputs = [keras.KerasTensor((*batch, self.units[-1]), dtype=dtype)]
        outputs += [keras.KerasTensor(batch, dtype=dtype)] if self.return_loss else []
        outputs += [keras.KerasTensor(batch, dtype=dtype) for _ in self.units] if self.layer_losses else []
        outputs += [keras.KerasTensor(inputs.shape, dtype=dtype)] if self.samples is not None else []
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "mean_field": self.mean_field,
            "steps": self.steps,
            "chains": self.chains,
            "samples": self.samples,
            "return_loss": self.return_loss,
            "layer_losses": self.layer_losses,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }
