import keras
from keras import ops


class Determination(keras.metrics.R2Score):
    """Keras's R², computed in float64.

    Keras keeps sums of squares in float32 and subtracts them: far from zero no digit is right. For several values of an
    example it also takes their number for that of the examples, which the adjusted score divides by.
    """

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype="float64"):
        super().__init__(class_aggregation, num_regressors, name=name, dtype=dtype)

    def add_variable(self, shape, initializer, dtype=None, aggregation="sum", name=None):
        return super().add_variable(shape, initializer, self.dtype, aggregation, name)

    def update_state(self, y_true, y_pred, sample_weight=None):
        before = self.num_samples + 0
        super().update_state(y_true, y_pred, sample_weight)
        rows = before + ops.cast(ops.shape(y_true)[0], before.dtype)
        self.num_samples.assign(self.count[0] if sample_weight is None else rows)
