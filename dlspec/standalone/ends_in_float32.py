import keras

# Operations have no public class; those that only move elements around.
PROBABILITIES = ("Softmax", "Sigmoid")
MOVES = ("Reshape", "Squeeze", "ExpandDims", "Transpose")


def ends_in_float32(model):
    """Lets layers at both ends of a model compute in float32 where 16 bits spoil what they do.

    Those that prepare numbers, and what leads to them: float16 ends at 65504, bfloat16 has three digits.
    Those that make the last probabilities, and what moves these about: in 16 bits softmax and sigmoid are exactly 0 or
    1 for an example that is surely wrong, and its loss has no gradient.
    Layers of another policy than a mixed one keep theirs.
    """
    for layer in [
        *preparation_layers(model),
        *(inner for tensor in model.outputs for inner in probability_layers(tensor)),
    ]:
        if layer.dtype_policy.name.startswith("mixed_"):
            layer.dtype_policy = "float32"
            if isinstance(layer, keras.layers.Normalization) and layer.built:
                keep_statistics(layer)


def keep_statistics(layer):
    """Makes the tensors of mean and variance again, which a normalization has cast to its policy of before."""
    if layer.input_mean is None:
        layer.finalize_state()
    else:
        layer.build(layer._build_input_shape)


def preparation_layers(model):
    """The layers that prepare numbers, and those without trained weights that lead to them."""
    preparing = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            preparing += preparation_layers(layer)
        inside = list(layer._flatten_layers())
        measured = any(hasattr(inner, "adapt") for inner in inside)
        if measured or any(isinstance(inner, keras.layers.Rescaling) for inner in inside):
            before, learned = layers_before(layer)
            # Values in the middle of a model are rescaled in its own precision.
            if measured or not learned:
                preparing += before
                if not isinstance(layer, keras.Model):
                    preparing += [layer, *(inner for inner in inside if not learns(inner))]
    return preparing


def layers_before(layer):
    """The layers without trained weights that lead to a layer, and whether any with weights does."""
    leading, waiting, learned = dict.fromkeys([layer]), [layer], False
    if layer.dtype_policy.name not in ("float32", "mixed_float16", "mixed_bfloat16"):
        return [], True
    while waiting:
        for node in waiting.pop()._inbound_nodes:
            for tensor in node.input_tensors:
                operation, _, index = tensor._keras_history
                if isinstance(operation, keras.layers.InputLayer) or operation in leading:
                    continue
                if isinstance(operation, keras.Layer) and learns(operation):
                    learned = True
                    continue
                leading[operation] = None
                waiting.append(operation)
                if isinstance(operation, keras.Model):
                    inner = operation.outputs[index]._keras_history.operation
                    leading[inner] = None
                    waiting.append(inner)
    kept = (keras.Model, keras.layers.InputLayer)
    return [
        candidate for candidate in leading if isinstance(candidate, keras.Layer) and not isinstance(candidate, kept)
    ], learned


def learns(layer):
    """Whether a layer has other weights than what layers measure on the data."""
    measured = sum(len(inner.weights) for inner in layer._flatten_layers() if hasattr(inner, "adapt"))
    return len(layer.weights) > measured


def probability_layers(tensor):
    """The layers from a softmax or sigmoid to a model's output, and those that they hold; [] where there is none.

    Operations compute in the numbers that they get: the layers before one belong to it.
    """
    operation, node, index = tensor._keras_history
    if isinstance(operation, keras.Model):
        return probability_layers(operation.outputs[index])
    layers = keras.layers
    kind = None if isinstance(operation, keras.Layer) else type(operation).__name__
    if kind in PROBABILITIES:
        return [inner for layer in makers(tensor) for inner in layer._flatten_layers()]
    moves = isinstance(operation, (layers.Reshape, layers.Flatten, layers.Permute, layers.Dropout))
    if moves or kind in MOVES:
        before = probability_layers(operation._inbound_nodes[node].input_tensors[0])
        return [operation, *before] if before and moves else before
    wrapped = operation.layer if isinstance(operation, layers.Wrapper) else operation
    if hasattr(wrapped, "gives_probabilities"):
        return [wrapped] if wrapped is operation else [operation, wrapped]
    activation = wrapped.activation if hasattr(wrapped, "activation") else wrapped
    if activation in (keras.activations.softmax, keras.activations.sigmoid) or isinstance(activation, layers.Softmax):
        return [inner for inner in (operation, wrapped, activation) if isinstance(inner, layers.Layer)]
    return []


def makers(tensor):
    """The layers from which a tensor comes through operations alone."""
    layers, seen, waiting = [], set(), [tensor]
    while waiting:
        operation, node, index = waiting.pop()._keras_history
        if (operation, node, index) in seen:
            continue
        seen.add((operation, node, index))
        if isinstance(operation, keras.Model):
            waiting.append(operation.outputs[index])
        elif not isinstance(operation, keras.Layer):
            waiting += operation._inbound_nodes[node].input_tensors
        elif not isinstance(operation, keras.layers.InputLayer):
            layers.append(operation)
    return layers
