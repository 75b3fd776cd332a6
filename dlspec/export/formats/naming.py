"""Inputs and outputs of Keras models by the names that a spec gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.backends.keras.internals import calls_of, origin_of
from dlspec.backends.keras.structure import like_inputs, outputs_by_name
from dlspec.export.formats.base import Arrays, Reader


def for_inference(model: Any) -> Any:
    """The model at inference, sharing its weights, with its outputs as a dict by name.

    Keras's exporters name outputs after the keys of that dict, and ``output_0`` or ``Identity`` otherwise. They also
    leave out ``training=False``, and layers that augment images would go on with it.
    """
    import keras

    inputs = {
        tensor.name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name) for tensor in model.inputs
    }
    outputs = outputs_by_name(model(like_inputs(model, inputs), training=False), _names(model))
    return keras.Model(like_inputs(model, inputs), dict(outputs), name=model.name)


def _names(model: Any) -> list[str]:
    if isinstance(model.output, dict):
        return list(model.output)
    inner = (layer for layer in model.layers if isinstance(layer, type(model)) and layer.name == model.name)
    core = next(inner, None)
    return [_name(tensor, core) for tensor in model.outputs]


def _name(tensor: Any, core: Any = None) -> str:
    """Name of the layer that makes a tensor; where that is a model (preparation and core), of the layer in it.

    Args:
        core: The model proper, where some layer behind it only undoes the preparation of a target.
    """
    import keras

    origin = origin_of(tensor)
    while core is not None and origin.operation is not core:
        (tensor,) = calls_of(origin.operation)[0].input_tensors
        origin = origin_of(tensor)
    if isinstance(origin.operation, keras.Model):
        return _name(origin.operation.outputs[origin.tensor_index])
    return str(origin.operation.name)


def by_name(model: Any, names: Sequence[str]) -> Reader:
    """A function from inputs to outputs of a Keras model at inference, both NumPy arrays by name.

    It runs what `predict` runs, a traced graph: some layers compute something else outside of one (Keras 3.15 rounds
    the pixels of `resizing` there).

    Args:
        model: A functional model.
        names: Of its outputs, in its order; a dict of outputs has names of its own.
    """
    import keras
    import tensorflow as tf

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def traced(tensors: Any) -> Any:
        return model(like_inputs(model, tensors), training=False)

    def run(inputs: Arrays) -> Arrays:
        outputs = traced({name: tf.constant(value) for name, value in inputs.items()})
        return {name: keras.ops.convert_to_numpy(value) for name, value in outputs_by_name(outputs, names).items()}

    return run
