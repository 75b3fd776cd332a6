"""Layers of preparation: fitted on the training split alone, then applied to arrays or inside a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.data.binding.inputs import Input
from dlspec.data.binding.sequences import next_steps, without_last
from dlspec.data.binding.targets import Output
from dlspec.data.binding.values import with_rank
from dlspec.data.feeding.examples import aligned
from dlspec.data.feeding.mapping import unconverted

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Layers = dict[str, list[Any]]
_CHUNK = 4096


def fit(declared: Sequence[Any], values: Any) -> list[Any]:
    """The Keras layers of an input or target, each fitted on the training examples that reach it.

    Args:
        declared: The layers as the spec declares them.
        values: The raw training examples: an array, or a dataset of batches of them, which is passed over once for
            each layer that adapts.
    """
    import numpy as np
    import tensorflow as tf

    layers = [layer.make() for layer in declared]
    with tf.device("CPU:0"):
        for position, layer in enumerate(layers):
            if not declared[position].adapts:  # what it needs to know is given
                continue
            before = layers[:position]
            if isinstance(values, np.ndarray):
                layer.adapt(tensor(apply(before, values)))
            else:
                layer.adapt(values.map(unconverted(lambda batch, before=tuple(before): _through(before, batch))))
            settle(layer)
    return layers


def units(output: Output, values: Any) -> Any:
    """The preparation of a target, fitted on the training examples, with its inverse for answers."""
    from dlspec.standalone.units import Units

    return Units(fit(output.prepare, values), (None, *output.tensor.shape), output.name)


def settle(layer: Any) -> None:
    """Mends what a layer has measured where Keras would go on with less than that.

    A feature that is constant in the training examples gets variance 1: Keras divides by 1e-7, and another value would
    become a million. Words that hold a line break are saved with the layer's options, since Keras reads its file of
    words line by line.
    """
    from dlspec.standalone import settling

    settling.settle(layer)


def apply(layers: list[Any], values: Array, rank: int | None = None) -> Array:
    """`values` after all `layers`, with examples of `rank` axes where it is given."""
    import tensorflow as tf

    from dlspec.standalone.preparing import prepare

    if layers:
        filled = None
        for start in range(0, len(values), _CHUNK):
            with tf.device("CPU:0"):
                chunk = prepare(layers, values[start : start + _CHUNK])
            if filled is None:
                filled = aligned((len(values), *chunk.shape[1:]), chunk.dtype)
            filled, chunk = _as_wide(filled, chunk)
            filled[start : start + len(chunk)] = chunk
        values = values if filled is None else filled
    return values if rank is None else with_rank(values, rank)


def _as_wide(filled: Array, chunk: Array) -> tuple[Array, Array]:
    """Both with rows of one length, filled up with 0: where texts decide it, the longest of a chunk does."""
    import numpy as np

    if filled.ndim != 2 or filled.shape[1] == chunk.shape[1]:
        return filled, chunk
    width = max(filled.shape[1], chunk.shape[1])
    wide, other = (np.pad(rows, ((0, 0), (0, width - rows.shape[1]))) for rows in (filled, chunk))
    return wide, other


def fit_alike(declared: Sequence[Any], several: Sequence[Any]) -> list[Any]:
    """As :func:`fit`, on the values of several inputs that are prepared alike."""
    import numpy as np

    first, *others = several
    if isinstance(first, np.ndarray):
        return fit(declared, np.concatenate(several) if others else first)
    for values in others:
        first = first.concatenate(values)
    return fit(declared, first)


def in_pipeline(
    inputs: Mapping[str, Input], layers: Layers, shifted: Sequence[Output] = ()
) -> Callable[[Any, Any], Any]:
    """A function that applies all layers to a batch ``(inputs, targets)`` of raw examples.

    Args:
        inputs: By name.
        layers: Fitted, by input.
        shifted: Outputs that are compared with the next steps of an input.
    """

    def finish(values: Any, targets: Any) -> Any:
        prepared = {
            name: with_rank(_through(layers[name], value), inputs[name].tensor.rank) if name in inputs else value
            for name, value in values.items()
        }
        return without_last(shifted, prepared), targets | next_steps(shifted, prepared)

    return finish


def _through(layers: Any, value: Any) -> Any:
    for layer in layers:
        value = layer(value)
    return value


def tensor(values: Array) -> Any:
    """`values` as a tensor; text as strings."""
    import tensorflow as tf

    return tf.constant(values.tolist() if values.dtype == object else values)
