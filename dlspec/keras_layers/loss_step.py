import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class LossStep(keras.layers.Layer):
    """A loss as a layer: it compares tensors, and gives one number for each example.

    The values are those of the loss for `[y_true, y_pred]`; its own reduction over the batch is not used. Positions
    that a mask leaves out do not count. It computes in float32 unless told otherwise, as losses of Keras do.

    Args:
        loss: A loss of Keras.
        y_true: What is compared with all examples, in place of the first tensor: a number, or a list of one example.
        y_pred: Likewise, in place of the second tensor.
        reduction: What becomes of the values of one example: their `mean`, their `sum`, or `none`.
    """

    def __init__(self, loss, y_true=None, y_pred=None, reduction="mean", dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.loss = keras.saving.deserialize_keras_object(loss) if isinstance(loss, dict) else keras.losses.get(loss)
        self.y_true = y_true
        self.y_pred = y_pred
        self.reduction = reduction

    def call(self, inputs, mask=None):
        y_true, y_pred = self.pair(inputs)
        values = self.loss.call(y_true, y_pred)
        if len(values.shape) == 0:  # one for the whole batch
            values = ops.broadcast_to(values, ops.shape(y_pred)[:1])
        axes = list(range(1, len(values.shape)))
        if self.reduction == "none" or not axes:
            return values
        mask = self.joined(mask)
        if mask is None:
            return ops.mean(values, axis=axes) if self.reduction == "mean" else ops.sum(values, axis=axes)
        mask = ops.reshape(mask, (*ops.shape(mask), *[1] * (len(values.shape) - len(mask.shape))))
        mask = ops.broadcast_to(mask, ops.shape(values))
        total = ops.sum(ops.where(mask, values, ops.zeros_like(values)), axis=axes)
        if self.reduction == "sum":
            return total
        return ops.divide_no_nan(total, ops.sum(ops.cast(mask, total.dtype), axis=axes))

    def pair(self, inputs):
        """Target and prediction, constants included; single numbers get an axis, so that no batch is averaged."""
        tensors = iter([ops.cast(tensor, self.compute_dtype) for tensor in inputs])
        pair = [next(tensors) if side is None else side for side in (self.y_true, self.y_pred)]
        example = ops.cast(inputs[0], self.compute_dtype)
        if len(inputs) == 1:
            pair = [side if ops.is_tensor(side) else self.constant(side, example) for side in pair]
        y_true, y_pred = pair
        if len(y_pred.shape) == 1:
            y_pred = ops.expand_dims(y_pred, -1)
            y_true = ops.expand_dims(y_true, -1) if len(y_true.shape) == 1 else y_true
        return y_true, y_pred

    def constant(self, value, like):
        """A number of the other tensor's shape; a list is the same for each example."""
        if not isinstance(value, list | tuple):
            return ops.full_like(like, value)
        value = ops.convert_to_tensor(value, dtype=like.dtype)
        return ops.broadcast_to(value, (ops.shape(like)[0], *value.shape))

    def compute_mask(self, inputs, previous_mask=None):
        return self.joined(previous_mask) if self.reduction == "none" else None

    def joined(self, masks):
        """Conjunction of all masks; None where there is no mask."""
        joined = None
        for mask in masks or []:
            if mask is not None:
                joined = mask if joined is None else ops.logical_and(joined, mask)
        return joined

    def get_config(self):
        loss = keras.saving.serialize_keras_object(self.loss)
        if hasattr(self.loss, "_fn_kwargs"):  # some losses of Keras, such as Huber, leave their own options out
            loss["config"] = {**self.loss._fn_kwargs, **loss["config"]}
        return {
            **super().get_config(),
            "loss": loss,
            "y_true": self.y_true,
            "y_pred": self.y_pred,
            "reduction": self.reduction,
        }
