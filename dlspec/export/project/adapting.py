"""Adapters in ``train.py`` of a generated project: weights and layers by their places in the model."""

from __future__ import annotations

from dlspec.components.methods.base import Method
from dlspec.core.pieces import Piece, call
from dlspec.export.project.grouping import places_of_weights, weights_at
from dlspec.export.project.positions import numbers_of_layers
from dlspec.export.python.syntax import Unsupported, text
from dlspec.export.python.templates import Code
from dlspec.passes.state import Trainable


def adapters_of(state: Trainable, method: Method, holder: str) -> Piece | None:
    """The call that gives a model its adapters; None without any.

    Args:
        method: The way of training.
        holder: The variable of the model that has all layers.

    Raises:
        Unsupported: The training asks for something besides that projects do not support.
    """
    adapted = method.adapted
    if adapted is None:
        return None
    if any(stage.turns for stage in method.stages.values()):
        raise Unsupported("`adapters` beside `minimize` and `learners`")
    for option, plain in (("precision", method.precision == "float32"), ("distribute", method.distribute is None)):
        if not plain:
            raise Unsupported(f"`adapters` beside `{option}`")
    numbers = places_of_weights(state.training_graph)
    weights = Code(text(weights_at(holder, [numbers[site.weight.name] for site in adapted.sites])))
    layers = numbers_of_layers(state.training_graph)
    learning = [
        f"{holder}{into}.layers[{number}]" for name, (into, number) in layers.items() if name in adapted.learning
    ]
    given = {"rank": adapted.adapter.rank, "seed": Code("seed")}
    given |= {} if adapted.adapter.lora_alpha is None else {"alpha": adapted.adapter.lora_alpha}
    given |= {"learning": Code(f"[{', '.join(learning)}]")} if learning else {}
    return Piece("adapters = {}", call("Adapters", Code(holder), weights, **given))
