"""Loops over time whose steps are so small that handing them to other threads takes longer than computing them.

TensorFlow takes a loop apart, so that its operations may run at the same time; for a small cell that means dozens of
hand-overs in each step. Left whole, one thread runs the loop, on two cores a quarter to a half faster. Only the way of
scheduling changes, as long as products of matrices are so small that every library adds up their terms in one order:
hence the bounds, at which tests compare the weights with those of ``fit``, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# The greatest size of a state, of an input of one step, and of a batch.
SMALL = 64


def small(model: Any, batch_size: int) -> bool:
    """Whether the model has loops over time, and all of them are small."""
    import keras

    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]
    return bool(layers) and 0 < batch_size <= SMALL and all(map(_small, layers))


def _small(layer: Any) -> bool:
    import keras

    cells = (keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell)
    if type(layer.cell) not in cells or layer.compute_dtype != "float32":
        return False
    entering = layer.cell.kernel.shape[0]
    return max(entering, layer.cell.units) <= SMALL


def whole(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same step, whose loops one thread runs when it is compiled."""
    import tensorflow as tf
    from tensorflow.core.framework.attr_value_pb2 import AttrValue

    def marked(batch: Any) -> Any:
        result = step(batch)
        for operation in tf.compat.v1.get_default_graph().get_operations():
            if operation.type in ("While", "StatelessWhile"):
                operation._set_attr("_lower_using_switch_merge", AttrValue(b=False))
        return result

    return marked
