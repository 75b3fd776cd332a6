"""Texts of a drawing: layers in a few words, shapes, and the width of a text."""

from __future__ import annotations

import unicodedata
from typing import Any

from dlspec.components.layers.base import ACTIVATION, Layer
from dlspec.components.registry import Component
from dlspec.core.ir import Node, Tensor
from dlspec.graph.facts import show_count
from dlspec.views.drawing.outline import automatic

LONGEST = 44
_NARROW = frozenset("iljtfrI.,:;'|!()[]{} ·/")
_WIDE = frozenset("mwMW@%—…×→")
_AMOUNTS = ("filters", "units", "rate", "momentum", "scale", "depth_multiplier")


def clipped(text: str, longest: int = LONGEST) -> str:
    """A text that fits, with an ellipsis where it was cut."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def text_width(text: str, size: float) -> float:
    """A generous estimate of the width of a text in a proportional sans-serif font."""
    return sum(_advance(character) for character in text) * size


def _advance(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _WIDE:
        return 0.92
    if ord(character) > 0x2FF and unicodedata.east_asian_width(character) in "WF":
        return 1.05
    return 0.7 if character.isupper() else 0.575


def shape_text(tensor: Tensor) -> str:
    """``56×56×64``; ``?`` for an axis of unknown size; the dtype unless it is float32."""
    shape = "×".join("?" if size is None else str(size) for size in tensor.shape) or "scalar"
    return shape if tensor.dtype == "float32" else f"{shape} {tensor.dtype}"


def parameters_text(node: Node) -> str:
    """The number of parameters, rounded; empty without any."""
    if node.shared is not None:
        return "shared"
    return show_count(node.parameters) if node.parameters else ""


def headline(node: Node) -> str:
    """The layer in a few words: ``conv2d 64 · 3×3 / 2 · relu``, after the name where the spec wrote one."""
    name = "" if automatic(node) or node.layer is None else f"{node.name.rpartition('.')[2]}: "
    if node.layer is None:
        return clipped(node.name)
    details = _details(node.layer)
    return clipped(f"{name}{node.kind} {details}".rstrip())


def is_plain_function(node: Node) -> bool:
    """Whether the layer is no more than an activation function, which may stand on the line of the layer before it."""
    return not node.weights and isinstance(node.layer, Layer) and node.layer.is_activation


def function_text(node: Node) -> str:
    """``relu`` for the layer ``activation: relu`` as for the layer ``relu``; nothing for the linear one."""
    function = _activation(node.layer)
    return node.kind if function is None else function


def _details(layer: Any) -> str:
    given: dict[str, Any] = layer.given if isinstance(layer, Component) else {}
    parts = [_number(given[name]) for name in _AMOUNTS if isinstance(given.get(name), int | float)]
    parts += [_option_text(name, given[name]) for name in ("num_heads", "key_dim") if name in given]
    if "input_dim" in given and "output_dim" in given:
        parts.append(f"{given['input_dim']} → {given['output_dim']}")
    parts.append(_window(layer, given))
    dilation = _sizes(given.get("dilation_rate"))
    parts += [f"dilated {dilation}"] if dilation not in ("", "1") else []
    parts += [f"groups {given['groups']}"] if given.get("groups", 1) != 1 else []
    parts += [f"up {_sizes(given['size'])}"] if _sizes(given.get("size")) else []
    parts += [f"pad {_sizes(given['padding'])}"] if _sizes(given.get("padding")) else []
    parts.append(_activation(layer) or "")
    return " · ".join(part for part in parts if part)


def _activation(layer: Any) -> str | None:
    """Name of the activation that the spec gives to a layer, "" for the linear one; None where it gives none."""
    function = layer.given.get(ACTIVATION) if isinstance(layer, Component) else None
    if function is None:
        return None
    return "" if function.identity else str(function.name)


def _option_text(name: str, value: Any) -> str:
    return f"{value} heads" if name == "num_heads" else f"key {value}"


def _window(layer: Any, given: dict[str, Any]) -> str:
    """``3×3 / 2``: the size of a window and its strides."""
    size = given.get("kernel_size") or getattr(layer, "pool_size", None)
    if not isinstance(size, int | tuple | list):
        return ""
    sizes = [size] if isinstance(size, int) else list(size)
    text = "×".join(map(str, sizes)) if len(sizes) > 1 else f"window {sizes[0]}"
    strides = _sizes(given.get("strides"))
    return text + (f" / {strides}" if strides not in ("", "1") else "")


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sizes(value: Any) -> str:
    """One number where all agree, else ``2×1``; empty for what is no size."""
    numbers = list(_flat(value))
    if not numbers or not all(isinstance(number, int) for number in numbers):
        return ""
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))


def _flat(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [number for item in value for number in _flat(item)]
    return [] if value is None else [value]
