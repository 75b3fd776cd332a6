import keras


@keras.saving.register_keras_serializable(package="dlspec")
class PowerDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls like a power of the time: `initial_learning_rate / (1 + step / decay_steps) ** power`.

    Senior et al. 2013, "An empirical study of learning rates in deep neural networks for speech recognition", where it
    is called power scheduling.

    Args:
        initial_learning_rate: At the first step.
        decay_steps: Steps after which the divisor is `2 ** power`.
        power: The exponent.
    """

    def __init__(self, initial_learning_rate, decay_steps, power=1.0):
        super().__init__()
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.power = power

    def __call__(self, step):
        time = 1 + keras.ops.cast(step, "float32") / self.decay_steps
        return self.initial_learning_rate * keras.ops.power(time, -self.power)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "power": self.power,
        }
