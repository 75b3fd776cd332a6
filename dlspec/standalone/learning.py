"""One graph, several objectives: each learner moves its own part of it on every batch."""

from contextlib import contextmanager, nullcontext
from typing import Any

import keras
import tensorflow as tf
from keras import ops


class Learner:
    """A learner: the tensors that it minimises, the models that it trains, and in which steps.

    Args:
        whole: A functional model that gives a dict by name: its outputs, and all that is minimised or measured.
        name: What its total is called after: ``critic_loss``; "" for ``loss``.
        minimize: The weight of each tensor that it minimises.
        losses: A loss for each output that it compares with a target.
        loss_weights: Factors of these losses; 1 where an output is left out.
        trains: The layers and models that it moves, or their names; None for all that its objectives depend on.
        every: It moves on batches number `every`, 2 · `every` and so on.
        seen: Further tensors that its pass through the graph computes, to be measured.
    """

    def __init__(
        self,
        whole: Any,
        name: str = "",
        minimize: Any = None,
        losses: Any = None,
        loss_weights: Any = None,
        trains: Any = None,
        every: int = 1,
        seen: Any = (),
    ) -> None:
        self.name = name
        self.minimize = minimize or {}
        self.losses = losses or {}
        self.loss_weights = loss_weights or {}
        self.every = every
        self.optimizer: Any = None
        tensors = tensors_of(whole)
        wanted = [*self.minimize, *self.losses]
        self.layers = inner_layers(keras.Model(whole.input, {name: tensors[name] for name in wanted}))
        # Its own pass through the graph computes what it needs, and nothing else.
        self.model = keras.Model(whole.input, {name: tensors[name] for name in dict.fromkeys([*wanted, *seen])})
        named = whole.layers if trains is None else [layer_of(whole, layer) for layer in trains]
        moved = {id(layer) for layer_or_model in named for layer in inner_layers(layer_or_model)}
        self.trained = [layer for layer in self.layers if id(layer) in moved]
        self.kept: list = []
        self.followers: Any = None

    @property
    def total(self):
        """Name of the sum of all that it minimises."""
        return f"{self.name}_loss" if self.name else "loss"

    @property
    def variables(self):
        """The weights that it moves, each once."""
        weights = [weight for layer in self.trained for weight in layer.trainable_variables]
        return list({id(weight): weight for weight in weights}.values())

    def keep(self, others, averages=None):
        """Finds what a pass through the graph changes of layers that it does not train: that is put back.

        Statistics and spectral norms of any such layer; draws of those that one of `others` trains: they are its own.
        The `averages` of what it trains follow its steps.
        """
        variables: dict = {}
        averaged: set = set()
        if averages is not None:
            self.followers = averages.of(self.trained)
            variables |= {id(weight): weight for weight in averages.statistics}
            averaged |= {id(own) for average in averages.all for own, _ in average.layers}
        theirs = {id(layer) for other in others for layer in other.trained}
        mine = {id(layer) for layer in self.trained}
        for layer in inner_layers(self.model):
            if id(layer) in mine or id(layer) in averaged:
                continue
            weights = layer.weights if layer.non_trainable_weights else []
            draws = set(map(id, layer.variables)) - set(map(id, layer.weights)) if id(layer) in theirs else set()
            variables |= {id(weight): weight for weight in weights}
            variables |= {id(variable): variable for variable in layer.variables if id(variable) in draws}
        self.kept = list(variables.values())

    def objective(self, means, penalties):
        """The number that it minimises, of the means of its tensors and losses."""
        parts = [ops.multiply(weight, means[name]) for name, weight in self.minimize.items()]
        parts += [ops.multiply(self.loss_weights.get(name, 1.0), means[f"{name}_loss"]) for name in self.losses]
        return sum([*parts, *penalties])

    def penalties(self):
        """Losses that layers add to its objective: those that it trains, and those without weights."""
        mine = {id(layer) for layer in self.trained}
        adding = [layer for layer in self.layers if id(layer) in mine or not layer.weights]
        return [ops.sum(ops.cast(loss, "float32")) for layer in adding for loss in layer.losses]


class Learning(keras.Model):
    """A graph in which several learners take turns on each batch.

    Each turn is a pass through the graph of its own, after the steps of the learners before, and changes nothing of
    what its learner does not train.

    Args:
        whole: A functional model that gives a dict by name.
        learners: In the order of their turns.
        metrics: For outputs that are compared with targets, their metrics by the names of measures.
        means: Names of measures of tensors that are compared with nothing, each with the tensor and its metric.
        averages: What :func:`dlspec.standalone.averages.averages_of` finds in the graph.
    """

    def __init__(
        self,
        whole: Any,
        learners: Any,
        metrics: Any = None,
        means: Any = None,
        name: Any = None,
        averages: Any = None,
    ) -> None:
        super().__init__(name=name)
        self.whole = whole
        self.learners = learners
        self.compared = metrics or {}
        self.means = means or {}
        self.batches = Counter()
        for learner in learners:
            learner.keep([other for other in learners if other is not learner], averages)
        tensors, outputs = tensors_of(whole), [output for learner in learners for output in learner.losses]
        wanted = [*(name for learner in learners for name in learner.minimize), *outputs]
        wanted += [tensor for tensor, _ in self.means.values()]
        self.everything = keras.Model(whole.input, {name: tensors[name] for name in dict.fromkeys(wanted)})
        self.outputs_compared = list(dict.fromkeys(outputs))
        self.shown = {learner.total: Mean(learner.total) for learner in learners}
        names = [name for learner in learners for name in learner.minimize]
        names += [f"{output}_loss" for output in self.outputs_compared]
        self.shown |= {name: Mean(name) for name in dict.fromkeys(names)}
        self.built = True

    def compile(self, optimizers, jit_compile="auto"):
        """Gives each learner an optimizer of its own, in the order of the learners, and counts batches anew."""
        self.batches.variable.assign(0)
        for learner, optimizer in zip(self.learners, optimizers, strict=True):
            learner.optimizer = optimizer
            optimizer.build(learner.variables)
        super().compile(optimizer=optimizers[0], jit_compile=jit_compile)
        self.optimizer = Optimizers(self.learners, self.batches.variable)

    def call(self, inputs, training=False):
        """All tensors that are minimised, compared or measured, by name."""
        return self.everything(inputs, training=training)

    # --- training -----------------------------------------------------------------------------------------------

    @property
    def skips(self):
        """Whether some learner lets batches pass."""
        return any(learner.every > 1 for learner in self.learners)

    def train_step(self, data):
        """A turn of each learner whose batch it is."""
        number = self.batches.next()
        for learner in self.learners:
            if learner.every == 1:
                self.turn(learner, data)
            else:
                tf.cond(
                    number % learner.every == 0,
                    lambda current=learner: self.turn(current, data),
                    lambda: tf.constant(True),
                )
        return self.get_metrics_result()

    def turn(self, learner, data, update=None):
        """One step of one learner.

        Args:
            update: Called with whether the objective is finite, the optimizer, and pairs of gradients and variables, in
                place of the optimizer's step.

        Returns:
            Whether its objective is finite.
        """
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        x = self.of_learner(x, learner)
        with unchanged(learner.kept), tf.GradientTape() as tape:
            outputs = learner.model(x, training=True)
            means, counts = self.means_of(learner, outputs, y, weights)
            loss = learner.objective(means, learner.penalties())
            scaled = learner.optimizer.scale_loss(loss)
        variables = learner.variables
        gradients = zip(tape.gradient(scaled, variables), variables, strict=True)
        pairs = [pair for pair in gradients if pair[0] is not None]
        finite = tf.math.is_finite(loss)
        followers = learner.followers if pairs else None
        with nullcontext() if followers is None else followers.following(learner.optimizer):
            if pairs and update is not None:
                update(finite, learner.optimizer, pairs)
            elif pairs:  # all that it trains may be frozen for a while
                learner.optimizer.apply_gradients(pairs)
        shown = {**means, learner.total: loss}, {**counts, learner.total: examples_of(x)}
        self.show(learner, outputs, (y, weights), *shown)
        return finite

    def of_learner(self, x, learner):
        """The inputs of one learner, of a dict by learner where each has draws of its own."""
        several = isinstance(x, dict) and set(x) == {each.name for each in self.learners}
        return x[learner.name] if several else x

    def means_of(self, learner, outputs, y, weights):
        """The mean of each tensor and loss of a learner over a batch, by its name, and how many numbers it is of."""
        means, counts = {}, {}
        in_loss, _, own = weights_of(weights)
        for name in learner.minimize:
            means[name], counts[name] = mean_of(outputs[name], own)
        for name, loss in learner.losses.items():
            target, weight = self.of_output(y, name), self.of_output(in_loss, name)
            means[f"{name}_loss"] = ops.cast(loss(target, outputs[name], sample_weight=weight), "float32")
            counts[f"{name}_loss"] = compared(loss, target, outputs[name])
        return means, counts

    def of_output(self, values, output):
        """Targets or weights of one output: from a dict by name, or those of the only output."""
        if isinstance(values, dict):
            return values.get(output)
        return values if self.outputs_compared == [output] else None

    def first(self, name):
        """The learner in whose turn a tensor, or the loss of an output, is measured."""
        first = [
            learner
            for learner in self.learners
            if name in learner.minimize or name in [f"{loss}_loss" for loss in learner.losses]
        ]
        return first[0]

    def show(self, learner, outputs, compared_with, values, counts):
        """Takes the measures of a turn; `compared_with` are targets and weights."""
        y, weights = compared_with
        _, in_metrics, own = weights_of(weights)
        for name, value in values.items():
            if name == learner.total or self.first(name) is learner:
                self.shown[name].update_state(value, sample_weight=counts[name])
        for output, metrics in self.compared.items():
            if output in learner.losses and self.first(f"{output}_loss") is learner:
                for metric in metrics.values():
                    weighed = {} if in_metrics is None else {"sample_weight": in_metrics[output]}
                    metric.update_state(self.of_output(y, output), outputs[output], **weighed)
        for tensor, metric in self.means.values():
            if self.seeing(tensor) is learner:
                mean, count = mean_of(outputs[tensor], own, shares=True)
                metric.update_state(mean, sample_weight=count)

    def seeing(self, tensor):
        """The first learner whose turn computes a tensor that is only measured."""
        return next(learner for learner in self.learners if tensor in learner.model.output)

    def test_step(self, data):
        """All measures of a batch, with nothing changed."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(x, training=False)
        for learner in self.learners:
            means, counts = self.means_of(learner, outputs, y, weights)
            values = {**means, learner.total: learner.objective(means, learner.penalties())}
            self.show(learner, outputs, (y, weights), values, {**counts, learner.total: examples_of(x)})
        return self.get_metrics_result()

    @property
    def measures(self):
        """Metrics by the names of their measures."""
        compared = {name: metric for metrics in self.compared.values() for name, metric in metrics.items()}
        return {**self.shown, **compared, **{name: metric for name, (_, metric) in self.means.items()}}

    @property
    def metrics(self):
        return list(self.measures.values())

    def get_metrics_result(self):
        return {name: metric.result() for name, metric in self.measures.items()}


class Optimizers:
    """The optimizers of all learners as one, in what concerns them all.

    Args:
        learners: Each with its own.
        counted: The variable that counts batches.
    """

    built = True

    def __init__(self, learners: Any, counted: Any) -> None:
        self.learners = learners
        self.counted = counted

    @property
    def variables(self):
        """Those of all, and the count of batches."""
        return [*(variable for learner in self.learners for variable in learner.optimizer.variables), self.counted]

    def finalize_variable_values(self, _):
        """Puts moving averages into the weights that each moves, where it keeps some."""
        for learner in self.learners:
            learner.optimizer.finalize_variable_values(learner.variables)


class Mean(keras.metrics.Mean):
    """A mean that is not a number where there is nothing yet."""

    def result(self):
        return self.total / self.count


class Counter:
    """Counts batches; no weight of the model."""

    def __init__(self):
        self.variable = keras.Variable(0, trainable=False, dtype="int64", name="batches")

    def next(self):
        """The number of this batch, from 1."""
        self.variable.assign_add(1)
        return self.variable.value


def mean_of(values, weights=None, shares=False):
    """The mean of all elements of a tensor that no mask leaves out, and how many there are.

    Args:
        weights: How much each example counts; None where all count alike. The mean is Σ w·v / n then.
        shares: Whether the mean is Σ w·v / Σ w in place of it, and the number of elements Σ w.
    """
    mask = values._keras_mask if hasattr(values, "_keras_mask") else None
    values = ops.cast(values, "float32")
    size = ops.cast(ops.size(values), "float32")
    if mask is None and weights is None:
        return ops.sum(values) / size, size
    counted = ops.ones_like(values) if mask is None else ops.cast(over_elements(mask, values), "float32")
    weight = 1.0 if weights is None else ops.reshape(weights, (-1, *[1] * (len(values.shape) - 1)))
    count = ops.maximum(ops.sum(counted * weight), 1e-7) if shares else ops.maximum(ops.sum(counted), 1.0)
    return ops.sum(ops.where(counted > 0, values * weight, 0.0)) / count, count


def over_elements(mask, values):
    """A mask of all elements of a tensor, from one of fewer axes."""
    mask = ops.reshape(mask, [*ops.shape(mask), *[1] * (len(values.shape) - len(mask.shape))])
    return ops.broadcast_to(mask, ops.shape(values))


def weights_of(weights):
    """The weights of a batch by output in losses and in metrics, and that of each example.

    The latter two are None where examples count alike; else batches hold the first two, and the third in the second.
    """
    if isinstance(weights, tuple):
        return *weights, weights[1][""]
    return weights, None, None


def examples_of(inputs):
    """How many examples a batch of inputs has."""
    return ops.shape(keras.tree.flatten(inputs)[0])[0]


def compared(loss, target, output):
    """How many examples of a batch a loss compares: all, but for the labels that it leaves out."""
    if isinstance(loss, keras.losses.SparseCategoricalCrossentropy) and loss.ignore_class is not None:
        return ops.sum(ops.cast(target != loss.ignore_class, "float32"))
    return ops.shape(output)[0]


def tensors_of(whole):
    """Outputs of a functional model by name."""
    if isinstance(whole.output, dict):
        return whole.output
    return dict(zip(whole.output_names, keras.tree.flatten(whole.output), strict=True))


def layer_of(whole, layer):
    """A layer, which may be named."""
    return whole.get_layer(layer) if isinstance(layer, str) else layer


@contextmanager
def unchanged(variables):
    """Puts back what changes of some variables meanwhile."""
    before = [tf.identity(variable.value) for variable in variables]
    yield
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)


def inner_layers(layer):
    """The layers of a model and of the models inside, each once; a layer that is no model stands for itself."""
    layers: dict = {}
    for part in layer.layers if isinstance(layer, keras.Model) else []:
        layers |= {id(inner): inner for inner in inner_layers(part)}
    return list(layers.values()) if isinstance(layer, keras.Model) else [layer]
