"""Statistics that layers of preparation have measured, mended where Keras would go on with less."""

from typing import Any

import numpy as np


def fitted_in_order(chain: list, values: Any, measuring: tuple) -> list:
    """Layers, of which those at the places `measuring` are fitted to what reaches them of `values`, an array."""
    for index, layer in enumerate(chain):
        if index in measuring:
            layer.adapt(values)
            settle(layer)
        values = np.asarray(layer(values))
    return chain


def settle(layer: Any) -> None:
    """Gives constant features the variance 1, and saves words that hold a line break with the layer's options."""
    if hasattr(layer, "adapt_variance"):
        mean, variance = np.array(layer.adapt_mean), np.array(layer.adapt_variance)
        size, spread = np.abs(mean), np.sqrt(variance)
        constant = (spread <= 4 * np.finfo("float32").eps * size) | ((spread <= 1e-7) & (spread <= 1e-5 * size))
        layer.adapt_variance.assign(np.where(constant, 1, variance))
        layer.finalize_state()
    lookup = layer._lookup_layer if hasattr(layer, "_lookup_layer") else layer
    if hasattr(lookup, "input_vocabulary") and lookup.output_mode != "tf_idf":
        vocabulary = lookup.get_vocabulary(include_special_tokens=False)
        if any(str(token).splitlines() != [str(token)] for token in vocabulary):
            lookup.input_vocabulary = vocabulary
