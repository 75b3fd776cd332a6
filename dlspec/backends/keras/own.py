"""Runs classes of a spec's own Python files on symbolic tensors and zeros, to know what they give before training."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dlspec.backends.keras.internals import mask_of, set_mask
from dlspec.components.own.base import Own
from dlspec.components.own.kinds import Called, OwnLayer
from dlspec.components.registry import Catalogue
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, show_shape

# Examples of a trial, and the size that stands for an unknown one.
_EXAMPLES, _SOME = 2, 3


def call(layer: OwnLayer, inputs: tuple[Any, ...], named: Mapping[str, Any]) -> Called:
    """Calls a new layer with symbolic tensors.

    Raises:
        Problem: E111, its output is no tensor of an example each, or the layer cannot be saved.
    """
    import keras

    made = layer.make()
    arguments = [_symbolic(item) for item in inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a mask ends is said at the line of the spec
        result = made(*arguments, **{name: _symbolic(item) for name, item in named.items()}, **layer.call_arguments())
    tensors = list(result.values()) if isinstance(result, dict) else keras.tree.flatten(result)
    outputs = tuple(_type(layer, tensor) for tensor in tensors)
    weights = tuple(
        Weight(weight.name, tuple(weight.shape), keras.backend.standardize_dtype(weight.dtype), weight.trainable)
        for weight in made.weights
    )
    _require_config(layer, made)
    takes = bool(made.supports_masking or "mask" in made.call.__code__.co_varnames)
    return Called(outputs, weights, mask_of(tensors[0]) is not None, takes)


def _symbolic(value: Any) -> Any:
    """A tensor of Keras of the same type, the batch first; a list for a list."""
    import keras

    if isinstance(value, list | tuple) and not isinstance(value, Tensor):
        return [_symbolic(item) for item in value]
    tensor = keras.KerasTensor((None, *value.shape), value.dtype)
    if value.masked:
        set_mask(tensor, keras.KerasTensor((None, *value.shape[:1]), "bool"))
    return tensor


def _type(layer: OwnLayer, tensor: Any) -> Tensor:
    import keras

    if not isinstance(tensor, keras.KerasTensor) or not tensor.shape or tensor.shape[0] is not None:
        message = f"`{layer.own.name}` gives something whose first axis does not count the examples"
        raise Problem("E111", message, "let `call` keep the first axis of what enters")
    return Tensor(tuple(tensor.shape[1:]), keras.backend.standardize_dtype(tensor.dtype))


def _require_config(layer: OwnLayer, made: Any) -> None:
    """Raises E111 where the layer cannot be made again from its configuration, as loading a saved model does."""
    try:
        config = made.get_config()
        lost = [name for name in layer.given if name not in config]
        type(made).from_config(config)
    except Exception as error:
        message = f"`{layer.own.name}` cannot be saved: {layer.failed(error).message}"
        raise Problem("E111", message, "give it a `get_config` that returns the arguments of `__init__`") from error
    if lost:
        message = f"`{layer.own.name}` cannot be saved: its `get_config` leaves out `{lost[0]}`"
        raise Problem("E111", message, "let `get_config` return every argument of `__init__`")


def compare(component: Own, target: Tensor, output: Tensor) -> None:
    """Lets a loss or a metric compare zeros.

    Raises:
        Problem: E111, it gives something else than one number.
    """
    import keras

    y_true, y_pred = (_zeros((_EXAMPLES, *tensor.shape), tensor.dtype) for tensor in (target, output))

    def value(made: Any) -> Any:
        if not isinstance(made, keras.metrics.Metric):
            return made(y_true, y_pred)
        made.update_state(y_true, y_pred)
        result = made.result()
        made.reset_state()
        return result

    _one_number(component, value)


def rate(component: Own) -> None:
    """Asks a schedule for the rate of the first step.

    Raises:
        Problem: E111, it gives something else than one number.
    """
    _one_number(component, lambda made: made(0))


def penalize(component: Own, shape: Sequence[int | None]) -> None:
    """Asks a regularizer for the penalty on zeros of a shape.

    Raises:
        Problem: E111, it gives something else than one number.
    """
    _one_number(component, lambda made: made(_zeros(shape)))


def _one_number(component: Own, ask: Callable[[Any], Any]) -> None:
    """Asks a new object of a component for what must be one number; raises E111 for anything else."""
    import keras

    shape = tuple(keras.ops.convert_to_tensor(ask(component.make())).shape)
    if shape:
        message = f"`{component.own.name}` gives a tensor of shape {show_shape(shape)}, expected one number"
        raise Problem("E111", message, f"a {component.kind} gives a single number")


def _zeros(shape: Sequence[int | None], dtype: str = "float32") -> Any:
    """Zeros, a small size in place of an unknown one."""
    import keras

    return keras.ops.zeros([size or _SOME for size in shape], dtype)


def fill(component: Own, shape: tuple[int, ...]) -> None:
    """Lets an initializer fill a weight.

    Raises:
        Problem: E111, it gives another shape.
    """
    made = tuple(component.make()(shape, dtype="float32").shape)
    if made != tuple(shape):
        message = f"`{component.own.name}` gives a tensor of shape {show_shape(made)} for {show_shape(shape)}"
        raise Problem("E111", message, "an initializer gives a tensor of the shape that it is asked for")


def change(component: Own) -> None:
    """Lets an optimizer change a variable once."""
    import keras

    variable = keras.Variable([0.0, 0.0])
    component.make().apply([keras.ops.ones(2)], [variable])


@contextlib.contextmanager
def knowing(catalogue: Catalogue) -> Iterator[None]:
    """Keras loads models inside that hold objects of the spec's own classes.

    Raises:
        Problem: E111, a file fails.
    """
    import keras

    owners = [owner for owner in catalogue.own.values() if issubclass(owner, Own)]
    usable = [owner for owner in owners if owner.own.module in catalogue.files]
    if not usable:
        yield
        return
    classes = {owner.own.name: owner.user_class() for owner in usable}
    with keras.saving.custom_object_scope(classes):
        yield
