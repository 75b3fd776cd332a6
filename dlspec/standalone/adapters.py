"""Low-rank adapters: layers learn by two narrow matrices beside their weights, which stay as they are (LoRA)."""

from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np


class Adapter:
    """The adapter of one weight.

    Args:
        layer: The layer that has it.
        weight: The weight.
        rank: Columns of the first matrix, and rows of the second.
        alpha: The product counts alpha / rank times; None for once.
        seed: Of the first matrix; the second begins with 0.
    """

    def __init__(self, layer: Any, weight: Any, rank: int, alpha: Any, seed: int) -> None:
        own = {id(variable) for variable in layer.weights}
        layer.enable_lora(rank, lora_alpha=alpha, a_initializer=keras.initializers.HeUniform(seed=seed))
        self.layer = layer
        self.weight = weight
        self.first, self.second = [variable for variable in layer.weights if id(variable) not in own]

    def merge(self) -> None:
        """Adds the product to the weight, and leaves the layer without it."""
        if not self.layer.lora_enabled:
            return
        share = self.layer.lora_alpha / self.layer.lora_rank
        product = np.matmul(np.asarray(self.first), np.asarray(self.second))
        self.weight.assign(np.asarray(self.weight, "float32") + np.float32(share) * product)
        self.second.assign(np.zeros(self.second.shape, "float32"))  # steps that were traced add it all the same
        self.layer.lora_enabled, self.layer.lora_rank, self.layer.lora_alpha = False, None, None

    @contextmanager
    def merged(self):
        """Inside, it is merged."""
        layer = self.layer
        options = layer.lora_enabled, layer.lora_rank, layer.lora_alpha
        values = [(variable, np.array(variable)) for variable in (self.weight, self.second)]
        self.merge()
        try:
            yield
        finally:
            for variable, value in values:
                variable.assign(value)
            layer.lora_enabled, layer.lora_rank, layer.lora_alpha = options


class Adapters:
    """The adapters in a model, of which nothing else learns but the layers that are named.

    Args:
        model: A built model.
        weights: Those beside which adapters learn: of `Dense`, `EinsumDense`, `Embedding` or a convolution, which may
            stand inside of another layer.
        learning: Layers and models that learn as they are.
        rank: Columns of the first matrix of each, and rows of the second.
        alpha: Each product counts alpha / rank times; once unless given.
        seed: Of the first matrices.
    """

    def __init__(
        self, model: Any, weights: Any, learning: Any = (), rank: int = 8, alpha: Any = None, seed: int = 0
    ) -> None:
        self.model = model
        self.layers = model._flatten_layers(include_self=False)
        self.layers = list({id(layer): layer for layer in self.layers}.values())
        self.declared = [(layer, layer.trainable) for layer in self.layers]
        self.declared += [(weight, weight.trainable) for weight in model.weights]
        owners = {id(own): layer for layer in self.layers if hasattr(layer, "enable_lora") for own in layer.weights}
        self.adapters = [
            Adapter(owners[id(weight)], weight, rank, alpha, (seed + number) % 2**32)
            for number, weight in enumerate(weights)
        ]
        self.beside = {id(adapter.layer) for adapter in self.adapters}
        self.learning: list = []
        self.hold(learning)

    def hold(self, more: Any = ()) -> None:
        """Lets nothing learn but adapters, and what learns as it is.

        Args:
            more: Layers and models that learn as they are from now on; of those with adapters, the adapters alone.
        """
        parts = [part for layer in more for part in parts_of(layer)]
        parts = [part for part in parts if self.beside.isdisjoint(map(id, part._flatten_layers()))]
        self.learning += parts
        let_learn([(part, True) for part in parts])  # a model that may learn does not say so to the layers inside
        moving = self.beside | {id(inner) for layer in self.learning for inner in layer._flatten_layers()}
        for layer in self.layers:
            if moving.isdisjoint(map(id, layer._flatten_layers())):
                layer.trainable = False
        for adapter in self.adapters:
            for weight in adapter.layer.weights:
                own = weight is adapter.first or weight is adapter.second
                weight.trainable = own and adapter.layer.trainable

    def merge(self) -> None:
        """Adds what the adapters have learnt to the weights, for good."""
        for adapter in self.adapters:
            adapter.merge()

    def remove(self) -> None:
        """The same, and all that learnt before it had adapters may learn again."""
        self.merge()
        let_learn(self.declared)

    @contextmanager
    def merged(self):
        """Inside, the model is one without adapters, as it is to be saved; then it can learn on."""
        frozen = [(layer, layer.trainable) for layer in self.layers]
        frozen += [(weight, weight.trainable) for weight in self.model.weights]
        with ExitStack() as stack:
            for adapter in self.adapters:
                stack.enter_context(adapter.merged())
            stack.callback(let_learn, frozen)
            let_learn(self.declared)
            yield


def let_learn(flags):
    """Sets whether layers, each before those inside it, and weights may learn."""
    for layer_or_weight, flag in flags:
        if layer_or_weight.trainable != flag:
            layer_or_weight.trainable = flag


def parts_of(layer):
    """The layers of a model and of the models inside; any other layer is one part."""
    return [part for inner in layer.layers for part in parts_of(inner)] if isinstance(layer, keras.Model) else [layer]
