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
    for layer in [*preparation_layers(model), *(one for tensor in model.outputs for one in probability_layers(tensor))]:
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
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += preparation_layers(layer)
        inside = list(layer._flatten_layers())
        measured = any(hasattr(one, "adapt") for one in inside)
        if measured or any(isinstance(one, keras.layers.Rescaling) for one in inside):
            before, learned = layers_before(layer)
            # Values in the middle of a model are rescaled in its own precision.
            if measured or not learned:
                found += before
                if not isinstance(layer, keras.Model):
                    found += [layer, *(one for one in inside if not learns(one))]
    return found


def layers_before(layer):
    """The layers without trained weights that lead to a layer, and whether any with weights does."""
    found, waiting, learned = dict.fromkeys([layer]), [layer], False
    if layer.dtype_policy.name not in ("float32", "mixed_float16", "mixed_bfloat16"):
        return [], True
    while waiting:
        for node in waiting.pop()._inbound_nodes:
            for tensor in node.input_tensors:
                operation, _, place = tensor._keras_history
                if isinstance(operation, keras.layers.InputLayer) or operation in found:
                    continue
                if isinstance(operation, keras.Layer) and learns(operation):
                    learned = True
                    continue
                found[operation] = None
                waiting.append(operation)
                if isinstance(operation, keras.Model):
                    inner = operation.outputs[place]._keras_history.operation
                    found[inner] = None
                    waiting.append(inner)
    kept = (keras.Model, keras.layers.InputLayer)
    return [one for one in found if isinstance(one, keras.Layer) and not isinstance(one, kept)], learned


def learns(layer):
    """Whether a layer has other weights than what layers measure on the data."""
    measured = sum(len(one.weights) for one in layer._flatten_layers() if hasattr(one, "adapt"))
    return len(layer.weights) > measured


def probability_layers(tensor):
    """The layers from a softmax or sigmoid to a model's output, and those that they hold; [] where there is none.

    Operations compute in the numbers that they get: the layers before one belong to it.
    """
    operation, node, place = tensor._keras_history
    if isinstance(operation, keras.Model):
        return probability_layers(operation.outputs[place])
    layers = keras.layers
    word = None if isinstance(operation, keras.Layer) else type(operation).__name__
    if word in PROBABILITIES:
        return [one for layer in makers(tensor) for one in layer._flatten_layers()]
    moves = isinstance(operation, (layers.Reshape, layers.Flatten, layers.Permute, layers.Dropout))
    if moves or word in MOVES:
        before = probability_layers(operation._inbound_nodes[node].input_tensors[0])
        return [operation, *before] if before and moves else before
    held = operation.layer if isinstance(operation, layers.Wrapper) else operation
    activation = held.activation if hasattr(held, "activation") else held
    if activation in (keras.activations.softmax, keras.activations.sigmoid) or isinstance(activation, layers.Softmax):
        return [one for one in (operation, held, activation) if isinstance(one, layers.Layer)]
    return []


def makers(tensor):
    """The layers from which a tensor comes through operations alone."""
    found, seen, waiting = [], set(), [tensor]
    while waiting:
        operation, node, place = waiting.pop()._keras_history
        if (operation, node, place) in seen:
            continue
        seen.add((operation, node, place))
        if isinstance(operation, keras.Model):
            waiting.append(operation.outputs[place])
        elif not isinstance(operation, keras.Layer):
            waiting += operation._inbound_nodes[node].input_tensors
        elif not isinstance(operation, keras.layers.InputLayer):
            found.append(operation)
    return found
