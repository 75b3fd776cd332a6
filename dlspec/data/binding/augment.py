"""Random changes of training examples, as a function of the seed, the epoch and the examples of the batch alone.

Keras's random layers count their calls, so that a resumed run would see other images than an uninterrupted one. Here
each batch gives them a seed of its own instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlspec.backends.keras.internals import flatten_layers
from dlspec.components.layers.base import Layer
from dlspec.components.layers.image import ImageLayer
from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.targets import CLASSES, Output
from dlspec.graph.lower.infer import call_layer


@dataclass(frozen=True, slots=True)
class Step:
    """One layer, the input that it changes, and the targets that change with it.

    Attributes:
        masks: Names of outputs whose targets are masks of the images.
        labels: Names of outputs whose targets are mixed as the images are.
    """

    layer: Layer
    input: str
    masks: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def steps(data: Data, inputs: Sequence[Input], outputs: Sequence[Output], findings: Findings) -> list[Step]:
    """Steps of the section `augment`; mistakes go to `findings` (E616 and the layers' own codes)."""
    planned: list[Step] = []
    for input_ in inputs:
        feature = data.features.get(input_.written)
        for position, layer in enumerate(feature.augment if feature is not None else ()):
            with findings.at("data", "inputs", input_.written, "augment", position):
                call_layer(layer, [input_.tensor], {})
                planned.append(_step(layer, input_, outputs))
    for position, layer in enumerate(data.augment):
        with findings.at("data", "augment", position):
            planned.append(_step(layer, _only(layer, inputs), outputs))
    return planned


def steps_of_phases(
    method: Method | None, inputs: Sequence[Input], outputs: Sequence[Output], findings: Findings
) -> dict[str, tuple[Step, ...]]:
    """Steps of the `augment` of each phase, in the order of phases."""
    planned: dict[str, tuple[Step, ...]] = {}
    for phase, layers in method.augmented.items() if method is not None else ():
        planned[phase] = ()
        for position, layer in enumerate(layers):
            with findings.at("train", "phases", phase, "augment", position):
                planned[phase] += (_step(layer, _only(layer, inputs), outputs),)
    return planned


def _only(layer: Layer, inputs: Sequence[Input]) -> Input:
    """The one input that a layer suits.

    Raises:
        Problem: E616, there is none, or more than one.
    """
    suited = [input_ for input_ in inputs if _suits(layer, input_.tensor)]
    if len(suited) > 1:
        names = ", ".join(f"`{input_.name}`" for input_ in suited)
        raise Problem("E616", f"`{layer.name}` could change {names}", "write `augment` at the input that is meant")
    if not suited and len(inputs) == 1:
        call_layer(layer, [inputs[0].tensor], {})  # says why not
    if not suited:
        kinds = ", ".join(f"`{input_.name}` {input_.tensor}" for input_ in inputs)
        raise Problem("E616", f"`{layer.name}` suits no input: {kinds}", "leave it out")
    return suited[0]


def _suits(layer: Layer, tensor: Tensor) -> bool:
    if isinstance(layer, ImageLayer) and tensor.rank != 3:
        return False
    try:
        call_layer(layer, [tensor], {})
    except Problem:
        return False
    return tensor.shape != (1,)


def _step(layer: Layer, input_: Input, outputs: Sequence[Output]) -> Step:
    if not isinstance(layer, ImageLayer):
        return Step(layer, input_.name)
    masks = tuple(output.name for output in outputs if _is_mask(output.tensor, input_.tensor))
    if not layer.mixes_labels:
        return Step(layer, input_.name, masks)
    for output in outputs:
        if output.encoding == CLASSES or output.tensor.rank > 1 or output.name in masks:
            message = f"`{layer.name}` mixes targets, and those of `{output.target}` cannot be mixed"
            help = "use `categorical_crossentropy`, for which classes are one-hot rows"
            raise Problem("E616", message, help if output.encoding == CLASSES else "leave it out")
    return Step(layer, input_.name, labels=tuple(output.name for output in outputs))


def _is_mask(target: Tensor, image: Tensor) -> bool:
    return target.rank >= 2 and target.shape[:2] == image.shape[:2]


Transform = Callable[[Any, Any, Any], Any]


def transform(planned: Sequence[Step], outputs: Mapping[str, Output], seed: int) -> Transform:
    """A function that changes a batch ``(inputs, targets)``: see :class:`dlspec.data.feeding.feed.Feed`."""
    layers = [_stateless(step.layer) for step in planned]

    def change(batch: Any, epoch: Any, numbers: Any) -> Any:
        import tensorflow as tf

        inputs, targets = dict(batch[0]), dict(batch[1])
        base = tf.constant([seed & 0x7FFFFFFF, seed >> 31 & 0x7FFFFFFF], tf.int32)
        for entropy in (epoch, numbers[0]):  # the first example of a batch tells it from the others of its epoch
            base = tf.random.experimental.stateless_fold_in(base, tf.cast(entropy, tf.int32))
        for index, (step, (layer, seeds)) in enumerate(zip(planned, layers, strict=True)):
            seeds.begin(tf.random.experimental.stateless_fold_in(base, index))
            _apply(step, layer, inputs, targets, outputs)
        return (inputs, targets, *batch[2:])

    return change


def _apply(step: Step, layer: Any, inputs: Any, targets: Any, outputs: Mapping[str, Output]) -> None:
    """Changes one input of a batch, with the targets that go with it."""
    import tensorflow as tf

    value = inputs[step.input]
    if value.dtype == tf.uint8:
        value = tf.cast(value, tf.float32)
    if not (step.masks or step.labels):
        inputs[step.input] = layer(value, training=True)
        return
    # One dictionary takes one kind of targets: stacked along the last axis they are changed alike.
    names = step.masks or step.labels
    kind = "segmentation_masks" if step.masks else "labels"
    rank = 4 if step.masks else 2
    parts = [_with_rank(tf.cast(targets[name], tf.float32), rank) for name in names]
    changed = layer({"images": value, kind: tf.concat(parts, axis=-1)}, training=True)
    inputs[step.input] = changed["images"]
    sizes = [part.shape[-1] for part in parts]
    for name, part in zip(names, tf.split(changed[kind], sizes, axis=-1), strict=True):
        before = targets[name]
        part = tf.reshape(part, tf.shape(before))
        targets[name] = tf.cast(tf.round(part), before.dtype) if before.dtype.is_integer else part


def _with_rank(value: Any, rank: int) -> Any:
    return value[..., None] if len(value.shape) < rank else value


def _stateless(layer: Layer) -> tuple[Any, Any]:
    """A Keras layer whose random numbers follow from the seed that it is given before each call."""
    import keras
    import tensorflow as tf

    class Seeds(keras.random.SeedGenerator):  # type: ignore[misc]
        """Gives a number of seeds for a batch instead of counting over all batches."""

        def __init__(self) -> None:
            """Has no variable."""

        def begin(self, base: Any) -> None:
            self.base, self.calls = base, 0

        def next(self, ordered: bool = True) -> Any:
            self.calls += 1
            return tf.random.experimental.stateless_fold_in(self.base, self.calls)

    made, seeds = layer.make(), Seeds()
    for inner in flatten_layers(made):
        for name in ("generator", "seed_generator"):
            if name in vars(inner):
                object.__setattr__(inner, name, seeds)  # past Keras's tracking: it is no state of the layer
    return made, seeds
