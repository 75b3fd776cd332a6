"""Operation counts against TensorFlow's profiler, for the layers of which both count the same things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlspec.backends.keras.build import build
from tests.support import compile_text

# Linear activations: the profiler knows no cost of most others. No dilation: TensorFlow computes it by way of a larger
# batch on a CPU, and counts what it pads.
LAYERS = [
    ("[9, 9, 3]", "conv2d: {filters: 8, kernel_size: 3}"),
    ("[9, 9, 3]", "conv2d: {filters: 8, kernel_size: [5, 3], strides: 2, padding: same, use_bias: false}"),
    ("[9, 9, 4]", "depthwise_conv2d: {kernel_size: 3, depth_multiplier: 2, use_bias: false}"),
    ("[9, 9, 4]", "separable_conv2d: {filters: 6, kernel_size: 3, use_bias: false}"),
    ("[12, 3]", "conv1d: {filters: 8, kernel_size: 3, use_bias: false}"),
    ("[20]", "dense: 7"),
    ("[20]", "dense: {units: 7, use_bias: false}"),
    ("[9, 9, 4]", "max_pooling2d: {pool_size: 3, strides: 2}"),
    ("[8, 8, 4]", "average_pooling2d: 2"),
]


def profiled(model: Any) -> int:
    """Floating-point operations of one forward call of one example, as TensorFlow counts them."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    spec = tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32)
    function = convert_variables_to_constants_v2(tf.function(model).get_concrete_function(spec))
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(function.graph.as_graph_def(), name="")
        options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
        options["output"] = "none"
        return int(tf.compat.v1.profiler.profile(graph, cmd="op", options=options).total_float_ops)


@pytest.mark.parametrize(("shape", "layer"), LAYERS, ids=[layer for _, layer in LAYERS])
def test_same_count_as_the_profiler(shape: str, layer: str, tmp_path: Path) -> None:
    state = compile_text(tmp_path, f"inputs: {{x: {shape}}}\nlayers:\n  - {layer}\n")
    assert state.graph is not None, state.diagnostics.items
    assert state.graph.flops == profiled(build(state.graph))
