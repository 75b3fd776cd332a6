"""The layers that `augment` accepts, which change training examples at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlspec.core.errors import Problem

if TYPE_CHECKING:
    from dlspec.components.layers.base import Layer


def check_augmentation(layers: tuple[Layer, ...]) -> None:
    """Every layer makes a random change, which the data's own seed decides.

    Raises:
        Problem: E207 at `augment`.
    """
    for layer in layers:
        if layer.augments_not:
            raise Problem("E207", f"`{layer.name}` cannot augment", layer.augments_not, option="augment")
        if not layer.augments:
            message = f"`{layer.name}` makes no random change of an example"
            raise Problem("E207", message, "move it to `prepare` or `layers`", option="augment")
        if layer.seed is not None:
            message = f"`seed` of `{layer.name}` has no effect in `augment`"
            raise Problem("E207", message, "the data's own `seed` decides", option="augment")
