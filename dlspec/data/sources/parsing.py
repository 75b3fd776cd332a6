"""Many ``tf.train.Example`` messages at a time, by TensorFlow's parser, once TensorFlow is loaded anyway.

What it refuses is left to :mod:`dlspec.data.sources.protos`, which says what is wrong with which record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def parsed(
    messages: Sequence[bytes], wanted: Mapping[str, tuple[str, Sequence[int]]]
) -> dict[str, np.ndarray[Any, Any]] | None:
    """The features of all messages.

    Args:
        wanted: The type (``float32``, ``int64`` or ``string``) and the shape of one example, by name.

    Returns:
        Arrays of shape [messages, …], of bytes as objects; None where TensorFlow is not loaded, or refuses a message.
    """
    if "tensorflow" not in sys.modules or not messages or not wanted:
        return None
    import tensorflow as tf

    parse = _parser(tuple((name, dtype, tuple(shape)) for name, (dtype, shape) in wanted.items()))
    try:
        with tf.init_scope(), tf.device("CPU:0"):
            arrays = parse(tf.constant(list(messages), tf.string))
    except (tf.errors.InvalidArgumentError, ValueError):
        return None
    return {name: values.numpy() for name, values in arrays.items()}


@cache
def _parser(wanted: tuple[tuple[str, str, tuple[int, ...]], ...]) -> Callable[[Any], Any]:
    """The parser as a traced function, which saves most of the time of a call; it has no state."""
    import tensorflow as tf

    features = {name: tf.io.FixedLenFeature(shape, dtype) for name, dtype, shape in wanted}
    signature = [tf.TensorSpec([None], tf.string)]
    parse: Callable[[Any], Any] = tf.function(
        lambda messages: tf.io.parse_example(messages, features), input_signature=signature, autograph=False
    )
    return parse
