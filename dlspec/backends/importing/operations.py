"""Functions of ``keras.ops`` in a saved graph → operations of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.backends.importing.calls import Entering
from dlspec.backends.importing.network import Call, Ref, Saved, refs
from dlspec.backends.importing.options import Lacking, options_of, short
from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.components.registry import BUILT_IN, snake_case
from dlspec.core.ir import Tensor

# Keras saves the name of the class behind a function, which is not always that of the function.
_FUNCTIONS = {"absolute": "abs", "true_divide": "divide", "amax": "max", "amin": "min", "concat": "concatenate"}
# What Keras writes for a slice.
_SLICE = "__slice__"


def operation_of(layer: Saved, call: Call, result: Tensor | None) -> Entering:
    """An operation with its constants and tensors.

    Args:
        layer: As it is saved.
        call: Its call.
        result: The type of what comes out, where the file says it.
    """
    name = snake_case(layer.class_name)
    owner = None if ".activations" in layer.module else BUILT_IN.find("layer", f"ops.{_FUNCTIONS.get(name, name)}")
    if owner is None or not issubclass(owner, Op):
        return _activation(layer, call, name)
    config = dict(layer.config)
    names = [argument.rstrip("?") for argument in owner.arguments]
    names += [option for option in owner.fields if option not in config and option not in names]
    tensors: dict[str, Any] = {}
    lacking: list[Lacking] = []
    given = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
    if owner.takes_list and len(call.args) > 1:  # einsum takes its tensors one by one
        given = {names[0]: list(call.args), **call.kwargs}
    for argument, value in given.items():
        if next(refs(value), None) is not None:
            tensors[argument] = value
        elif value is not None:
            config[argument] = value
    if "dtype" in owner.fields and "dtype" not in config and result is not None:
        config["dtype"] = result.dtype
    lacking += _without_batch(owner, config)
    written = options_of(owner, config)
    lacking += written.lacking
    for option, field in owner.fields.items():
        if field.required and written.options.get(option) is None:
            lacking.append(Lacking(f"`{owner.registered_name}` without `{option}`, which would mix the examples"))
    return Entering(_form(owner, tensors), written.options, lacking, owner)


def _form(owner: type[Layer], tensors: Mapping[str, Any]) -> Any:
    values = list(tensors.values())
    if len(values) == 1:
        flat = list(refs(values))
        return flat if owner.takes_list and len(flat) > 1 else flat[0] if len(flat) == 1 else flat
    names = [argument.rstrip("?") for argument in owner.arguments]
    in_order = list(tensors) == names[: len(tensors)] and all(isinstance(value, Ref) for value in values)
    return values if in_order else dict(tensors)


def _without_batch(owner: type[Op], config: dict[str, Any]) -> list[Lacking]:
    """Takes the batch's entry out of options that have one for each axis."""
    lacking = []
    for option, first in owner.batch_entries.items():
        value = config.get(option)
        if value is None:
            continue
        if (
            isinstance(value, list)
            and value
            and value[0] in (first, list(first) if isinstance(first, tuple) else first)
        ):
            config[option] = value[1:]
        else:
            lacking.append(Lacking(f"`{option}: {short(value)}`, which works on the batch"))
    return lacking


def _activation(layer: Saved, call: Call, name: str) -> Entering:
    """A function of activation that is no operation of dlspec."""
    tensors = list(refs([call.args, dict(call.kwargs)]))
    owner = BUILT_IN.find("layer", "activation")
    function = BUILT_IN.find("activation", name) or BUILT_IN.find("activation", name.replace("_", ""))
    if function is None or owner is None or len(tensors) != 1:
        return Entering(None, {}, [Lacking(f"the operation `{layer.class_name}` of `{layer.module}`")])
    written = options_of(function, layer.config)
    value = {function.registered_name: written.options} if written.options else function.registered_name
    return Entering(tensors[0], {"activation": value}, written.lacking, owner)


def pieces(key: Any, source: Tensor | None) -> list[tuple[str, dict[str, Any]]] | None:
    """The operations behind ``x[key]``: one slice, then an index for each axis that goes; None for other keys."""
    items = key if isinstance(key, list) else [key]
    if source is None or not items or len(items) > source.rank + 1:
        return None
    whole = [_bounds(item, None if axis == 0 else source.shape[axis - 1]) for axis, item in enumerate(items)]
    if whole[0] != (0, None) or None in whole:
        return None
    steps: list[tuple[str, dict[str, Any]]] = []
    cuts = [cut if isinstance(cut, tuple) else (0, None) for cut in whole[1:]]
    if any(cut != (0, None) for cut in cuts):
        cuts += [(0, None)] * (source.rank - len(cuts))
        starts = [start for start, _ in cuts]
        sizes = [-1 if count is None else count for _, count in cuts]
        steps.append(("ops.slice", {"start_indices": starts, "shape": sizes}))
    for axis in reversed(range(1, len(items))):
        if isinstance(whole[axis], int):
            steps.append(("ops.take", {"indices": whole[axis], "axis": axis}))
    return steps or [("identity", {})]


def _bounds(item: Any, size: int | None) -> tuple[int, int | None] | int | None:
    """Start and number of elements of a slice (None for the rest), an index, or None for anything else."""
    if isinstance(item, int) and not isinstance(item, bool):
        return item
    config = item.get("config") if isinstance(item, dict) and item.get("class_name") == _SLICE else None
    if not isinstance(config, dict) or config.get("step") not in (None, 1):
        return None
    start, stop = config.get("start"), config.get("stop")
    start = 0 if start is None else start
    if not isinstance(start, int) or not (stop is None or isinstance(stop, int)):
        return None
    if size is None:
        return (
            (start, None if stop is None else stop - start) if start >= 0 and (stop is None or stop > start) else None
        )
    start, stop, _ = slice(start, stop).indices(size)
    return (start, None if stop == size else stop - start) if stop > start else None
