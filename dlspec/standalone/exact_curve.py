import keras
import numpy as np
import tensorflow as tf
from keras import ops


class ExactCurve(keras.metrics.Metric):
    """A measure over all thresholds of yes-or-no answers, each of which is a threshold itself.

    Keras's `AUC`, `PrecisionAtRecall` and their kin cut at fixed thresholds between 0 and 1, and see no difference
    between answers that lie between two of them, as those of rare classes do. Here all answers are kept. The measure
    is computed once they are there: inside of a compiled step, as `fit` shows it while an epoch runs, it is NaN. It is
    NaN as well where yes or no never occurs.

    Areas: under the ROC curve by trapezoids, which is the share of pairs in the right order; under the curve of
    precision against recall as Davis & Goadrich 2006, section 4, interpolate it.

    Args:
        measure: `roc`, `pr`, or `precision_at_recall` and the like: the best of one where the other reaches `value`.
        capacity: How many examples there are at most from one reset to the next.
        value: What is asked for, in `precision_at_recall` and the like.
        class_id: The only unit to look at.
        multi_label: Whether to take the mean over units of a measure for each, but for those without yes or no.
        weighed: Whether answers count differently; without it, a weight of 0 is one that does not count.
    """

    def __init__(
        self,
        measure,
        capacity,
        value=0.0,
        class_id=None,
        multi_label=False,
        weighed=False,
        name="exact_curve",
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.measure = measure
        self.capacity = capacity
        self.value = value
        self.class_id = class_id
        self.multi_label = multi_label
        self.weighed = weighed
        self.seen = self.add_variable((), "zeros", dtype="int32", name="seen")
        self.scores = None
        self._direction = "up"

    def update_state(self, y_true, y_pred, sample_weight=None):
        weight = sample_weight
        if weight is None and hasattr(y_pred, "_keras_mask"):
            weight = y_pred._keras_mask
        y_pred = ops.cast(y_pred, "float32")
        y_true = ops.reshape(ops.cast(y_true, "float32"), ops.shape(y_pred))
        truth = ops.cast(y_true > 0.5, "int8")
        if weight is not None:
            while len(weight.shape) < len(truth.shape):
                weight = ops.expand_dims(weight, -1)
            truth = ops.where(ops.cast(weight, "bool"), truth, ops.cast(-1, "int8"))  # -1: does not count
            weight = ops.broadcast_to(ops.cast(weight, "float32"), ops.shape(truth))
        elif self.weighed:
            weight = ops.ones_like(y_pred)
        if self.class_id is not None:
            y_pred, truth = y_pred[..., self.class_id], truth[..., self.class_id]
            weight = weight[..., self.class_id] if self.weighed else None
        if self.scores is None:
            shape = (self.capacity + 1, *y_pred.shape[1:])  # the last row takes what is too much
            self.scores = self.add_variable(shape, "zeros", dtype="float32", name="scores")
            self.truth = self.add_variable(shape, "zeros", dtype="int8", name="truth")
            if self.weighed:
                self.weights = self.add_variable(shape, "zeros", dtype="float32", name="weights")
        count = ops.shape(y_pred)[0]
        rows = ops.minimum(self.seen + ops.arange(count, dtype="int32"), self.capacity)
        _write(self.scores, rows, y_pred)
        _write(self.truth, rows, truth)
        if self.weighed:
            _write(self.weights, rows, weight)
        self.seen.assign_add(count)

    def result(self):
        if not tf.executing_eagerly():
            return ops.cast(float("nan"), self.dtype)
        seen = int(self.seen)
        if seen > self.capacity:
            raise ValueError(f"{self.name} has room for {self.capacity} examples, and there are more")
        if self.scores is None:
            return ops.cast(float("nan"), self.dtype)
        units = self.scores.shape[-1] if self.multi_label else 1
        scores = np.asarray(self.scores.value[:seen]).reshape(-1, units)
        truth = np.asarray(self.truth.value[:seen]).reshape(-1, units)
        weights = np.asarray(self.weights.value[:seen]).reshape(-1, units) if self.weighed else None
        measured = [
            self._measured(truth[:, unit], scores[:, unit], None if weights is None else weights[:, unit])
            for unit in range(units)
        ]
        known = [value for value in measured if not np.isnan(value)]
        return ops.cast(sum(known) / len(known) if known else float("nan"), self.dtype)

    def _measured(self, truth, scores, weights):
        """The measure of answers [count] to questions whose right answers are 1 and 0."""
        counted = truth >= 0
        if weights is None:
            hits, alarms = _counts(truth[counted], scores[counted])
        else:
            hits, alarms = _sums(truth[counted], scores[counted], weights[counted])
        if not hits[-1] or not alarms[-1] or not np.isfinite(scores).all():
            return float("nan")
        if self.measure == "roc":
            return float(np.trapezoid(hits / hits[-1], alarms / alarms[-1]))
        if self.measure == "pr":
            return _area_under_precision(hits, hits + alarms)
        known = {
            "recall": hits / hits[-1],
            "sensitivity": hits / hits[-1],
            "precision": hits / np.where(hits + alarms > 0, hits + alarms, 1),
            "specificity": 1 - alarms / alarms[-1],
        }
        best, _, given = self.measure.partition("_at_")
        return float(np.max(known[best], where=known[given] >= self.value, initial=0.0))

    def reset_state(self):
        self.seen.assign(0)

    def get_config(self):
        config = {"measure": self.measure, "capacity": self.capacity, "value": self.value}
        return {
            **super().get_config(),
            **config,
            "class_id": self.class_id,
            "multi_label": self.multi_label,
            "weighed": self.weighed,
        }


def _counts(truth, scores):
    """Counts of yes and no whose score is at least each score, from the largest on, after a first pair of 0."""
    bits = (scores + np.float32(0)).view(np.uint32)  # -0 becomes 0
    falling = np.where(bits >> 31, bits, ~bits & np.uint32(0x7FFFFFFF))  # whole numbers in the opposite order
    both = np.sort(falling.astype(np.uint64) << np.uint64(1) | truth.astype(np.uint64))  # faster than an argsort
    last = np.append(np.diff(both >> np.uint64(1)) != 0, True)[: len(both)]  # equal scores count together
    right = np.append(0, np.cumsum(both & np.uint64(1))[last].astype(np.int64))
    return right, np.append(0, np.flatnonzero(last) + 1) - right


def _sums(truth, scores, weights):
    """Like :func:`_counts`, with weights."""
    order = np.argsort(-scores, kind="stable")
    scores, weights = scores[order], weights[order].astype("float64")
    last = np.append(np.diff(scores) != 0, True)[: len(scores)]
    right = np.append(0, np.cumsum(weights * truth[order])[last])
    return right, np.append(0, np.cumsum(weights)[last]) - right


def _area_under_precision(hits, answers):
    """The area under precision against recall for counts of right and of all yes answers, ascending."""
    slope = np.diff(hits) / np.diff(answers)
    start = hits[:-1] - slope * answers[:-1]
    ratio = np.where(answers[:-1] > 0, answers[1:] / np.where(answers[:-1] > 0, answers[:-1], 1), 1.0)
    return float(np.sum(slope * (np.diff(hits) + start * np.log(ratio))) / hits[-1])


def _write(variable, rows, values):
    """Puts values into rows of a variable, without a copy of the others."""
    if isinstance(variable.value, tf.Variable):
        variable.value.scatter_update(tf.IndexedSlices(ops.cast(values, variable.dtype), rows))
        return
    variable.assign(ops.scatter_update(variable, rows[:, None], values))
