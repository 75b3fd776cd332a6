import keras
import numpy as np


@keras.saving.register_keras_serializable(package="dlspec")
class ReservoirCell(keras.layers.Layer):
    """One step of an echo state network: (1 - leak_rate) * state + leak_rate * tanh(input and state, mixed at random).

    See `Reservoir`, which has the same arguments.
    """

    def __init__(
        self, units, spectral_radius=0.9, input_scaling=1.0, leak_rate=1.0, connectivity=0.1, seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.units = units
        self.spectral_radius = spectral_radius
        self.input_scaling = input_scaling
        self.leak_rate = leak_rate
        self.connectivity = connectivity
        self.seed = seed
        self.state_size = self.output_size = units

    def build(self, input_shape):
        inputs = keras.initializers.RandomUniform(-self.input_scaling, self.input_scaling, seed=self.seed)
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.units), initializer=inputs, trainable=False
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, self.units),
            initializer=self.random_connections,
            trainable=False,
        )

    def random_connections(self, shape, dtype=None):
        """A sparse random matrix, scaled so that its largest absolute eigenvalue is the spectral radius."""
        seed = None if self.seed is None else self.seed + 1
        draws = keras.initializers.RandomUniform(-1.0, 1.0, seed=seed)((2, *shape))
        strength, chance = np.array(draws, dtype="float64")
        matrix = np.where(np.abs(chance) < self.connectivity, strength, 0.0)
        radius = np.abs(np.linalg.eigvals(matrix)).max()
        return keras.ops.convert_to_tensor(matrix * (self.spectral_radius / max(radius, 1e-6)), dtype=dtype)

    def call(self, inputs, states):
        mixed = keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(states[0], self.recurrent_kernel)
        output = (1.0 - self.leak_rate) * states[0] + self.leak_rate * keras.ops.tanh(mixed)
        return output, [output]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "spectral_radius": self.spectral_radius,
            "input_scaling": self.input_scaling,
            "leak_rate": self.leak_rate,
            "connectivity": self.connectivity,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="dlspec")
class Reservoir(keras.layers.RNN):
    """Reads a sequence with fixed random recurrent connections; only what reads its states is trained.

    Jaeger 2001, 'The "echo state" approach to analysing and training recurrent neural networks', sections 1.1 and 3;
    leaky units after Jaeger et al. 2007. With a spectral radius below 1 the states usually forget how they started.

    Args:
        units: Size of the state.
        spectral_radius: Largest absolute eigenvalue of the recurrent connections.
        input_scaling: Largest absolute weight of the inputs.
        leak_rate: Share of the state that each step renews.
        connectivity: Share of the recurrent connections that are not zero.
        seed: Seed of the connections.
        return_sequences: Whether to return the state of every step.
        return_state: Whether to return the last state as well.
        go_backwards: Whether to read the sequence from its end.
    """

    def __init__(
        self,
        units,
        spectral_radius=0.9,
        input_scaling=1.0,
        leak_rate=1.0,
        connectivity=0.1,
        seed=None,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        **kwargs,
    ):
        cell = ReservoirCell(
            units, spectral_radius, input_scaling, leak_rate, connectivity, seed, dtype=kwargs.get("dtype")
        )
        super().__init__(cell, return_sequences, return_state, go_backwards, **kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def get_config(self):
        config = super().get_config()
        cell = self.cell.get_config()
        del config["cell"]
        own = ("units", "spectral_radius", "input_scaling", "leak_rate", "connectivity", "seed")
        return {**config, **{name: cell[name] for name in own}}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
