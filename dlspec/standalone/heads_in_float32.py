import keras


def heads_in_float32(model):
    """Lets the layers that make a model's last probabilities, and what moves these about, compute in float32.

    In 16 bits softmax and sigmoid are exactly 0 or 1 for an example that is surely wrong: its loss has no gradient.
    Layers of another policy than a mixed one keep theirs.
    """
    for tensor in model.outputs:
        for layer in probability_layers(tensor):
            if layer.dtype_policy.name.startswith("mixed_"):
                layer.dtype_policy = "float32"


def probability_layers(tensor):
    """The layers from a softmax or sigmoid to a model's output, and those that they hold; [] where there is none."""
    operation, node, place = tensor._keras_history
    if isinstance(operation, keras.Model):
        return probability_layers(operation.outputs[place])
    layers = keras.layers
    if isinstance(operation, (layers.Reshape, layers.Flatten, layers.Permute, layers.Dropout)):
        before = probability_layers(operation._inbound_nodes[node].input_tensors[0])
        return [operation, *before] if before else []
    held = operation.layer if isinstance(operation, layers.Wrapper) else operation
    activation = held.activation if hasattr(held, "activation") else held
    if activation in (keras.activations.softmax, keras.activations.sigmoid) or isinstance(activation, layers.Softmax):
        return [one for one in (operation, held, activation) if isinstance(one, layers.Layer)]
    return []
