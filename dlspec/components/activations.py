"""Activation functions."""

from __future__ import annotations

from typing import Any

from dlspec.registry import Component, load_attribute


class Activation(Component, abstract=True):
    """Base of the activation functions; Keras knows them as functions, not classes."""

    kind = "activation"

    def make(self, **extra: Any) -> Any:
        """The Keras function itself."""
        return load_attribute(self.keras)


class Relu(Activation):
    """max(x, 0)."""

    keras = "keras.activations.relu"
