import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="dlspec")
class Gradient(keras.layers.Layer):
    """The derivative of one symbolic tensor by another that it is computed from: `Gradient()(of, by)`.

    What lies between the two becomes a model of its own, with the layers that are there already, and is computed once
    more under a tape. `of` is summed over the batch, so that each example has its own derivative where no layer between
    mixes examples. The derivative is computed from all weights between, and can be minimised itself. Moving statistics
    move once all the same. It holds a part of the model that it stands in, so it cannot be saved.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def __call__(self, of, by=None, **kwargs):
        if by is None:  # the call of a functional model, with what the first call has found to enter
            return super().__call__(of, **kwargs)
        entering = [by, *self.beside(of, by)]
        # Its weights are those of the layers between: they train with whatever minimises the derivative.
        self.between = keras.Model(entering, of, name=f"{self.name}_between")
        # Moving statistics: `of` enters as well, so that the pass before this one has moved them already.
        self.measured = [weight for layer in self.between.layers for weight in layer.non_trainable_weights]
        return super().__call__([of, *entering])

    def call(self, inputs, mask=None, training=False):
        _, by, *beside = inputs
        before = [tf.identity(weight.value) for weight in self.measured] if training else []
        with tf.GradientTape() as tape:
            tape.watch(by)
            of = self.between([by, *beside], mask=mask if mask is None else mask[1:])
        for weight, value in zip(self.measured, before, strict=False):
            weight.assign(value)
        return tape.gradient(of, by, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def compute_output_spec(self, inputs, mask=None, training=False):
        return keras.KerasTensor(inputs[1].shape, dtype=inputs[1].dtype)

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def beside(self, of, by):
        """The symbolic tensors that `of` is computed from beside `by`, as far as they do not depend on it."""
        depends = {id(by): True}
        order, waiting = [], [of]
        while waiting:
            tensor = waiting[-1]
            unknown = [
                source for source in self.before(tensor) if id(source) not in depends and id(tensor) not in depends
            ]
            if unknown:
                waiting += unknown
                continue
            waiting.pop()
            if id(tensor) not in depends:
                depends[id(tensor)] = any(depends[id(source)] for source in self.before(tensor))
                order.append(tensor)
        sources = {id(source): source for tensor in order if depends[id(tensor)] for source in self.before(tensor)}
        return [source for key, source in sources.items() if not depends[key]]

    def before(self, tensor):
        """The symbolic tensors that enter the call that gives a tensor."""
        history = tensor._keras_history
        return history.operation._inbound_nodes[history.node_index].input_tensors
