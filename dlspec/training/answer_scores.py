"""The score of an answer, and how it changes with what enters: gradients, Grad-CAM, words left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.internals import calls_in_order, calls_of, origin_of
from dlspec.backends.keras.structure import like_inputs, outputs_by_name
from dlspec.core.errors import Problem
from dlspec.training.unactivated import unactivated
from dlspec.views.pages.comparing import as_array

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Axes of the kernel of a convolution over both sides of a picture, and of what it gives, the batch included.
_KERNEL, _MAPS = 4, 4
# Words of a text that are left out one after another, and texts that are asked at a time.
_WORDS, _SIZE = 200, 256


class AnswerScores:
    """The score of an answer before the last softmax or sigmoid; where neither is there, what the output gives.

    Args:
        core: A functional Keras model that takes prepared inputs.
        names: Names of its outputs in its order.
        output: The one whose answers are looked at.
        layer: For Grad-CAM; unless given, the last step before the output with a kernel over both sides of a picture.

    Attributes:
        layer: The name of that step; None where there is none.
        raw: Whether a softmax or sigmoid was left out.
    """

    def __init__(self, core: Any, names: Sequence[str], output: str, layer: str | None = None) -> None:
        import keras

        tensor = outputs_by_name(core.output, names)[output]
        last = origin_of(tensor).operation
        self._heads = [last] if hasattr(last, "activation") and last.activation in _logistic() else []
        self.raw = bool(self._heads)
        if isinstance(last, keras.layers.Softmax):
            (tensor,), self.raw = calls_of(last)[-1].input_tensors, True
        step = keras.Model(core.input, tensor)
        maps = _maps(step, layer) if layer is not None else _last_convolution(step)
        self.layer = None if maps is None else origin_of(maps).operation.name
        given = {"scores": tensor} if maps is None else {"scores": tensor, "maps": maps}
        self._model = keras.Model(core.input, given)

    def of(self, inputs: Mapping[str, Any], answers: Array) -> Array:
        """The score of each answer, [examples].

        Args:
            inputs: Prepared, by name.
            answers: Class numbers; of an output of one number 1, or 0 for a no.
        """
        return as_array(self._scores(inputs, answers)[0]).astype("float64")

    def _scores(self, inputs: Mapping[str, Any], answers: Array) -> tuple[Any, Any]:
        """The same as a tensor, and the maps of the layer."""
        import tensorflow as tf

        with unactivated(self._heads):
            given = self._model(like_inputs(self._model, inputs), training=False)
        scores = tf.reshape(tf.cast(given["scores"], tf.float32), (len(answers), -1))
        if scores.shape[1] == 1:
            return scores[:, 0] * tf.constant(2.0 * answers - 1, tf.float32), given.get("maps")
        return tf.gather(scores, tf.constant(answers), axis=1, batch_dims=1), given.get("maps")

    def pixels(self, inputs: Mapping[str, Any], answers: Array, picture: str) -> tuple[Array, Array | None]:
        """How much each pixel changes the score, and where Grad-CAM looks.

        The first is the greatest |derivative of the score| of the channels of a pixel (Simonyan et al. 2014). The
        second is what a layer gives, each channel times the mean derivative of the score by it, summed, where above 0
        (Selvaraju et al. 2017).

        Returns:
            Shapes [examples, height, width], and [examples, height, width] of the layer; None without one.
        """
        import tensorflow as tf

        entering = {name: tf.convert_to_tensor(values) for name, values in inputs.items()}
        with tf.GradientTape() as tape:
            tape.watch(entering[picture])
            scores, maps = self._scores(entering, answers)
        by_pixel, by_map = tape.gradient(scores, [entering[picture], entering[picture] if maps is None else maps])
        pixels = tf.abs(tf.zeros_like(entering[picture]) if by_pixel is None else by_pixel)
        pixels = pixels if len(pixels.shape) == 3 else tf.reduce_max(pixels, axis=-1)
        if maps is None or by_map is None:
            return as_array(pixels), None
        channels = tf.reduce_mean(by_map, axis=(1, 2), keepdims=True)
        return as_array(pixels), as_array(tf.nn.relu(tf.reduce_sum(channels * maps, axis=-1)))


def words_of(
    text: str, answer: int, scores: Callable[[list[str], Array], Array]
) -> tuple[float, list[tuple[str, float]]]:
    """The score of the answer to a text, and of each word by how much the score falls without it.

    Args:
        text: Of which at most 200 words are left out one after another (Zeiler and Fergus 2014 do so with patches).
        answer: Its class number.
        scores: Gives the score of an answer for each of several texts.
    """
    import numpy as np

    words = list(re.finditer(r"\S+", text))[:_WORDS]
    asked = [text, *(text[: word.start()] + text[word.end() :] for word in words)]
    parts = [asked[start : start + _SIZE] for start in range(0, len(asked), _SIZE)]
    result = np.concatenate([scores(part, np.full(len(part), answer)) for part in parts])
    return float(result[0]), [
        (word[0], float(result[0] - score)) for word, score in zip(words, result[1:], strict=True)
    ]


def _logistic() -> tuple[Any, ...]:
    import keras

    return keras.activations.softmax, keras.activations.sigmoid


def _last_convolution(step: Any) -> Any:
    """What the last call gives that has a kernel over both sides of a picture; None without one."""
    result = None
    for call in calls_in_order(step):
        weights = call.operation.weights if hasattr(call.operation, "weights") else []
        if any(len(weight.shape) == _KERNEL for weight in weights):
            result = next((tensor for tensor in call.output_tensors if len(tensor.shape) == _MAPS), result)
    return result


def _maps(step: Any, name: str) -> Any:
    """What the layer of a name gives on the way to the output.

    Raises:
        Problem: E530, it is not on the way.
    """
    result = None
    for call in calls_in_order(step):
        if call.operation.name == name:
            result = call.output_tensors[0]
    if result is None:
        raise Problem("E530", f"`{name}` is not on the way to the output", "name another layer", "layer")
    return result
