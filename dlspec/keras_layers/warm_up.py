import keras


@keras.saving.register_keras_serializable(package="dlspec")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises along a straight line to a value, or to a schedule that begins after it.

    Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.2. The first step takes 1/steps of the value.

    Args:
        steps: Steps of the rise.
        to: The learning rate that is reached, or a `LearningRateSchedule`, whose step 0 is the last of the rise.
    """

    def __init__(self, steps, to):
        super().__init__()
        self.steps = steps
        self.to = to

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        after = keras.ops.maximum(step - (self.steps - 1), 0.0)
        value = self.to(after) if callable(self.to) else self.to
        return keras.ops.minimum((step + 1) / self.steps, 1.0) * value

    def get_config(self):
        to = keras.saving.serialize_keras_object(self.to) if callable(self.to) else self.to
        return {"steps": self.steps, "to": to}

    @classmethod
    def from_config(cls, config):
        to = config["to"]
        return cls(config["steps"], keras.saving.deserialize_keras_object(to) if isinstance(to, dict) else to)
