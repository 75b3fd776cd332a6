"""What a saved model was compiled with → the section `train`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dlspec.backends.importing.options import Written, as_written, component_of, shortest_float
from dlspec.backends.importing.steps import Model

# Metrics that Keras chooses by the loss and the shapes, under one name.
_CHOSEN = ("accuracy", "acc", "crossentropy", "ce")


def add_training(model: Model, compiled: Mapping[str, Any], names: Callable[[int], str]) -> None:
    """Puts optimizer, loss and metrics of a saved model into its `train`, and a remark for what is lost.

    Args:
        model: The model; one without a loss gets no `train`.
        compiled: As Keras saved it.
        names: The name of an output in the spec by its number.
    """
    loss = _per_output(compiled.get("loss"), "loss", model, names)
    if loss is None:
        return
    model.train["loss"] = loss
    weights = compiled.get("loss_weights")
    if isinstance(weights, Mapping | list):
        by_name = _by_name(weights, model, names)
        model.train["loss_weights"] = {key: value for key, value in by_name.items() if value is not None}
    optimizer = compiled.get("optimizer", compiled.get("optimizer_config"))
    if optimizer:
        written = component_of("optimizer", _shortened(optimizer))
        _remark(model, "optimizer", written)
        if written.owner is not None:
            model.train["optimizer"] = as_written(written)
    metrics = _metrics(compiled.get("metrics"), model, names)
    if metrics:
        model.train["metrics"] = metrics


def _remark(model: Model, kind: str, written: Written) -> None:
    for lack in written.lacking:
        model.remarks.append(f"the {kind} loses {lack.what}" if written.owner else f"left out: {lack.what}")


def _shortened(value: Any) -> Any:
    """Numbers of an optimizer, which were kept as float32, as people wrote them."""
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return shortest_float(value) if isinstance(value, float) else value


def _component(kind: str, value: Any, model: Model) -> Any:
    written = component_of(kind, value)
    _remark(model, kind, written)
    if written.owner is None:
        return None
    config = value.get("config") if isinstance(value, Mapping) else None
    if isinstance(config, Mapping):
        unsaid = [name for name, field in written.owner.fields.items() if name not in config and not field.nullable]
        for name in unsaid:
            model.remarks.append(f"the file does not say `{name}` of the {kind} `{written.owner.registered_name}`")
    return as_written(written)


def _per_output(value: Any, kind: str, model: Model, names: Callable[[int], str]) -> Any:
    """One loss, or a map from outputs to losses."""
    if value in (None, [], {}):
        return None
    if isinstance(value, list) or (isinstance(value, Mapping) and "class_name" not in value):
        by_name = _by_name(value, model, names)
        losses = {key: _component(kind, item, model) for key, item in by_name.items() if item is not None}
        losses = {key: item for key, item in losses.items() if item is not None}
        return next(iter(losses.values())) if len(losses) == 1 == len(model.main.outputs) else losses or None
    return _component(kind, value, model)


def _by_name(value: Any, model: Model, names: Callable[[int], str]) -> dict[str, Any]:
    """What the file has for each output, by the names in the spec."""
    main = model.main
    if isinstance(value, list):
        return {names(number): item for number, item in enumerate(value[: len(main.outputs)])}
    known: dict[str, int] = {}
    for number, (out, key) in enumerate(zip(main.outputs, main.keys, strict=True)):
        known[key or (main.steps[out.step].name if out.step >= 0 else "")] = number
        if out.step >= 0:
            known.setdefault(main.steps[out.step].name, number)
    return {names(known[key]): item for key, item in value.items() if key in known}


def _metrics(value: Any, model: Model, names: Callable[[int], str]) -> Any:
    if isinstance(value, list):
        several = len(model.main.outputs) > 1
        if several and any(isinstance(item, list) for item in value):
            return {
                key: metrics for key, item in _by_name(value, model, names).items() if (metrics := _listed(item, model))
            }
        flat = [inner for item in value for inner in (item if isinstance(item, list) else [item])]
        return _listed(flat, model)
    if isinstance(value, Mapping) and "class_name" not in value:
        by_name = _by_name(value, model, names)
        return {key: metrics for key, item in by_name.items() if (metrics := _listed(item, model))}
    return _listed(value, model)


def _listed(value: Any, model: Model) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    written = [_component("metric", item, model) for item in items if item not in (None, [], {})]
    return [item for item in written if item is not None]
