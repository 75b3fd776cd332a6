"""Training and test steps on several devices: to float tolerance those of one device, whatever a batch is divided into.

Keras's own steps take the mean of the devices' means, so that the examples of a smaller share count more; they clip the
gradients of each share; a device without an example has a loss of 0 / 0. Here the devices compute answers and gradients
only. What is between them, losses and metrics with their weights and masks, is computed once from all answers together.
"""

from __future__ import annotations

from typing import Any

from dlspec.backends.keras.internals import (
    attach,
    attached,
    compiled_loss,
    count_loss,
    flatten_layers,
    own_non_trainable_variables,
    synchronized,
)


class MirroredSteps:
    """The steps of one compiled model.

    Args:
        model: A compiled functional model whose variables stand on every device.
        batch: Type of a batch, as a dataset's ``element_spec`` gives it.
        strategy: ``tf.distribute.MirroredStrategy``.
        count: The number of its devices.
    """

    def __init__(self, model: Any, batch: Any, strategy: Any, count: int) -> None:
        import keras
        import tensorflow as tf

        self._model, self._strategy, self._count = model, strategy, count
        self._variables = list(model.trainable_variables)
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        answers, self._parts = _looked_at(model, x)
        number = tf.TensorSpec((), tf.float32)
        # A function that is made here knows nothing of the devices, which losses would otherwise divide by.
        self._judge = tf.function(self._judged, autograph=False).get_concrete_function(
            y, weights, answers, number, number
        )

    def train(self, batch: Any) -> Any:
        """Trains on a batch; a loss that is not finite changes no weight. Returns whether it was finite."""
        import keras
        import tensorflow as tf

        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        scale = tf.cast(self._model.optimizer.scale_loss(tf.ones(())), tf.float32)
        learnt: list[Any] = []

        def judge(strategy: Any, answers: Any, extra: Any) -> Any:
            whole = [self._joined(answer) for answer in answers]
            total = tf.add_n(strategy.experimental_local_results(extra))
            loss, gradients = self._judge(y, weights, whole, total, scale)
            return loss, [_Share(x, number, self._count).of(gradients) for number in range(self._count)]

        def replica() -> Any:
            context = tf.distribute.get_replica_context()
            number = int(tf.get_static_value(context.replica_id_in_sync_group))
            share = _Share(x, number, self._count)
            with tf.GradientTape() as tape:
                answers, extra = self._answers(share, training=True)
            self._agree(context, share)
            loss, gradients = context.merge_call(judge, args=(answers, extra))
            targets = [*(answer for answer in answers if answer.dtype.is_floating), extra]
            own_gradients = tape.gradient(targets, self._variables, output_gradients=[*gradients[number], scale])
            learnt[:] = [index for index, gradient in enumerate(own_gradients) if gradient is not None]
            return loss, context.all_reduce(tf.distribute.ReduceOp.SUM, [own_gradients[index] for index in learnt])

        loss, gradients = self._strategy.run(replica)

        def apply(gradients: Any) -> None:
            pairs = zip(gradients, (self._variables[index] for index in learnt), strict=True)
            self._model.optimizer.apply_gradients(pairs)

        def update() -> Any:
            self._strategy.run(apply, args=(gradients,))
            return tf.constant(True)

        # Here, between the devices: none of them may decide by itself whether they meet.
        finite = tf.math.is_finite(self._strategy.experimental_local_results(loss)[0])
        return tf.cond(finite, update, lambda: tf.constant(False))

    def test(self, batch: Any) -> Any:
        """Updates the metrics with a batch."""
        import keras
        import tensorflow as tf

        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)

        def replica() -> Any:
            number = int(tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group))
            return self._answers(_Share(x, number, self._count), training=False)

        answers, extra = self._strategy.run(replica)
        total = tf.add_n(self._strategy.experimental_local_results(extra))
        self._measured(y, weights, [self._joined(answer) for answer in answers], total)
        return tf.constant(True)

    def _answers(self, share: _Share, *, training: bool) -> tuple[list[Any], Any]:
        """Answers of one device for its share, and its part of the losses that layers and weights add."""
        import tensorflow as tf

        values, _ = _flat(self._model(share.examples(), training=training))
        losses = self._model.losses
        own = len(losses) - sum(1 for variable in self._variables if variable.regularizer is not None)
        # Layers add means over examples; the weights are the same on every device.
        extra = [tf.reduce_sum(loss) * share.weight(loss.dtype) for loss in losses[:own]]
        extra += [tf.reduce_sum(loss) / self._count for loss in losses[own:]]
        total = tf.add_n([tf.cast(loss, tf.float32) for loss in extra]) if extra else tf.zeros(())
        return [answer[: share.length] for answer in values], total

    def _agree(self, context: Any, share: _Share) -> None:
        """Gives every device the mean of what layers have measured over each one's examples."""
        import tensorflow as tf

        measured = [
            variable
            for layer in flatten_layers(self._model, include_self=False)
            if not synchronized(layer)
            for variable in own_non_trainable_variables(layer)
            if tf.as_dtype(variable.dtype).is_floating
        ]
        if measured:
            weighted = [variable.value * share.weight(variable.dtype) for variable in measured]
            means = context.all_reduce(tf.distribute.ReduceOp.SUM, weighted)
            for variable, mean in zip(measured, means, strict=True):
                variable.assign(mean)

    def _joined(self, answer: Any) -> Any:
        import tensorflow as tf

        return tf.concat(self._strategy.experimental_local_results(answer), 0)

    def _judged(self, y: Any, weights: Any, answers: list[Any], extra: Any, scale: Any) -> Any:
        """The loss of a whole batch, and the gradient of its `scale`-fold by each answer that has one."""
        import tensorflow as tf

        numbers = [answer for answer in answers if answer.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            loss = self._measured(y, weights, answers, extra)
            scaled = loss * tf.cast(scale, loss.dtype)
        return loss, tape.gradient(scaled, numbers, unconnected_gradients="zero")

    def _measured(self, y: Any, weights: Any, answers: list[Any], extra: Any) -> Any:
        """The loss of a whole batch; updates the metrics."""
        import tensorflow as tf

        from dlspec.standalone.weighed import in_loss

        outputs = self._outputs(answers)
        if hasattr(self._model, "count_examples"):
            self._model.count_examples(outputs)
        loss = compiled_loss(self._model, y, outputs, in_loss(weights))
        loss += tf.cast(extra, loss.dtype)
        count_loss(self._model, loss, tf.shape(answers[0])[0])
        self._model.compute_metrics(None, y, outputs, sample_weight=weights)
        return loss

    def _outputs(self, answers: list[Any]) -> Any:
        """The outputs in the model's structure, each with what Keras hangs on it."""
        import tensorflow as tf

        outputs: list[Any] = []
        for answer, name in zip(answers, self._parts, strict=True):
            if name:
                attach(outputs[-1], name, answer)
            else:
                outputs.append(answer)
        return tf.nest.pack_sequence_as(self._model.output, outputs)


class _Share:
    """The examples of a batch that one device computes.

    A batch of fewer examples than devices leaves some without: they compute an example of another one, and their answer
    is left out.
    """

    def __init__(self, inputs: Any, number: int, count: int) -> None:
        import tensorflow as tf

        self._inputs = inputs
        self._all = tf.shape(tf.nest.flatten(inputs)[0])[0]
        self._start, self._end = self._all * number // count, self._all * (number + 1) // count
        self.length = self._end - self._start

    def examples(self) -> Any:
        """At least one."""
        import tensorflow as tf

        start = tf.minimum(self._start, self._all - 1)
        end = tf.maximum(self._end, start + 1)
        with tf.device("CPU:0"):  # where batches come from: the device gets its share only
            return tf.nest.map_structure(lambda values: values[start:end], self._inputs)

    def of(self, values: list[Any]) -> list[Any]:
        """The share of tensors that hold something of each example."""
        return [value[self._start : self._end] for value in values]

    def weight(self, dtype: Any) -> Any:
        """The part of the batch that this share is, as a number of a dtype."""
        import tensorflow as tf

        return tf.cast(self.length, dtype) / tf.cast(self._all, dtype)


def _flat(outputs: Any) -> tuple[list[Any], list[str]]:
    """Every output followed by what Keras hangs on it; for each of them the attribute's name, "" for an output."""
    import tensorflow as tf

    values, names = [], []
    for output in tf.nest.flatten(outputs):
        for name, value in {"": output, **attached(output)}.items():
            values.append(value)
            names.append(name)
    return values, names


def _looked_at(model: Any, x: Any) -> tuple[list[Any], list[str]]:
    """Types and names of what :func:`_flat` finds in the model's outputs."""
    import tensorflow as tf

    names: list[str] = []

    def look(x: Any) -> Any:
        values, names[:] = _flat(model(x, training=True))
        return values

    looked = tf.function(look, autograph=False).get_concrete_function(x)
    return [tf.TensorSpec(value.shape, value.dtype) for value in looked.structured_outputs], names
