"""Preparation inside models: layers that adapt are fitted, and the saved model takes raw values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dlspec.backends.keras.internals import calls_of, origin_of
from dlspec.backends.keras.structure import like_inputs, outputs_by_name
from dlspec.core.ir import Tensor
from dlspec.data.feeding.pipeline import Prepared
from dlspec.data.feeding.preparing import settle

# Options by which Keras's adapting layers take their state beforehand; one of them given means fitted.
_STATE = ("mean", "vocabulary", "bin_boundaries")


def adapt_layers(model: Any, batches: Callable[[], Any]) -> int:
    """Fits the adapting layers among the model's own layers, in order, on the training examples.

    Args:
        model: A functional Keras model.
        batches: Makes a dataset of the training examples: batches of inputs as the model takes them, and targets.

    Returns:
        How many layers were fitted.
    """
    import keras

    waiting = [layer for layer in model.layers if hasattr(layer, "adapt") and not _fitted(layer)]
    for layer in waiting:
        before = keras.Model(model.input, layer.input)
        layer.adapt(before.predict(batches().map(lambda inputs, *_: inputs), verbose=0))
        settle(layer)
    return len(waiting)


def _fitted(layer: Any) -> bool:
    config = layer.get_config()
    return any(config.get(name) is not None for name in _STATE)


def in_data_units(core: Any, prepared: Prepared) -> Any:
    """The model with answers in the units of the data; `core` itself where no target is prepared."""
    from dlspec.standalone import units

    return units.in_data_units(core, prepared.units) if prepared.units else core


def with_preparation(core: Any, prepared: Prepared) -> Any:
    """The model that takes raw values and answers in the units of the data: preparation first, then `core`, whose
    weights it shares, last what undoes the preparation of targets.

    Returns:
        `core` itself where nothing is prepared.
    """
    import keras

    entering = prepared.binding.model_inputs
    if not prepared.layers and not prepared.units and not any(input_.cut for input_ in entering):
        return core
    inputs, values = {}, {}
    for input_ in entering:
        inputs[input_.name] = keras.Input(input_.raw.shape, dtype=input_.raw.dtype, name=input_.name)
        value = inputs[input_.name]
        for layer in prepared.layers.get(input_.written, ()):
            value = layer(value)
        values[input_.name] = _to_rank(_first(value, input_.tensor) if input_.cut else value, input_.tensor)
    taken = {tensor.name for tensor in core.inputs}
    for drawn in prepared.binding.drawn:
        if drawn.name not in taken:  # only training takes it
            continue
        inputs[drawn.name] = keras.Input(drawn.tensor.shape, dtype=drawn.tensor.dtype, name=drawn.name)
        values[drawn.name] = inputs[drawn.name]
    # A model holds no two layers of one name, and a spec may be called as its input.
    inner = keras.Model(core.input, core.output, name=inner_name(core.name)) if core.name in inputs else core
    outputs = inner(like_inputs(core, values))
    return in_data_units(keras.Model(like_inputs(core, inputs), outputs, name=core.name), prepared)


def inner_name(name: str) -> str:
    """Name of the model proper inside of a saved model `name` that has an input of the same name."""
    return f"{name}_model"


def in_prepared_units(saved: Any, outputs: Sequence[str], layers: Mapping[str, int]) -> tuple[Any, dict[str, Any]]:
    """A saved model without what undoes the preparation of its targets, and their units by output.

    Args:
        saved: A functional model as :func:`with_preparation` made it.
        outputs: Names of its outputs in their order.
        layers: How many layers prepared each target, by output; those that are not prepared are left out.
    """
    import keras

    from dlspec.standalone.units import Units, undone_by

    if not layers:
        return saved, {}
    tensors, units = dict(outputs_by_name(saved.output, outputs)), {}
    for name, count in layers.items():
        undoing = []
        for _ in range(count):
            undoing.append(origin_of(tensors[name]).operation)
            (tensors[name],) = calls_of(undoing[-1])[0].input_tensors
        units[name] = Units([undone_by(layer) for layer in undoing], tensors[name].shape, name)
    inner = tensors if isinstance(saved.output, dict) else next(iter(tensors.values()))
    return keras.Model(saved.input, inner, name=saved.name), units


def _first(value: Any, wanted: Tensor) -> Any:
    """The first indices of each row, filled up with 0, as many as `wanted` has."""
    from dlspec.standalone.first_indices import first_indices

    return first_indices(value, (wanted.shape[-1] or 1) if wanted.rank else 1, wanted.dtype)


def _to_rank(value: Any, wanted: Tensor) -> Any:
    from keras import ops

    have = len(value.shape) - 1
    if have < wanted.rank:
        return ops.expand_dims(value, -1)
    return ops.squeeze(value, -1) if have > wanted.rank else value
