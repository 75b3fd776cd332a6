"""Adapters: small weights that learn beside those of a model, which stay as they are."""

from __future__ import annotations

from typing import Any, ClassVar

from dlspec.components.registry import Component, example, integer, number, optional, texts


class Adapter(Component, abstract=True):
    """Base of all adapters.

    Class attributes:
        rank: How many columns the first matrix of each has, and rows the second.
        layers: Patterns of the layers that get one; None for all that take one.
        trains: Patterns of further layers that learn as they are; None for none.
    """

    kind = "adapter"
    rank: ClassVar[Any]
    layers: ClassVar[Any]
    trains: ClassVar[Any]


class Lora(Adapter):
    """Layers learn by the product of two narrow matrices beside their weights, and nothing else does (Hu et al. 2021).

    The first matrix is drawn as `he_uniform` draws, the second begins with 0: at first nothing is changed. The product
    is added to the weight when the model is saved.
    """

    shorthand = "rank"
    rank = integer(min=1, default=8, doc="Columns of the first matrix, and rows of the second.")
    lora_alpha = optional(
        number(above=0), doc="The product counts `lora_alpha` / `rank` times; once unless this is given."
    )
    layers = optional(
        texts(), doc="Layers that get adapters: names, blocks or patterns (`*.query`); all that take one unless given."
    )
    trains = optional(
        texts(), doc="Further layers, models, blocks or patterns that learn as they are, such as a new head; none."
    )
    examples = (example("4"), example('{rank: 8, lora_alpha: 16, layers: "*.query", trains: head}'))
