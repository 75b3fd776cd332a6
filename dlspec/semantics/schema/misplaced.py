"""Keys that have another place in a spec: what other libraries set here, or what belongs to another section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.components import registry
from dlspec.components.registry import JSON
from dlspec.core.tree import Invalid
from dlspec.semantics.schema import foreign
from dlspec.semantics.schema.context import Context
from dlspec.semantics.schema.foreign import fold as folded_word
from dlspec.semantics.schema.keywords import definition, resolve
from dlspec.semantics.schema.meant import component_meant, is_certain, option_meant
from dlspec.syntax.dumping import flow

# How Keras's layers are told the shape of what enters.
SHAPES = ("input_shape", "batch_input_shape", "input_dim", "input_length", "batch_shape")
# What Keras's `fit` calls options of the data.
_OF_FIT = {
    "class_weight": "class_weights",
    **dict.fromkeys(("validation_split", "val_split", "validation_size"), "validation"),
    **dict.fromkeys(("test_split", "test_size"), "test"),
}
_PARTS_OF_DATA = {
    "section.feature": "inputs: {{NAME: {{{}: …}}}}",
    "section.target": "targets: {{NAME: {{{}: …}}}}",
    "section.split": "split: {{{}: …}}",
}
_MOST = 100


def part_of_data(key: str, path: Sequence[Any]) -> str:
    """Where an option belongs that stands in `data` or `train`, but belongs to a part of `data`; "" for others."""
    if tuple(path) not in (("data",), ("train",)):
        return ""
    around = "{}" if path[0] == "data" else "data: {{{}}}"
    if key == "stratify":
        return around.format("split: {by: stratified}")
    key = _OF_FIT.get(key, key)
    inside = [where for section, where in _PARTS_OF_DATA.items() if key in definition(section)["properties"]]
    return around.format(inside[0].format(key)) if inside else ""


def elsewhere(key: str, value: Any, context: Context, container: Any, certain: bool = False) -> str:
    """Where an option belongs that other libraries, or other parts of a spec, have here; "" for others.

    Args:
        key: The option.
        value: What stands behind it.
        context: Where it stands.
        container: What it stands in.
        certain: Whether a mere likeness of names is not enough.
    """
    if context.family == "layer" and key in SHAPES:
        return "`inputs:` at the top of the spec says the shape of what comes in"
    if context.path != ("train",):
        return ""
    if key in definition("section.data")["properties"] or folded_word(key) in ("batch", "batchsize"):
        return f"`{key if key != 'batch' else 'batch_size'}` belongs in `data:`"
    if folded_word(key) in foreign.OF_TRAINING:
        return of_training(key, value, container)
    name = next(iter(component_meant(key, "callback", list(components("callback"))).names), "")
    if name and (not certain or is_exact(key, name)):
        return f"it is a callback: `callbacks: [{shown({name: value}) if value is not None else name}]`"
    return _of_optimizer(key, value, container, certain)


def of_training(key: str, value: Any, container: Any) -> str:
    """Where a spec has what other libraries call so beside a training; "" for other words.

    Args:
        key: The word.
        value: What stands behind it.
        container: The section `train` around it.
    """
    help = foreign.OF_TRAINING.get(folded_word(key), "")
    chosen = container.get("optimizer") if isinstance(container, dict) else None
    optimizer, _ = registry.name_and_value(chosen or "adam")
    known = optimizer if isinstance(optimizer, str) and optimizer in components("optimizer") else "adam"
    number = flow(value) if isinstance(value, int | float) and not isinstance(value, bool) else "…"
    return help.format(optimizer=known, value=number)


def _of_optimizer(key: str, value: Any, container: Any, certain: bool) -> str:
    optimizers = components("optimizer")
    chosen = container.get("optimizer") if isinstance(container, dict) else None
    name, _ = registry.name_and_value(chosen or "")
    for owner in dict.fromkeys((name, "adam", *optimizers)):
        option = option_meant(key, resolve(optimizers[owner])["properties"]) if owner in optimizers else ""
        if option and (not certain or is_certain(key, option)):
            return f"it belongs to the optimizer: `optimizer: {{{owner}: {shown({option: value})}}}`"
    return ""


def components(kind: str) -> JSON:
    """The schemas of the components of a kind, by name."""
    properties: JSON = resolve(definition(kind))["properties"]
    return properties


def shown(value: Any) -> str:
    """A value in a help, or an ellipsis where it is long or not known."""
    if any(isinstance(item, Invalid) or item is None for item in value.values()):
        return "{" + ", ".join(f"{key}: …" for key in value) + "}"
    text = flow(value)
    return text if len(text) <= _MOST else "…"


def is_exact(name: str, layer: str) -> bool:
    """Whether a word is a layer's name but for case and `_`."""
    return folded_word(name) == folded_word(layer)
